package dev.meshlane.e2e.consumer;

import com.google.gson.JsonObject;
import dev.meshlane.e2e.api.RichService;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.MethodConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap; // since 2.7
import org.apache.dubbo.rpc.service.GenericService;

/**
 * References by their settings. Those to the same address share one connection, as long as they do not ask for some of
 * their own.
 */
final class References {
    private static final int PAYLOAD = 32 * 1024 * 1024;

    private final ApplicationConfig application;
    private final Map<String, RegistryConfig> registries = new LinkedHashMap<String, RegistryConfig>();
    private final Map<String, ReferenceConfig<?>> references = new LinkedHashMap<String, ReferenceConfig<?>>();

    References(String name) {
        application = new ApplicationConfig(name);
        application.setQosEnable(false);
    }

    /** What implements {@link #service}. */
    @SuppressWarnings("unchecked")
    <T> T typed(JsonObject settings) {
        return (T) reference(settings, false).get();
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

    /** The interface of the service. */
    static Class<?> service(JsonObject settings) {
        try {
            return Class.forName("dev.meshlane.e2e.api." + text(settings, "service", "RichService"));
        } catch (ClassNotFoundException error) {
            throw new IllegalArgumentException(error);
        }
    }

    private synchronized ReferenceConfig<?> reference(JsonObject settings, boolean generic) {
        Class<?> service = service(settings);
        String registry = text(settings, "registry", "");
        String group = text(settings, "group", "");
        String version = text(settings, "version", "");
        int timeout = number(settings, "timeout", 10_000);
        int retries = number(settings, "retries", 0);
        String source = registry.isEmpty()
                ? url(settings)
                : registry + " " + service.getName() + subscription(settings) + " " + timeout + " " + retries;
        String key = source + " " + group + " " + version + " " + generic;
        ReferenceConfig<?> known = references.get(key);
        if (known != null) {
            return known;
        }
        ReferenceConfig<Object> reference = new ReferenceConfig<Object>();
        reference.setApplication(application);
        if (registry.isEmpty()) {
            reference.setUrl(url(settings));
        } else {
            reference.setRegistry(registries.computeIfAbsent(registry, this::registry));
            reference.setParameters(subscription(settings));
        }
        reference.setCheck(false);
        reference.setTimeout(timeout);
        reference.setRetries(retries);
        if (generic) {
            reference.setInterface(service.getName());
            reference.setGeneric("true");
        } else {
            reference.setInterface(service);
            if (service == RichService.class) {
                reference.setMethods(Arrays.asList(oneWay()));
            }
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

    /** Dubbo must know a registry before its first reference: it asks it for the applications that serve an interface. */
    private RegistryConfig registry(String address) {
        RegistryConfig registry = new RegistryConfig(address);
        DubboBootstrap.getInstance().application(application).registry(registry).initialize(); // since 2.7
        return registry;
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
        url.append(address).append('/').append(service(settings).getName()).append('?');
        Map<String, String> parameters = parameters(settings);
        parameters.put("timeout", String.valueOf(number(settings, "timeout", 10_000)));
        parameters.putIfAbsent("serialization", "hessian2");
        // Not only in the settings of the method: an URL of one's own is read without them.
        parameters.put("subscribe.1.callback", "true");
        parameters.forEach((name, value) -> url.append(name).append('=').append(value).append('&'));
        return url.substring(0, url.length() - 1);
    }

    /** What goes with the providers' own URLs. */
    private static Map<String, String> subscription(JsonObject settings) {
        Map<String, String> parameters = parameters(settings);
        if (settings.has("subscription")) {
            parameters.put("migration.step", settings.get("subscription").getAsString());
        }
        if (settings.has("providedBy")) {
            parameters.put("provided-by", settings.get("providedBy").getAsString());
        }
        return parameters;
    }

    private static Map<String, String> parameters(JsonObject settings) {
        Map<String, String> parameters = new TreeMap<String, String>();
        parameters.put("payload", String.valueOf(PAYLOAD));
        parameters.put("heartbeat", String.valueOf(number(settings, "heartbeat", 60_000)));
        if (settings.has("leastReconnect")) {
            parameters.put("dubbo.application.least-reconnect-duration", settings.get("leastReconnect").getAsString());
        }
        int connections = number(settings, "connections", 0);
        if (connections > 0) {
            parameters.put("connections", String.valueOf(connections));
        }
        if (settings.has("serialization")) {
            parameters.put("serialization", settings.get("serialization").getAsString());
        }
        return parameters;
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
