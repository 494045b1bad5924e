package com.alibaba.csp.sentinel.util;

/** Sentinel's own clock, standing still until it is moved: this class is found before that of sentinel-core. */
public final class TimeUtil {
    private static volatile long now;

    private TimeUtil() {}

    public static long currentTimeMillis() {
        return now;
    }

    public static void set(long milliseconds) {
        now = milliseconds;
    }
}
