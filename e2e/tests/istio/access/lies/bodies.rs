//! Bodies that are not exactly the frame of one call, or one that nobody can read.

use meshlane_e2e::{
    dubbo::frame::Frame,
    wire::{HEARTBEAT, ONE_WAY, ONE_WAY_EVENT, REQUEST, RESPONSE},
};

use super::{BROKEN, DIFFERS, Lie, NOT_DUBBO, Outcome, path};
use crate::access::call::Call;

use Outcome::{Denied, Served};

pub(super) fn lies() -> Vec<Lie> {
    let who = Call::of("who").bytes();
    let secret = Call::of("secret").bytes();
    let body = Call::of("who").frame().body().to_vec();
    let with = |flags, body: &[u8]| Frame::new(flags, 0, 1, body).bytes().to_vec();
    let to_who = |what, bytes: Vec<u8>, outcome| Lie::new(&path("who"), bytes, outcome).named(what);
    let serialized = |id: u8, body: &[u8]| with(REQUEST & 0xe0 | id, body);
    let mut lies = vec![
        to_who("two frames", [who.clone(), secret.clone()].concat(), BROKEN),
        to_who(
            "two frames, the second first",
            [secret.clone(), who.clone()].concat(),
            BROKEN,
        ),
        to_who(
            "two frames of the same",
            [who.clone(), who.clone()].concat(),
            BROKEN,
        ),
        to_who("a byte too many", [who.clone(), vec![0]].concat(), BROKEN),
        to_who(
            "a byte too few",
            who.iter().copied().take(who.len() - 1).collect(),
            BROKEN,
        ),
        to_who(
            "half a header",
            who.iter().copied().take(8).collect(),
            BROKEN,
        ),
        to_who("no body", Vec::new(), NOT_DUBBO),
        to_who("no frame", b"GET / HTTP/1.1\r\n\r\n".to_vec(), BROKEN),
        to_who("a heartbeat", with(HEARTBEAT, b"N"), BROKEN),
        to_who("READONLY", with(ONE_WAY_EVENT, b"\x01R"), BROKEN),
        to_who("a response", with(RESPONSE, &body), BROKEN),
        to_who(
            "more after the attachments",
            with(REQUEST, &[&body, &b"N"[..]].concat()),
            Served,
        ),
        to_who(
            "no attachments",
            with(REQUEST, body.split_last().map_or(&[], |(_, rest)| rest)),
            DIFFERS,
        ),
        to_who("no call", with(REQUEST, b"whatever"), DIFFERS),
        to_who(
            "one-way, another method",
            with(ONE_WAY, Call::of("secret").frame().body()),
            DIFFERS,
        ),
        Lie::new("/_/_", with(REQUEST, b"whatever"), Denied).named("no call"),
    ];
    for (name, id) in [
        ("kryo", 8),
        ("fst", 9),
        ("fastjson", 6),
        ("protobuf", 21),
        ("none", 31),
    ] {
        for call in [Call::of("who"), Call::of("secret")] {
            let bytes = serialized(id, call.frame().body());
            lies.push(to_who(name, bytes.clone(), DIFFERS));
            lies.push(Lie::new("/_/_", bytes, Denied).named(name));
        }
    }
    lies
}
