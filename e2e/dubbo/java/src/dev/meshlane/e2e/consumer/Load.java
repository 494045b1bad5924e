package dev.meshlane.e2e.consumer;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;

/** Makes one call again and again until it is told to stop, and counts what comes of it. */
final class Load {
    private final Callable<Object> call;
    private final String expected;
    private final long pause;
    private final List<Thread> threads = new ArrayList<Thread>();
    private final long start = System.nanoTime();
    private volatile boolean stopped;

    private long calls;
    private final Map<String, Long> answers = new TreeMap<String, Long>();
    private final Kinds wrong = new Kinds();
    private final Kinds failures = new Kinds();
    private long longest;

    /** @param expected what each answer must end with; before the first colon it names the provider */
    Load(Callable<Object> call, String expected, int concurrency, long pause) {
        this.call = call;
        this.expected = expected;
        this.pause = pause;
        for (int i = 0; i < concurrency; i++) {
            Thread thread = new Thread(this::run, "load-" + i);
            thread.setDaemon(true);
            threads.add(thread);
            thread.start();
        }
    }

    /** Waits for the calls that are on their way. */
    void stop() throws InterruptedException {
        stopped = true;
        for (Thread thread : threads) {
            thread.join();
        }
    }

    synchronized JsonObject counts() {
        JsonObject perProvider = new JsonObject();
        answers.forEach(perProvider::addProperty);
        JsonObject counts = new JsonObject();
        counts.addProperty("calls", calls);
        counts.add("answers", perProvider);
        counts.add("wrong", wrong.describe());
        counts.add("failures", failures.describe());
        counts.addProperty("longest", longest);
        counts.addProperty("elapsed", millisSince(start));
        return counts;
    }

    private void run() {
        while (!stopped) {
            long began = System.nanoTime();
            try {
                answered(String.valueOf(call.call()), began);
            } catch (Throwable error) {
                failed(Consumer.cause(error), began);
            }
            try {
                Thread.sleep(pause);
            } catch (InterruptedException error) {
                return;
            }
        }
    }

    private synchronized void answered(String answer, long began) {
        count(began);
        answers.merge(answer.split(":", 2)[0], 1L, Long::sum);
        if (!answer.endsWith(expected)) {
            wrong.add(answer, millisSince(start));
        }
    }

    private synchronized void failed(Throwable error, long began) {
        count(began);
        failures.add(error.toString(), millisSince(start));
    }

    private void count(long began) {
        calls++;
        longest = Math.max(longest, millisSince(began));
    }

    private static long millisSince(long start) {
        return (System.nanoTime() - start) / 1_000_000;
    }
}
