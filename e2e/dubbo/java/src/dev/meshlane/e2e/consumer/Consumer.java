package dev.meshlane.e2e.consumer;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.RpcException;

/**
 * Makes the calls that standard input asks for, one JSON object a line, and prints a line of JSON for each result:
 * {@code value} or {@code exception}, and {@code millis}. The last line of each command has the single member
 * {@code done}, the number of results.
 *
 * <ul>
 *   <li>{@code {"names": true}}: the names of the suite
 *   <li>{@code {"suite": ["hello", …], …settings}}: these calls of the suite, all when the list is empty
 *   <li>{@code {"call": "sayHello", "arguments": ["bob"], "attachments": {…}, "generic": ["java.lang.String"],
 *       "repeat": 1, "concurrency": 1, …settings}}
 *   <li>{@code {"load": "sayHello", "arguments": ["bob"], "expected": "hello bob", "concurrency": 1, "pauseMillis": 0,
 *       …settings}}: makes the call again and again from now on; the one result is its number, {@code load}
 *   <li>{@code {"progress": NUMBER}}: what came of that load so far, see {@link Load}
 *   <li>{@code {"stop": NUMBER}}: ends that load; the result is the same
 *   <li>{@code {"close": true}}: ends every connection
 * </ul>
 *
 * The settings are {@code service} (RichService by default), {@code address} (or several with commas) or {@code registry},
 * {@code serialization}, {@code timeout}, {@code retries}, {@code group}, {@code version}, {@code heartbeat} and
 * {@code connections} (of its own instead of the shared one); with a registry also {@code subscription}
 * (FORCE_APPLICATION, FORCE_INTERFACE, or APPLICATION_FIRST by default) and {@code providedBy}, the names of applications.
 *
 * <p>The only argument is the name of the consumer's own application.
 */
public final class Consumer {
    private static final Gson GSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

    private final PrintStream out;
    private final References references;
    private final List<Load> loads = new ArrayList<Load>();

    private Consumer(PrintStream out, String application) {
        this.out = out;
        this.references = new References(application);
    }

    public static void main(String[] arguments) throws Exception {
        Consumer consumer = new Consumer(System.out, arguments[0]);
        // Whatever else is printed belongs to the log.
        System.setOut(System.err);
        consumer.print("ready", true);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String line;
        while ((line = in.readLine()) != null) {
            int results = consumer.obey(JsonParser.parseString(line).getAsJsonObject());
            consumer.print("done", results);
        }
        Runtime.getRuntime().halt(0);
    }

    private int obey(JsonObject command) throws Exception {
        if (command.has("names")) {
            JsonArray names = new JsonArray();
            Suite.names().forEach(names::add);
            print("names", names);
            return 1;
        }
        if (command.has("load")) {
            print("load", load(command));
            return 1;
        }
        if (command.has("progress")) {
            print(loads.get(command.get("progress").getAsInt()).counts());
            return 1;
        }
        if (command.has("stop")) {
            Load load = loads.get(command.get("stop").getAsInt());
            load.stop();
            print(load.counts());
            return 1;
        }
        if (command.has("close")) {
            references.close();
            return 0;
        }
        return command.has("suite") ? suite(command) : calls(command);
    }

    private int suite(JsonObject command) {
        List<String> names = new ArrayList<String>();
        command.getAsJsonArray("suite").forEach(name -> names.add(name.getAsString()));
        if (names.isEmpty()) {
            Suite.names().forEach(names::add);
        }
        Suite suite = new Suite(references, command);
        for (String name : names) {
            JsonObject result = result(() -> suite.make(name));
            result.addProperty("name", name);
            print(result);
        }
        return names.size();
    }

