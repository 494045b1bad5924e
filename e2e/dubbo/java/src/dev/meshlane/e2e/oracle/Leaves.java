package dev.meshlane.e2e.oracle;

import com.google.gson.JsonArray;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.math.BigDecimal;
import java.util.Collection;
import java.util.Date;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * The scalars of values: {@code text:…}, {@code number:…}, {@code double:…}, {@code boolean:…}, {@code date:…},
 * {@code bytes:length}, {@code null}, and {@code closed:class} for what has no fields to look at.
 */
final class Leaves {
    private final JsonArray leaves = new JsonArray();
    private final IdentityHashMap<Object, Object> seen = new IdentityHashMap<Object, Object>();

    JsonArray toJson() {
        return leaves;
    }

    void add(Object value) throws IllegalAccessException {
        String scalar = scalar(value);
        if (scalar != null) {
            leaves.add(scalar);
        } else if (seen.put(value, value) == null) {
            structure(value);
        }
    }

    private static String scalar(Object value) {
        if (value == null) {
            return "null";
        }
        if (value instanceof String || value instanceof Character || value instanceof BigDecimal) {
            return "text:" + value;
        }
        if (value instanceof Enum) {
            return "text:" + ((Enum<?>) value).name();
        }
        if (value instanceof Boolean) {
            return "boolean:" + value;
        }
        if (value instanceof Float || value instanceof Double) {
            return "double:" + Double.doubleToLongBits(((Number) value).doubleValue());
        }
        if (value instanceof Byte || value instanceof Short || value instanceof Integer || value instanceof Long) {
            return "number:" + value;
        }
        if (value instanceof Date) {
            return "date:" + ((Date) value).getTime();
        }
        return value instanceof byte[] ? "bytes:" + ((byte[]) value).length : null;
    }

    private void structure(Object value) throws IllegalAccessException {
        if (value.getClass().isArray()) {
            for (int i = 0; i < Array.getLength(value); i++) {
                add(Array.get(value, i));
            }
        } else if (value instanceof Collection) {
            for (Object item : (Collection<?>) value) {
                add(item);
            }
        } else if (value instanceof Map) {
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                add(entry.getKey());
                add(entry.getValue());
            }
        } else if (value.getClass().getName().startsWith("dev.meshlane.") && !(value instanceof Throwable)) {
            fields(value);
        } else {
            leaves.add("closed:" + value.getClass().getName());
        }
    }

    private void fields(Object value) throws IllegalAccessException {
        for (Class<?> type = value.getClass(); type != Object.class; type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                if ((field.getModifiers() & (Modifier.STATIC | Modifier.TRANSIENT)) == 0) {
                    field.setAccessible(true);
                    add(field.get(value));
                }
            }
        }
    }
}
