package dev.meshlane.e2e.consumer;

import com.google.gson.JsonObject;
import dev.meshlane.e2e.api.RichService;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.MethodConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.rpc.service.GenericService;

/**
 * References by their settings. Those to the same address share one connection, as long as they do not ask for some of
 * their own.
 */
final class References {
    private static final int PAYLOAD = 32 * 1024 * 1024;

    private final ApplicationConfig application;
    private final Map<String, ReferenceConfig<?>> references = new LinkedHashMap<String, ReferenceConfig<?>>();

    References() {
        application = new ApplicationConfig("shop-consumer");
        application.setQosEnable(false);
    }

    RichService typed(JsonObject settings) {
        return (RichService) reference(settings, false).get();
    }

    GenericService generic(JsonObject settings) {
        return (GenericService) reference(settings, true).get();
    }

    /** Closes every connection. */
    void close() {
        for (ReferenceConfig<?> reference : references.values()) {
            reference.destroy();
        }
        references.clear();
    }

    private synchronized ReferenceConfig<?> reference(JsonObject settings, boolean generic) {
        String url = url(settings);
        String group = text(settings, "group", "");
        String version = text(settings, "version", "");
        String key = url + " " + group + " " + version + " " + generic;
        ReferenceConfig<?> known = references.get(key);
        if (known != null) {
            return known;
        }
        ReferenceConfig<Object> reference = new ReferenceConfig<Object>();
        reference.setApplication(application);
        reference.setUrl(url);
        reference.setCheck(false);
        reference.setTimeout(number(settings, "timeout", 10_000));
        reference.setRetries(number(settings, "retries", 0));
        if (generic) {
            reference.setInterface(RichService.class.getName());
            reference.setGeneric("true");
        } else {
            reference.setInterface(RichService.class);
            reference.setMethods(Arrays.asList(oneWay()));
        }
        if (!group.isEmpty()) {
            reference.setGroup(group);
        }
        if (!version.isEmpty()) {
            reference.setVersion(version);
        }
        references.put(key, reference);
        return reference;
    }

    /** An URL for each address; the consumer chooses among them. */
    private static String url(JsonObject settings) {
        StringBuilder urls = new StringBuilder();
        for (String address : text(settings, "address", "").split(",")) {
            urls.append(urls.length() == 0 ? "" : ";").append(url(address, settings));
        }
        return urls.toString();
    }

    private static String url(String address, JsonObject settings) {
        StringBuilder url = new StringBuilder("dubbo://");
        url.append(address).append('/').append(RichService.class.getName());
        url.append("?payload=").append(PAYLOAD);
        url.append("&heartbeat=").append(number(settings, "heartbeat", 60_000));
        url.append("&timeout=").append(number(settings, "timeout", 10_000));
        url.append("&serialization=").append(text(settings, "serialization", "hessian2"));
        // Not only in the settings of the method: an URL of one's own is read without them.
        url.append("&subscribe.1.callback=true");
        int connections = number(settings, "connections", 0);
        if (connections > 0) {
            url.append("&connections=").append(connections);
        }
        return url.toString();
    }

    private static MethodConfig oneWay() {
        MethodConfig method = new MethodConfig();
        method.setName("fire");
        method.setReturn(false);
        return method;
    }

    static String text(JsonObject settings, String name, String otherwise) {
        return settings.has(name) ? settings.get(name).getAsString() : otherwise;
    }

    static int number(JsonObject settings, String name, int otherwise) {
        return settings.has(name) ? settings.get(name).getAsInt() : otherwise;
    }
}
