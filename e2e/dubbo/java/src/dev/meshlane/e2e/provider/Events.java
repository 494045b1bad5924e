package dev.meshlane.e2e.provider;

import java.io.PrintStream;

/** What the provider tells the test: one line of JSON an event, on standard output. */
final class Events {
    private final PrintStream out;

    Events(PrintStream out) {
        this.out = out;
    }

    void ready(String ports) {
        say("{\"ready\":{" + ports + "}}");
    }

    void fired(String message, int number) {
        say("{\"fired\":[\"" + message + "\"," + number + "]}");
    }

    private synchronized void say(String line) {
        out.println(line);
        out.flush();
    }
}
