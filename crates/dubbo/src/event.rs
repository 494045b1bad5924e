//! What peers tell each other about the connection.

use crate::frame::write_frame;
use crate::{Flags, Serialization, Status, java};

/// An event of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Are you there? The answer to a two-way one is an event too.
    Heartbeat,
    /// `R`: send no new calls here; the provider is about to leave.
    ReadOnly,
    /// `W`: calls are welcome again.
    Writable,
    /// Something else, or in a serialization that this crate cannot write.
    Other,
}

impl Event {
    /// The event in the body of a frame whose event flag is set.
    pub fn read(serialization: Serialization, body: &[u8]) -> Self {
        let candidates = [Self::Heartbeat, Self::ReadOnly, Self::Writable];
        candidates
            .into_iter()
            .find(|event| event.body(serialization) == body)
            // Dubbo before 2.7 and other languages may leave the body of a heartbeat empty.
            .unwrap_or(if body.is_empty() {
                Self::Heartbeat
            } else {
                Self::Other
            })
    }

    const fn letter(self) -> Option<u8> {
        match self {
            Self::ReadOnly => Some(b'R'),
            Self::Writable => Some(b'W'),
            Self::Heartbeat | Self::Other => None,
        }
    }

    /// As peers write it: null for a heartbeat, one letter for the others.
    fn body(self, serialization: Serialization) -> Vec<u8> {
        let letter = self.letter();
        match (serialization, letter) {
            (Serialization::FASTJSON2, None) => vec![0, 0, 0, 1, 0xaf],
            (Serialization::FASTJSON2, Some(letter)) => vec![0, 0, 0, 2, 0x4a, letter],
            (Serialization::FASTJSON, None) => b"null\n".to_vec(),
            (Serialization::FASTJSON, Some(letter)) => vec![b'"', letter, b'"', b'\n'],
            (serialization, letter) => match (java::Dialect::of(serialization), letter) {
                (Some(dialect), letter) => java::event_body(dialect, letter),
                (None, None) => vec![b'N'],
                (None, Some(letter)) => vec![1, letter],
            },
        }
    }
}

/// A heartbeat that wants an answer. Of a serialization that this crate cannot write: in Hessian2.
pub fn heartbeat_request(request_id: u64, serialization: Serialization) -> Vec<u8> {
    let serialization = writable(serialization);
    let flags = Flags::request(serialization, true).event();
    let body = Event::Heartbeat.body(serialization);
    write_frame(flags, Status(0), request_id, &body)
}

/// The answer to a heartbeat.
pub fn heartbeat_response(request_id: u64, serialization: Serialization) -> Vec<u8> {
    let serialization = writable(serialization);
    let flags = Flags::response(serialization).event();
    let body = Event::Heartbeat.body(serialization);
    write_frame(flags, Status::OK, request_id, &body)
}

/// The event after which a client sends no new calls on this connection. Nobody answers it.
pub fn readonly_event(request_id: u64, serialization: Serialization) -> Vec<u8> {
    let serialization = writable(serialization);
    let flags = Flags::request(serialization, false).event();
    let body = Event::ReadOnly.body(serialization);
    write_frame(flags, Status(0), request_id, &body)
}

/// The serialization, or Hessian2 instead of one that this crate cannot write.
///
/// Each frame says its own serialization and every peer that has more than one reads
/// Hessian2 as well, so an answer in Hessian2 is the best that can be done.
pub(crate) fn writable(serialization: Serialization) -> Serialization {
    match serialization {
        Serialization::FASTJSON | Serialization::FASTJSON2 => serialization,
        _ if java::Dialect::of(serialization).is_some() => serialization,
        _ => Serialization::HESSIAN2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Recorded from Apache Dubbo 2.7 and 3.3.
    const BODIES: [(u8, &[u8], &[u8]); 5] = [
        (2, b"N", b"\x01R"),
        (
            3,
            b"\xac\xed\0\x05\x77\x01\0",
            b"\xac\xed\0\x05\x77\x01\x01\x74\0\x01R",
        ),
        (
            4,
            b"\xac\xed\0\x05\x77\x01\0",
            b"\xac\xed\0\x05\x77\x01\x01\x74\0\x01R",
        ),
        (6, b"null\n", b"\"R\"\n"),
        (23, b"\0\0\0\x01\xaf", b"\0\0\0\x02\x4aR"),
    ];

    #[test]
    fn events_are_written_as_java_writes_them() {
        for (number, heartbeat, readonly) in BODIES {
            let serialization = Serialization::new(number);
            let frame = heartbeat_request(0x0102, serialization);
            assert_eq!(frame[..4], [0xda, 0xbb, 0xe0 | number, 0]);
            assert_eq!(frame[4..12], [0, 0, 0, 0, 0, 0, 1, 2]);
            assert_eq!(&frame[16..], heartbeat);
            let frame = heartbeat_response(0x0102, serialization);
            assert_eq!(frame[..4], [0xda, 0xbb, 0x20 | number, 20]);
            assert_eq!(&frame[16..], heartbeat);
            let frame = readonly_event(0x0102, serialization);
            assert_eq!(frame[..4], [0xda, 0xbb, 0xa0 | number, 0]);
            assert_eq!(&frame[16..], readonly);
            assert_eq!(Event::read(serialization, heartbeat), Event::Heartbeat);
            assert_eq!(Event::read(serialization, readonly), Event::ReadOnly);
        }
    }

    #[test]
    fn unknown_serializations_get_hessian2() {
        for number in [0, 1, 8, 22, 31] {
            let frame = heartbeat_request(1, Serialization::new(number));
            assert_eq!((frame[2], &frame[16..]), (0xe2, &b"N"[..]));
        }
    }

    #[test]
    fn other_bodies() {
        for (number, body, expected) in [
            (2, &b""[..], Event::Heartbeat),
            (2, b"\x01W", Event::Writable),
            (2, b"\x01X", Event::Other),
            (2, b"\x01", Event::Other),
            (23, b"N", Event::Other),
            (3, b"\xac\xed", Event::Other),
        ] {
            assert_eq!(Event::read(Serialization::new(number), body), expected);
        }
    }
}
