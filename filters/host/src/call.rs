use std::io::{self, BufRead, Read};
use std::time::Duration;

use proxy_wasm::hostcalls;

use crate::abi::{self, CALL_RESPONSE_BODY, CALL_RESPONSE_HEADERS, GRPC_MESSAGE};
use meshlane_attributes::Headers;

/// Asks a cluster for a path by `GET`. The answer comes to `on_http_call_response` of the context at hand, also when there is
/// none. Returns whether the request was taken: Envoy knows the cluster.
///
/// This is the SDK's own call, the only one that tells its dispatcher to whom the answer belongs. The statuses that it
/// does not panic on are all that Envoy gives.
pub fn get(cluster: &str, path: &str, timeout: Duration) -> bool {
    let headers = vec![(":method", "GET"), (":path", path), (":authority", cluster)];
    hostcalls::dispatch_http_call(cluster, headers, None, Vec::new(), timeout).is_ok()
}

/// Asks a cluster by gRPC. The answer comes to `on_grpc_call_response` of the context at hand with the number that is returned, also
/// when there is none. Nothing when the request was not taken: Envoy does not know the cluster.
///
/// The SDK's own call, as [`get`]. The cluster is named in a message, as a mere name may happen to be one.
pub fn grpc(
    cluster: &str,
    (service, method): (&str, &str),
    message: &[u8],
    timeout: Duration,
) -> Option<u32> {
    let target = grpc_service(cluster)?;
    // Envoy takes 0 for no timeout at all.
    let timeout = timeout.max(Duration::from_millis(1));
    hostcalls::dispatch_grpc_call(&target, service, method, Vec::new(), Some(message), timeout).ok()
}

/// The message of the gRPC answer at hand, of `size` bytes.
pub fn grpc_message(size: usize) -> Option<Vec<u8>> {
    match size {
        0 => Some(Vec::new()),
        _ => abi::buffer(GRPC_MESSAGE, size),
    }
}

/// `envoy.config.core.v3.GrpcService` with `envoy_grpc` (1) and its `cluster_name` (1). A longer name would need lengths of more
/// than a byte, which are no text.
fn grpc_service(cluster: &str) -> Option<String> {
    let length = u8::try_from(cluster.len())
        .ok()
        .filter(|length| *length < 126)?;
    let head = [b'\n', length + 2, b'\n', length].map(char::from);
    Some(head.into_iter().chain(cluster.chars()).collect())
}

/// Whether the call at hand was answered with 200.
pub fn is_ok() -> bool {
    let headers = abi::header_pairs(CALL_RESPONSE_HEADERS);
    let headers = headers.and_then(|pairs| Headers::from_pairs(pairs).ok());
    headers.is_some_and(|headers| headers.first(":status") == Some(b"200"))
}

/// The body of the answer at hand, of `size` bytes, read piece by piece: Envoy holds it, this module never all of it.
pub fn body(size: usize) -> impl BufRead {
    Body {
        size,
        begin: 0,
        piece: Vec::new(),
        read: 0,
    }
}

struct Body {
    size: usize,
    /// Where the next piece begins.
    begin: usize,
    piece: Vec<u8>,
    /// How much of the piece was read.
    read: usize,
}

impl Body {
    fn rest(&self) -> &[u8] {
        self.piece.get(self.read..).unwrap_or_default()
    }

    fn fetch(&mut self) -> io::Result<()> {
        let length = PIECE.min(self.size - self.begin);
        let piece = abi::buffer_part(CALL_RESPONSE_BODY, self.begin, length);
        let piece = piece.filter(|piece| !piece.is_empty());
        self.piece = piece.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.begin += self.piece.len();
        self.read = 0;
        Ok(())
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.rest().is_empty() && self.begin < self.size {
            self.fetch()?;
        }
        Ok(self.rest())
    }

    fn consume(&mut self, count: usize) {
        self.read += count;
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

const PIECE: usize = 64 * 1024;
