use meshlane_hessian2::{Encoder, Step};

use super::*;
use crate::testing::{COMPLETE, CallBody, framed};
use crate::{ArgumentSelector, jsonb};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn read<'a>(serialization: Serialization, body: &'a [u8]) -> Result<Call<'a>, Unreadable> {
    let names = ["dubbo.tag", "timeout", "path"].map(str::to_owned).to_vec();
    let selector = |argument, path: Vec<Step>| ArgumentSelector {
        argument,
        path: path.into(),
    };
    let arguments = vec![
        selector(0, Vec::new()),
        selector(0, vec![Step::Field("id".into())]),
        selector(3, Vec::new()),
    ];
    let wanted = Wanted::new(names, arguments);
    Call::read(serialization, body, &wanted, &Limits::default())
}

fn invalid(serialization: Serialization, body: &[u8]) -> InvalidBodyKind {
    match read(serialization, body) {
        Err(Unreadable::Invalid(invalid)) => invalid.kind,
        other => panic!("{other:?}"),
    }
}

fn text(text: &'static str) -> Option<Scalar<'static>> {
    Some(Scalar::Text(text.into()))
}

#[test]
fn a_plain_call() {
    for serialization in COMPLETE {
        let mut body = CallBody::say_hello();
        body.attachments.as_mut().unwrap().extend([
            ("group", "g"),
            ("dubbo.tag", "gray"),
            ("Dubbo.Tag", "other"),
        ]);
        let body = body.write(serialization);
        let call = read(serialization, &body).unwrap();
        assert_eq!(call.head.dubbo_version.as_deref(), Some("2.0.2"));
        assert_eq!(call.head.path, "a.Hello");
        assert_eq!(call.head.version.as_deref(), Some("1.0"));
        assert_eq!(call.head.param_types, "Ljava/lang/String;");
        assert_eq!(call.method(), "sayHello");
        assert_eq!(call.service.group.as_deref(), Some("g"));
        assert!(!call.service.ambiguous && !call.callback && !call.is_async);
        assert_eq!(call.attachments, [text("gray"), None, text("a.Hello")]);
        assert_eq!(call.arguments, [text("bob"), None, None]);
        assert_eq!(call.attachments_range.unwrap().end, body.len());
        // Nothing is copied.
        assert!(matches!(call.head.path, Cow::Borrowed(_)));
    }
}

#[test]
fn the_head_alone() {
    for serialization in COMPLETE {
        let body = CallBody::say_hello().write(serialization);
        let limits = Limits::default();
        let head = CallHead::read(serialization, &body, &limits).unwrap();
        assert_eq!(head.method, "sayHello");
        // The head ends before the argument begins.
        let end = body.windows(3).position(|bytes| bytes == b"bob").unwrap() - 1;
        let end = end
            - if serialization == Serialization::FASTJSON2 {
                4
            } else {
                0
            };
        for length in 0..body.len() {
            let prefix = CallHead::read(serialization, &body[..length], &limits);
            match prefix {
                Ok(prefix) => assert!(length >= end && prefix == head, "{length}"),
                Err(invalid) => {
                    assert!(length < end, "{length}");
                    assert_eq!(invalid.code(), "truncated");
                }
            }
        }
    }
}

#[test]
fn attachments_say_which_service_is_called() {
    for serialization in COMPLETE {
        let pairs = [("path", "a.Other"), ("version", "2.0"), ("group", "x")];
        let body = CallBody::attachments(&pairs).write(serialization);
        let service = read(serialization, &body).unwrap().service;
        assert_eq!(service.interface, "a.Other");
        assert_eq!(service.version.as_deref(), Some("2.0"));
        assert!(service.ambiguous);
        let body = CallBody::attachments(&[]).write(serialization);
        let service = read(serialization, &body).unwrap().service;
        assert_eq!(service.interface, "a.Hello");
        assert_eq!(service.version.as_deref(), Some("1.0"));
        assert!(!service.ambiguous);
    }
}

#[test]
fn the_last_of_two_attachments_counts() {
    for serialization in COMPLETE {
        let pairs = [
            ("dubbo.tag", "a"),
            ("path", "a.A"),
            ("dubbo.tag", "b"),
            ("path", "a.B"),
        ];
        let body = CallBody::attachments(&pairs).write(serialization);
        let call = read(serialization, &body).unwrap();
        assert_eq!(call.attachments[0], text("b"));
        assert_eq!(call.service.interface, "a.B");
    }
}

#[test]
fn no_attachments_at_all() {
    for serialization in COMPLETE {
        let body = CallBody {
            attachments: None,
            ..CallBody::say_hello()
        };
        let body = body.write(serialization);
        let call = read(serialization, &body).unwrap();
        assert_eq!(call.service.interface, "a.Hello");
        assert_eq!(call.attachments_range, Some(body.len() - 1..body.len()));
    }
}

#[test]
fn marks_of_callbacks_and_asynchronous_calls() {
    for serialization in COMPLETE {
        let pairs = [("sys_callback_arg-1", "7"), ("async", "true")];
        let body = CallBody::attachments(&pairs).write(serialization);
        let call = read(serialization, &body).unwrap();
        assert!(call.callback && call.is_async);
    }
}

#[test]
fn versions_may_be_null_but_not_names() {
    for serialization in COMPLETE {
        for place in 0..5 {
            let mut body = CallBody::say_hello();
            body.head[place] = None;
            let body = body.write(serialization);
            if place == 0 || place == 2 {
                assert!(read(serialization, &body).is_ok());
            } else {
                assert_eq!(invalid(serialization, &body), InvalidBodyKind::Null);
            }
        }
    }
}

#[test]
fn descriptors_are_checked() {
    let many = "I".repeat(256);
    for serialization in COMPLETE {
        for (descriptor, kind) in [
            ("L", InvalidBodyKind::Descriptor),
            ("String", InvalidBodyKind::Descriptor),
            (&many, InvalidBodyKind::TooManyParameters),
        ] {
            let mut body = CallBody::say_hello();
            body.head[4] = Some(descriptor);
            assert_eq!(invalid(serialization, &body.write(serialization)), kind);
        }
    }
}

#[test]
fn truncated_at_every_byte() {
    for serialization in COMPLETE {
        let body = CallBody::say_hello().write(serialization);
        for length in 0..body.len() {
            let code = read(serialization, &body[..length]).unwrap_err().code();
            assert_eq!(code, "truncated", "{serialization} {length}");
        }
    }
}

#[test]
fn limits_of_texts_and_attachments() {
    let limits = Limits {
        max_text: 10,
        max_attachments: 1,
        ..Limits::default()
    };
    for serialization in COMPLETE {
        let body = CallBody::say_hello().write(serialization);
        let read = |limits| Call::read(serialization, &body, &Wanted::default(), limits);
        assert_eq!(read(&limits).unwrap_err().code(), "text-too-long");
        let limits = Limits {
            max_text: 100,
            ..limits.clone()
        };
        assert_eq!(read(&limits).unwrap_err().code(), "too-many-attachments");
        let limits = Limits {
            max_attachments: 2,
            ..limits
        };
        assert!(read(&limits).is_ok());
    }
}

#[test]
fn a_generic_call_shows_the_real_one() {
    let descriptor = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;";
    let mut hessian2 = Encoder::new();
    // Java trims the method.
    let method = "\t sayHello\n";
    for text in ["2.0.2", "a.Hello", "1.0", "$invoke", descriptor, method] {
        hessian2.write_str(text);
    }
    hessian2.begin_list(Some(&"[string".into()), 2);
    hessian2.write_str("java.lang.String");
    hessian2.write_str("int");
    hessian2.begin_list(Some(&"[object".into()), 1);
    hessian2.begin_map(None);
    hessian2.write_str("id");
    hessian2.write_int(7);
    hessian2.end();
    hessian2.begin_map(None);
    hessian2.write_str("generic");
    hessian2.write_str("true");
    hessian2.end();

    let mut fastjson2 = Vec::new();
    for text in ["2.0.2", "a.Hello", "1.0", "$invoke", descriptor, method] {
        jsonb::write_framed_text(&mut fastjson2, text);
    }
    framed(&mut fastjson2, b"\x96\x59java.lang.String\x4cint");
    framed(&mut fastjson2, b"\x95\xa6\x4bid\x07\xa5");
    framed(&mut fastjson2, b"\xa6\x50generic\x4dtrue\xa5");

    for (serialization, body) in COMPLETE.into_iter().zip([hessian2.into_bytes(), fastjson2]) {
        let call = read(serialization, &body).unwrap();
        assert_eq!(call.method(), "sayHello");
        assert_eq!(call.head.method, "$invoke");
        let generic = call.generic.unwrap();
        assert_eq!(generic.kind.as_deref(), Some("true"));
        assert_eq!(generic.param_types, ["java.lang.String", "int"]);
        assert_eq!(call.arguments, [None, Some(Scalar::Int(7)), None]);
    }
}

#[test]
fn a_generic_call_of_nothing_is_refused() {
    let descriptor = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;";
    let mut body = Encoder::new();
    for text in ["2.0.2", "a.Hello", "1.0", "$invokeAsync", descriptor] {
        body.write_str(text);
    }
    for _ in 0..4 {
        body.write_null();
    }
    let kind = invalid(Serialization::HESSIAN2, body.as_bytes());
    assert_eq!(kind, InvalidBodyKind::GenericCall);
}

/// Of `sayHello` without its map of attachments.
fn before_attachments(serialization: Serialization) -> Vec<u8> {
    let mut body = CallBody::attachments(&[]).write(serialization);
    let map = if serialization == Serialization::HESSIAN2 {
        2
    } else {
        6
    };
    body.truncate(body.len() - map);
    body
}

#[test]
fn the_service_must_be_told_by_texts() {
    let mut hessian2 = before_attachments(Serialization::HESSIAN2);
    hessian2.extend_from_slice(b"H\x05group\x91Z");
    let mut number = before_attachments(Serialization::FASTJSON2);
    framed(&mut number, b"\xa6\x4egroup\x01\xa5");
    let mut reference = before_attachments(Serialization::FASTJSON2);
    framed(&mut reference, b"\xa6\x4dpath\x93\x4c$.x\x4ax\x4aB\xa5");
    for (serialization, body) in [
        (Serialization::HESSIAN2, hessian2),
        (Serialization::FASTJSON2, number),
        (Serialization::FASTJSON2, reference),
    ] {
        let kind = invalid(serialization, &body);
        assert_eq!(kind, InvalidBodyKind::ServiceAttachment);
    }
}

#[test]
fn an_enum_constant_is_no_name_and_no_value() {
    let mut body = before_attachments(Serialization::HESSIAN2);
    // {Color.tag: x, path: Color.tag}
    body.extend_from_slice(b"HC\x05Color\x91\x04name\x60\x09dubbo.tag\x01xZ");
    let call = read(Serialization::HESSIAN2, &body).unwrap();
    assert_eq!(call.attachments[0], None);
    body.pop();
    body.extend_from_slice(b"\x04path\x60\x01pZ");
    let kind = invalid(Serialization::HESSIAN2, &body);
    assert_eq!(kind, InvalidBodyKind::ServiceAttachment);
}

#[test]
fn attachments_must_be_a_map() {
    for map in [&b"\x91"[..], b"x\x91", b"\x51\x90", b"\x03abc"] {
        let mut body = before_attachments(Serialization::HESSIAN2);
        body.extend_from_slice(map);
        assert!(read(Serialization::HESSIAN2, &body).is_err(), "{map:02x?}");
    }
    for map in [&b"\x01"[..], b"\x94", b"\x92\x4aT\x00\x01", b"\x4cabc"] {
        let mut body = before_attachments(Serialization::FASTJSON2);
        framed(&mut body, map);
        let kind = invalid(Serialization::FASTJSON2, &body);
        assert_eq!(kind, InvalidBodyKind::Attachments, "{map:02x?}");
    }
}

#[test]
fn attachments_of_other_kinds_are_passed_over() {
    let mut hessian2 = before_attachments(Serialization::HESSIAN2);
    // a list, a null name, a number as name, a typed map as value
    hessian2.extend_from_slice(
        b"H\x01l\x79\x90N\x01n\x91\x01m\x01mM\x01t\x01a\x01bZ\x09dubbo.tag\x04grayZ",
    );
    let mut fastjson2 = before_attachments(Serialization::FASTJSON2);
    framed(
        &mut fastjson2,
        b"\xa6\x4al\x95\x01\x01\x02\x4am\x92\x4at\x00\xa6\xa5\x52dubbo.tag\x4dgray\xa5",
    );
    for (serialization, body) in COMPLETE.into_iter().zip([hessian2, fastjson2]) {
        let call = read(serialization, &body).unwrap();
        assert_eq!(call.attachments[0], text("gray"));
    }
}

/// 2.7.23: RichService.sayHello("bob")
const JAVA_CALL: &[u8] = b"\xac\xed\0\x05wV\0\0\0\x05\0\x052.0.2\0\0\0\x13\0\x13lab.api.RichService\
    \0\0\0\x05\0\x050.0.0\0\0\0\x08\0\x08sayHello\0\0\0\x12\0\x12Ljava/lang/String;\x01t\0\x03bobw\x01\x01\
    sr\0\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16`\xd1\x03\0\x02F\0\nloadFactorI\0\tthresholdxp\
    ?@\0\0\0\0\0\x0cw\x08\0\0\0\x10\0\0\0\x04t\0\x04patht\0\x13lab.api.RichService\
    t\0\x12remote.applicationt\0\x0clab-consumert\0\tinterfaceq\0~\0\x04t\0\x07versiont\0\x050.0.0x";

#[test]
fn of_java_serialization_texts_are_found() {
    let call = read(Serialization::JAVA, JAVA_CALL).unwrap();
    assert_eq!(call.service.interface, "lab.api.RichService");
    assert_eq!(call.method(), "sayHello");
    assert!(!call.service.ambiguous);
    assert_eq!(call.attachments, [None, None, text("lab.api.RichService")]);
    assert_eq!(call.arguments, [text("bob"), None, None]);
    assert_eq!(call.attachments_range, None);
    for length in 0..JAVA_CALL.len() {
        let code = read(Serialization::JAVA, &JAVA_CALL[..length])
            .unwrap_err()
            .code();
        assert_eq!(code, "truncated", "{length}");
    }
}

#[test]
fn of_java_serialization_attachments_say_the_service_too() {
    let place = |what: &[u8]| {
        let mut windows = JAVA_CALL.windows(what.len());
        windows.position(|bytes| bytes == what).unwrap()
    };
    let mut body = JAVA_CALL.to_vec();
    // The attachment's path, not the head's.
    let path = place(b"patht\0\x13lab.api.RichService") + 7;
    body[path..path + 3].copy_from_slice(b"bad");
    let call = read(Serialization::JAVA, &body).unwrap();
    assert_eq!(call.service.interface, "bad.api.RichService");
    assert!(call.service.ambiguous);
}

#[test]
fn a_compacted_java_stream_cannot_be_judged() {
    let opaque = Unreadable::Serialization(Serialization::COMPACTED_JAVA);
    assert_eq!(read(Serialization::COMPACTED_JAVA, JAVA_CALL), Err(opaque));
    let head = CallHead::read(Serialization::COMPACTED_JAVA, JAVA_CALL, &Limits::default());
    assert_eq!(head.unwrap().method, "sayHello");
}

#[test]
fn other_serializations_are_opaque() {
    for number in [0, 1, 6, 8, 22, 31] {
        let serialization = Serialization::new(number);
        let opaque = Unreadable::Serialization(serialization);
        assert_eq!(read(serialization, b"anything"), Err(opaque));
    }
}
