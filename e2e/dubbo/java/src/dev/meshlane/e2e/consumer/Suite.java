package dev.meshlane.e2e.consumer;

import com.google.gson.JsonObject;
import dev.meshlane.e2e.api.Address;
import dev.meshlane.e2e.api.Color;
import dev.meshlane.e2e.api.Employee;
import dev.meshlane.e2e.api.Listener;
import dev.meshlane.e2e.api.Node;
import dev.meshlane.e2e.api.Person;
import dev.meshlane.e2e.api.RichService;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.service.EchoService;
import org.apache.dubbo.rpc.service.GenericService;

/** Every type and every shape of call, by name, in the order in which they are made. */
final class Suite {
    /** One call, or a few that belong together. */
    interface Call {
        Object make(Suite suite) throws Exception;
    }

    private static final Map<String, Call> CALLS = new LinkedHashMap<String, Call>();

    private final References references;
    private final JsonObject settings;
    private final RichService service;

    Suite(References references, JsonObject settings) {
        this.references = references;
        this.settings = settings;
        this.service = references.typed(settings);
    }

    static Iterable<String> names() {
        return CALLS.keySet();
    }

    Object make(String name) throws Exception {
        Call call = CALLS.get(name);
        if (call == null) {
            throw new IllegalArgumentException("no call " + name);
        }
        return call.make(this);
    }

    private RichService with(String group, String version) {
        JsonObject other = settings.deepCopy();
        if (group != null) {
            other.addProperty("group", group);
        }
        other.addProperty("version", version);
        return references.typed(other);
    }

    private RichService impatient() {
        JsonObject other = settings.deepCopy();
        other.addProperty("timeout", 300);
        return references.typed(other);
    }

    private GenericService generic() {
        return references.generic(settings);
    }

    private static void add(String name, Call call) {
        CALLS.put(name, call);
    }

    static {
        add("hello", suite -> suite.service.sayHello("bob"));
        add("hello-null", suite -> suite.service.sayHello(null));
        add("hello-empty", suite -> suite.service.sayHello(""));
        add("no-arguments", suite -> suite.service.who());
        scalars();
        texts();
        arrays();
        collections();
        objects();
        outcomes();
        shapes();
        attachments();
        generics();
        sizes();
    }

    private static void scalars() {
        // At the edges of each compact form.
        int[] ints = {0, -1, -16, 47, -17, 48, -2048, 2047, -2049, 2048, -262144, 262143, -262145, 262144};
        for (int i = 0; i < ints.length; i += 2) {
            int a = ints[i];
            int b = ints[i + 1];
            add("int-" + a + "-" + b, suite -> suite.service.addInt(a, b));
        }
        add("int-ends", suite -> suite.service.addInt(Integer.MIN_VALUE, Integer.MAX_VALUE));
        long[] longs = {-8, 15, -9, 16, -2048, 2047, -2049, 2048, -262144, 262143, -262145, 262144};
        for (int i = 0; i < longs.length; i += 2) {
            long a = longs[i];
            long b = longs[i + 1];
            add("long-" + a + "-" + b, suite -> suite.service.addLong(a, b));
        }
        add("long-int-ends", suite -> suite.service.addLong(Integer.MIN_VALUE, Integer.MAX_VALUE));
        add("long-beyond-int", suite -> suite.service.addLong(-2147483649L, 2147483648L));
        add("long-ends", suite -> suite.service.addLong(Long.MIN_VALUE, Long.MAX_VALUE));
        double[] doubles = {0, 1, -128, 127, -129, 128, -32768, 32767, -32769, 32768, 0.001, -0.065, 12.25, 3.14159};
        for (int i = 0; i < doubles.length; i += 2) {
            double a = doubles[i];
            double b = doubles[i + 1];
            add("double-" + a + "-" + b, suite -> suite.service.addDouble(a, b));
        }
        add("double-nan", suite -> suite.service.addDouble(Double.NaN, Double.POSITIVE_INFINITY));
        add("double-tiny", suite -> suite.service.addDouble(-0.0, Double.MIN_VALUE));
        add("boolean", suite -> suite.service.not(false));
        add("primitives", suite ->
                suite.service.primitives(true, (byte) 127, (short) -32768, 65536, 1L << 40, 3.5f, 1e10, 'A'));
        add("primitives-ends", suite -> suite.service.primitives(
                false, (byte) -128, (short) 32767, -1, Long.MIN_VALUE, Float.MIN_VALUE, -2.5, '\u4e2d'));
        add("boxed", suite -> suite.service.boxed(true, (byte) 1, (short) 2, 3, 4L, 4.5f, 5.5, 'z'));
        add("boxed-null", suite -> suite.service.boxed(null, null, (short) 5, null, null, -0.0f, null, '\uffff'));
    }

