package dev.meshlane.e2e.provider;

import java.util.List;

/**
 * What a provider serves:
 *
 * <pre>
 * {"name": "v1", "threads": 100, "application": "shop-provider", "host": "shop.test",
 *  "endpoints": [{"serialization": "hessian2", "port": 0}],
 *  "services": [{"name": "RichService", "group": "blue", "version": "1.0.0"}, {"name": "StockService"}],
 *  "registry": "zookeeper://shop.test:2181"}
 * </pre>
 */
final class Plan {
    /** Answers start with it. */
    String name;

    /** How many calls are worked on at a time. */
    int threads;

    /** The name of the application. */
    String application;

    /** Where it listens, and what it tells the registry. */
    String host;

    /** Each serves all services. */
    List<Endpoint> endpoints;

    List<Service> services;

    /**
     * Where it is registered, if anywhere: each service, the application as one, or both, as the property
     * {@code dubbo.application.register-mode} says.
     */
    String registry;

    static final class Endpoint {
        String serialization;

        /** 0 for any that is free. */
        int port;
    }

    static final class Service {
        /** Of its interface, without the package. */
        String name;

        String group;
        String version;
    }
}
