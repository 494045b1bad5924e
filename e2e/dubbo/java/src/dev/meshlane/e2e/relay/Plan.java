package dev.meshlane.e2e.relay;

import java.util.List;

/**
 * What a service of a chain is: {@code {"name": "web-gray", "serves": "http", "host": "shop.test", "port": 0,
 * "forwards": ["traceparent"]}}.
 */
final class Plan {
    /** Answers start with it. */
    String name;

    /** {@code http} or {@code dubbo}. */
    String serves;

    /** Where it listens. */
    String host;

    /** 0 for any that is free. */
    int port;

    /** The headers, or attachments, that go on to the next service. */
    List<String> forwards;

    /** The next service from the start, if there is one; it is waited for. */
    String next;

    /** Whether standard input says nothing, as in a container. */
    boolean isAlone;
}
