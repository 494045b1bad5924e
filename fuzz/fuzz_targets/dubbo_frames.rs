//! Any bytes in any pieces: frames are cut the same way, and each body ends in a defined outcome.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshlane_dubbo::content::Content;
use meshlane_dubbo::{
    ArgumentSelector, Call, CallHead, Change, Event, Frame, FrameLimits, Framer, Header, Limits,
    Progress, ResultHead, Serialization, Step, Wanted, apply, error_message, spliced_length,
};
use meshlane_hessian2::{Path, Scalar};

fuzz_target!(|input: &[u8]| {
    let Some((how, stream)) = input.split_first() else {
        return;
    };
    let whole = frames(std::iter::once(stream));
    let pieces = frames(stream.chunks(usize::from(*how).max(1)));
    assert!(whole == pieces);
    for (header, body) in &whole {
        let bytes = [&header.encode()[..], body].concat();
        match Frame::decode(&bytes, &LIMITS) {
            Progress::Complete(frame) => assert!(frame.header == *header && frame.body == body),
            other => panic!("{other:?}"),
        }
        read(header, header.serialization(), body);
    }
    // A body without the luck of a header.
    let header = Header {
        flags: meshlane_dubbo::Flags(*how),
        status: meshlane_dubbo::Status(if how & 0x40 == 0 { 20 } else { 40 }),
        request_id: 0,
        body_length: 0,
    };
    for serialization in [2, 3, 4, 6, 7, 23] {
        let flags = meshlane_dubbo::Flags(how & 0xe0 | serialization);
        read(&Header { flags, ..header }, flags.serialization(), stream);
    }
});

const LIMITS: FrameLimits = FrameLimits { max_body: 1 << 20 };

/// The frames of a stream that arrives in these pieces.
fn frames<'s>(pieces: impl Iterator<Item = &'s [u8]>) -> Vec<(Header, Vec<u8>)> {
    let mut framer = Framer::new(LIMITS);
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
                        frames.push((head.take().expect("a header"), std::mem::take(&mut body)));
                    }
                }
                Step::Invalid(_) => assert!(framer.invalid().is_some()),
            }
        }
    }
    frames
}

fn read(header: &Header, serialization: Serialization, body: &[u8]) {
    let limits = Limits::default();
    let _ = ResultHead::read(serialization, body, &limits);
    let _ = error_message(serialization, body);
    let _ = Event::read(serialization, body);
    let _ = Content::read(header, body, &limits);
    let head = CallHead::read(serialization, body, &limits);
    let field = meshlane_hessian2::Step::Field("id".into());
    let wanted = Wanted::new(
        vec!["tag".into(), "path".into()],
        vec![
            ArgumentSelector {
                argument: 0,
                path: Path::default(),
            },
            ArgumentSelector {
                argument: 0,
                path: Path::from(vec![field]),
            },
        ],
    );
    let Ok(call) = Call::read(serialization, body, &wanted, &limits) else {
        return;
    };
    assert!(head.is_ok_and(|head| head == call.head));
    if call.attachments_range.is_none() {
        return;
    }
    for value in [Some("gray"), None] {
        let change = Change { name: "tag", value };
        let edits = call.splice(body, &[change], &limits).expect("a map");
        let spliced = apply(body, &edits);
        assert_eq!(spliced.len(), spliced_length(body.len(), &edits));
        // One more entry may be one too many.
        let Ok(again) = Call::read(serialization, &spliced, &wanted, &limits) else {
            continue;
        };
        let found = again.attachments.first().expect("one was wanted").clone();
        match value {
            Some(value) => assert_eq!(found, Some(Scalar::Text(value.into()))),
            None => assert!(matches!(found, None | Some(Scalar::Null))),
        }
        assert_eq!(again.service, call.service);
        assert!(same(&again.arguments, &call.arguments));
        assert_eq!(again.generic, call.generic);
    }
}

/// NaN is no different from itself here.
fn same(left: &[Option<Scalar<'_>>], right: &[Option<Scalar<'_>>]) -> bool {
    format!("{left:?}") == format!("{right:?}")
}
