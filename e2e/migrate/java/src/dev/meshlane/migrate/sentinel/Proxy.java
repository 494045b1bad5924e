package dev.meshlane.migrate.sentinel;

import com.alibaba.csp.sentinel.AsyncEntry;
import com.alibaba.csp.sentinel.Entry;
import com.alibaba.csp.sentinel.EntryType;
import com.alibaba.csp.sentinel.SphU;
import com.alibaba.csp.sentinel.context.ContextUtil;
import com.alibaba.csp.sentinel.slots.block.BlockException;
import com.alibaba.csp.sentinel.slots.block.flow.FlowRule;
import com.alibaba.csp.sentinel.slots.block.flow.FlowRuleManager;
import com.alibaba.csp.sentinel.slots.block.flow.param.ParamFlowRule;
import com.alibaba.csp.sentinel.slots.block.flow.param.ParamFlowRuleManager;
import com.alibaba.csp.sentinel.util.TimeUtil;
import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** Sentinel with some rules, whose clock is moved by hand. */
final class Proxy {
    private static final Gson GSON = new Gson();

    private final List<FlowRule> rules = new ArrayList<>();
    private final Map<Integer, AsyncEntry> open = new HashMap<>();
    private final Map<Integer, Object[]> arguments = new HashMap<>();

    Proxy(JsonArray given, boolean byParameter) {
        List<ParamFlowRule> byParameters = new ArrayList<>();
        for (JsonElement rule : given) {
            if (byParameter) {
                byParameters.add(GSON.fromJson(rule, ParamFlowRule.class));
            } else {
                rules.add(GSON.fromJson(rule, FlowRule.class));
            }
        }
        FlowRuleManager.loadRules(rules);
        ParamFlowRuleManager.loadRules(byParameters);
    }

    /** How many milliseconds a request waits; -1 when it is refused. */
    long ask(int number, long now, String resource, String origin, Object[] args) throws Exception {
        TimeUtil.set(now);
        ContextUtil.enter("meshlane", origin == null ? "" : origin);
        try {
            // Whoever is to wait does not: a thread that is interrupted does not sleep.
            Thread.currentThread().interrupt();
            AsyncEntry entry = SphU.asyncEntry(resource, EntryType.IN, 1, args);
            open.put(number, entry);
            arguments.put(number, args);
            return waiting(now, origin);
        } catch (BlockException refused) {
            return -1;
        } finally {
            Thread.interrupted();
            ContextUtil.exit();
        }
    }

    void leave(int number, long now) {
        TimeUtil.set(now);
        Entry entry = open.remove(number);
        entry.exit(1, arguments.remove(number));
    }

    void leaveAll(long now) {
        for (Integer number : new ArrayList<>(open.keySet())) {
            leave(number, now);
        }
    }

    /** By the time that the queues gave last that the request went through. */
    private long waiting(long now, String origin) throws Exception {
        long wait = 0;
        for (FlowRule rule : rules) {
            String caller = rule.getLimitApp();
            if (caller.equals("other") ? origin.equals("cart") : !caller.equals("default") && !caller.equals(origin)) {
                continue;
            }
            Field field = FlowRule.class.getDeclaredField("controller");
            field.setAccessible(true);
            Object controller = field.get(rule);
            if (controller != null && controller.getClass().getSimpleName().equals("ThrottlingController")) {
                Field last = controller.getClass().getDeclaredField("latestPassedTime");
                last.setAccessible(true);
                wait = Math.max(wait, ((AtomicLong) last.get(controller)).get() - now);
            }
        }
        return wait;
    }
}
