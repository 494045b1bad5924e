package dev.meshlane.e2e.provider;

import dev.meshlane.e2e.api.Address;
import dev.meshlane.e2e.api.BusinessException;
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
import java.util.Arrays;
import java.util.Date;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional; // since 2.7
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture; // since 2.7
import org.apache.dubbo.rpc.RpcContext;

/** Answers as the interface says. */
final class RichServiceImplementation implements RichService {
    private final String who;
    private final Events events;

    RichServiceImplementation(String who, Events events) {
        this.who = who;
        this.events = events;
    }

    @Override
    public String who() {
        return who;
    }

    @Override
    public String sayHello(String name) {
        return who + ": hello " + name;
    }

    @Override
    public String greet(Person person, int times) {
        return who + ": " + times + " times hello " + (person == null ? null : person.name);
    }

    @Override
    public String attachments(String answer) {
        Map<String, Object> received = new TreeMap<String, Object>(RpcContext.getContext().getAttachments());
        RpcContext.getServerContext().setAttachment("answer", answer);
        RpcContext.getServerContext().setAttachment("\u4e2d\u6587", "\u503c");
        return who + ": " + received;
    }

    @Override
    public int addInt(int a, int b) {
        return a + b;
    }

    @Override
    public long addLong(long a, long b) {
        return a + b;
    }

    @Override
    public double addDouble(double a, double b) {
        return a + b;
    }

    @Override
    public boolean not(boolean value) {
        return !value;
    }

    @Override
    public String primitives(boolean z, byte b, short s, int i, long l, float f, double d, char c) {
        return z + "," + b + "," + s + "," + i + "," + l + "," + f + "," + d + "," + c;
    }

    @Override
    public String boxed(Boolean z, Byte b, Short s, Integer i, Long l, Float f, Double d, Character c) {
        return z + "," + b + "," + s + "," + i + "," + l + "," + f + "," + d + "," + c;
    }

    @Override
    public String echoString(String value) {
        return value;
    }

    @Override
    public byte[] echoBytes(byte[] value) {
        return value;
    }

    @Override
    public int[] ints(int[] value) {
        return value;
    }

    @Override
    public long[] longs(long[] value) {
        return value;
    }

    @Override
    public double[] doubles(double[] value) {
        return value;
    }

    @Override
    public float[] floats(float[] value) {
        return value;
    }

    @Override
    public short[] shorts(short[] value) {
        return value;
    }

    @Override
    public boolean[] booleans(boolean[] value) {
        return value;
    }

    @Override
    public char[] chars(char[] value) {
        return value;
    }

    @Override
    public String[] strings(String[] value) {
        return value;
    }

    @Override
    public int[][] matrix(int[][] value) {
        return value;
    }

    @Override
    public Person[] persons(Person[] value) {
        return value;
    }

    @Override
    public String variable(String format, Object... values) {
        return format + Arrays.deepToString(values);
    }

    @Override
    public List<Map<String, Object>> listOfMaps(List<Map<String, Object>> value) {
        return value;
    }

    @Override
    public Map<Object, Object> mixedMap(Map<Object, Object> value) {
        return value;
    }

    @Override
    public Set<String> set(Set<String> value) {
        return value;
    }

    @Override
    public SortedMap<String, Integer> sorted(SortedMap<String, Integer> value) {
        return value;
    }

    @Override
    public List<Person> people(List<Person> value) {
        return value;
    }

    @Override
    public Employee employee(Employee value) {
        return value;
    }

    @Override
    public Person promote(Person person, Color color, int level) {
        person.favorite = color;
        person.level = (short) level;
        return person;
    }

    @Override
    public Node circular(Node value) {
        return value;
    }

    @Override
    public BigDecimal money(BigDecimal a, BigInteger b) {
        return a == null || b == null ? null : a.multiply(new BigDecimal(b));
    }

    @Override
    public Date date(Date value) {
        return value;
    }

    @Override
    public LocalDateTime dateTime(LocalDateTime value) {
        return value;
    }

    @Override
    public LocalDate localDate(LocalDate value) {
        return value;
    }

    @Override
    public Color color(Color value) {
        return value;
    }

    @Override
    public EnumMap<Color, Integer> enumMap(Map<Color, Integer> value) {
        return new EnumMap<Color, Integer>(value);
    }

    @Override
    public Object object(Object value) {
        return value;
    }

    @Override
    public void nothing() {}

    @Override
    public String nullResult() {
        return null;
    }

    @Override
    public void fail(String reason, int number) throws BusinessException {
        throw new BusinessException(reason, "business failed " + number, new Address("Hangzhou", "West Lake", number));
    }

    @Override
    public void failRuntime(String message) {
        throw new IllegalStateException(message);
    }

    @Override
    public String failNested(String message) {
        try {
            return "parsed " + Integer.parseInt(message);
        } catch (NumberFormatException error) {
            throw new IllegalArgumentException("outer " + message, error);
        }
    }

    @Override
    public void fire(String message, int number) {
        events.fired(message, number);
    }

    @Override
    public String slow(int milliseconds) {
        pause(milliseconds);
        return who + ": slept " + milliseconds;
    }

    @Override // since 2.7
    public CompletableFuture<String> later(String value) { // since 2.7
        return CompletableFuture.supplyAsync(() -> "later " + value); // since 2.7
    } // since 2.7

    @Override // since 2.7
    public Optional<String> optional(String value) { // since 2.7
        return Optional.ofNullable(value); // since 2.7
    } // since 2.7

    @Override
    public String subscribe(String key, Listener listener) {
        listener.changed("first " + key);
        return "subscribed " + key + " " + listener.ask("question " + key, 7);
    }

    @Override
    public String overload(int a) {
        return "int " + a;
    }

    @Override
    public String overload(String a) {
        return "String " + a;
    }

    @Override
    public String overload(Integer a, String b) {
        return "Integer " + a + " String " + b;
    }

    @Override
    public byte[] bytes(int length) {
        byte[] value = new byte[length];
        new Random(length).nextBytes(value);
        return value;
    }

    @Override
    public int size(byte[] value) {
        return value.length;
    }

    private static void pause(int milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }
}
