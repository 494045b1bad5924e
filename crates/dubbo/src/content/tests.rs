use meshlane_hessian2::Node;

use super::*;
use crate::testing::{COMPLETE, CallBody};
use crate::{Flags, error_response, heartbeat_request, readonly_event};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn header(flags: Flags, status: u8) -> Header {
    Header {
        flags,
        status: Status(status),
        request_id: 1,
        body_length: 0,
    }
}

fn read<'a>(header: &Header, body: &'a [u8]) -> Content<'a> {
    Content::read(header, body, &Limits::default()).unwrap()
}

#[test]
fn calls_are_read_completely() {
    for serialization in COMPLETE {
        let body = CallBody::say_hello().write(serialization);
        let content = read(&header(Flags::request(serialization, true), 0), &body);
        assert_eq!(content.read, Some(body.len()));
        let Message::Call {
            head,
            arguments,
            attachments,
        } = content.message
        else {
            panic!("no call");
        };
        assert_eq!(head.method, "sayHello");
        let arguments = arguments.unwrap();
        assert_eq!(*arguments[0].root().node(), Node::Text("bob".into()));
        let map = attachments.unwrap().map;
        let path = map.root().field("path").unwrap();
        assert_eq!(*path.node(), Node::Text("a.Hello".into()));
    }
}

#[test]
fn results_of_all_kinds() {
    let ok = |serialization| header(Flags::response(serialization), 20);
    for (number, serialization, body) in [
        (
            4,
            Serialization::HESSIAN2,
            &b"\x94\x01aH\x05dubbo\x052.0.2Z"[..],
        ),
        (5, Serialization::HESSIAN2, b"\x95H\x05dubbo\x052.0.2Z"),
        (3, Serialization::HESSIAN2, b"\x93C\x03Bad\x90\x60N"),
        (1, Serialization::HESSIAN2, b"\x91\x01a"),
        (2, Serialization::HESSIAN2, b"\x92"),
        (
            4,
            Serialization::FASTJSON2,
            b"\0\0\0\x02\xbd\x04\0\0\0\x02\x4aa\0\0\0\x01\xaf",
        ),
        (
            0,
            Serialization::FASTJSON2,
            b"\0\0\0\x02\xbd\x00\0\0\0\x08\x92\x4cBad\0\xa6\xa5",
        ),
    ] {
        let content = read(&ok(serialization), body);
        assert_eq!(content.read, Some(body.len()));
        let Message::Result {
            kind,
            exception_class,
            value,
            attachments,
        } = content.message
        else {
            panic!("no result");
        };
        assert_eq!(kind.number(), number);
        assert_eq!(attachments.is_some(), number >= 3);
        assert_eq!(value.is_some(), number % 3 != 2);
        let class = (number % 3 == 0).then_some("Bad");
        assert_eq!(exception_class.as_deref(), class);
    }
}

#[test]
fn errors_and_events() {
    for number in [2, 3, 4, 7, 23] {
        let serialization = Serialization::new(number);
        let frame = error_response(1, serialization, Status::SERVER_ERROR, "gone");
        let content = read(&header(Flags::response(serialization), 80), &frame[16..]);
        assert_eq!(content.message, Message::Error(Some("gone".into())));

        let event = header(Flags::request(serialization, true).event(), 0);
        let frame = heartbeat_request(1, serialization);
        match read(&event, &frame[16..]).message {
            Message::Event(Event::Value(value)) => assert_eq!(*value.root().node(), Node::Null),
            Message::Event(Event::Known(known)) => assert_eq!(known, crate::Event::Heartbeat),
            other => panic!("{other:?}"),
        }
        let frame = readonly_event(1, serialization);
        match read(&event, &frame[16..]).message {
            Message::Event(Event::Value(value)) => {
                assert_eq!(*value.root().node(), Node::Text("R".into()));
            }
            Message::Event(Event::Known(known)) => assert_eq!(known, crate::Event::ReadOnly),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn unknown_serializations_are_opaque() {
    let header = header(Flags::request(Serialization::new(8), true), 0);
    assert_eq!(read(&header, b"xyz").message, Message::Opaque);
}
