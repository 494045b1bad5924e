//! The sixteen bytes in front of every body.

use crate::{InvalidFrame, InvalidFrameKind, Progress, Serialization, Status};

/// The first two bytes of every frame.
pub const MAGIC: [u8; 2] = [0xda, 0xbb];

/// The length of a [`Header`] in bytes.
pub const HEADER_LENGTH: usize = 16;

/// What a header may say before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    /// The longest body in bytes. By default 16 MiB; Dubbo's own default (`payload`) is 8 MiB.
    pub max_body: u32,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self {
            max_body: 16 * 1024 * 1024,
        }
    }
}

/// The header of a frame.
///
/// ```text
/// offset 0    2       3        4              12            16
///        magic flags   status   request id     body length   body …
///        dabb  1 byte  1 byte   8 bytes        4 bytes
/// ```
///
/// Every bit is kept as it came, so that [`encode`](Self::encode) gives the same bytes back.
/// Source: `org.apache.dubbo.remoting.exchange.codec.ExchangeCodec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What the frame is, and its serialization.
    pub flags: Flags,
    /// How the call ended; without meaning (and zero) in a request.
    pub status: Status,
    /// Which request this is, or is the answer to. Opaque: Java's ids are negative at times.
    pub request_id: u64,
    /// The length of the body in bytes.
    pub body_length: u32,
}

impl Header {
    /// Reads the header at the beginning of the bytes.
    ///
    /// Bytes that cannot begin a frame are refused as soon as the first of them is there.
    #[inline]
    pub fn decode(bytes: &[u8], limits: &FrameLimits) -> Progress<Self> {
        let Some(head) = bytes.first_chunk::<HEADER_LENGTH>() else {
            return match magic_fault(bytes) {
                Some(invalid) => Progress::Invalid(invalid),
                None => Progress::NeedMore(HEADER_LENGTH - bytes.len()),
            };
        };
        let [
            magic0,
            magic1,
            flags,
            status,
            i0,
            i1,
            i2,
            i3,
            i4,
            i5,
            i6,
            i7,
            l0,
            l1,
            l2,
            l3,
        ] = *head;
        if [magic0, magic1] != MAGIC {
            let offset = usize::from(magic0 == MAGIC[0]);
            return Progress::Invalid(InvalidFrame {
                offset,
                kind: InvalidFrameKind::Magic,
            });
        }
        let body_length = u32::from_be_bytes([l0, l1, l2, l3]);
        if body_length > limits.max_body {
            // A Java int: what is over 2^31 - 1 is negative there.
            let kind = if i32::try_from(body_length).is_err() {
                InvalidFrameKind::NegativeLength
            } else {
                InvalidFrameKind::BodyTooLong
            };
            return Progress::Invalid(InvalidFrame {
                offset: LENGTH_OFFSET,
                kind,
            });
        }
        Progress::Complete(Self {
            flags: Flags(flags),
            status: Status(status),
            request_id: u64::from_be_bytes([i0, i1, i2, i3, i4, i5, i6, i7]),
            body_length,
        })
    }

    /// The header as bytes.
    #[inline]
    pub const fn encode(&self) -> [u8; HEADER_LENGTH] {
        let [i0, i1, i2, i3, i4, i5, i6, i7] = self.request_id.to_be_bytes();
        let [l0, l1, l2, l3] = self.body_length.to_be_bytes();
        let [m0, m1] = MAGIC;
        [
            m0,
            m1,
            self.flags.0,
            self.status.0,
            i0,
            i1,
            i2,
            i3,
            i4,
            i5,
            i6,
            i7,
            l0,
            l1,
            l2,
            l3,
        ]
    }

    /// Whether this is a request; otherwise it is a response.
    #[inline]
    pub const fn is_request(&self) -> bool {
        self.flags.is_request()
    }

    /// Whether a response is expected to this request.
    #[inline]
    pub const fn is_two_way(&self) -> bool {
        self.flags.is_two_way()
    }

    /// Whether this is an event of the connection (heartbeat, readonly) and no call.
    #[inline]
    pub const fn is_event(&self) -> bool {
        self.flags.is_event()
    }

    /// How the body is written.
    #[inline]
    pub const fn serialization(&self) -> Serialization {
        self.flags.serialization()
    }
}

/// The third byte of a frame: what it is, and its serialization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flags(pub u8);

