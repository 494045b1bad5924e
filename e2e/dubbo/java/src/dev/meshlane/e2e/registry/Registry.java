package dev.meshlane.e2e.registry;

import java.io.File;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import org.apache.zookeeper.server.ServerConfig;
import org.apache.zookeeper.server.ZooKeeperServerMain;

/**
 * A ZooKeeper of one server.
 *
 * <pre>Registry HOST PORT DIRECTORY</pre>
 *
 * A port of 0 is chosen freely; the line {@code {"ready": PORT}} tells it when clients are answered. It ends at once when
 * its standard input ends.
 */
public final class Registry {
    /** Milliseconds. A session lasts for 2 to 20 ticks: providers that were killed are soon forgotten. */
    private static final int TICK = 500;

    private Registry() {}

    public static void main(String[] arguments) throws Exception {
        InetSocketAddress address = new InetSocketAddress(arguments[0], Integer.parseInt(arguments[1]));
        Server server = new Server(System.out);
        // Whatever else is printed belongs to the log.
        System.setOut(System.err);
        Thread thread = new Thread(() -> server.run(new Configuration(address, new File(arguments[2]))), "server");
        thread.setDaemon(true);
        thread.start();
        while (System.in.read() >= 0) {
            // Only the end matters.
        }
        Runtime.getRuntime().halt(0);
    }

    private static final class Server extends ZooKeeperServerMain {
        private final PrintStream out;

        Server(PrintStream out) {
            this.out = out;
        }

        void run(ServerConfig configuration) {
            try {
                runFromConfig(configuration);
            } catch (Exception error) {
                error.printStackTrace();
            }
            Runtime.getRuntime().halt(1);
        }

        @Override
        protected void serverStarted() {
            out.println("{\"ready\":" + getClientPort() + "}");
            out.flush();
        }
    }

    private static final class Configuration extends ServerConfig {
        Configuration(InetSocketAddress address, File directory) {
            clientPortAddress = address;
            dataDir = directory;
            dataLogDir = directory;
            tickTime = TICK;
            maxClientCnxns = 0;
        }
    }
}
