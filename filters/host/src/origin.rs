//! The proof that a connection's requests come from the Dubbo bridge.
//!
//! The bridge stands in front of the connection manager and leaves a mark on the connection: a
//! piece of Envoy's filter state that lives as long as the connection and that every request on
//! it can see. Nothing that a client sends can set it.
//! An access log shows it as `%FILTER_STATE(wasm.meshlane.dubbo:PLAIN)%`.

use crate::{abi, property};

/// Declares the mark; in the bridge's `on_configure`, before the first connection.
///
/// Undeclared it would end with the network filters, and no request would see it. Once it is
/// declared Envoy refuses to declare it again, which does no harm.
pub fn declare() {
    abi::call_foreign_function("declare_property", DECLARATION);
}

/// Marks the connection at hand; before the connection manager reads its first request.
pub fn mark() {
    property::set(MARK, "1");
}

/// Whether the request at hand comes from the bridge in front of this connection manager.
pub fn is_from_bridge() -> bool {
    property::bytes(&[MARK]).is_some_and(|value| !value.is_empty())
}

const MARK: &str = "meshlane.dubbo";

/// `DeclarePropertyArguments` of Envoy's `source/extensions/common/wasm/declare_property.proto`:
/// 1 the name, 3 the type (1: a text), 5 the span (2: the downstream connection).
const DECLARATION: &[u8] = b"\x0a\x0emeshlane.dubbo\x18\x01\x28\x02";
