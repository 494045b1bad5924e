//! The one request that every variant gets: what a browser behind a login sends.

/// Its headers, without the pseudo headers.
pub(crate) const HEADERS: [(&str, &str); 11] = [
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    ),
    (
        "accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    ),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-US,en;q=0.9,de;q=0.7"),
    (
        "cookie",
        "uid=u-4711; session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; _ga=GA1.1.1234567890.1700000000",
    ),
    (
        "authorization",
        "Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1MSIsIm4iOjV9.c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2ln",
    ),
    ("x-request-id", "6a1f9f0e-7f5c-4c0e-9b1d-2f6a3c1b9e77"),
    ("referer", "https://shop.example.com/cart"),
    ("x-user", "alice"),
    ("cache-control", "no-cache"),
    ("upgrade-insecure-requests", "1"),
];

pub(crate) const AUTHORITY: &str = "shop.example.com";
pub(crate) const PATH: &str = "/api/v1/cart/items?page=2&sort=price";

/// The request's headers, and more, as Envoy hands them to a Wasm filter.
pub(crate) fn pairs(more: &[(&str, &str)]) -> Vec<u8> {
    let pseudo = [
        (":authority", AUTHORITY),
        (":path", PATH),
        (":method", "GET"),
        (":scheme", "http"),
    ];
    let headers = pseudo.into_iter().chain(HEADERS);
    let headers: Vec<(&str, &str)> = headers.chain(more.iter().copied()).collect();
    let mut bytes = (headers.len() as u32).to_le_bytes().to_vec();
    for (name, value) in &headers {
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend((value.len() as u32).to_le_bytes());
    }
    for text in headers.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend(text.as_bytes());
        bytes.push(0);
    }
    bytes
}

/// The request as bytes of HTTP/1.1, with further headers and with some replaced.
pub(crate) fn http1(changed: &[(&str, &str)]) -> String {
    let mut text = format!("GET {PATH} HTTP/1.1\r\nhost: {AUTHORITY}\r\n");
    let kept = HEADERS
        .iter()
        .filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
    for (name, value) in kept.chain(changed) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text
}
