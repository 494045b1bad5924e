use std::rc::Rc;

use bytes::Bytes;
use meshlane_dubbo::{HEADER_LENGTH, Progress, apply};
use meshlane_http2::{Config, Connection, Event, HeaderBlockBuilder};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::FRAME_LIMITS;
use crate::policy::{Mode, Policy};
use crate::tests::frames;

/// Headers as they come out of HTTP/2.
fn headers(fields: &[(&str, &str)]) -> Headers {
    let mut block = HeaderBlockBuilder::new()
        .field(":method", "POST")
        .field(":scheme", "http")
        .field(":authority", "shop");
    for (name, value) in fields {
        block = block.field(name, value);
    }
    let mut client = Connection::client(Config::default());
    let mut server = Connection::server(Config::default());
    client.open_stream(block.finish(), true).unwrap();
    while let Some(output) = client.poll_output() {
        server.handle_bytes(output).unwrap();
    }
    let events = std::iter::from_fn(|| server.poll_event());
    let mut headers = events.filter_map(|event| match event {
        Event::Headers { headers, .. } => Some(headers),
        _ => None,
    });
    headers.next().expect("a request")
}

fn plan() -> Plan {
    Plan::new(Rc::new(Policy::with_defaults(Mode::ToDubbo)))
}

fn check<'f>(frame: &'f [u8], fields: &[(&str, &str)]) -> Result<Verified<'f>, Reason> {
    let header = frame_header(frame);
    verify(&plan(), &headers(fields), &header, &frame[HEADER_LENGTH..])
}

fn frame_header(frame: &[u8]) -> Header {
    match Header::decode(frame, &FRAME_LIMITS) {
        Progress::Complete(header) => header,
        other => panic!("{other:?}"),
    }
}

const PATH: (&str, &str) = (":path", "/dev.meshlane.Shop/buy");

/// A call of `buy("apple")` with the attachments of a Java consumer and some more.
fn call(more: &[(&str, &str)]) -> Bytes {
    let mut pairs = vec![
        ("path", "dev.meshlane.Shop"),
        ("interface", "dev.meshlane.Shop"),
        ("version", "1.0.0"),
        ("group", "blue"),
        ("tenant", "acme"),
    ];
    pairs.extend_from_slice(more);
    frames::call(7, true, "buy", "apple", &pairs).into()
}

#[test]
fn what_is_true_passes_whole_or_in_part() {
    let all = [
        PATH,
        ("dubbo-serialization", "hessian2"),
        ("dubbo-version", "1.0.0"),
        ("dubbo-group", "blue"),
        ("dubbo-param-types", "Ljava/lang/String;"),
        ("dubbo-attachment-tenant", "acme"),
        ("dubbo-arg-0", "apple"),
    ];
    for kept in 1..=all.len() {
        let frame = call(&[]);
        let verified = check(&frame, &all[..kept]).unwrap();
        assert_eq!(verified.interface, "dev.meshlane.Shop");
        assert_eq!(verified.method, "buy");
        assert_eq!(verified.edits, []);
    }
}

#[test]
fn every_lie_is_found() {
    for lie in [
        (":path", "/dev.meshlane.Shop/look"),
        (":path", "/dev.meshlane.Other/buy"),
        (":path", "/_/_"),
        (":path", "/dev.meshlane.Shop/%62uy"),
        ("dubbo-interface", "dev.meshlane.Other"),
        ("dubbo-method", "look"),
        ("dubbo-serialization", "fastjson2"),
        ("dubbo-version", "2.0.0"),
        ("dubbo-group", "green"),
        ("dubbo-param-types", "I"),
        ("dubbo-generic", "true"),
        ("dubbo-one-way", "true"),
        ("dubbo-attachment-tenant", "other"),
        ("dubbo-attachment-missing", "x"),
        ("dubbo-attachment-TENANT", "acme"),
        ("dubbo-arg-0", "pear"),
        ("dubbo-arg-1", "apple"),
        ("dubbo-arg-0.user", "apple"),
    ] {
        let name = lie.0.to_ascii_lowercase();
        let fields = match lie.0 {
            ":path" => vec![lie],
            _ if name != lie.0 => continue,
            _ => vec![PATH, lie],
        };
        let outcome = check(&call(&[]), &fields).map(|_| ());
        assert_eq!(outcome, Err(Reason::BridgeCallDiffers), "{lie:?}");
    }
}

#[test]
fn a_second_line_cannot_say_something_else() {
    for (name, other) in [("dubbo-group", "green"), ("dubbo-arg-0", "pear")] {
        let truth = if name == "dubbo-group" {
            "blue"
        } else {
            "apple"
        };
        let fields = [PATH, (name, truth), (name, other)];
        let outcome = check(&call(&[]), &fields).map(|_| ());
        assert_eq!(outcome, Err(Reason::BridgeCallDiffers), "{name}");
    }
}

#[test]
fn the_provider_follows_attachments_and_so_does_the_judgement() {
    // The head says Shop, but a Java provider looks the attachment `path` up.
    let frame = frames::call(7, true, "buy", "apple", &[("path", "dev.meshlane.Vault")]);
    assert_eq!(
        check(&frame, &[PATH]).map(|_| ()),
        Err(Reason::BridgeCallDiffers)
    );
    let vault = (":path", "/dev.meshlane.Vault/buy");
    assert_eq!(
        check(&frame, &[vault]).unwrap().interface,
        "dev.meshlane.Vault"
    );
}

