package dev.meshlane.e2e.api;

/** What a provider calls back. */
public interface Listener {
    void changed(String message);

    String ask(String question, int number);
}
