package dev.meshlane.e2e.consumer;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.Date;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Writes any value down as JSON, with its Java types and its references, so that two results can be compared.
 *
 * <p>Strings, booleans, ints and null are themselves. Everything else is an object whose first member starts with
 * {@code $} and tells what it is.
 */
public final class Describe {
    private static final int LONG_TEXT = 200;
    private static final int LONG_MESSAGE = 20_000;
    private static final int LONG_BYTES = 32;

    private final IdentityHashMap<Object, Integer> seen = new IdentityHashMap<Object, Integer>();

    private Describe() {}

    public static JsonElement value(Object value) {
        return new Describe().any(value);
    }

    private JsonElement any(Object value) {
        if (value == null) {
            return JsonNull.INSTANCE;
        }
        if (value instanceof String) {
            return text((String) value);
        }
        if (value instanceof Boolean || value instanceof Integer) {
            return value instanceof Boolean ? new JsonPrimitive((Boolean) value) : new JsonPrimitive((Integer) value);
        }
        if (value instanceof Enum) {
            return tagged("$enum", ((Enum<?>) value).getDeclaringClass().getName() + "." + ((Enum<?>) value).name());
        }
        if (value instanceof Date) {
            return tagged("$date", String.valueOf(((Date) value).getTime()));
        }
        if (value instanceof byte[]) {
            return bytes((byte[]) value);
        }
        if (isStructure(value)) {
            Integer earlier = seen.get(value);
            if (earlier != null) {
                JsonObject reference = new JsonObject();
                reference.addProperty("$ref", earlier);
                return reference;
            }
            seen.put(value, seen.size());
            return structure(value);
        }
        return tagged("$" + value.getClass().getName(), String.valueOf(value));
    }

    private static boolean isStructure(Object value) {
        return value.getClass().isArray()
                || value instanceof Collection
                || value instanceof Map
                || value instanceof Throwable
                || value.getClass().getName().startsWith("dev.meshlane.");
    }

    private JsonElement structure(Object value) {
        if (value.getClass().isArray()) {
            JsonArray items = new JsonArray();
            for (int i = 0; i < Array.getLength(value); i++) {
                items.add(any(Array.get(value, i)));
            }
            return pair("$array", value.getClass().getComponentType().getName(), "items", items);
        }
        if (value instanceof Collection) {
            JsonArray items = new JsonArray();
            for (Object item : (Collection<?>) value) {
                items.add(any(item));
            }
            return pair("$collection", value.getClass().getName(), "items", items);
        }
        if (value instanceof Map) {
            JsonArray entries = new JsonArray();
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                JsonArray both = new JsonArray();
                both.add(any(entry.getKey()));
                both.add(any(entry.getValue()));
                entries.add(both);
            }
            return pair("$map", value.getClass().getName(), "entries", entries);
        }
        JsonObject described = pair("$object", value.getClass().getName(), "fields", fields(value));
        if (value instanceof Throwable) {
            described.add("message", message(((Throwable) value).getMessage()));
            described.add("cause", any(((Throwable) value).getCause()));
        }
        return described;
    }

    /** The fields of our own classes; those of Java's exceptions are closed. */
    private JsonObject fields(Object value) {
        JsonObject fields = new JsonObject();
        Class<?> type = value.getClass();
        while (type.getName().startsWith("dev.meshlane.")) {
            for (Field field : type.getDeclaredFields()) {
                if ((field.getModifiers() & (Modifier.STATIC | Modifier.TRANSIENT)) == 0) {
                    fields.add(field.getName(), any(read(field, value)));
                }
            }
            type = type.getSuperclass();
        }
        return fields;
    }

    private static Object read(Field field, Object value) {
        try {
            field.setAccessible(true);
            return field.get(value);
        } catch (IllegalAccessException error) {
            throw new IllegalStateException(error);
        }
    }

    /** What went wrong is written in full. */
    private static JsonElement message(String message) {
        return message == null ? JsonNull.INSTANCE : text(message, LONG_MESSAGE);
    }

    private static JsonElement text(String text) {
        return text(text, LONG_TEXT);
    }

    /** Text that is not well-formed or is long has a notation of its own. */
    private static JsonElement text(String text, int limit) {
        boolean wellFormed = StandardCharsets.UTF_16BE.newEncoder().canEncode(text);
        if (wellFormed && text.length() <= limit) {
            return new JsonPrimitive(text);
        }
        JsonArray units = new JsonArray();
        if (text.length() <= LONG_TEXT) {
            for (char unit : text.toCharArray()) {
                units.add((int) unit);
            }
            JsonObject described = new JsonObject();
            described.add("$utf16", units);
            return described;
        }
        byte[] bytes = new byte[text.length() * 2];
        for (int i = 0; i < text.length(); i++) {
            bytes[2 * i] = (byte) (text.charAt(i) >> 8);
            bytes[2 * i + 1] = (byte) text.charAt(i);
        }
        JsonObject described = tagged("$text", sha256(bytes));
        described.addProperty("length", text.length());
        return described;
    }

    private static JsonElement bytes(byte[] bytes) {
        JsonObject described = tagged("$bytes", bytes.length > LONG_BYTES ? sha256(bytes) : hex(bytes));
        described.addProperty("length", bytes.length);
        return described;
    }

    private static JsonObject tagged(String tag, String value) {
        JsonObject described = new JsonObject();
        described.add(tag, text(value));
        return described;
    }

    private static JsonObject pair(String tag, String type, String name, JsonElement content) {
        JsonObject described = tagged(tag, type);
        described.add(name, content);
        return described;
    }

    private static String sha256(byte[] bytes) {
        try {
            return hex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error);
        }
    }

    private static String hex(byte[] bytes) {
        StringBuilder digits = new StringBuilder();
        for (byte each : bytes) {
            digits.append(Character.forDigit(each >> 4 & 15, 16)).append(Character.forDigit(each & 15, 16));
        }
        return digits.toString();
    }
}
