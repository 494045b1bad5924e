//! Frames of the Dubbo protocol, as little of them as the tap and raw clients need; deliberately not our codec.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// A whole frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(Vec<u8>);

/// The length of the header.
const HEADER: usize = 16;

impl Frame {
    /// A frame of these flags and this body.
    pub fn new(flags: u8, status: u8, id: u64, body: &[u8]) -> Self {
        let mut bytes = vec![0xda, 0xbb, flags, status];
        bytes.extend(id.to_be_bytes());
        bytes.extend(u32::try_from(body.len()).unwrap_or_default().to_be_bytes());
        bytes.extend(body);
        Self(bytes)
    }

    /// Reads the next frame; none at the end of the stream.
    pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let mut bytes = vec![0; HEADER];
        match stream.read_exact(&mut bytes).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        if !bytes.starts_with(&[0xda, 0xbb]) {
            let text = format!("not Dubbo: {bytes:02x?}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let length = bytes.iter().skip(12).take(4);
        let length = length.fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        bytes.resize(HEADER + length, 0);
        if let Some(body) = bytes.get_mut(HEADER..) {
            stream.read_exact(body).await?;
        }
        Ok(Some(Self(bytes)))
    }

    /// Header and body.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// What follows the header.
    pub fn body(&self) -> &[u8] {
        self.0.get(HEADER..).unwrap_or_default()
    }

    /// The flags and the serialization.
    pub fn flags(&self) -> u8 {
        self.0.get(2).copied().unwrap_or_default()
    }

    /// The status of a response.
    pub fn status(&self) -> u8 {
        self.0.get(3).copied().unwrap_or_default()
    }

    /// The number that a response has in common with its request.
    pub fn id(&self) -> u64 {
        let id = self.0.iter().skip(4).take(8);
        id.fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }

    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        self.flags() & 0x80 != 0
    }

    /// Whether a response is expected.
    pub fn is_two_way(&self) -> bool {
        self.flags() & 0x40 != 0
    }

    /// Whether it is a heartbeat or another event.
    pub fn is_event(&self) -> bool {
        self.flags() & 0x20 != 0
    }

    /// Whether it asks the peer to make no more calls on the connection: the event with the text `R`, which ends the
    /// body in each serialization but JSON.
    pub fn is_readonly(&self) -> bool {
        self.is_event() && self.is_request() && self.body().last() == Some(&b'R')
    }

    /// The same frame with another number.
    pub fn with_id(&self, id: u64) -> Self {
        Self::new(self.flags(), self.status(), id, self.body())
    }
}
