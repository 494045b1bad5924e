//! Refusing a request.

use meshlane_diagnostics::Reason;

use crate::abi;

/// Answers the request instead of an upstream: 503 with the reason in `x-meshlane-reason`, and
/// to a gRPC request the status `UNAVAILABLE` in a trailers-only response.
pub fn refuse(reason: Reason) {
    const SERVICE_UNAVAILABLE: u32 = 503;
    const GRPC_UNAVAILABLE: i32 = 14;
    let details = format!("meshlane_{}", reason.as_str().replace('-', "_"));
    let body = format!("meshlane: {reason}\n");
    let headers = serialized(&[("x-meshlane-reason", reason.as_str())]);
    let body = body.as_bytes();
    abi::send_local_response(
        SERVICE_UNAVAILABLE,
        &details,
        body,
        &headers,
        GRPC_UNAVAILABLE,
    );
}

/// Header pairs in the form that the host reads, see
/// [`Headers::from_pairs`](meshlane_attributes::Headers::from_pairs).
fn serialized(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&(pairs.len() as u32).to_le_bytes());
    for (name, value) in pairs {
        bytes.extend_from_slice(&(name.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    }
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
    }
    bytes
}
