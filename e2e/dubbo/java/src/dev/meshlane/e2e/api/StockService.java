package dev.meshlane.e2e.api;

/** A second service, of another application. Both answers start with the name of the provider. */
public interface StockService {
    String who();

    String reserve(String sku, int amount);
}
