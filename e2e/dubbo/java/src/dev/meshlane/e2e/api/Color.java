package dev.meshlane.e2e.api;

/** One constant has a body, and so a class of its own. */
public enum Color {
    RED,
    GREEN,
    BLUE {
        @Override
        public String toString() {
            return "blue!";
        }
    }
}