    private static void texts() {
        Map<String, String> texts = new LinkedHashMap<String, String>();
        texts.put("31", Samples.repeat("a", 31));
        texts.put("32", Samples.repeat("x", 32));
        texts.put("1023", Samples.repeat("y", 1023));
        texts.put("1024", Samples.repeat("z", 1024));
        texts.put("chinese", "\u4e2d\u6587\u5b57\u7b26\u4e32 hello \u4e16\u754c");
        texts.put("chinese-31", Samples.repeat("\u4e2d", 31));
        texts.put("emoji", "\ud83d\ude00\ud83d\udc68\u200d\ud83d\udc69 emoji \ud83d\ude80");
        texts.put("lone-high", "lone\ud83dsurrogate");
        texts.put("lone-low", "\udc00 first");
        texts.put("controls", "a\u0000b\u007f\u0080\u07ff\u0800\uffff tab\tnew\nline\"\\");
        texts.put("32767", Samples.repeat("\u6c49", 32767));
        texts.put("32768", Samples.repeat("c", 32768));
        // The chunk ends between the two halves of the last character.
        texts.put("32769", Samples.repeat("q", 32767) + "\ud83d\ude00");
        texts.put("emoji-20000", Samples.repeat("\ud83d\ude00", 20000));
        for (Map.Entry<String, String> text : texts.entrySet()) {
            add("text-" + text.getKey(), suite -> suite.service.echoString(text.getValue()));
        }
        for (int length : new int[] {0, 1, 15, 16, 1023, 1024, 4096, 4097, 33_000}) {
            add("bytes-" + length, suite -> suite.service.echoBytes(Samples.bytes(length)));
        }
        add("bytes-null", suite -> suite.service.echoBytes(null));
    }

    private static void arrays() {
        add("ints", suite -> suite.service.ints(new int[] {1, -1, Integer.MAX_VALUE}));
        add("ints-empty", suite -> suite.service.ints(new int[] {}));
        add("longs", suite -> suite.service.longs(new long[] {1, 2, 3, 4, 5, 6, 7, 8, 1L << 40}));
        add("doubles", suite -> suite.service.doubles(new double[] {0, 0.1, Double.NaN}));
        add("floats", suite -> suite.service.floats(new float[] {0.5f, 2f}));
        add("shorts", suite -> suite.service.shorts(new short[] {1, -3}));
        add("booleans", suite -> suite.service.booleans(new boolean[] {true, false}));
        add("chars", suite -> suite.service.chars(new char[] {'\u4e2d', 'b'}));
        add("strings", suite -> suite.service.strings(new String[] {"a", null, "\u4e2d", "a"}));
        add("matrix", suite -> suite.service.matrix(new int[][] {{1}, {}, null, {2, 3}}));
        add("persons", suite -> suite.service.persons(new Person[] {Samples.person("array", 1), null}));
        add("variable", suite -> suite.service.variable("f", 1L, "\u4e24", null, 2.5, Color.RED));
        add("variable-none", suite -> suite.service.variable("none"));
    }

    private static void collections() {
        add("list-of-maps", suite -> suite.service.listOfMaps(Samples.listOfMaps(9)));
        add("mixed-map", suite -> suite.service.mixedMap(Samples.mixedMap()));
        add("set", suite -> suite.service.set(new TreeSet<String>(Arrays.asList("b", "a", "\u4e2d"))));
        add("sorted", suite -> {
            TreeMap<String, Integer> map = new TreeMap<String, Integer>();
            map.put("z", 1);
            map.put("a", 2);
            return suite.service.sorted(map);
        });
        add("enum-map", suite ->
                suite.service.enumMap(new HashMap<Color, Integer>(Collections.singletonMap(Color.RED, 11))));
    }

