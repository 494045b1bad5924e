package dev.meshlane.migrate.sentinel;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Records what Sentinel lets through: rules, and requests with their times, a line of JSON for each list of rules. */
public final class Record {
    private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();
    private static final String[] KINDS = {
        "threads", "queue", "queue", "origins", "origins-queue", "param-threads", "param-queue", "reject", "warm-up", "param-reject",
    };
    /** In the middle of a second. */
    private static final long START = 1_800_000_033_345L;

    private final Random random;
    private final String kind;
    private final int number;
    private final boolean byParameter;
    private final String resource;

    private Record(int number, String kind) {
        // Seeds that are near to one another begin alike.
        this.random = new Random((7_000 + number) * 0x9E3779B97F4A7C15L);
        this.kind = kind;
        this.number = number;
        this.byParameter = kind.startsWith("param");
        // Sentinel remembers resources, so each has a name of its own.
        this.resource = byParameter ? "dev.meshlane.Orders" + number + ":find" : "/orders" + number;
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err);
        for (int number = 0; number < 240; number++) {
            out.println(GSON.toJson(new Record(number, KINDS[number % KINDS.length]).line()));
        }
        out.flush();
        System.exit(0);
    }

    private JsonObject line() throws Exception {
        JsonArray rules = rules();
        JsonObject line = new JsonObject();
        line.addProperty("kind", kind);
        line.add("rules", rules);
        line.addProperty("resource", resource);
        line.addProperty("start", START);
        line.add("events", events(new Proxy(rules, byParameter)));
        return line;
    }

    private JsonArray rules() {
        JsonArray rules = new JsonArray();
        switch (kind) {
            case "threads":
                rules.add(rule("grade", 0, "count", pick(1, 2, 5, 2.5)));
                break;
            case "queue":
                rules.add(queue());
                break;
            case "origins":
                rules.add(rule("grade", 0, "count", 4));
                rules.add(origin(rule("grade", 0, "count", 1), "cart"));
                rules.add(origin(rule("grade", 0, "count", 2), "other"));
                break;
            case "origins-queue":
                rules.add(origin(queue(), "cart"));
                rules.add(origin(queue(), "other"));
                break;
            case "param-threads":
                rules.add(parameters(rule("grade", 0, "count", 2, "paramIdx", 0)));
                break;
            case "param-queue":
                rules.add(parameters(rule("grade", 1, "count", pick(1, 3, 7, 10), "paramIdx", 0, "controlBehavior", 2,
                        "durationInSec", pick(1, 2), "maxQueueingTimeMs", pick(0, 200, 1000))));
                break;
            case "reject":
                rules.add(rule("grade", 1, "count", pick(5, 20, 100, 7.5)));
                break;
            case "warm-up":
                rules.add(rule("grade", 1, "count", pick(30, 90, 300), "controlBehavior", 1, "warmUpPeriodSec", pick(5, 10)));
                break;
            default:
                rules.add(parameters(rule("grade", 1, "count", pick(5, 10), "paramIdx", 0, "burstCount", pick(0, 4),
                        "durationInSec", pick(1, 3))));
        }
        return rules;
    }

    /** Counts that Sentinel goes by in milliseconds; of others it reads another clock. */
    private JsonObject queue() {
        return rule("grade", 1, "count", pick(1, 2, 4, 5, 8, 10, 20, 50, 100, 250, 0.5, 4.4), "controlBehavior", 2,
                "maxQueueingTimeMs", pick(50, 250, 500, 1000));
    }

    private static JsonObject origin(JsonObject rule, String origin) {
        rule.addProperty("limitApp", origin);
        return rule;
    }

    private JsonObject parameters(JsonObject rule) {
        JsonArray items = new JsonArray();
        JsonObject item = new JsonObject();
        item.addProperty("object", "vip");
        item.addProperty("count", 6);
        item.addProperty("classType", "java.lang.String");
        items.add(item);
        rule.add("paramFlowItemList", items);
        return rule;
    }

    private JsonObject rule(Object... keysAndValues) {
        JsonObject rule = new JsonObject();
        rule.addProperty("resource", resource);
        for (int at = 0; at < keysAndValues.length; at += 2) {
            rule.addProperty((String) keysAndValues[at], (Number) keysAndValues[at + 1]);
        }
        return rule;
    }

    private JsonArray events(Proxy proxy) throws Exception {
        JsonArray events = new JsonArray();
        List<Integer> open = new ArrayList<>();
        boolean stays = kind.contains("threads") || kind.equals("origins");
        boolean many = kind.equals("reject") || kind.equals("warm-up");
        long now = START + random.nextInt(1000);
        int requests = kind.equals("warm-up") ? 1000 : many ? 600 : 120;
        int pause = kind.equals("warm-up") ? 20 : many ? 60 : 400;
        for (int request = 0; request < requests; request++) {
            now += random.nextInt(4) == 0 ? 0 : random.nextInt(pause);
            if (random.nextInt(60) == 0) {
                now += random.nextInt(8 * pause);
            }
            while (!open.isEmpty() && random.nextInt(2) == 0) {
                int left = open.remove(random.nextInt(open.size()));
                proxy.leave(left, now);
                events.add(event(now - START, left));
            }
            String origin = kind.startsWith("origins") ? pick("cart", "web", "app") : null;
            String argument = byParameter ? pick("a", "b", "vip", "c") : null;
            Object[] arguments = byParameter ? new Object[] {argument} : new Object[0];
            long wait = proxy.ask(request, now, resource, origin, arguments);
            JsonArray event = event(now - START, request, wait);
            if (origin != null || argument != null) {
                event.add(origin != null ? origin : argument);
            }
            events.add(event);
            if (wait >= 0 && stays) {
                open.add(request);
            } else if (wait >= 0) {
                proxy.leave(request, now);
            }
        }
        proxy.leaveAll(now);
        return events;
    }

    /** `[when, who leaves]`, or `[when, who comes, how long it waits, of whom or with what]`. */
    private static JsonArray event(long... numbers) {
        JsonArray event = new JsonArray();
        for (long number : numbers) {
            event.add(number);
        }
        return event;
    }

    private String pick(String... choices) {
        return choices[random.nextInt(choices.length)];
    }

    private Number pick(Number... choices) {
        return choices[random.nextInt(choices.length)];
    }
}