    private int calls(JsonObject command) throws Exception {
        int repeat = References.number(command, "repeat", 1);
        int concurrency = References.number(command, "concurrency", 1);
        Call call = call(command, "call");
        AtomicInteger next = new AtomicInteger();
        ExecutorService threads = Executors.newFixedThreadPool(concurrency);
        for (int i = 0; i < concurrency; i++) {
            threads.execute(() -> {
                int number;
                while ((number = next.getAndIncrement()) < repeat) {
                    JsonObject result = result(call);
                    result.addProperty("call", number);
                    print(result);
                }
            });
        }
        threads.shutdown();
        threads.awaitTermination(10, TimeUnit.MINUTES);
        return repeat;
    }

    private int load(JsonObject command) throws Exception {
        Call call = call(command, "load");
        String expected = command.get("expected").getAsString();
        int concurrency = References.number(command, "concurrency", 1);
        int pause = References.number(command, "pauseMillis", 0);
        loads.add(new Load(() -> Consumer.make(call), expected, concurrency, pause));
        return loads.size() - 1;
    }

    /** The call that a command describes, with its attachments; {@code name} is the member that has the method. */
    private Call call(JsonObject command, String name) throws Exception {
        String method = command.get(name).getAsString();
        Call call = command.has("generic") ? generic(command, method) : typed(command, method);
        return () -> {
            attach(command);
            return call.make();
        };
    }

    private Call typed(JsonObject command, String name) throws Exception {
        Object service = references.typed(command);
        JsonArray arguments = arguments(command);
        Method method = method(References.service(command), name, arguments.size());
        Object[] values = new Object[arguments.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = GSON.fromJson(arguments.get(i), method.getGenericParameterTypes()[i]);
        }
        return () -> method.invoke(service, values);
    }

    private Call generic(JsonObject command, String method) {
        String[] types = GSON.fromJson(command.get("generic"), String[].class);
        Object[] values = GSON.fromJson(arguments(command), Object[].class);
        return () -> references.generic(command).$invoke(method, types, values);
    }

    private static JsonArray arguments(JsonObject command) {
        return command.has("arguments") ? command.getAsJsonArray("arguments") : new JsonArray();
    }

    private static Method method(Class<?> service, String name, int arguments) {
        for (Method method : service.getMethods()) {
            if (method.getName().equals(name) && method.getParameterCount() == arguments) {
                return method;
            }
        }
        throw new IllegalArgumentException("no method " + name + " of " + service.getSimpleName() + " with " + arguments + " arguments");
    }

    private static void attach(JsonObject command) {
        if (command.has("attachments")) {
            for (Map.Entry<String, JsonElement> attachment : command.getAsJsonObject("attachments").entrySet()) {
                RpcContext.getContext().setAttachment(attachment.getKey(), attachment.getValue().getAsString());
            }
        }
    }

    private interface Call {
        Object make() throws Exception;
    }

    private static JsonObject result(Call call) {
        JsonObject result = new JsonObject();
        long start = System.nanoTime();
        try {
            result.add("value", Describe.value(make(call)));
        } catch (Throwable error) {
            Throwable cause = cause(error);
            result.add("exception", Describe.value(cause));
            if (cause instanceof RpcException) {
                result.addProperty("code", ((RpcException) cause).getCode());
            }
        }
        result.addProperty("millis", (System.nanoTime() - start) / 1_000_000);
        return result;
    }

    private static Object make(Call call) throws Exception {
        try {
            return call.make();
        } finally {
            RpcContext.getContext().clearAttachments();
        }
    }

    /** What a call threw, without what reflection and futures wrap around it. */
    static Throwable cause(Throwable error) {
        Throwable cause = error;
        while ((cause instanceof InvocationTargetException || cause instanceof ExecutionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    private void print(String name, Object value) {
        JsonObject line = new JsonObject();
        line.add(name, GSON.toJsonTree(value));
        print(line);
    }

    /** Characters outside of ASCII are escaped, so that no default charset can spoil them. */
    private void print(JsonObject line) {
        StringBuilder ascii = new StringBuilder();
        for (char unit : GSON.toJson(line).toCharArray()) {
            ascii.append(unit < 0x7f ? String.valueOf(unit) : String.format("\\u%04x", (int) unit));
        }
        synchronized (out) {
            out.println(ascii);
            out.flush();
        }
    }
}
