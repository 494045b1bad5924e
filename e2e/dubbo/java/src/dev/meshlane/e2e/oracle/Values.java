package dev.meshlane.e2e.oracle;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import dev.meshlane.e2e.consumer.Describe;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.dubbo.common.URL;
import org.apache.dubbo.common.serialize.ObjectInput;
import org.apache.dubbo.remoting.transport.CodecSupport;

/**
 * Reads Hessian2 bodies with Dubbo's own decoder: on each line of standard input the number of values and the body in
 * hex. Prints a line of JSON for each: the list of the values, or what went wrong.
 */
public final class Values {
    private static final byte HESSIAN2 = 2;
    private static final URL ANY = URL.valueOf("dubbo://127.0.0.1:1/dev.meshlane.e2e.api.RichService");

    private Values() {}

    public static void main(String[] arguments) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err);
        Gson gson = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        String line;
        while ((line = in.readLine()) != null) {
            String[] parts = line.split(" ");
            JsonElement said;
            try {
                said = Describe.value(read(Integer.parseInt(parts[0]), Oracle.bytes(parts[1])));
            } catch (Throwable error) {
                said = new JsonPrimitive(error.toString());
            }
            StringBuilder ascii = new StringBuilder();
            for (char unit : gson.toJson(said).toCharArray()) {
                ascii.append(unit < 0x7f ? String.valueOf(unit) : String.format("\\u%04x", (int) unit));
            }
            out.println(ascii);
            out.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    private static List<Object> read(int count, byte[] body) throws Exception {
        ByteArrayInputStream bytes = new ByteArrayInputStream(body);
        ObjectInput input = CodecSupport.getSerializationById(HESSIAN2).deserialize(ANY, bytes);
        List<Object> values = new ArrayList<Object>();
        for (int i = 0; i < count; i++) {
            values.add(input.readObject());
        }
        return values;
    }
}
