package dev.meshlane.e2e.api;

/** A subclass that can refer to itself. */
public class Employee extends Person {
    private static final long serialVersionUID = 1L;

    public String company;
    public long salary;
    public Employee boss;
}
