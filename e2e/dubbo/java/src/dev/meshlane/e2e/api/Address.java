package dev.meshlane.e2e.api;

import java.io.Serializable;

/** Where somebody lives. */
public class Address implements Serializable {
    private static final long serialVersionUID = 1L;

    public String city;
    public String street;
    public Integer zip;

    public Address() {}

    public Address(String city, String street, Integer zip) {
        this.city = city;
        this.street = street;
        this.zip = zip;
    }
}
