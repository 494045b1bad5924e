package dev.meshlane.migrate.dubbo;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.dubbo.common.URL;
import org.apache.dubbo.common.config.configcenter.ConfigChangedEvent;
import org.apache.dubbo.common.utils.Holder;
import org.apache.dubbo.rpc.Invoker;
import org.apache.dubbo.rpc.RpcInvocation;
import org.apache.dubbo.rpc.cluster.router.condition.config.ListenableStateRouter;
import org.apache.dubbo.rpc.cluster.router.state.BitList;
import org.apache.dubbo.rpc.cluster.router.tag.TagStateRouter;

/** Asks Dubbo's own routers where a call may go. */
final class Routing {
    private static final String INTERFACE = "dev.meshlane.Orders";
    private static final String GROUP = "dubbo";

    private final URL consumer;
    private final List<Invoker<Object>> instances = new ArrayList<>();
    private final TagStateRouter<Object> tags;
    private final ListenableStateRouter<Object> conditions;

    /** Providers and consumer are host, port and parameters. */
    Routing(String kind, String rule, Map<String, Map<String, String>> providers, String host, Map<String, String> parameters) {
        for (Map.Entry<String, Map<String, String>> provider : providers.entrySet()) {
            String[] address = provider.getKey().split(":");
            URL url = new URL("dubbo", address[0], Integer.parseInt(address[1]), INTERFACE, provider.getValue());
            instances.add(new Instance(url));
        }
        Map<String, String> own = new TreeMap<>(parameters);
        own.put("interface", INTERFACE);
        consumer = new URL("consumer", host, 0, INTERFACE, own);
        ConfigChangedEvent event = new ConfigChangedEvent("orders", GROUP, rule);
        if (kind.equals("tag")) {
            conditions = null;
            tags = new TagStateRouter<>(consumer);
            tags.notify(new BitList<>(instances));
            tags.process(event);
        } else {
            tags = null;
            conditions = new ListenableStateRouter<Object>(consumer, "") {};
            conditions.process(event);
        }
    }

    /** The addresses that are left. */
    List<String> left(String method, Object[] arguments, Map<String, String> attachments) {
        RpcInvocation invocation = new RpcInvocation();
        invocation.setMethodName(method);
        invocation.setArguments(arguments);
        attachments.forEach(invocation::setAttachment);
        BitList<Invoker<Object>> all = new BitList<>(instances);
        BitList<Invoker<Object>> left = tags != null
                ? tags.doRoute(all, consumer, invocation, false, new Holder<>(), new Holder<>())
                : conditions.doRoute(all, consumer, invocation, false, new Holder<>(), new Holder<>());
        TreeSet<String> addresses = new TreeSet<>();
        for (Invoker<Object> invoker : left) {
            addresses.add(invoker.getUrl().getAddress());
        }
        return new ArrayList<>(addresses);
    }

    /** All that may be left when it is asked so many times: destinations with weights are drawn. */
    List<List<String>> outcomes(int times, String method, Object[] arguments, Map<String, String> attachments) {
        TreeMap<String, List<String>> outcomes = new TreeMap<>();
        for (int time = 0; time < times; time++) {
            List<String> left = left(method, arguments, attachments);
            outcomes.put(left.toString(), left);
        }
        return Collections.unmodifiableList(new ArrayList<>(outcomes.values()));
    }
}
