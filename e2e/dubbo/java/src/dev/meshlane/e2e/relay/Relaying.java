package dev.meshlane.e2e.relay;

import com.google.gson.Gson;
import com.sun.net.httpserver.HttpServer;
import dev.meshlane.e2e.api.Relay;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.rpc.RpcContext;

/**
 * A service in a chain. It is called by HTTP or Dubbo, calls the next one by HTTP or Dubbo, and answers {@code name>answer of the next}.
 * Of what it is called with it forwards nothing but the headers, or attachments, that its {@link Plan} names.
 *
 * <p>The line {@code {"ready": PORT}} tells where it serves. Each line of its standard input is the next service from then on: an
 * {@code http://} or {@code dubbo://} URL. It ends with its standard input, unless nobody is there to write to it.
 */
public final class Relaying implements Relay {
    private static final int AT_ONCE = 1_000;

    private final Plan plan;
    private final ApplicationConfig application;
    private volatile Next next;

    private Relaying(Plan plan) {
        this.plan = plan;
        application = new ApplicationConfig(plan.name);
        application.setQosEnable(false);
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = System.out;
        // Whatever else is printed belongs to the log.
        System.setOut(System.err);
        Relaying relaying = new Relaying(new Gson().fromJson(arguments[0], Plan.class));
        if (relaying.plan.next != null) {
            awaitListener(relaying.plan.next);
            relaying.next = relaying.nextAt(relaying.plan.next);
        }
        int port = "http".equals(relaying.plan.serves) ? relaying.serveHttp() : relaying.serveDubbo();
        out.println("{\"ready\":" + port + "}");
        out.flush();
        if (relaying.plan.isAlone) {
            new CountDownLatch(1).await();
        }
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            relaying.next = relaying.nextAt(line);
            out.println("{\"next\":true}");
            out.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    /** A call by Dubbo. */
    @Override
    public String pass(String question) {
        Map<String, String> forwarded = new LinkedHashMap<String, String>();
        for (String name : plan.forwards) {
            forward(name, RpcContext.getContext().getAttachment(name), forwarded);
        }
        try {
            return answer(question, forwarded);
        } catch (Exception error) {
            throw new IllegalStateException(plan.name + ": " + error);
        }
    }

    private int serveHttp() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getByName(plan.host), plan.port), AT_ONCE);
        server.setExecutor(Executors.newFixedThreadPool(AT_ONCE));
        server.createContext("/", exchange -> {
            Map<String, String> forwarded = new LinkedHashMap<String, String>();
            for (String name : plan.forwards) {
                forward(name, exchange.getRequestHeaders().getFirst(name), forwarded);
            }
            int status = 200;
            String answer;
            try {
                answer = answer("?", forwarded);
            } catch (Exception error) {
                status = 500;
                answer = plan.name + ": " + error;
            }
            byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, bytes.length);
            try (OutputStream body = exchange.getResponseBody()) {
                body.write(bytes);
            }
        });
        server.start();
        return server.getAddress().getPort();
    }

    private int serveDubbo() throws IOException {
        int port = plan.port;
        try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getByName(plan.host))) {
            port = socket.getLocalPort();
        }
        ProtocolConfig protocol = new ProtocolConfig("dubbo", port);
        protocol.setHost(plan.host);
        protocol.setSerialization("hessian2");
        protocol.setThreads(AT_ONCE);
        ServiceConfig<Relay> service = new ServiceConfig<Relay>();
        service.setApplication(application);
        service.setRegistry(new RegistryConfig("N/A"));
        service.setProtocol(protocol);
        service.setInterface(Relay.class);
        service.setRef(this);
        service.export();
        return port;
    }

    private String answer(String question, Map<String, String> forwarded) throws Exception {
        Next next = this.next;
        return next == null ? plan.name : plan.name + ">" + next.call(question, forwarded);
    }

    private static void forward(String name, String value, Map<String, String> forwarded) {
        if (value != null) {
            forwarded.put(name, value);
        }
    }

    /** Calls the next service with these headers or attachments. */
    private interface Next {
        String call(String question, Map<String, String> forwarded) throws Exception;
    }

    /** Waits for the sidecar: a consumer whose first connection is refused takes its provider for gone, now and then, for seconds. */
    private static void awaitListener(String url) throws InterruptedException {
        URI uri = URI.create(url);
        while (true) {
            try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
                return;
            } catch (IOException refused) {
                Thread.sleep(100);
            }
        }
    }

    private Next nextAt(String url) {
        return url.startsWith("http:") ? httpNext(url) : dubboNext(url);
    }

    private static Next httpNext(String url) {
        return (question, forwarded) -> {
            HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection();
            forwarded.forEach(connection::setRequestProperty);
            if (connection.getResponseCode() != 200) {
                String reason = connection.getHeaderField("x-meshlane-reason");
                throw new IOException(connection.getResponseCode() + (reason == null ? "" : " " + reason));
            }
            try (InputStream body = connection.getInputStream()) {
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                byte[] buffer = new byte[4096];
                for (int read = body.read(buffer); read >= 0; read = body.read(buffer)) {
                    bytes.write(buffer, 0, read);
                }
                return new String(bytes.toByteArray(), StandardCharsets.UTF_8);
            }
        };
    }

    private Next dubboNext(String url) {
        ReferenceConfig<Relay> reference = new ReferenceConfig<Relay>();
        reference.setApplication(application);
        reference.setInterface(Relay.class);
        reference.setUrl(url + "/" + Relay.class.getName() + "?serialization=hessian2");
        reference.setCheck(false);
        reference.setTimeout(30_000);
        reference.setRetries(0);
        Relay relay = reference.get();
        return (question, forwarded) -> {
            RpcContext.getContext().clearAttachments();
            forwarded.forEach(RpcContext.getContext()::setAttachment);
            return relay.pass(question);
        };
    }
}
