use std::cell::Cell;
use std::time::Duration;

use super::*;
use crate::facts::StaticFacts;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn look_up(facts: &StaticFacts, attribute: &str) -> Option<String> {
    let mut table = AttributeTable::default();
    let id = table.intern(attribute.parse().unwrap());
    let workload = Workload {
        namespace: Some("demo".into()),
        labels: [("version".to_owned(), "v1".to_owned())].into(),
        ..Workload::default()
    };
    let request = Request::new(&table, facts, &workload);
    request.value(id).map(|value| match value.as_text() {
        Some(text) => text.into_owned(),
        None => format!("{value:?}"),
    })
}

#[test]
fn reads_the_parts_of_an_http_request() {
    let facts = StaticFacts::with_headers([
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "Shop.Example:8443"),
        (":path", "/cart?uid=a%20b#x"),
        ("x-user", "alice"),
        ("x-user", "bob"),
        ("cookie", "a=1"),
        ("cookie", "uid=u7"),
    ]);
    for (attribute, value) in [
        ("method", Some("GET")),
        ("scheme", Some("https")),
        ("host", Some("shop.example")),
        ("path", Some("/cart")),
        ("query.uid", Some("a b")),
        ("query.none", None),
        ("header.X-User", Some("alice,bob")),
        ("header.none", None),
        ("cookie.uid", Some("u7")),
        ("cookie.none", None),
        ("workload.version", Some("v1")),
        ("workload.none", None),
        ("workload.namespace", Some("demo")),
        ("grpc.service", None),
        ("dubbo.interface", None),
        ("tag.x", None),
    ] {
        assert_eq!(look_up(&facts, attribute).as_deref(), value, "{attribute}");
    }
}

