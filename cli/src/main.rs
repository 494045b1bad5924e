//! Check, explain and render meshlane configuration.
fn main() {}
