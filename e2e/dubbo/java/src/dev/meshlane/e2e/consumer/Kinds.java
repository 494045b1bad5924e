package dev.meshlane.e2e.consumer;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;

/** Texts that happened at some time, those together that differ in numbers only. */
final class Kinds {
    private static final int KINDS = 20;
    private static final int TIMES = 100;
    private static final int LENGTH = 1000;
    private static final String OTHERS = "others";

    private final Map<String, Kind> kinds = new LinkedHashMap<String, Kind>();

    private static final class Kind {
        final String first;
        final JsonArray times = new JsonArray();
        long count;

        Kind(String first) {
            this.first = first;
        }
    }

    void add(String text, long millis) {
        String shortened = text.length() > LENGTH ? text.substring(0, LENGTH) : text;
        String key = shortened.replaceAll("-?[0-9]+", "#");
        if (!kinds.containsKey(key) && kinds.size() >= KINDS) {
            key = OTHERS;
        }
        Kind kind = kinds.computeIfAbsent(key, absent -> new Kind(OTHERS.equals(absent) ? OTHERS : shortened));
        kind.count++;
        if (kind.times.size() < TIMES) {
            kind.times.add(millis);
        }
    }

    /** The first text of each kind, how often it happened, and when. */
    JsonArray describe() {
        JsonArray all = new JsonArray();
        for (Kind kind : kinds.values()) {
            JsonObject described = new JsonObject();
            described.addProperty("text", kind.first);
            described.addProperty("count", kind.count);
            described.add("times", kind.times.deepCopy());
            all.add(described);
        }
        return all;
    }
}
