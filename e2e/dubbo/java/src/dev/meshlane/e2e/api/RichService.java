package dev.meshlane.e2e.api;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.Date;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional; // since 2.7
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture; // since 2.7

/**
 * A method for each type and each shape of call. Most give back what they were given, so that a value crosses the wire
 * in both directions. Methods whose answer starts with the name of the provider tell where a call went.
 */
public interface RichService {
    // Where a call went.
    String who();

    String sayHello(String name);

    String greet(Person person, int times);

    String attachments(String answer);

    // Scalars.
    int addInt(int a, int b);

    long addLong(long a, long b);

    double addDouble(double a, double b);

    boolean not(boolean value);

    String primitives(boolean z, byte b, short s, int i, long l, float f, double d, char c);

    String boxed(Boolean z, Byte b, Short s, Integer i, Long l, Float f, Double d, Character c);

    String echoString(String value);

    byte[] echoBytes(byte[] value);

    // Arrays.
    int[] ints(int[] value);

    long[] longs(long[] value);

    double[] doubles(double[] value);

    float[] floats(float[] value);

    short[] shorts(short[] value);

    boolean[] booleans(boolean[] value);

    char[] chars(char[] value);

    String[] strings(String[] value);

    int[][] matrix(int[][] value);

    Person[] persons(Person[] value);

    String variable(String format, Object... values);

    // Collections and objects.
    List<Map<String, Object>> listOfMaps(List<Map<String, Object>> value);

    Map<Object, Object> mixedMap(Map<Object, Object> value);

    Set<String> set(Set<String> value);

    SortedMap<String, Integer> sorted(SortedMap<String, Integer> value);

    List<Person> people(List<Person> value);

    Employee employee(Employee value);

    Person promote(Person person, Color color, int level);

    Node circular(Node value);

    BigDecimal money(BigDecimal a, BigInteger b);

    Date date(Date value);

    LocalDateTime dateTime(LocalDateTime value);

    LocalDate localDate(LocalDate value);

    Color color(Color value);

    EnumMap<Color, Integer> enumMap(Map<Color, Integer> value);

    Object object(Object value);

    // Other results than a value.
    void nothing();

    String nullResult();

    void fail(String reason, int number) throws BusinessException;

    void failRuntime(String message);

    String failNested(String message);

    // Shapes of calls.
    void fire(String message, int number);

    String slow(int milliseconds);

    CompletableFuture<String> later(String value); // since 2.7

    Optional<String> optional(String value); // since 2.7

    String subscribe(String key, Listener listener);

    String overload(int a);

    String overload(String a);

    String overload(Integer a, String b);

    // Size.
    byte[] bytes(int length);

    int size(byte[] value);
}
