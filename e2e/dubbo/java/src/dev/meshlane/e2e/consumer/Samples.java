package dev.meshlane.e2e.consumer;

import dev.meshlane.e2e.api.Address;
import dev.meshlane.e2e.api.Color;
import dev.meshlane.e2e.api.Employee;
import dev.meshlane.e2e.api.Node;
import dev.meshlane.e2e.api.Person;
import java.math.BigDecimal;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Values that are the same in every run. */
final class Samples {
    private Samples() {}

    static Person person(String name, int variant) {
        Person person = new Person();
        fill(person, name, variant);
        return person;
    }

    static Employee employee() {
        Employee employee = new Employee();
        fill(employee, "\u5f20\u4e09", 4);
        employee.company = "ACME";
        employee.salary = 1L << 33;
        employee.boss = new Employee();
        fill(employee.boss, "Boss", 5);
        // Both references: to another object of the graph, and to itself.
        employee.boss.home = employee.home;
        employee.boss.boss = employee.boss;
        return employee;
    }

    private static void fill(Person person, String name, int variant) {
        person.name = name;
        person.age = 20 + variant;
        person.id = variant % 2 == 0 ? 10_000_000_000L + variant : null;
        person.vip = variant % 3 == 0;
        person.favorite = Color.values()[variant % 3];
        person.balance = new BigDecimal("12345.6" + variant);
        // Whole minutes have a form of their own in Hessian.
        person.birth = new Date(variant % 2 == 0 ? 894_621_091_000L + variant : 894_621_060_000L);
        person.seen = LocalDateTime.of(2024, 2, 29, 23, 59, variant, variant * 1000);
        person.score = variant % 2 == 0 ? variant * 1.5 : variant;
        person.photo = new byte[] {1, 2, (byte) variant};
        person.initial = (char) ('\u4e00' + variant);
        person.level = (short) -variant;
        person.home = new Address("\u676d\u5dde", "\u6587\u4e00\u8def " + variant, 310_000 + variant);
        person.others = new ArrayList<Address>(Arrays.asList(person.home, new Address("Z" + variant, null, null)));
        person.more = new LinkedHashMap<String, Object>();
        person.more.put("number", variant);
        person.more.put("home", person.home);
        person.more.put("null", null);
        person.more.put("list", new ArrayList<Object>(Arrays.<Object>asList(1, "two", 3.5, true, 4L)));
        person.labels = new LinkedHashSet<String>(Arrays.asList("a", "b" + variant));
    }

    static Node circle() {
        Node root = new Node("root");
        root.self = root;
        root.next = new Node("next");
        root.next.next = root;
        root.children.add(root);
        root.children.add(root.next);
        root.next.children = root.children;
        Node deepest = root.next;
        for (int i = 0; i < 30; i++) {
            deepest.self = new Node("deep " + i);
            deepest = deepest.self;
            deepest.next = root;
        }
        return root;
    }

    static List<Map<String, Object>> listOfMaps(int length) {
        List<Map<String, Object>> list = new ArrayList<Map<String, Object>>();
        for (int i = 0; i < length; i++) {
            Map<String, Object> map = new LinkedHashMap<String, Object>();
            map.put("id", i);
            map.put("name", "\u540d" + i);
            map.put("price", i * 0.25);
            map.put("when", new Date(1_700_000_000_000L + i));
            map.put("nil", null);
            map.put("inner", new LinkedHashMap<String, Object>(Collections.singletonMap("deep", numbers())));
            list.add(map);
        }
        return list;
    }

    private static List<Object> numbers() {
        return new ArrayList<Object>(Arrays.<Object>asList(1L, 2, 0.5));
    }

    static Map<Object, Object> mixedMap() {
        Map<Object, Object> map = new LinkedHashMap<Object, Object>();
        map.put("text", 1);
        map.put(2, "int key");
        map.put(3L, "long key");
        map.put(true, Color.RED);
        map.put(new Date(420_000), new byte[] {9});
        map.put("itself", map);
        return map;
    }

    static byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        new Random(length + 1).nextBytes(bytes);
        return bytes;
    }

    static String repeat(String text, int times) {
        StringBuilder repeated = new StringBuilder();
        for (int i = 0; i < times; i++) {
            repeated.append(text);
        }
        return repeated.toString();
    }
}
