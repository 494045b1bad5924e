//! Hostile input ends in a defined outcome, and Envoy lives.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    bootstrap::{Bootstrap, WasmFilter},
    client::{Protocol, Request, send_bytes},
    scene::{Scene, on_every_version},
    shop::Shop,
    upstream::HeaderText,
};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];
const MEGABYTE: usize = 1 << 20;
const PIECE: usize = 32 << 10;

/// Asks for everything that hostile input can come in.
fn curious() -> Value {
    json!({"sourceIp": {"trustedHops": 1}, "tags": [{
        "name": "x-mse-tag",
        "onIncoming": "keep",
        "carriers": [{"header": "x-mse-tag"}, {"baggage": "mse-tag"}, {"cookie": "mse-tag"}],
        "rules": [
            {"name": "regex", "when": {"attribute": "header.x-big", "regex": "(a*)*b"}, "value": "regex"},
            {"name": "contains", "when": {"attribute": "header.x-big", "contains": "needle"}, "value": "gray"},
            {"name": "query", "when": {"attribute": "query.last", "exact": "yes"}, "value": "gray"},
            {"name": "cookie", "when": {"attribute": "cookie.last", "exact": "yes"}, "value": "gray"},
            {"name": "ip", "when": {"attribute": "source.ip", "cidr": ["203.0.113.0/24"]}, "value": "gray"},
            {"name": "bytes", "when": {"attribute": "header.x-bytes", "present": true}, "value": "gray"},
        ],
        "default": "base",
    }]})
}

/// A gateway that accepts large heads.
async fn open(scene: &Scene) -> Result<Shop> {
    let filter = WasmFilter::traffic_tag(&curious())?;
    Shop::open(scene, Bootstrap::gateway(), |listener| {
        listener
            .use_remote_address()
            .accept_large_heads(8192, 20_000)
            .filter(&filter)
    })
    .await
}

/// Envoy lives, its Wasm machine too, and the next request is tagged as ever.
async fn expect_unharmed(shop: &Shop) -> Result<()> {
    shop.envoy.expect_alive().await?;
    let echo = shop.echo(&Request::get("/?last=yes")).await?;
    ensure!(
        echo.header("x-mse-tag").as_deref() == Some("gray"),
        "{echo:?}"
    );
    let log = shop.envoy.log()?;
    ensure!(
        !log.contains("Function: proxy_on"),
        "the machine failed:\n{log}"
    );
    Ok(())
}

/// The same request with long headers as several lines: over HTTP/2 Envoy takes no line of more than 64 KiB.
fn in_pieces(request: &Request) -> Request {
    let mut pieces = request.clone();
    pieces.headers.clear();
    for (name, value) in &request.headers {
        for piece in value.chunks(PIECE) {
            pieces.headers.push((name.clone(), piece.to_vec()));
        }
    }
    pieces
}

/// Sends a request by both protocols and expects a rule to decide, in reasonable time.
async fn expect_rule(shop: &Shop, request: &Request, rule: &str) -> Result<()> {
    for protocol in BOTH {
        // For 127.0.0.1 itself Envoy would append an address of its own to X-Forwarded-For.
        let client = shop
            .client(protocol)?
            .from_address(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 7)));
        let request = match protocol {
            Protocol::Http1 => request.clone(),
            Protocol::Http2 => in_pieces(request),
        };
        let sent = shop.send(&client, &request);
        let sent = tokio::time::timeout(Duration::from_secs(10), sent).await;
        let sent = sent
            .context("too slow")?
            .with_context(|| format!("{protocol:?}"))?;
        let tags = sent.log.tags.unwrap_or_default();
        ensure!(
            tags.contains(&format!("rule={rule};")),
            "{protocol:?}: {tags}, not rule {rule}"
        );
    }
    expect_unharmed(shop).await
}

#[tokio::test]
async fn a_megabyte_is_refused_by_envoy_or_read_by_the_filter() -> Result<()> {
    on_every_version(async |scene| {
        let big = |end: &str| format!("{}{end}", "x".repeat(MEGABYTE));
        let usual = Shop::gateway(scene, &json!({"tags": []})).await?;
        let response = usual
            .client(Protocol::Http1)?
            .send(&Request::get("/").header("x-big", big("")))
            .await?;
        assert_eq!(response.status, 431, "Envoy's own limit is 60 KiB");
        usual.envoy.expect_alive().await?;

        let shop = open(scene).await?;
        expect_rule(
            &shop,
            &Request::get("/").header("x-big", big("needle")),
            "contains",
        )
        .await?;
        expect_rule(&shop, &Request::get("/").header("x-big", big("")), "-").await?;
        let cookies = "name=values123; ".repeat(MEGABYTE / 16);
        expect_rule(
            &shop,
            &Request::get("/").header("cookie", format!("{cookies}last=yes")),
            "cookie",
        )
        .await?;
        let members = "name=value;property=1,".repeat(MEGABYTE / 22);
        expect_rule(&shop, &Request::get("/").header("baggage", &members), "-").await?;
        let kept = Request::get("/").header("baggage", format!("{members}mse-tag=kept"));
        let echo = shop.echo(&kept).await?;
        assert_eq!(
            echo.header("x-mse-tag").as_deref(),
            Some("kept"),
            "the last of many members"
        );
        let hops = "9.9.9.9,".repeat(MEGABYTE / 8);
        let forwarded = Request::get("/").header("x-forwarded-for", format!("{hops}203.0.113.9"));
        expect_rule(&shop, &forwarded, "ip").await?;
        expect_rule(
            &shop,
            &Request::get("/").header("x-forwarded-for", hops),
            "-",
        )
        .await
    })
    .await
}