    private static void objects() {
        add("people", suite -> suite.service.people(new ArrayList<Person>(
                Arrays.asList(Samples.person("P0", 0), Samples.person("P1", 1), null, Samples.person("P3", 3)))));
        add("employee", suite -> suite.service.employee(Samples.employee()));
        add("employee-of-nulls", suite -> suite.service.employee(new Employee()));
        add("promote", suite -> suite.service.promote(Samples.person("pro\ud83d\ude00", 1), Color.BLUE, -9));
        add("greet", suite -> suite.service.greet(Samples.person("alice", 2), 3));
        add("circular", suite -> suite.service.circular(Samples.circle()));
        add("money", suite ->
                suite.service.money(new BigDecimal("99999999999999999999.99"), new BigInteger("-123456789012345678901")));
        add("date", suite -> suite.service.date(new Date(1_700_000_000_123L)));
        add("date-minutes", suite -> suite.service.date(new Date(1_700_000_040_000L)));
        add("date-before-1970", suite -> suite.service.date(new Date(-300_000L)));
        add("date-null", suite -> suite.service.date(null));
        add("date-time", suite -> suite.service.dateTime(LocalDateTime.of(2024, 2, 29, 12, 30, 15, 123_456_789)));
        add("local-date", suite -> suite.service.localDate(LocalDate.of(2024, 2, 29)));
        add("color", suite -> suite.service.color(Color.GREEN));
        add("color-with-body", suite -> suite.service.color(Color.BLUE));
        add("object-int", suite -> suite.service.object(42));
        add("object-text", suite -> suite.service.object("\u5bf9\u8c61"));
        add("object-list", suite -> suite.service.object(
                new LinkedList<Object>(Arrays.<Object>asList(1, null, "x", new Address("o", null, 1)))));
        add("object-locale", suite -> suite.service.object(Locale.CHINA));
        add("object-uuid", suite -> suite.service.object(UUID.fromString("12345678-1234-5678-9abc-def012345678")));
    }

    private static void outcomes() {
        add("nothing", suite -> {
            suite.service.nothing();
            return null;
        });
        add("null", suite -> suite.service.nullResult());
        add("exception-declared", suite -> {
            suite.service.fail("E\u9519", 77);
            return null;
        });
        add("exception-runtime", suite -> {
            suite.service.failRuntime("boom \u5f02\u5e38");
            return null;
        });
        add("exception-nested", suite -> suite.service.failNested("not a number"));
        add("timeout", suite -> suite.impatient().slow(600));
    }

    private static void shapes() {
        add("overload-int", suite -> suite.service.overload(5));
        add("overload-text", suite -> suite.service.overload("five"));
        add("overload-both", suite -> suite.service.overload(null, "q"));
        add("one-way", suite -> {
            suite.service.fire("fired", 1);
            return null;
        });
        add("future", suite -> suite.service.later("f").get(5, TimeUnit.SECONDS)); // since 2.7
        add("optional", suite -> suite.service.optional("some").isPresent()); // since 2.7
        add("optional-empty", suite -> suite.service.optional(null).isPresent()); // since 2.7
        add("async", suite -> {
            Callable<String> call = () -> suite.service.sayHello("async");
            Future<String> future = RpcContext.getContext().asyncCall(call);
            return future.get(5, TimeUnit.SECONDS);
        });
        add("echo", suite -> ((EchoService) suite.service).$echo("OK"));
        add("group-and-version", suite -> suite.with("blue", "1.0.0").sayHello("blue"));
        add("version", suite -> suite.with(null, "2.1.0").sayHello("2.1"));
        add("unknown-version", suite -> suite.with(null, "9.9.9").sayHello("nobody"));
        add("pipelined", suite -> pipelined(suite.service));
        add("callback", suite -> callback(suite.service));
    }

