//! Paths that do not say what the frame says, or say it in another spelling.

use super::{DIFFERS, Lie, Outcome, path};
use crate::access::call::Call;

use Outcome::{Denied, Envoy, Served};

pub(super) fn lies() -> Vec<Lie> {
    let all = [
        others_in_the_frame(),
        generic_calls(),
        spellings(),
        ways_around(),
        odd_bytes(),
    ];
    all.into_iter().flatten().collect()
}

/// The path that policy allows, and something else in the frame.
fn others_in_the_frame() -> Vec<Lie> {
    let who = Call::of("who");
    let mut lies = Vec::new();
    for (what, call) in [
        ("another method", Call::of("secret")),
        ("upper case", Call::of("WHO")),
        ("spaces around the method", Call::of(" who ")),
        ("a longer method", Call::of("who/secret")),
        ("another interface", who.clone().interface("org.demo.Other")),
        (
            "another head",
            who.clone()
                .interface("org.demo.Other")
                .attachment("path", "org.demo.Vault"),
        ),
        (
            "another path",
            who.clone().attachment("path", "org.demo.Other"),
        ),
        (
            "a group in the path",
            who.clone().attachment("path", "g/org.demo.Greeter"),
        ),
        (
            "a version in the path",
            who.clone().attachment("path", "org.demo.Greeter:1.0"),
        ),
        ("generic, another method", Call::generic("secret", "x")),
        // Without the three arguments of a generic call it is a method like others.
        ("generic without arguments", Call::of("$invoke")),
    ] {
        lies.push(Lie::new(&path("who"), call.bytes(), DIFFERS).named(what));
    }
    // Policy says nothing about groups and versions here.
    lies.push(
        Lie::new(&path("who"), who.clone().version("9.9.9").bytes(), Served).named("a version"),
    );
    let blue = who.clone().attachment("group", "blue");
    lies.push(Lie::new(&path("who"), blue.bytes(), Served).named("a group"));
    lies
}

/// The name of a generic call itself, and one that is hidden behind it.
fn generic_calls() -> Vec<Lie> {
    let mut lies = Vec::new();
    let generic = Call::generic("secret", "x").bytes();
    lies.push(Lie::new(&path("$invoke"), generic.clone(), Denied));
    lies.push(Lie::new(&path("secret"), generic, Denied).named("generic"));
    lies.push(Lie::new(&path("who"), Call::generic("who", "x").bytes(), Served).named("generic"));
    lies
}

/// Other spellings of the path of a call that is allowed. Istio's proxies make most of them the usual one.
fn spellings() -> Vec<Lie> {
    let mut lies = Vec::new();
    for (spelling, outcome) in [
        ("/org.demo.Greeter/who?x=y", Served),
        ("/org.demo.Greeter/who?/../secret", Served),
        ("/org.demo.Greeter/./who", Served),
        ("/./org.demo.Greeter/who", Served),
        ("/org.demo.Greeter/x/../who", Served),
        ("/org.demo.Greeter/%2e/who", Served),
        ("/org.demo.Greeter/%77ho", Served),
        ("/org.demo.Greeter/w%68o", Served),
        ("//org.demo.Greeter/who", Denied),
        ("/org.demo.Greeter//who", Denied),
        ("/org.demo.Greeter/who/", Denied),
        ("/org.demo.Greeter/who/.", Denied),
        ("/org.demo.Greeter/who%2f", Denied),
        ("/org.demo.Greeter%2fwho", Denied),
        ("/org.demo.Greeter/who%00", Envoy(400)),
        ("/org.demo.Greeter/who;x=y", Denied),
        ("/org.demo.Greeter/WHO", Denied),
        ("/ORG.DEMO.GREETER/who", Denied),
        ("/org.demo.Greeter/who%20", Denied),
        ("/who", Denied),
        ("/", Denied),
        ("/_/_", Denied),
    ] {
        lies.push(Lie::new(spelling, Call::of("who").bytes(), outcome));
    }
    lies
}

/// Ways around to a method that is not.
fn ways_around() -> Vec<Lie> {
    let mut lies = Vec::new();
    for (spelling, outcome) in [
        ("/org.demo.Greeter/secret", Denied),
        ("/org.demo.Greeter/secret?/org.demo.Greeter/who", Denied),
        ("/org.demo.Greeter/who?/../secret", DIFFERS),
        ("/org.demo.Greeter/who/../secret", Denied),
        ("/org.demo.Greeter/who/%2e%2e/secret", Denied),
        ("/org.demo.Greeter/who%2f..%2fsecret", Denied),
        ("/org.demo.Greeter/secret/../who", DIFFERS),
        ("/org.demo.Greeter/secret/%2e%2e/who", DIFFERS),
        ("/org.demo.Greeter/%77ho", DIFFERS),
        ("/org.demo.Greeter/%73ecret", Denied),
        ("/org.demo.Greeter/sEcret", Denied),
        ("/_/_", Denied),
        ("/org.demo.Greeter/_", Denied),
        ("/_/who", Denied),
    ] {
        let secret = Call::of("secret").bytes();
        lies.push(Lie::new(spelling, secret, outcome).named("secret"));
    }
    lies
}

/// What HTTP/2 libraries do not let one send.
fn odd_bytes() -> Vec<Lie> {
    let (who, secret) = (Call::of("who"), Call::of("secret"));
    let mut lies = Vec::new();
    for (spelling, call, outcome) in [
        ("/org.demo.Greeter/who", &who, Served),
        ("/org.demo.Greeter/who", &secret, DIFFERS),
        ("/org.demo.Greeter/who#secret", &who, Served),
        ("/org.demo.Greeter/who#/../secret", &secret, DIFFERS),
        (
            "/org.demo.Greeter/secret#/org.demo.Greeter/who",
            &secret,
            Denied,
        ),
        ("/org.demo.Greeter\\who", &who, Served),
        ("/org.demo.Greeter/who\\..\\secret", &secret, Denied),
        ("/org.demo.Greeter/secret\\..\\who", &secret, DIFFERS),
        ("*", &who, Envoy(400)),
    ] {
        lies.push(
            Lie::new(spelling, call.bytes(), outcome)
                .named("HTTP/1.1")
                .http1(),
        );
    }
    lies
}
