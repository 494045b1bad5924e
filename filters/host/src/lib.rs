//! The one wrapper of proxy-wasm: host calls, configuration life cycle, metrics, access-log properties.