    private static List<String> pipelined(RichService service) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(8);
        List<Future<String>> futures = new ArrayList<Future<String>>();
        for (int i = 0; i < 24; i++) {
            String name = "p" + i;
            futures.add(threads.submit(() -> service.sayHello(name)));
        }
        List<String> answers = new ArrayList<String>();
        for (Future<String> future : futures) {
            answers.add(future.get());
        }
        threads.shutdown();
        return answers;
    }

    private static List<String> callback(RichService service) {
        List<String> heard = Collections.synchronizedList(new ArrayList<String>());
        String answer = service.subscribe("key", new Listener() {
            @Override
            public void changed(String message) {
                heard.add(message);
            }

            @Override
            public String ask(String question, int number) {
                heard.add(question);
                return "answer " + number;
            }
        });
        heard.add(answer);
        return new ArrayList<String>(heard);
    }

    private static void attachments() {
        add("attachment-tag", suite -> {
            RpcContext.getContext().setAttachment("dubbo.tag", "gray");
            return suite.service.attachments("1");
        });
        add("attachment-trace", suite -> {
            RpcContext context = RpcContext.getContext();
            context.setAttachment("x-mse-tag", "green");
            context.setAttachment("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
            return suite.service.attachments("2");
        });
        add("attachments-many", suite -> {
            for (int i = 0; i < 60; i++) {
                RpcContext.getContext().setAttachment("key-" + i, "value-" + i);
            }
            return suite.service.attachments("many");
        });
        add("attachments-odd", suite -> {
            RpcContext context = RpcContext.getContext();
            context.setAttachment("long", Samples.repeat("v", 40_000));
            context.setAttachment("\u4e2d\u6587\u952e", "\u503c\ud83d\ude00");
            context.setAttachment("empty", "");
            context.setAttachment("UPPER", "CaseKept");
            return suite.service.attachments("odd");
        });
        add("attachments-objects", suite -> { // since 2.7
            RpcContext context = RpcContext.getContext(); // since 2.7
            context.setObjectAttachment("int", -5); // since 2.7
            context.setObjectAttachment("boolean", true); // since 2.7
            context.setObjectAttachment("double", 2.5); // since 2.7
            context.setObjectAttachment("date", new Date(180_000)); // since 2.7
            context.setObjectAttachment("list", new ArrayList<Object>(Arrays.<Object>asList("a", 1))); // since 2.7
            context.setObjectAttachment("object", new Address("attached", null, 9)); // since 2.7
            return suite.service.greet(Samples.person("attached", 2), 1); // since 2.7
        }); // since 2.7
        add("attachment-after-reference", suite -> {
            RpcContext.getContext().setAttachment("dubbo.tag", "gray");
            Node node = new Node("r");
            node.self = node;
            return suite.service.circular(node);
        });
    }

    private static void generics() {
        add("generic", suite -> suite.generic()
                .$invoke("sayHello", new String[] {"java.lang.String"}, new Object[] {"generic"}));
        add("generic-object", suite -> {
            Map<String, Object> employee = new LinkedHashMap<String, Object>();
            employee.put("class", Employee.class.getName());
            employee.put("name", "\u6cdb\u5316");
            employee.put("age", 2);
            employee.put("home", new LinkedHashMap<String, Object>(Collections.singletonMap("city", "HZ")));
            return suite.generic()
                    .$invoke("employee", new String[] {Employee.class.getName()}, new Object[] {employee});
        });
        add("generic-ints", suite -> suite.generic()
                .$invoke("addInt", new String[] {"int", "int"}, new Object[] {300, 4}));
        add("generic-no-arguments", suite -> suite.generic().$invoke("who", new String[] {}, new Object[] {}));
        add("generic-exception", suite -> suite.generic()
                .$invoke("fail", new String[] {"java.lang.String", "int"}, new Object[] {"G", 1}));
        add("generic-no-such-method", suite -> suite.generic().$invoke("nope", new String[] {"int"}, new Object[] {1}));
        add("generic-async", suite -> suite.generic() // since 2.7
                .$invokeAsync("sayHello", new String[] {"java.lang.String"}, new Object[] {"later"}) // since 2.7
                .get(5, TimeUnit.SECONDS)); // since 2.7
    }

    private static void sizes() {
        add("megabyte", suite -> suite.service.echoBytes(Samples.bytes(1 << 20)));
        add("megabyte-text", suite -> suite.service.echoString(Samples.repeat("\u5927abc", 1 << 18)));
        add("large-request", suite -> suite.service.size(Samples.bytes(3 << 20)));
        add("large-response", suite -> suite.service.bytes(3 << 20));
    }
}
