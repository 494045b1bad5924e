package dev.meshlane.migrate.dubbo;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/** Records what Dubbo's routers leave: rules, providers, a consumer and calls, a line of JSON for each rule. */
public final class Record {
    private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();
    /** How often a rule with weights is asked: a share of a fifth is missed once in 10^19. */
    private static final int TIMES = 200;

    private final Random random;
    private final Rules rules;

    private Record(long seed) {
        // Seeds that are near to one another begin alike.
        random = new Random(seed * 0x9E3779B97F4A7C15L);
        rules = new Rules(random);
    }

    public static void main(String[] arguments) {
        PrintStream out = System.out;
        System.setOut(System.err);
        for (int number = 0; number < 900; number++) {
            String kind = new String[] {"tag", "condition", "weighted"}[number % 3];
            out.println(GSON.toJson(new Record(1_000 + number).line(kind)));
        }
        out.flush();
        System.exit(0);
    }

    private Map<String, Object> line(String kind) {
        String rule = kind.equals("tag") ? rules.tag() : kind.equals("condition") ? rules.condition() : rules.weighted();
        Map<String, Map<String, String>> providers = providers();
        Map<String, String> parameters = new TreeMap<>();
        parameters.put("application", pick("cart", "web"));
        maybe(parameters, "region", "hangzhou", "beijing");
        maybe(parameters, "env", "gray", "base");
        String host = pick("10.20.1.7", "10.20.2.8", "10.0.0.1");
        Routing routing = new Routing(kind, rule, providers, host, parameters);
        List<Object> calls = new ArrayList<>();
        for (int call = 0; call < 8; call++) {
            calls.add(call(routing, kind.equals("weighted") ? TIMES : 1));
        }
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("kind", kind);
        line.put("rule", rule);
        line.put("providers", providers);
        line.put("host", host);
        line.put("parameters", parameters);
        line.put("calls", calls);
        return line;
    }

    private Map<String, Object> call(Routing routing, int times) {
        String method = pick("find", "findById", "findId", "list", "create", "getById");
        List<String> arguments = new ArrayList<>();
        for (int argument = random.nextInt(4); argument > 0; argument--) {
            arguments.add(pick("5", "50", "100", "101", "abc", "0", "99999999999", "007", "-3", "5.5", "null"));
        }
        Map<String, String> attachments = new TreeMap<>();
        maybe(attachments, "user", "alice", "guest", "5", "albert");
        maybe(attachments, "lane", "gray", "x", "7");
        if (random.nextInt(3) > 0) {
            attachments.put("dubbo.tag", pick("gray", "gray|a", "gray|a|b", "gray|c", "blue", "base", "none", "blue|x"));
        }
        if (random.nextInt(5) == 0) {
            attachments.put("dubbo.force.tag", pick("true", "false", "TRUE"));
        }
        Map<String, Object> call = new LinkedHashMap<>();
        call.put("method", method);
        call.put("arguments", arguments);
        call.put("attachments", attachments);
        call.put("left", routing.outcomes(times, method, arguments.toArray(), attachments));
        return call;
    }

    private Map<String, Map<String, String>> providers() {
        Map<String, Map<String, String>> providers = new TreeMap<>();
        for (int provider = 1 + random.nextInt(6); provider >= 0; provider--) {
            Map<String, String> parameters = new TreeMap<>();
            maybe(parameters, "region", "hangzhou", "beijing");
            maybe(parameters, "version", "v1", "v2", "v3");
            maybe(parameters, "env", "gray", "base");
            maybe(parameters, "level", "5", "50", "500", "x", "0", "99999999999");
            if (random.nextInt(3) == 0) {
                parameters.put("dubbo.tag", pick("gray", "blue", "gray|a", "base"));
            }
            providers.put("10.0.0." + (1 + random.nextInt(4)) + ":" + pick("20880", "20881"), parameters);
        }
        return providers;
    }

    private void maybe(Map<String, String> map, String key, String... choices) {
        if (random.nextInt(4) > 0) {
            map.put(key, pick(choices));
        }
    }

    private String pick(String... choices) {
        return choices[random.nextInt(choices.length)];
    }
}
