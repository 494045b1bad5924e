package dev.meshlane.migrate.dubbo;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Makes up rules, in the words that providers and calls have, and in all the ways in which rules may be written. */
final class Rules {
    private static final String[] WHEN = {
        "method", "method", "methods", "host", "application", "region", "env", "arguments[0]", "arguments[1]",
        "arguments[2].name", "attachments[user]", "attachments[lane]", "attachments[dubbo.tag]",
    };
    private static final String[] THEN = {"region", "version", "env", "level", "address", "host", "port", "region"};

    private final Random random;

    Rules(Random random) {
        this.random = random;
    }

    String tag() {
        StringBuilder rule = new StringBuilder();
        boolean matches = random.nextInt(3) > 0;
        if (matches || random.nextBoolean()) {
            rule.append("configVersion: v3.0\n");
        }
        head(rule);
        if (random.nextInt(12) == 0) {
            return rule.append("tags: []\n").toString();
        }
        rule.append("tags:\n");
        List<String> names = new ArrayList<>(List.of("gray", "gray|a", "gray|a|b", "blue", "base"));
        int tags = 1 + random.nextInt(3);
        for (int tag = 0; tag < tags; tag++) {
            String name = random.nextInt(10) == 0 ? names.get(0) : names.remove(random.nextInt(names.size()));
            rule.append("- name: \"").append(name).append("\"\n");
            if (!matches || random.nextInt(4) == 0) {
                rule.append("  addresses: [\"").append(addresses()).append("\", \"").append(addresses()).append("\"]\n");
            } else {
                rule.append("  match:\n");
                for (int match = random.nextInt(2); match >= 0; match--) {
                    rule.append("  - {key: ").append(pick("region", "version", "env", "level"));
                    rule.append(", value: {").append(stringMatch()).append("}}\n");
                }
            }
        }
        return rule.toString();
    }

    private String stringMatch() {
        switch (random.nextInt(6)) {
            case 0:
                return "prefix: " + pick("g", "v", "hang", "5");
            case 1:
                return "regex: \"" + pick("v[12]", "gr.y|base", "[0-9]+", "h.*g") + "\"";
            case 2:
                return "noempty: \"true\"";
            case 3:
                return "wildcard: \"" + pick("*", "gray", "v*") + "\"";
            default:
                return "exact: \"" + pick("gray", "v1", "v2", "hangzhou", "50") + "\"";
        }
    }

    String condition() {
        StringBuilder rule = new StringBuilder();
        if (random.nextBoolean()) {
            rule.append("configVersion: v3.0\n");
        }
        rule.append("scope: ").append(pick("service", "application")).append('\n');
        head(rule);
        rule.append("conditions:\n");
        for (int condition = random.nextInt(3); condition >= 0; condition--) {
            rule.append("- \"").append(expression()).append("\"\n");
        }
        return rule.toString();
    }

    private String expression() {
        String when = random.nextInt(8) == 0 ? pick("", "true") : side(WHEN, false);
        String then = random.nextInt(8) == 0 ? pick("", "false") : side(THEN, true);
        if (random.nextInt(12) == 0) {
            when = "consumer." + when;
        }
        return random.nextInt(20) == 0 ? then : when + pick(" => ", "=>", " =>") + then;
    }

    String weighted() {
        StringBuilder rule = new StringBuilder("configVersion: v3.1\nscope: service\n");
        head(rule);
        rule.append("conditions:\n");
        for (int condition = random.nextInt(2); condition >= 0; condition--) {
            rule.append("- from: {match: \"").append(random.nextInt(6) == 0 ? "" : side(WHEN, false)).append("\"}\n");
            int entries = random.nextInt(8) == 0 ? 0 : 1 + random.nextInt(3);
            rule.append(entries == 0 ? "  to: []\n" : "  to:\n");
            for (int entry = 0; entry < entries; entry++) {
                rule.append("  - {match: \"").append(random.nextInt(10) == 0 ? "" : side(THEN, true)).append('"');
                rule.append(random.nextInt(3) == 0 ? "" : ", weight: " + pick("100", "200", "300", "0")).append("}\n");
            }
        }
        return rule.toString();
    }

    private void head(StringBuilder rule) {
        rule.append("key: orders\nforce: ").append(random.nextBoolean()).append('\n');
        if (random.nextInt(10) == 0) {
            rule.append("enabled: false\n");
        }
        if (random.nextInt(10) == 0) {
            rule.append("runtime: false\npriority: 3\n");
        }
        if (random.nextInt(20) == 0) {
            rule.append("valid: false\n");
        }
    }

    private String side(String[] keys, boolean isThen) {
        StringBuilder side = new StringBuilder();
        for (int term = random.nextInt(3) / 2 + random.nextInt(2); term >= 0; term--) {
            if (side.length() > 0) {
                side.append(random.nextInt(15) == 0 ? " " : pick(" & ", "&"));
            }
            side.append(term(keys[random.nextInt(keys.length)], isThen));
        }
        return side.toString();
    }

    private String term(String key, boolean isThen) {
        if (random.nextInt(25) == 0) {
            return key;
        }
        if (isThen && random.nextInt(6) == 0) {
            return key + "=" + pick("$region", "$env", "$region");
        }
        StringBuilder term = new StringBuilder(key).append(pick("=", "=", "!=", " = ", " != "));
        term.append(value(key));
        for (int more = random.nextInt(3) / 2; more > 0; more--) {
            term.append(pick(",", ", ")).append(value(key));
        }
        if (random.nextInt(12) == 0) {
            term.append(" & ").append(key).append(pick("=", "!=")).append(value(key));
        }
        return term.toString();
    }

    private String value(String key) {
        if (random.nextInt(15) == 0) {
            return "*";
        }
        switch (key.replaceAll("\\W.*", "")) {
            case "method":
            case "methods":
                return pick("find", "find*", "*ById", "find*Id", "list", "create", "*");
            case "host":
                return pick("10.20.1.7", "10.20.*", "*.7", "10.0.0.1", "10.0.0.*");
            case "application":
                return pick("cart", "c*", "web");
            case "region":
                return pick("hangzhou", "hang*", "beijing", "*g", "shanghai");
            case "env":
                return pick("gray", "base", "g*", "*a*");
            case "version":
                return pick("v1", "v2", "v*", "v3");
            case "level":
            case "arguments":
                return pick("5", "1~100", "~10", "50~", "0~10", "abc", "a*", "-5~5", "1~99999999999", "5~5", "null");
            case "address":
                return pick(address(), "10.0.0.*", "*:20880", "10.0.0.1*", address());
            case "port":
                return pick("20880", "20881", "20880~20880", "2088*");
            default:
                return pick("alice", "guest", "al*", "gray", "1~9", "x");
        }
    }

    private String address() {
        return "10.0.0." + (1 + random.nextInt(4)) + ":" + pick("20880", "20881");
    }

    private String addresses() {
        if (random.nextInt(3) > 0) {
            return address();
        }
        return pick("10.0.0.*:20880", "10.0.0.1-2:20881", "10.0.0.0/30", "10.0.0.3", "0.0.0.0:20880", "10.0.1.*", "10.0.0.2-4");
    }

    private String pick(String... choices) {
        return choices[random.nextInt(choices.length)];
    }
}
