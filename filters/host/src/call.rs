use std::io::{self, BufRead, Read};
use std::time::Duration;

use proxy_wasm::hostcalls;

use crate::abi::{self, CALL_RESPONSE_BODY, CALL_RESPONSE_HEADERS};
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