fn attachments_after(frame: &[u8], fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let verified = check(frame, fields).unwrap();
    assert!(!verified.is_unwritten);
    let body = apply(&frame[HEADER_LENGTH..], &verified.edits);
    // What the provider gets is judged as what came.
    let header = frame_header(frame);
    let again = verify(&plan(), &headers(fields), &header, &body).unwrap();
    assert_eq!(
        (again.interface, again.method),
        (verified.interface, verified.method)
    );
    assert_eq!(again.edits, []);
    let names = [
        "dubbo.tag",
        "traceparent",
        "x-mse-tag",
        "x-request-id",
        "mine",
    ];
    let wanted = Wanted::new(names.map(str::to_owned).to_vec(), Vec::new());
    let limits = meshlane_dubbo::Limits::default();
    let call = Call::read(
        meshlane_dubbo::Serialization::HESSIAN2,
        &body,
        &wanted,
        &limits,
    )
    .unwrap();
    let values = call.attachments.iter().zip(names);
    values
        .filter_map(|(value, name)| {
            let value = value.as_ref().and_then(scalar_text)?;
            Some((name.to_owned(), value.into_owned()))
        })
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = pairs
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
    owned.collect()
}

#[test]
fn carriers_that_filters_touched_go_back_into_the_frame() {
    let tagged = call(&[("dubbo.tag", "gray"), ("traceparent", "00-1-2-01")]);
    let list = ("dubbo-carriers", "dubbo.tag,traceparent");
    let trace = ("traceparent", "00-1-2-01");
    // Unchanged.
    let fields = [PATH, list, trace, ("dubbo.tag", "gray")];
    assert_eq!(check(&tagged, &fields).unwrap().edits, []);
    // Changed.
    let fields = [PATH, list, trace, ("dubbo.tag", "blue")];
    let expected = pairs(&[("dubbo.tag", "blue"), ("traceparent", "00-1-2-01")]);
    assert_eq!(attachments_after(&tagged, &fields), expected);
    // Removed.
    let expected = pairs(&[("traceparent", "00-1-2-01")]);
    assert_eq!(attachments_after(&tagged, &[PATH, list, trace]), expected);
    // Removed together with the list.
    assert_eq!(attachments_after(&tagged, &[PATH, trace]), expected);
    // New.
    let fields = [PATH, ("x-mse-tag", "灰")];
    assert_eq!(
        attachments_after(&call(&[]), &fields),
        pairs(&[("x-mse-tag", "灰")])
    );
    // The id that Envoy gives every request is none of the call's.
    let fields = [PATH, ("x-request-id", "4711")];
    assert_eq!(check(&call(&[]), &fields).unwrap().edits, []);
}

#[test]
fn a_carrier_that_only_the_other_bridge_knows_goes_back_as_well() {
    let frame = call(&[("mine", "a")]);
    let list = ("dubbo-carriers", "mine");
    assert_eq!(
        check(&frame, &[PATH, list, ("mine", "a")]).unwrap().edits,
        []
    );
    let after = attachments_after(&frame, &[PATH, list, ("mine", "b")]);
    assert_eq!(after, pairs(&[("mine", "b")]));
}

/// The list of carriers comes from the client as well, and what it lists is written into the frame after the judgement.
#[test]
fn a_list_of_carriers_cannot_change_what_was_judged() {
    let frame = call(&[("mine", "a")]);
    for (name, value) in [
        ("path", "dev.meshlane.Vault"),
        ("interface", "dev.meshlane.Vault"),
        ("group", "green"),
        ("version", "2.0.0"),
        ("generic", "true"),
        ("async", "true"),
        ("timeout", "1"),
        ("sys_callback_arg-0", "x"),
        ("content-type", "application/dubbo2"),
        ("x-envoy-original-path", "/"),
        ("dubbo-arg-0", "apple"),
    ] {
        let list = ("dubbo-carriers", name);
        for fields in [vec![PATH, list, (name, value)], vec![PATH, list]] {
            let outcome = check(&frame, &fields).map(|_| ());
            assert_eq!(outcome, Err(Reason::BridgeCallDiffers), "{fields:?}");
        }
        let upper = name.to_ascii_uppercase();
        let fields = [PATH, ("dubbo-carriers", &upper)];
        let outcome = check(&frame, &fields).map(|_| ());
        assert_eq!(outcome, Err(Reason::BridgeCallDiffers), "{fields:?}");
    }
    // One value is judged, and another would run.
    let judged = ("dubbo-attachment-mine", "a");
    let list = ("dubbo-carriers", "mine");
    assert_eq!(
        check(&frame, &[PATH, judged, list, ("mine", "b")]).map(|_| ()),
        Err(Reason::BridgeCallDiffers)
    );
    assert_eq!(
        check(&frame, &[PATH, judged, list]).map(|_| ()),
        Err(Reason::BridgeCallDiffers)
    );
    let same = check(&frame, &[PATH, judged, list, ("mine", "a")]).unwrap();
    assert_eq!(same.edits, []);
}

#[test]
fn a_call_that_cannot_be_read_passes_only_without_a_name() {
    let frame = frames::frame(
        meshlane_dubbo::Flags::request(meshlane_dubbo::Serialization::new(30), true),
        meshlane_dubbo::Status(0),
        7,
        b"opaque",
    );
    let serialization = ("dubbo-serialization", "30");
    assert!(check(&frame, &[(":path", "/_/_"), serialization]).is_ok());
    for fields in [
        vec![PATH],
        vec![(":path", "/_/_"), ("dubbo-group", "blue")],
        vec![(":path", "/_/_"), ("dubbo-arg-0", "x")],
        vec![(":path", "/_/_"), ("dubbo-serialization", "hessian2")],
    ] {
        let outcome = check(&frame, &fields).map(|_| ());
        assert_eq!(outcome, Err(Reason::BridgeCallDiffers), "{fields:?}");
    }
}
