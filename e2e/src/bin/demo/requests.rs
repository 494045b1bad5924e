//! The requests of the demo and what must come of them.

use meshlane_e2e::client::{Protocol, Request};

/// A request of the demo.
pub(crate) struct DemoRequest {
    /// What the table shows.
    pub(crate) shown: &'static str,
    /// How it is sent.
    pub(crate) call: Call,
    /// Where it must go.
    pub(crate) destination: &'static str,
    /// What the access log must say of the tag: value, rule, reason.
    pub(crate) decision: (&'static str, &'static str, &'static str),
}

/// How a request is sent.
pub(crate) enum Call {
    /// As plain HTTP.
    Http(Protocol, Box<Request>),
    /// By a gRPC client, as this user.
    Grpc(&'static str),
}

const UNTAGGED: (&str, &str, &str) = ("-", "-", "tag-none");

/// All requests, in the order of the table.
pub(crate) fn all() -> Vec<DemoRequest> {
    let matched = |rule| ("gray", rule, "tag-rule-matched");
    vec![
        http("GET /", Request::get("/"), "v1", UNTAGGED),
        http(
            "GET / x-user: alice",
            Request::get("/").header("x-user", "alice"),
            "gray",
            matched("beta-users"),
        ),
        http(
            "GET / cookie: preview=on",
            Request::get("/").header("cookie", "preview=on"),
            "gray",
            matched("opted-in"),
        ),
        http(
            "GET / cookie: uid=user-1",
            Request::get("/").header("cookie", "uid=user-1"),
            "v1",
            UNTAGGED,
        ),
        http(
            "GET / cookie: uid=user-23",
            Request::get("/").header("cookie", "uid=user-23"),
            "gray",
            ("gray", "ten-percent", "tag-split-chosen"),
        ),
        http(
            "GET / x-mse-tag: gray (spoofed)",
            Request::get("/").header("x-mse-tag", "gray"),
            "v1",
            UNTAGGED,
        ),
        http(
            "GET / baggage: mse-tag=gray (spoofed)",
            Request::get("/").header("baggage", "mse-tag=gray"),
            "v1",
            UNTAGGED,
        ),
        grpc(
            "gRPC Echo, x-user: test-7",
            "test-7",
            "gray",
            matched("grpc-testers"),
        ),
        grpc("gRPC Echo, x-user: zoe", "zoe", "v1", UNTAGGED),
        triple(
            "Triple OrderService, user: carol",
            "carol",
            "gray",
            matched("dubbo-carol"),
        ),
        triple("Triple OrderService, user: zoe", "zoe", "v1", UNTAGGED),
    ]
}

fn http(
    shown: &'static str,
    request: Request,
    destination: &'static str,
    decision: (&'static str, &'static str, &'static str),
) -> DemoRequest {
    DemoRequest {
        shown,
        call: Call::Http(Protocol::Http1, Box::new(request)),
        destination,
        decision,
    }
}

fn grpc(
    shown: &'static str,
    user: &'static str,
    destination: &'static str,
    decision: (&'static str, &'static str, &'static str),
) -> DemoRequest {
    DemoRequest {
        shown,
        call: Call::Grpc(user),
        destination,
        decision,
    }
}

/// A call as a Dubbo 3 consumer sends it: attachments are headers.
fn triple(
    shown: &'static str,
    user: &'static str,
    destination: &'static str,
    decision: (&'static str, &'static str, &'static str),
) -> DemoRequest {
    let request = Request::post("/shop.api.OrderService/place", b"\0\0\0\0\0".as_slice())
        .header("content-type", "application/grpc+proto")
        .header("te", "trailers")
        .header("tri-consumer-appname", "trade")
        .header("user", user);
    DemoRequest {
        shown,
        call: Call::Http(Protocol::Http2, Box::new(request)),
        destination,
        decision,
    }
}
