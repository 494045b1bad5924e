use super::*;
use meshlane_attributes::ProxyKind;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn policy(document: &str) -> Policy {
    Policy::parse(document.as_bytes(), ProxyKind::Bare).unwrap()
}

fn violations(document: &str) -> String {
    Policy::parse(document.as_bytes(), ProxyKind::Bare)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_mode_is_enough() {
    assert_eq!(
        policy(r#"{"mode": "toDubbo"}"#),
        Policy::with_defaults(Mode::ToDubbo)
    );
    assert_eq!(violations(""), ".: key `mode` is missing");
}

#[test]
fn everything_that_is_wrong_is_found_at_once() {
    let document = r#"{
        "name": "a b",
        "authority": {"hosts": {"org.demo.*": "a b", "*x": "host"}, "host": "x", "from": "interface",
            "originalDestination": "a/b"},
        "originalDestination": ["", "org.demo.Greeter"],
        "expose": {"arguments": ["x", "0", "0"], "attachments": ["", "user", "user"]},
        "carriers": {"names": ["a b", "host", "x-meshlane-a", "x-envoy-a", "x-lane", "path"]},
        "limits": {"maxFrameBytes": 1, "maxBufferedBytes": 1073741824, "maxDepth": 8.5},
        "metrics": {"maxNames": -1}
    }"#;
    let carrier = "expected the name of an attachment that is a header name, and none that HTTP, Envoy, Dubbo or meshlane use";
    let expected = format!(
        "name: found `a b`, expected a name of 1 to 64 letters, digits and `-_/`
.: key `mode` is missing
authority.hosts[\"*x\"]: found `*x`, expected an interface, or its beginning followed by `*`, of at most 256 bytes
authority.hosts[\"org.demo.*\"]: found `a b`, expected a host, with or without a port
authority: `from` cannot be used with `host`
authority.originalDestination: found `a/b`, expected a host, with or without a port
originalDestination[0]: found ``, expected an interface, or its beginning followed by `*`, of at most 256 bytes
expose.arguments[0]: found `x`, expected an argument like `0`, `0.user.id` or `1[0]`, of at most 200 bytes
expose.arguments[2]: `0` is already used at expose.arguments[1]
expose.attachments[0]: found ``, expected the name of an attachment, of 1 to 128 bytes
expose.attachments[2]: `user` is already used at expose.attachments[1]
carriers.names[0]: found `a b`, {carrier}
carriers.names[1]: found `host`, {carrier}
carriers.names[2]: found `x-meshlane-a`, {carrier}
carriers.names[3]: found `x-envoy-a`, {carrier}
carriers.names[5]: found `path`, {carrier}
limits.maxFrameBytes: found `1`, expected an integer from 1024 to 268435456
limits.maxDepth: found `8.5`, expected an integer from 8 to 10000
limits.maxBufferedBytesPerVm: found `268435456`, expected no less than `maxBufferedBytes`
metrics.maxNames: found `-1`, expected an integer from 0 to 10000"
    );
    assert_eq!(violations(document), expected);
}

#[test]
fn numbers_may_be_doubles() {
    let policy = policy(r#"{"mode": "toHttp", "limits": {"maxFrameBytes": 4096.0}}"#);
    assert_eq!(policy.limits.max_frame_bytes, 4096);
}

#[test]
fn the_most_exact_host_counts() {
    let policy = policy(
        r#"{"mode": "toHttp", "authority": {"hosts": {
            "org.demo.*": "demo", "org.demo.Greeter": "greeter:80", "org.*": "org"}, "from": "interface"}}"#,
    );
    for (interface, authority) in [
        ("org.demo.Greeter", "greeter:80"),
        ("org.demo.Greeters", "demo"),
        ("org.other.A", "org"),
        ("com.Other", "com.other"),
        ("com other", "10.0.0.1:20880"),
        ("", "10.0.0.1:20880"),
    ] {
        assert_eq!(policy.authority.of(interface, "10.0.0.1:20880"), authority);
    }
}

#[test]
fn the_authority_is_the_destination_unless_said_otherwise() {
    let of = |document: &str| {
        policy(document)
            .authority
            .of("org.A", "10.0.0.1:20880")
            .into_owned()
    };
    assert_eq!(of(r#"{"mode": "toHttp"}"#), "10.0.0.1:20880");
    assert_eq!(
        of(r#"{"mode": "toHttp", "authority": {"host": "shop"}}"#),
        "shop"
    );
    assert_eq!(
        of(r#"{"mode": "toHttp", "authority": {"hosts": {"org.B": "b"}}}"#),
        "10.0.0.1:20880"
    );
}

#[test]
fn calls_to_an_instance_have_a_host_of_their_own_when_one_is_given() {
    let policy = policy(
        r#"{"mode": "toHttp", "authority": {"host": "shop", "originalDestination": "instances:20880"}}"#,
    );
    assert_eq!(
        policy.authority.of_instance("10.0.0.1:20880"),
        "instances:20880"
    );
    assert_eq!(policy.authority.of("org.A", "10.0.0.1:20880"), "shop");
    let without = Policy::with_defaults(Mode::ToHttp);
    assert_eq!(
        without.authority.of_instance("10.0.0.1:20880"),
        "10.0.0.1:20880"
    );
}

#[test]
fn metadata_services_are_bound_to_their_instance() {
    let defaults = Policy::with_defaults(Mode::ToHttp);
    assert!(defaults.is_bound_to_instance("org.apache.dubbo.metadata.MetadataServiceV2"));
    assert!(!defaults.is_bound_to_instance("org.demo.Greeter"));
    let own = policy(r#"{"mode": "toHttp", "originalDestination": ["org.demo.Greeter"]}"#);
    assert!(own.is_bound_to_instance("org.demo.Greeter"));
    assert!(!own.is_bound_to_instance("org.demo.Greeters"));
    let none = policy(r#"{"mode": "toHttp", "originalDestination": []}"#);
    assert!(!none.is_bound_to_instance("org.apache.dubbo.metadata.MetadataService"));
}

#[test]
fn carriers_are_added_or_replaced() {
    let added = policy(r#"{"mode": "toHttp", "carriers": {"names": ["X-Lane", "dubbo.tag"]}}"#);
    let defaults = Carrier::defaults().len();
    assert_eq!(added.carriers.len(), defaults + 1);
    let lane = Carrier::new("X-Lane").unwrap();
    assert_eq!(added.carriers[defaults], lane);
    assert_eq!(&*added.carriers[defaults].header, "x-lane");
    let replaced =
        policy(r#"{"mode": "toHttp", "carriers": {"defaults": false, "names": ["X-Lane"]}}"#);
    assert_eq!(replaced.carriers, [lane]);
}

#[test]
fn the_mode_of_a_bad_document_is_still_read() {
    for (document, mode) in [
        (r#"{"mode": "toHttp", "x": 1}"#, Some(Mode::ToHttp)),
        (r#"{"mode": "TODUBBO", "limits": 5}"#, Some(Mode::ToDubbo)),
        (r#"{"mode": "http"}"#, None),
        (r#"{"mode": 5}"#, None),
        ("not json", None),
        ("", None),
    ] {
        let salvaged = Policy::salvage(document.as_bytes());
        assert_eq!(salvaged, mode.map(Policy::with_defaults), "{document}");
    }
}