#[test]
fn the_port_is_no_part_of_the_host() {
    for (authority, host) in [
        ("shop.example", "shop.example"),
        ("shop.example:80", "shop.example"),
        ("[2001:db8::1]:80", "[2001:db8::1]"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("2001:db8::1", "2001:db8::1"),
        ("shop.example:", "shop.example"),
    ] {
        let facts = StaticFacts::with_headers([(":authority", authority)]);
        assert_eq!(look_up(&facts, "host").unwrap(), host);
    }
}

#[test]
fn reads_a_grpc_call() {
    for content_type in [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc;x",
    ] {
        let facts = StaticFacts::with_headers([
            (":path", "/shop.v1.Orders/Get"),
            ("content-type", content_type),
        ]);
        assert_eq!(look_up(&facts, "grpc.service").unwrap(), "shop.v1.Orders");
        assert_eq!(look_up(&facts, "grpc.method").unwrap(), "Get");
        assert_eq!(
            look_up(&facts, "dubbo.interface"),
            None,
            "gRPC alone is not Dubbo"
        );
    }
    let web = StaticFacts::with_headers([
        (":path", "/a.B/C"),
        ("content-type", "application/grpc-web"),
    ]);
    assert_eq!(look_up(&web, "grpc.service"), None);
}

#[test]
fn reads_a_triple_call() {
    let facts = StaticFacts::with_headers([
        (":path", "/lab.api.RichService/sayHello"),
        ("content-type", "application/grpc+proto"),
        ("tri-consumer-appname", "shop"),
        ("tri-service-version", "1.0.0"),
        ("tri-service-group", "blue"),
        ("dubbo.tag", "gray"),
        ("userid", "7"),
    ]);
    for (attribute, value) in [
        ("dubbo.interface", Some("lab.api.RichService")),
        ("dubbo.method", Some("sayHello")),
        ("dubbo.version", Some("1.0.0")),
        ("dubbo.group", Some("blue")),
        ("dubbo.attachment.dubbo.tag", Some("gray")),
        ("dubbo.attachment.userId", Some("7")),
        ("dubbo.attachment.none", None),
        ("dubbo.paramTypes", None),
        ("dubbo.arg.0", None),
        ("grpc.service", Some("lab.api.RichService")),
    ] {
        assert_eq!(look_up(&facts, attribute).as_deref(), value, "{attribute}");
    }
}

#[test]
fn reads_a_bridged_call() {
    let facts = StaticFacts::with_headers([
        (":path", "/org.example.Order$1/create"),
        ("content-type", "application/dubbo2"),
        ("dubbo-interface", "of no account beside the path"),
        ("dubbo-group", "blue"),
        ("dubbo-version", "1.0.0"),
        ("dubbo-param-types", "%5BLjava/lang/String;"),
        ("dubbo-attachment-user_49d", "7"),
        ("dubbo-attachment-dubbo.tag", "of no account either"),
        ("dubbo-attachment-baggage", "a=1"),
        ("dubbo-arg-0", "50%25 off"),
        ("dubbo-arg-0.user.id", "42"),
        ("dubbo-arg-1_5b0_5d", "true"),
        ("dubbo-arg-2", "[a,b]"),
        ("dubbo-carriers", "dubbo.tag,X-Lane"),
        ("dubbo.tag", "gray"),
        ("x-lane", "50%25"),
        ("userid", "an HTTP header"),
    ]);
    for (attribute, value) in [
        ("dubbo.interface", Some("org.example.Order$1")),
        ("dubbo.method", Some("create")),
        ("dubbo.group", Some("blue")),
        ("dubbo.version", Some("1.0.0")),
        ("dubbo.paramTypes", Some("[Ljava/lang/String;")),
        ("dubbo.attachment.userId", Some("7")),
        ("dubbo.attachment.userid", None),
        ("dubbo.attachment.dubbo.tag", Some("gray")),
        ("dubbo.attachment.X-Lane", Some("50%25")),
        ("dubbo.attachment.x-mse-tag", None),
        ("dubbo.attachment.baggage", Some("a=1")),
        ("dubbo.arg.0", Some("50% off")),
        ("dubbo.arg.0.user.id", Some("42")),
        ("dubbo.arg.0.user", None),
        ("dubbo.arg.1[0]", Some("true")),
        ("dubbo.arg.2", Some("List([Text(\"a\"), Text(\"b\")])")),
        ("grpc.service", None),
    ] {
        assert_eq!(look_up(&facts, attribute).as_deref(), value, "{attribute}");
    }
}

#[test]
fn names_that_a_path_cannot_say_come_from_headers() {
    let call = |headers: &[(&'static str, &'static str)]| {
        let bridged = [(":path", "/_/_"), ("content-type", "application/dubbo2")];
        StaticFacts::with_headers(bridged.into_iter().chain(headers.iter().copied()))
    };
    let facts = call(&[("dubbo-interface", "a//B"), ("dubbo-method", "m%0A")]);
    assert_eq!(look_up(&facts, "dubbo.interface").unwrap(), "a//B");
    assert_eq!(look_up(&facts, "dubbo.method").unwrap(), "m\n");
    let unreadable = call(&[]);
    assert_eq!(look_up(&unreadable, "dubbo.interface"), None);
    assert_eq!(look_up(&unreadable, "dubbo.method"), None);
}

#[test]
fn reads_the_peer_and_its_claims() {
    let claims = MetadataValue::Struct(
        [
            ("sub".to_owned(), MetadataValue::Text("u1".into())),
            ("level".to_owned(), MetadataValue::Number(3.0)),
            ("beta".to_owned(), MetadataValue::Bool(true)),
            ("nothing".to_owned(), MetadataValue::Null),
        ]
        .into(),
    );
    let facts = StaticFacts {
        source_address: Some("10.0.0.9:1234".into()),
        peer_uri: Some("spiffe://cluster.local/ns/shop/sa/trade".into()),
        time: Some(Duration::from_millis(1_800_000_000_250)),
        ..StaticFacts::default()
    }
    .and_jwt("envoy.filters.http.jwt_authn", "payload", claims);
    for (attribute, value) in [
        ("source.ip", Some("10.0.0.9")),
        ("source.principal", Some("cluster.local/ns/shop/sa/trade")),
        ("source.namespace", Some("shop")),
        ("source.serviceAccount", Some("trade")),
        ("jwt.sub", Some("u1")),
        ("jwt.level", Some("3")),
        ("jwt.beta", Some("true")),
        ("jwt.nothing", None),
        ("jwt.none", None),
        ("time.unix", Some("1800000000.25")),
    ] {
        assert_eq!(look_up(&facts, attribute).as_deref(), value, "{attribute}");
    }
}

/// Counts how often each fact is asked for.
#[derive(Default)]
struct Counting {
    facts: StaticFacts,
    addresses: Cell<u32>,
    uris: Cell<u32>,
    metadata: Cell<u32>,
}

impl RequestFacts for Counting {
    fn headers(&self) -> &Headers {
        &self.facts.headers
    }

    fn source_address(&self) -> Option<String> {
        self.addresses.set(self.addresses.get() + 1);
        None
    }

    fn peer_uri(&self) -> Option<String> {
        self.uris.set(self.uris.get() + 1);
        None
    }

    fn metadata(&self) -> Option<Metadata> {
        self.metadata.set(self.metadata.get() + 1);
        None
    }
}

#[test]
fn each_fact_is_asked_for_at_most_once_and_only_when_needed() {
    let mut table = AttributeTable::default();
    let ids: Vec<_> = [
        "source.ip",
        "source.principal",
        "source.namespace",
        "jwt.a",
        "jwt.b",
    ]
    .map(|name| table.intern(name.parse().unwrap()))
    .into();
    let facts = Counting::default();
    let workload = Workload::default();
    let request = Request::new(&table, &facts, &workload);
    assert_eq!(
        (
            facts.addresses.get(),
            facts.uris.get(),
            facts.metadata.get()
        ),
        (0, 0, 0)
    );
    for id in ids.iter().chain(&ids) {
        assert_eq!(request.value(*id), None);
    }
    assert_eq!(
        (
            facts.addresses.get(),
            facts.uris.get(),
            facts.metadata.get()
        ),
        (1, 1, 1)
    );
}

#[test]
fn the_same_attribute_has_one_id() {
    let mut table = AttributeTable::default();
    let first = table.intern("header.X-User".parse().unwrap());
    let other = table.intern("query.uid".parse().unwrap());
    assert_eq!(table.intern("header.x-user".parse().unwrap()), first);
    assert_ne!(first, other);
    assert_eq!(table.iter().count(), 2);
}

#[test]
fn a_decided_tag_is_seen() {
    let mut table = AttributeTable::default();
    let tag = table.intern("tag.x".parse().unwrap());
    let facts = StaticFacts::default();
    let workload = Workload::default();
    let mut request = Request::new(&table, &facts, &workload);
    assert_eq!(request.value(tag), None);
    request.decide_tag(tag, Some("gray".into()));
    assert_eq!(request.value(tag), Some(&Value::from("gray")));
}
