//! Refusing a request.

use meshlane_diagnostics::Reason;

use crate::abi;

/// Answers the request instead of an upstream: 503 with the reason in `x-meshlane-reason`, and
/// to a gRPC request the status `UNAVAILABLE` in a trailers-only response.
pub fn refuse(reason: Reason) {
    const SERVICE_UNAVAILABLE: u32 = 503;
    const GRPC_UNAVAILABLE: u32 = 14;
    let headers = [("x-meshlane-reason".to_owned(), reason.to_string())];
    let body = format!("meshlane: {reason}\n");
    reply(
        reason,
        SERVICE_UNAVAILABLE,
        GRPC_UNAVAILABLE,
        &headers,
        &body,
    );
}

/// Answers the request instead of an upstream; to a gRPC request the status of gRPC in a trailers-only response, whose message is
/// the body.
pub fn reply(
    reason: Reason,
    status: u32,
    grpc_status: u32,
    headers: &[(String, String)],
    body: &str,
) {
    let details = format!("meshlane_{}", reason.as_str().replace('-', "_"));
    let headers = serialized(headers);
    abi::send_local_response(
        status,
        &details,
        body.as_bytes(),
        &headers,
        grpc_status as i32,
    );
}

/// Header pairs in the form that the host reads, see
/// [`Headers::from_pairs`](meshlane_attributes::Headers::from_pairs).
fn serialized(pairs: &[(String, String)]) -> Vec<u8> {
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
