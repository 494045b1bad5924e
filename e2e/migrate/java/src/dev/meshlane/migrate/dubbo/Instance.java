package dev.meshlane.migrate.dubbo;

import org.apache.dubbo.common.URL;
import org.apache.dubbo.rpc.Invocation;
import org.apache.dubbo.rpc.Invoker;
import org.apache.dubbo.rpc.Result;

/** An instance of a provider: its URL is all that routers look at. */
final class Instance implements Invoker<Object> {
    private final URL url;

    Instance(URL url) {
        this.url = url;
    }

    @Override
    public URL getUrl() {
        return url;
    }

    @Override
    public Class<Object> getInterface() {
        return Object.class;
    }

    @Override
    public boolean isAvailable() {
        return true;
    }

    @Override
    public Result invoke(Invocation invocation) {
        throw new UnsupportedOperationException("instances are only routed to");
    }

    @Override
    public void destroy() {}
}
