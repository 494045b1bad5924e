use meshlane_hessian2::Scalar;

use super::*;
use crate::testing::{COMPLETE, CallBody, framed};
use crate::{Call, Wanted};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const LIMITS: fn() -> Limits = Limits::default;

/// The body after the changes, and its attachment `tag`.
fn spliced(serialization: Serialization, body: &[u8], changes: &[(&str, Option<&str>)]) -> Vec<u8> {
    let changes: Vec<_> = changes
        .iter()
        .map(|(name, value)| Change {
            name,
            value: *value,
        })
        .collect();
    let call = Call::read(serialization, body, &Wanted::default(), &LIMITS()).unwrap();
    let edits = call.splice(body, &changes, &LIMITS()).unwrap();
    let mut last = 0;
    for edit in &edits {
        assert!(last <= edit.range.start && edit.range.end <= body.len());
        last = edit.range.end;
    }
    let spliced = apply(body, &edits);
    assert_eq!(spliced.len(), spliced_length(body.len(), &edits));
    spliced
}

fn tag(serialization: Serialization, body: &[u8]) -> Option<Scalar<'_>> {
    let wanted = Wanted::new(vec!["tag".to_owned()], Vec::new());
    let call = Call::read(serialization, body, &wanted, &LIMITS()).unwrap();
    call.attachments.into_iter().next().unwrap()
}

#[test]
fn what_comes_out_is_what_a_peer_would_have_written() {
    let long = "x".repeat(40_000);
    for serialization in COMPLETE {
        for (before, changes, after) in [
            (
                &[][..],
                &[("tag", Some("gray"))][..],
                &[("tag", "gray")][..],
            ),
            (
                &[("tag", "a")],
                &[("tag", Some("gray"))],
                &[("tag", "gray")],
            ),
            (&[("tag", "a")], &[("tag", None)], &[]),
            (&[("tag", "a")], &[("tag", Some("a"))], &[("tag", "a")]),
            (
                &[("a", "1"), ("b", "2")],
                &[("tag", None)],
                &[("a", "1"), ("b", "2")],
            ),
            (
                &[("a", "1"), ("tag", "x"), ("b", "2")],
                &[("b", Some("文😀")), ("tag", None), ("c", Some(""))],
                &[("a", "1"), ("b", "文😀"), ("c", "")],
            ),
            (
                &[("tag", "x"), ("a", "1"), ("tag", "y")],
                &[("tag", Some("z"))],
                &[("a", "1"), ("tag", "z")],
            ),
            (
                &[("tag", "x"), ("a", "1"), ("tag", "y")],
                &[("tag", None)],
                &[("a", "1")],
            ),
            (
                &[("tag", "x")],
                &[("tag", Some("y")), ("tag", Some("z"))],
                &[("tag", "z")],
            ),
            (
                &[("a", "1")],
                &[("tag", Some(&long))],
                &[("a", "1"), ("tag", &long)],
            ),
        ] {
            let body = CallBody::attachments(before).write(serialization);
            let expected = CallBody::attachments(after).write(serialization);
            let found = spliced(serialization, &body, changes);
            assert_eq!(found, expected, "{serialization} {before:?} {changes:?}");
        }
    }
}

#[test]
fn null_becomes_a_map() {
    for serialization in COMPLETE {
        let body = CallBody {
            attachments: None,
            ..CallBody::say_hello()
        };
        let body = body.write(serialization);
        let expected = CallBody::attachments(&[("tag", "gray")]).write(serialization);
        let changes = [("tag", Some("gray")), ("other", None)];
        assert_eq!(spliced(serialization, &body, &changes), expected);
        assert_eq!(spliced(serialization, &body, &[("other", None)]), body);
    }
}

#[test]
fn nothing_to_do_is_no_edit() {
    for serialization in COMPLETE {
        let body = CallBody::say_hello().write(serialization);
        let call = Call::read(serialization, &body, &Wanted::default(), &LIMITS()).unwrap();
        let changes = [
            Change {
                name: "version",
                value: Some("1.0"),
            },
            Change {
                name: "absent",
                value: None,
            },
        ];
        assert_eq!(call.splice(&body, &changes, &LIMITS()), Ok(Vec::new()));
    }
}

/// Of `sayHello` with this map of attachments.
fn with_map(serialization: Serialization, map: &[u8]) -> Vec<u8> {
    let mut body = CallBody::attachments(&[]).write(serialization);
    if serialization == Serialization::HESSIAN2 {
        body.truncate(body.len() - 2);
        body.extend_from_slice(map);
    } else {
        body.truncate(body.len() - 6);
        framed(&mut body, map);
    }
    body
}

#[test]
fn containers_stay_and_are_overwritten() {
    // {tag: [0], a: reference to that list}
    let hessian2 = with_map(Serialization::HESSIAN2, b"H\x03tag\x79\x90\x01a\x51\x91Z");
    let fastjson2 = with_map(
        Serialization::FASTJSON2,
        b"\xa6\x4ctag\x95\x00\x4aa\x93\x4e$.tag\xa5",
    );
    for (serialization, body) in COMPLETE.into_iter().zip([hessian2, fastjson2]) {
        assert_eq!(tag(serialization, &body), None);
        let set = spliced(serialization, &body, &[("tag", Some("gray"))]);
        assert_eq!(tag(serialization, &set), Some(Scalar::Text("gray".into())));
        let removed = spliced(serialization, &body, &[("tag", None)]);
        assert_eq!(tag(serialization, &removed), Some(Scalar::Null));
        // Once is enough.
        let again = spliced(serialization, &removed, &[("tag", None)]);
        assert_eq!(again, removed);
    }
}

#[test]
fn a_map_that_needs_the_classes_of_arguments() {
    // An argument defines class 0 with one field; an attachment is an object of class 0.
    let mut body = CallBody::attachments(&[]).write(Serialization::HESSIAN2);
    body.truncate(body.len() - 2 - 4);
    body.extend_from_slice(b"C\x01K\x91\x01f\x60\x91H\x01o\x60\x92\x03tag\x01aZ");
    let set = spliced(Serialization::HESSIAN2, &body, &[("tag", Some("gray"))]);
    assert_eq!(set.len(), body.len() + 3);
    assert_eq!(
        tag(Serialization::HESSIAN2, &set),
        Some(Scalar::Text("gray".into()))
    );
}

#[test]
fn names_that_others_refer_to_stay() {
    // {tag(0): "x", a: 1, tag again: "y"} by symbols
    let body = with_map(
        Serialization::FASTJSON2,
        b"\xa6\x7f\x4ctag\x00\x4ax\x4aa\x01\x7f\x00\x4ay\xa5",
    );
    let set = spliced(Serialization::FASTJSON2, &body, &[("tag", Some("gray"))]);
    assert_eq!(
        tag(Serialization::FASTJSON2, &set),
        Some(Scalar::Text("gray".into()))
    );
    let removed = spliced(Serialization::FASTJSON2, &body, &[("tag", None)]);
    assert_eq!(tag(Serialization::FASTJSON2, &removed), Some(Scalar::Null));
}

#[test]
fn a_range_that_is_no_map_is_refused() {
    let body = CallBody::say_hello().write(Serialization::HESSIAN2);
    let change = [Change {
        name: "tag",
        value: None,
    }];
    for range in [0..0, 0..3, 5..usize::MAX, body.len()..body.len() + 1] {
        for serialization in COMPLETE {
            assert!(splice(serialization, &body, range.clone(), &change, &LIMITS()).is_err());
        }
    }
}
