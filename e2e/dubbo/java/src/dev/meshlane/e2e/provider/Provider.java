package dev.meshlane.e2e.provider;

import com.google.gson.Gson;
import dev.meshlane.e2e.api.RichService;
import dev.meshlane.e2e.api.StockService;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ArgumentConfig;
import org.apache.dubbo.config.MethodConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap; // since 2.7

/**
 * Serves what its only argument says, a {@link Plan} in JSON. The line {@code {"ready": {"hessian2": PORT}}} tells the ports.
 * It ends gracefully on SIGTERM, and at once when its standard input ends.
 */
public final class Provider {
    private static final int PAYLOAD = 32 * 1024 * 1024;

    private final Plan plan;
    private final Events events;

    private Provider(Plan plan, Events events) {
        this.plan = plan;
        this.events = events;
    }

    public static void main(String[] arguments) throws Exception {
        Plan plan = new Gson().fromJson(arguments[0], Plan.class);
        Events events = new Events(System.out);
        // Whatever else is printed belongs to the log.
        System.setOut(System.err);
        new Provider(plan, events).start();
        while (System.in.read() >= 0) {
            // Only the end matters.
        }
        Runtime.getRuntime().halt(0);
    }

    private void start() throws IOException {
        ApplicationConfig application = new ApplicationConfig(plan.application);
        application.setQosEnable(false);
        RegistryConfig registry = new RegistryConfig(plan.registry == null ? "N/A" : plan.registry);
        List<ProtocolConfig> protocols = new ArrayList<ProtocolConfig>();
        StringBuilder ports = new StringBuilder();
        for (Plan.Endpoint endpoint : plan.endpoints) {
            ProtocolConfig protocol = protocol(endpoint);
            protocols.add(protocol);
            ports.append(ports.length() == 0 ? "" : ",");
            ports.append('"').append(endpoint.serialization).append("\":").append(protocol.getPort());
        }
        List<ServiceConfig<Object>> services = new ArrayList<ServiceConfig<Object>>();
        for (Plan.Service each : plan.services) {
            ServiceConfig<Object> service = service(each);
            service.setApplication(application);
            service.setRegistry(registry);
            service.setProtocols(protocols);
            services.add(service);
        }
        if (plan.registry == null) {
            services.forEach(ServiceConfig::export);
        } else {
            // An application is registered as one only when the whole of it starts, with its services known before.
            DubboBootstrap bootstrap = DubboBootstrap.getInstance(); // since 2.7
            bootstrap.application(application).registry(registry).protocols(protocols); // since 2.7
            services.forEach(bootstrap::service); // since 2.7
            bootstrap.start(); // since 2.7
        }
        events.ready(ports.toString());
    }

    private ProtocolConfig protocol(Plan.Endpoint endpoint) throws IOException {
        ProtocolConfig protocol = new ProtocolConfig("dubbo", endpoint.port == 0 ? freePort() : endpoint.port);
        protocol.setId("dubbo-" + endpoint.serialization);
        protocol.setHost(plan.host);
        protocol.setSerialization(endpoint.serialization);
        protocol.setThreads(plan.threads);
        protocol.setPayload(PAYLOAD);
        return protocol;
    }

    private ServiceConfig<Object> service(Plan.Service asked) {
        ServiceConfig<Object> service = new ServiceConfig<Object>();
        service.setGroup(asked.group);
        service.setVersion(asked.version);
        switch (asked.name) {
            case "RichService":
                service.setInterface(RichService.class);
                service.setRef(new RichServiceImplementation(plan.name, events));
                service.setMethods(Arrays.asList(callbacks()));
                break;
            case "StockService":
                service.setInterface(StockService.class);
                service.setRef(new StockServiceImplementation(plan.name));
                break;
            default:
                throw new IllegalArgumentException("no service " + asked.name);
        }
        return service;
    }

    /** The method whose second argument is called back. */
    private static MethodConfig callbacks() {
        ArgumentConfig argument = new ArgumentConfig();
        argument.setIndex(1);
        argument.setCallback(true);
        MethodConfig method = new MethodConfig();
        method.setName("subscribe");
        method.setArguments(Arrays.asList(argument));
        return method;
    }

    private int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(plan.host))) {
            return socket.getLocalPort();
        }
    }
}
