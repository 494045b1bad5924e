use super::*;
use crate::{InvalidFrameKind, Serialization, heartbeat_request, readonly_event};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The frames of a stream that arrives in these pieces: header and body of each.
fn frames<'s>(pieces: impl Iterator<Item = &'s [u8]>) -> Result<Vec<(Header, Vec<u8>)>, usize> {
    let mut framer = Framer::new(FrameLimits::default());
    let (mut frames, mut head, mut body) = (Vec::new(), None, Vec::new());
    for mut piece in pieces {
        while let Some(step) = framer.step(piece) {
            let (taken, rest) = piece.split_at(step.consumed());
            piece = rest;
            match step {
                Step::Header { header, .. } => head = Some(header),
                Step::Body { last, .. } => {
                    body.extend_from_slice(taken);
                    if last {
                        frames.push((head.take().unwrap(), std::mem::take(&mut body)));
                    }
                }
                Step::Invalid(invalid) => return Err(invalid.offset),
            }
        }
    }
    Ok(frames)
}

fn stream() -> Vec<u8> {
    let empty = Header {
        body_length: 0,
        ..match Header::decode(
            &heartbeat_request(1, Serialization::HESSIAN2),
            &FrameLimits::default(),
        ) {
            Progress::Complete(header) => header,
            _ => panic!("no header"),
        }
    };
    [
        heartbeat_request(1, Serialization::FASTJSON2),
        empty.encode().to_vec(),
        readonly_event(2, Serialization::JAVA),
        heartbeat_request(3, Serialization::HESSIAN2),
    ]
    .concat()
}

#[test]
fn pieces_of_every_length_give_the_same_frames() {
    let stream = stream();
    let whole = frames(std::iter::once(&stream[..])).unwrap();
    assert_eq!(whole.len(), 4);
    assert_eq!(
        whole.iter().map(|(_, body)| body.len()).collect::<Vec<_>>(),
        [5, 0, 11, 1]
    );
    for length in 1..stream.len() {
        assert_eq!(frames(stream.chunks(length)).unwrap(), whole, "{length}");
    }
}

#[test]
fn a_cut_at_every_byte_gives_the_same_frames() {
    let stream = stream();
    let whole = frames(std::iter::once(&stream[..])).unwrap();
    for cut in 0..=stream.len() {
        let (before, after) = stream.split_at(cut);
        let pieces = [before, &[], after];
        assert_eq!(frames(pieces.into_iter()).unwrap(), whole, "{cut}");
    }
}

#[test]
fn what_is_missing_is_known() {
    let frame = heartbeat_request(1, Serialization::FASTJSON2);
    let mut framer = Framer::new(FrameLimits::default());
    assert_eq!(framer.missing(), 0);
    assert_eq!(framer.step(&frame[..3]), None);
    assert_eq!(framer.missing(), 13);
    assert!(matches!(
        framer.step(&frame[3..18]),
        Some(Step::Header { consumed: 13, .. })
    ));
    assert_eq!(framer.missing(), 5);
    let step = framer.step(&frame[16..18]);
    assert_eq!(
        step,
        Some(Step::Body {
            length: 2,
            last: false
        })
    );
    assert_eq!(framer.step(&[]), None);
    assert_eq!(framer.missing(), 3);
}

#[test]
fn a_broken_stream_stays_broken() {
    let mut framer = Framer::new(FrameLimits { max_body: 4 });
    let frame = heartbeat_request(1, Serialization::FASTJSON2);
    let invalid = InvalidFrame {
        offset: 12,
        kind: InvalidFrameKind::BodyTooLong,
    };
    assert_eq!(framer.step(&frame), Some(Step::Invalid(invalid)));
    assert_eq!(framer.invalid(), Some(invalid));
    assert_eq!(framer.step(&frame), None);
    assert_eq!(framer.missing(), 0);
}

#[test]
fn a_foreign_stream_is_broken_at_once_however_it_is_cut() {
    for stream in [&b"GET / HTTP/1.1\r\n"[..], b"\xda\xbaxxxxxxxxxxxxxxxxx"] {
        for length in 1..stream.len() {
            let offset = usize::from(stream[0] == 0xda);
            assert_eq!(frames(stream.chunks(length)), Err(offset));
        }
    }
}
