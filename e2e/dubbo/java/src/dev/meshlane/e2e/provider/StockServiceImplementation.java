package dev.meshlane.e2e.provider;

import dev.meshlane.e2e.api.StockService;

/** Answers as the interface says. */
final class StockServiceImplementation implements StockService {
    private final String who;

    StockServiceImplementation(String who) {
        this.who = who;
    }

    @Override
    public String who() {
        return who;
    }

    @Override
    public String reserve(String sku, int amount) {
        return who + ": reserved " + amount + " of " + sku;
    }
}
