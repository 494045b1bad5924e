//! Builds the Wasm modules and checks them.
fn main() {}
