//! Scenarios on stock Envoy over real sockets; the demo; the benchmark.
fn main() {}
