//! What holds for any input.

use std::collections::BTreeMap;

use meshlane_hessian2::Scalar;
use proptest::prelude::*;

use crate::testing::{COMPLETE, CallBody};
use crate::{
    Call, Change, FrameLimits, HEADER_LENGTH, Header, Limits, MAX_MESSAGE, Progress, Serialization,
    Status, Wanted, apply, error_message, error_response,
};

/// Few names, so that some come twice.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("tag".to_owned()),
        Just("x".to_owned()),
        Just(String::new()),
        "[a-z.é😀]{1,60}",
    ]
}

/// Lengths around the limits of short forms.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a-z]{0,100}", "[文😀a]{0,50}"]
}

fn value(text: &str) -> Option<Scalar<'_>> {
    Some(Scalar::Text(text.into()))
}

proptest! {
    #[test]
    fn headers_come_back(rest in prop::array::uniform14(any::<u8>())) {
        let mut bytes = [0; HEADER_LENGTH];
        bytes[..2].copy_from_slice(&crate::MAGIC);
        bytes[2..].copy_from_slice(&rest);
        let limits = FrameLimits { max_body: u32::MAX };
        match Header::decode(&bytes, &limits) {
            Progress::Complete(header) => prop_assert_eq!(header.encode(), bytes),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn messages_come_back(
        number in prop::sample::select(&[2_u8, 3, 4, 7, 23][..]),
        message in text(),
    ) {
        let serialization = Serialization::new(number);
        let frame = error_response(1, serialization, Status::SERVER_ERROR, &message);
        let read = error_message(serialization, &frame[HEADER_LENGTH..]).unwrap().unwrap();
        if message.len() <= MAX_MESSAGE {
            prop_assert_eq!(read, message);
        } else {
            prop_assert!(message.starts_with(&*read) && read.len() > MAX_MESSAGE - 4);
        }
    }

    #[test]
    fn attachments_change_as_asked_and_nothing_else(
        pairs in prop::collection::vec((name(), text()), 0..6),
        changes in prop::collection::vec((name(), prop::option::of(text())), 0..4),
    ) {
        let limits = Limits::default();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (&**n, &**v)).collect();
        let changes: Vec<Change<'_>> = changes
            .iter()
            .map(|(name, value)| Change { name, value: value.as_deref() })
            .collect();
        let mut expected: BTreeMap<&str, &str> = pairs.iter().copied().collect();
        for change in &changes {
            match change.value {
                Some(value) => expected.insert(change.name, value),
                None => expected.remove(change.name),
            };
        }
        let names: Vec<&str> = pairs
            .iter()
            .map(|(name, _)| *name)
            .chain(changes.iter().map(|change| change.name))
            .collect();
        let wanted = Wanted::new(names.iter().map(|name| (*name).to_owned()).collect(), Vec::new());
        for serialization in COMPLETE {
            let body = CallBody::attachments(&pairs).write(serialization);
            let call = Call::read(serialization, &body, &wanted, &limits).unwrap();
            let edits = call.splice(&body, &changes, &limits).unwrap();
            let spliced = apply(&body, &edits);
            let again = Call::read(serialization, &spliced, &wanted, &limits).unwrap();
            for (name, found) in names.iter().zip(&again.attachments) {
                prop_assert_eq!(found, &expected.get(name).and_then(|text| value(text)));
            }
            prop_assert_eq!(&again.head, &call.head);
            prop_assert_eq!(again.splice(&spliced, &changes, &limits), Ok(Vec::new()));
        }
    }

    #[test]
    fn any_bytes_end_in_a_defined_outcome(
        number in 0_u8..32,
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let serialization = Serialization::new(number);
        let limits = Limits::default();
        let _ = Call::read(serialization, &body, &Wanted::default(), &limits);
        let _ = crate::ResultHead::read(serialization, &body, &limits);
        let _ = error_message(serialization, &body);
        let _ = crate::Event::read(serialization, &body);
    }
}