#[tokio::test]
async fn ten_thousand_of_anything() -> Result<()> {
    on_every_version(async |scene| {
        let shop = open(scene).await?;
        let parameters = "a=1&".repeat(10_000);
        expect_rule(
            &shop,
            &Request::get(format!("/?{parameters}last=yes")),
            "query",
        )
        .await?;
        expect_rule(&shop, &Request::get(format!("/?{parameters}")), "-").await?;
        expect_rule(
            &shop,
            &Request::get(format!("/{}", "%".repeat(10_000))),
            "-",
        )
        .await?;
        let many =
            |request: Request| (0..9_000).fold(request, |request, _| request.header("x-many", "1"));
        expect_rule(&shop, &many(Request::get("/?last=yes")), "query").await?;
        let reserved = (0..9_000).fold(Request::get("/?last=yes"), |request, number| {
            request.header(&format!("x-meshlane-{number}"), "forged")
        });
        expect_rule(&shop, &reserved, "query").await?;
        let echo = shop.echo(&reserved).await?;
        assert!(
            !echo
                .headers
                .iter()
                .any(|(name, _)| name.starts_with("x-meshlane-")),
            "all are removed"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_pathological_regex_input_takes_no_time() -> Result<()> {
    on_every_version(async |scene| {
        let shop = open(scene).await?;
        for length in [30, 1_000, 8 * 1024] {
            expect_rule(
                &shop,
                &Request::get("/").header("x-big", "a".repeat(length)),
                "-",
            )
            .await?;
            let matching = format!("{}b", "a".repeat(length - 1));
            expect_rule(&shop, &Request::get("/").header("x-big", matching), "regex").await?;
        }
        // Longer values are not tried.
        let long = format!("{}b", "a".repeat(MEGABYTE));
        expect_rule(&shop, &Request::get("/").header("x-big", long), "-").await
    })
    .await
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_pass_and_are_no_tags() -> Result<()> {
    on_every_version(async |scene| {
        let shop = open(scene).await?;
        let bytes = b"\xff\xfe\xc3\x28a\x80";
        for protocol in BOTH {
            let client = shop.client(protocol)?;
            let sent = shop
                .send(&client, &Request::get("/").header("x-bytes", bytes))
                .await?;
            assert_eq!(
                sent.echo.values("x-bytes"),
                [&HeaderText::new(bytes)],
                "as they came"
            );
            assert_eq!(
                sent.log.tags.as_deref(),
                Some("x-mse-tag=gray;rule=bytes;reason=tag-rule-matched")
            );

            let carriers: [(&str, &[u8]); 3] = [
                ("x-mse-tag", b"gr\xe9y"),
                ("baggage", b"mse-tag=gr\xe9y"),
                ("cookie", b"mse-tag=gr\xe9y"),
            ];
            for (name, value) in carriers {
                let sent = shop
                    .send(&client, &Request::get("/").header(name, value))
                    .await?;
                assert_eq!(
                    sent.echo.header("x-mse-tag").as_deref(),
                    Some("base"),
                    "{name}"
                );
            }
            let other = b"a=\xff; b=\xfe";
            let echo = shop
                .send(&client, &Request::get("/").header("cookie", other))
                .await?
                .echo;
            let kept = echo
                .values("cookie")
                .first()
                .map(|value| value.bytes())
                .transpose()?;
            assert!(
                kept.is_some_and(|cookie| cookie.starts_with(other)),
                "other cookies stay as they are"
            );
        }
        expect_unharmed(&shop).await
    })
    .await
}

#[tokio::test]
async fn broken_requests_end_in_envoy() -> Result<()> {
    on_every_version(async |scene| {
        let shop = open(scene).await?;
        let heads: [&[u8]; 6] = [
            b"GET / HTTP/1.1\r\nhost: a\r\nx-a: \0\r\nconnection: close\r\n\r\n",
            b"GET /\xff\xfe?last=\xff HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            b"GET / HTTP/1.1\r\nhost: \xff\xfe\r\nconnection: close\r\n\r\n",
            b"GET / HTTP/1.1\r\nhost: a\r\nx-meshlane-\xff: a\r\nconnection: close\r\n\r\n",
            b"\xff\xff\xff\xff\r\n\r\n",
            b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n",
        ];
        for head in heads {
            let answer = send_bytes(shop.address()?, head).await?;
            let status = answer.get(..12).unwrap_or_default();
            let shown = head.escape_ascii();
            assert!(
                [&b"HTTP/1.1 200"[..], b"HTTP/1.1 400"].contains(&status),
                "{shown}: {}",
                answer.escape_ascii()
            );
            expect_unharmed(&shop).await?;
        }
        Ok(())
    })
    .await
}
