package dev.meshlane.e2e.oracle;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.dubbo.common.URL;
import org.apache.dubbo.common.serialize.ObjectInput;
import org.apache.dubbo.common.serialize.Serialization;
import org.apache.dubbo.remoting.transport.CodecSupport;

/**
 * Reads frames with Dubbo's own classes: a line of hex for each on standard input, a line of JSON for each on standard
 * output. It tells the head of a call, attachments, messages, and the leaves of all values in the order in which Java
 * walks them.
 */
public final class Oracle {
    private static final int HEADER = 16;
    private static final int OK = 20;
    private static final Gson GSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
    private static final URL ANY = URL.valueOf("dubbo://127.0.0.1:1/dev.meshlane.e2e.api.RichService");

    private Oracle() {}

    public static void main(String[] arguments) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        String line;
        while ((line = in.readLine()) != null) {
            JsonObject said;
            try {
                said = frame(bytes(line));
            } catch (Throwable error) {
                said = new JsonObject();
                said.addProperty("error", error.toString());
            }
            StringBuilder ascii = new StringBuilder();
            for (char unit : GSON.toJson(said).toCharArray()) {
                ascii.append(unit < 0x7f ? String.valueOf(unit) : String.format("\\u%04x", (int) unit));
            }
            out.println(ascii);
        }
        out.flush();
        System.exit(0);
    }

    private static JsonObject frame(byte[] frame) throws Exception {
        boolean request = (frame[2] & 0x80) != 0;
        boolean event = (frame[2] & 0x20) != 0;
        Serialization serialization = CodecSupport.getSerializationById((byte) (frame[2] & 0x1f));
        ObjectInput input =
                serialization.deserialize(ANY, new ByteArrayInputStream(frame, HEADER, frame.length - HEADER));
        JsonObject said = new JsonObject();
        if (event) {
            Object data = frame.length == HEADER ? null : input.readObject();
            said.add("event_data", text(data == null ? null : data.toString()));
        } else if (request) {
            request(input, said);
        } else {
            response(input, frame[3], said);
        }
        return said;
    }

    private static void request(ObjectInput input, JsonObject said) throws Exception {
        for (String field : new String[] {"dubbo_version", "path", "version", "method", "param_types_desc"}) {
            said.add(field, text(input.readUTF()));
        }
        Leaves leaves = new Leaves();
        for (Class<?> type : parameters(said.get("param_types_desc").getAsString())) {
            leaves.add(input.readObject(type));
        }
        said.add("leaves", leaves.toJson());
        said.add("attachments", attachments(input));
    }

    private static void response(ObjectInput input, byte status, JsonObject said) throws Exception {
        if (status != OK) {
            said.add("message", text(input.readUTF()));
            return;
        }
        int kind = input.readByte();
        said.addProperty("kind_id", kind);
        Leaves leaves = new Leaves();
        if (kind != 2 && kind != 5) {
            leaves.add(input.readObject());
        }
        said.add("leaves", leaves.toJson());
        if (kind >= 3) {
            said.add("attachments", attachments(input));
        }
    }

    /** Attachments that are not strings are told by their class. */
    private static JsonElement attachments(ObjectInput input) throws IOException, ClassNotFoundException {
        Map<?, ?> attachments = (Map<?, ?>) input.readObject(Map.class);
        if (attachments == null) {
            return JsonNull.INSTANCE;
        }
        JsonObject described = new JsonObject();
        for (Map.Entry<?, ?> entry : attachments.entrySet()) {
            Object value = entry.getValue();
            boolean plain = value == null || value instanceof String;
            described.add(
                    String.valueOf(entry.getKey()),
                    plain ? text((String) value) : text("@" + value.getClass().getName()));
        }
        return described;
    }

    private static List<Class<?>> parameters(String descriptor) throws ClassNotFoundException {
        List<Class<?>> types = new ArrayList<Class<?>>();
        int start = 0;
        while (start < descriptor.length()) {
            int end = start;
            while (descriptor.charAt(end) == '[') {
                end++;
            }
            end = descriptor.charAt(end) == 'L' ? descriptor.indexOf(';', end) : end;
            types.add(type(descriptor.substring(start, end + 1)));
            start = end + 1;
        }
        return types;
    }

    private static Class<?> type(String descriptor) throws ClassNotFoundException {
        switch (descriptor.charAt(0)) {
            case 'Z':
                return boolean.class;
            case 'B':
                return byte.class;
            case 'C':
                return char.class;
            case 'D':
                return double.class;
            case 'F':
                return float.class;
            case 'I':
                return int.class;
            case 'J':
                return long.class;
            case 'S':
                return short.class;
            case '[':
                return Class.forName(descriptor.replace('/', '.'));
            default:
                return Class.forName(descriptor.substring(1, descriptor.length() - 1).replace('/', '.'));
        }
    }

    private static JsonElement text(String text) {
        return text == null ? JsonNull.INSTANCE : new JsonPrimitive(text);
    }

    static byte[] bytes(String hex) {
        byte[] bytes = new byte[hex.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
        }
        return bytes;
    }
}
