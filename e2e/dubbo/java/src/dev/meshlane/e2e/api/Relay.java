package dev.meshlane.e2e.api;

/** A service in a chain of services. */
public interface Relay {
    /** Calls the rest of the chain; the answer tells who was reached. */
    String pass(String question);
}
