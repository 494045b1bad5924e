//! Headers that say something else than the frame, or that somebody might believe.

use super::{DIFFERS, Lie, NOT_DUBBO, Outcome, path};
use crate::access::call::Call;

use Outcome::{Denied, Envoy, Served};

pub(super) fn lies() -> Vec<Lie> {
    let all = [
        arguments(),
        about_the_call(),
        carriers(),
        foreign(),
        other_requests(),
    ];
    all.into_iter().flatten().collect()
}

/// What policy judges by a header.
fn arguments() -> Vec<Lie> {
    let hello = |argument: &str, headers: &[&str], outcome| {
        let bytes = Call::of("sayHello").argument(argument).bytes();
        let lie = Lie::new(&path("sayHello"), bytes, outcome).named(argument);
        headers
            .iter()
            .fold(lie, |lie, value| lie.header("dubbo-arg-0", value))
    };
    let without = Lie::new(&path("sayHello"), Call::of("sayHello").bytes(), DIFFERS);
    let second = Call::of("sayHello")
        .argument("home")
        .argument("shop")
        .bytes();
    let generic = |argument| {
        let bytes = Call::generic("sayHello", argument).bytes();
        Lie::new(&path("sayHello"), bytes, DIFFERS)
            .named("generic")
            .header("dubbo-arg-0", "shop")
    };
    let mut honest = generic("shop");
    honest.outcome = Served;
    vec![
        hello("shop", &["shop"], Served),
        hello("shop", &[], Denied),
        hello("home", &["home"], Denied),
        hello("home", &["shop"], DIFFERS),
        hello("SHOP", &["shop"], DIFFERS),
        hello("shop ", &["shop"], DIFFERS),
        hello("shop,home", &["shop"], DIFFERS),
        // To Envoy's policies one line of several is enough; to the bridge each must be true.
        hello("home", &["shop", "home"], DIFFERS),
        hello("home", &["home", "shop"], DIFFERS),
        hello("home", &["shop", ""], DIFFERS),
        hello("shop", &["shop", "shop"], Served),
        hello("shop,home", &["shop,home"], Denied),
        hello("home,shop", &["home,shop"], Denied),
        without.named("no argument").header("dubbo-arg-0", "shop"),
        Lie::new(&path("sayHello"), second, DIFFERS)
            .named("the second")
            .header("dubbo-arg-0", "shop"),
        honest,
        generic("home"),
    ]
}

/// What describes the call beside its path.
fn about_the_call() -> Vec<Lie> {
    let call = Call::of("who")
        .attachment("group", "blue")
        .attachment("role", "guest");
    let who = |name: &str, value: &str, outcome| {
        Lie::new(&path("who"), call.bytes(), outcome).header(name, value)
    };
    vec![
        who("dubbo-attachment-role", "guest", Served),
        who("dubbo-attachment-role", "admin", DIFFERS),
        who("dubbo-attachment-tenant", "acme", DIFFERS),
        who("dubbo-attachment-_", "x", DIFFERS),
        who("dubbo-arg-x", "x", DIFFERS),
        who("dubbo-group", "blue", Served),
        who("dubbo-group", "green", DIFFERS),
        who("dubbo-version", "1.0.0", DIFFERS),
        who("dubbo-serialization", "fastjson2", DIFFERS),
        who("dubbo-param-types", "I", DIFFERS),
        who("dubbo-generic", "true", DIFFERS),
        who("dubbo-one-way", "true", DIFFERS),
        who("dubbo-interface", "org.demo.Other", DIFFERS),
        who("dubbo-method", "secret", DIFFERS),
        Lie::new(&path("_"), Call::of("secret").bytes(), Denied).header("dubbo-method", "who"),
        Lie::new("/_/who", Call::of("who").bytes(), Denied)
            .header("dubbo-interface", "org.demo.Greeter"),
    ]
}

/// What is written into the frame after it was judged.
fn carriers() -> Vec<Lie> {
    let call = Call::of("who").attachment("role", "guest");
    let who = |list: &str, name: &str, value: &str, outcome| {
        let lie = Lie::new(&path("who"), call.bytes(), outcome);
        lie.header("dubbo-carriers", list).header(name, value)
    };
    vec![
        who("dubbo.tag", "dubbo.tag", "gray", Served),
        who("x-lane", "x-lane", "gray", Served),
        who("path", "path", "org.demo.Other", DIFFERS),
        who("interface", "interface", "org.demo.Other", DIFFERS),
        who("dubbo.tag,path", "path", "org.demo.Other", DIFFERS),
        who("group", "group", "green", DIFFERS),
        who("version", "version", "9.9.9", DIFFERS),
        who("generic", "generic", "true", DIFFERS),
        who("sys_callback_arg-0", "sys_callback_arg-0", "x", DIFFERS),
        who("role", "role", "admin", DIFFERS).header("dubbo-attachment-role", "guest"),
    ]
}

/// What other proxies would believe.
fn foreign() -> Vec<Lie> {
    let mut lies = Vec::new();
    let trade =
        "By=spiffe://cluster.local/ns/shop/sa/order;URI=spiffe://cluster.local/ns/shop/sa/trade";
    for (name, value) in [
        ("x-envoy-original-path", "/org.demo.Greeter/who"),
        ("x-original-url", "/org.demo.Greeter/who"),
        ("x-rewrite-url", "/org.demo.Greeter/who"),
        ("x-http-method-override", "GET"),
        ("x-envoy-original-dst-host", "127.0.0.1:20887"),
        ("x-envoy-internal", "true"),
        ("x-forwarded-client-cert", trade),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-meshlane-reason", "rule-matched"),
        ("x-meshlane-path", "/org.demo.Greeter/who"),
        ("dubbo-interface", "org.demo.Greeter"),
        ("dubbo-method", "who"),
        ("dubbo-arg-0", "shop"),
    ] {
        let secret = Call::of("secret").bytes();
        lies.push(Lie::new(&path("secret"), secret, Denied).header(name, value));
    }
    for (name, value) in [
        ("x-envoy-original-path", "/org.demo.Greeter/secret"),
        ("x-envoy-original-dst-host", "127.0.0.1:20880"),
        ("x-meshlane-path", "/org.demo.Greeter/secret"),
    ] {
        lies.push(Lie::new(&path("who"), Call::of("who").bytes(), Served).header(name, value));
    }
    lies
}

/// Requests that are no calls, to a path that is allowed.
fn other_requests() -> Vec<Lie> {
    let kind = |value| ("content-type", value);
    let who = |outcome| Lie::new(&path("who"), Call::of("who").bytes(), outcome);
    let upgrade = [("connection", "upgrade"), ("upgrade", "websocket")];
    vec![
        who(NOT_DUBBO).only("GET", &[kind("application/dubbo2")]),
        who(NOT_DUBBO).only("PUT", &[kind("application/dubbo2")]),
        who(NOT_DUBBO).only("POST", &[kind("application/grpc")]),
        who(NOT_DUBBO).only("POST", &[kind("application/dubbo2; charset=utf-8")]),
        who(NOT_DUBBO).only("POST", &[kind("text/plain"), kind("application/dubbo2")]),
        who(NOT_DUBBO).only("POST", &[]),
        // Between the sidecars an upgrade is a CONNECT, which HTTP/2 of Istio's does not take.
        who(Envoy(503)).only("GET", &upgrade).http1(),
    ]
}
