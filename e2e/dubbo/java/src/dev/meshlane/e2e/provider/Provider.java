package dev.meshlane.e2e.provider;

import dev.meshlane.e2e.api.RichService;
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

/**
 * Serves {@link RichService} on a port of the loopback interface for each serialization, plain, as group {@code blue} version
 * 1.0.0, and as version 2.1.0.
 *
 * <pre>Provider NAME THREADS SERIALIZATION[:PORT]…</pre>
 *
 * It ends gracefully on SIGTERM, and at once when its standard input ends.
 */
public final class Provider {
    /** Dubbo replaces 127.0.0.1 by another address of the machine; this name stands for it in the hosts file. */
    private static final String HOST = "shop.test";

    private static final int PAYLOAD = 32 * 1024 * 1024;

    private static final String[][] GROUPS_AND_VERSIONS = {{null, null}, {"blue", "1.0.0"}, {null, "2.1.0"}};

    private Provider() {}

    public static void main(String[] arguments) throws Exception {
        String who = arguments[0];
        int threads = Integer.parseInt(arguments[1]);
        List<ProtocolConfig> protocols = new ArrayList<ProtocolConfig>();
        StringBuilder ports = new StringBuilder();
        for (String endpoint : Arrays.asList(arguments).subList(2, arguments.length)) {
            ProtocolConfig protocol = protocol(endpoint, threads);
            protocols.add(protocol);
            ports.append(ports.length() == 0 ? "" : ",");
            ports.append('"').append(protocol.getSerialization()).append("\":").append(protocol.getPort());
        }
        Events events = new Events(System.out);
        // Whatever else is printed belongs to the log.
        System.setOut(System.err);
        ApplicationConfig application = new ApplicationConfig("shop-provider");
        application.setQosEnable(false);
        for (String[] groupAndVersion : GROUPS_AND_VERSIONS) {
            ServiceConfig<RichService> service = new ServiceConfig<RichService>();
            service.setApplication(application);
            service.setRegistry(new RegistryConfig("N/A"));
            service.setProtocols(protocols);
            service.setInterface(RichService.class);
            service.setRef(new RichServiceImplementation(who, events));
            service.setMethods(Arrays.asList(callbacks()));
            service.setGroup(groupAndVersion[0]);
            service.setVersion(groupAndVersion[1]);
            service.export();
        }
        events.ready(ports.toString());
        while (System.in.read() >= 0) {
            // Only the end matters.
        }
        Runtime.getRuntime().halt(0);
    }

    private static ProtocolConfig protocol(String endpoint, int threads) throws IOException {
        String[] parts = endpoint.split(":");
        ProtocolConfig protocol = new ProtocolConfig("dubbo", parts.length > 1 ? Integer.parseInt(parts[1]) : freePort());
        protocol.setId("dubbo-" + parts[0]);
        protocol.setHost(HOST);
        protocol.setSerialization(parts[0]);
        protocol.setThreads(threads);
        protocol.setPayload(PAYLOAD);
        return protocol;
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

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