impl Flags {
    /// A request; otherwise a response.
    pub const REQUEST: u8 = 0x80;
    /// A response is expected to this request.
    pub const TWO_WAY: u8 = 0x40;
    /// An event of the connection.
    pub const EVENT: u8 = 0x20;

    /// The flags of a call's response.
    pub const fn response(serialization: Serialization) -> Self {
        Self(serialization.number())
    }

    /// The flags of a call.
    pub const fn request(serialization: Serialization, two_way: bool) -> Self {
        let two_way = if two_way { Self::TWO_WAY } else { 0 };
        Self(Self::REQUEST | two_way | serialization.number())
    }

    /// The same for an event.
    pub const fn event(self) -> Self {
        Self(self.0 | Self::EVENT)
    }

    /// Whether this is a request; otherwise it is a response.
    #[inline]
    pub const fn is_request(self) -> bool {
        self.0 & Self::REQUEST != 0
    }

    /// Whether a response is expected.
    #[inline]
    pub const fn is_two_way(self) -> bool {
        self.0 & Self::TWO_WAY != 0
    }

    /// Whether this is an event.
    #[inline]
    pub const fn is_event(self) -> bool {
        self.0 & Self::EVENT != 0
    }

    /// How the body is written.
    #[inline]
    pub const fn serialization(self) -> Serialization {
        Serialization::new(self.0)
    }
}

/// The first of at most two bytes that is not the magic.
fn magic_fault(bytes: &[u8]) -> Option<InvalidFrame> {
    let offset = bytes
        .iter()
        .zip(&MAGIC)
        .position(|(found, expected)| found != expected)?;
    Some(InvalidFrame {
        offset,
        kind: InvalidFrameKind::Magic,
    })
}

/// Where the body's length stands.
const LENGTH_OFFSET: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const CALL: [u8; 16] = [
        0xda, 0xbb, 0xc2, 0, 0xe9, 0xb7, 1, 2, 3, 4, 5, 6, 0, 0, 1, 0x80,
    ];

    fn decode(bytes: &[u8]) -> Progress<Header> {
        Header::decode(bytes, &FrameLimits::default())
    }

    #[test]
    fn a_call() {
        let Progress::Complete(header) = decode(&CALL) else {
            panic!("no header");
        };
        assert!(header.is_request() && header.is_two_way() && !header.is_event());
        assert_eq!(header.serialization(), Serialization::HESSIAN2);
        assert_eq!(header.request_id, 0xe9b7_0102_0304_0506);
        assert_eq!(header.body_length, 0x180);
        assert_eq!(header.encode(), CALL);
    }

    #[test]
    fn every_flag_and_status_comes_back() {
        for flags in 0..=255 {
            let mut bytes = CALL;
            bytes[2] = flags;
            bytes[3] = !flags;
            let Progress::Complete(header) = decode(&bytes) else {
                panic!("no header");
            };
            assert_eq!(header.encode(), bytes);
            assert_eq!(header.serialization().number(), flags & 0x1f);
            assert_eq!(header.status, Status(!flags));
        }
    }

    #[test]
    fn short_input_needs_the_rest() {
        for length in 0..HEADER_LENGTH {
            assert_eq!(
                decode(&CALL[..length]),
                Progress::NeedMore(HEADER_LENGTH - length)
            );
        }
    }

    #[test]
    fn a_foreign_protocol_is_seen_at_its_first_byte() {
        for (bytes, offset) in [
            (&b"P"[..], 0),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0),
            (b"\xda", usize::MAX),
            (b"\xda\xda", 1),
            (b"\xda\xda56789abcdef0123", 1),
        ] {
            let expected = match offset {
                usize::MAX => Progress::NeedMore(15),
                offset => Progress::Invalid(InvalidFrame {
                    offset,
                    kind: InvalidFrameKind::Magic,
                }),
            };
            assert_eq!(decode(bytes), expected);
        }
    }

    #[test]
    fn length_lies() {
        for (length, kind) in [
            (16 * 1024 * 1024 + 1, InvalidFrameKind::BodyTooLong),
            (0x7fff_ffff, InvalidFrameKind::BodyTooLong),
            (0x8000_0000, InvalidFrameKind::NegativeLength),
            (u32::MAX, InvalidFrameKind::NegativeLength),
        ] {
            let mut bytes = CALL;
            bytes[12..].copy_from_slice(&length.to_be_bytes());
            let invalid = InvalidFrame { offset: 12, kind };
            assert_eq!(decode(&bytes), Progress::Invalid(invalid));
        }
    }
}
