//! Tags decide where a request goes, and only the filter decides on tags.

#![allow(clippy::indexing_slicing, reason = "a test may state what it expects")]

use anyhow::Result;
use meshlane_e2e::{
    bootstrap::{Bootstrap, Direction, Listener, Node, WasmFilter},
    client::{Protocol, Request},
    scene::on_every_version,
    shop::Shop,
};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

/// Users named alice go gray.
fn alice_goes_gray() -> Value {
    json!({"tags": [{"name": "x-mse-tag", "rules": [
        {"name": "alice", "when": {"attribute": "header.x-user", "exact": "alice"}, "value": "gray"},
    ]}]})
}

#[tokio::test]
async fn a_tag_makes_envoy_choose_the_route_again() -> Result<()> {
    on_every_version(async |scene| {
        let shop = Shop::gateway(scene, &alice_goes_gray()).await?;
        for protocol in BOTH {
            let client = shop.client(protocol)?;
            let alice = shop
                .send(&client, &Request::get("/").header("x-user", "alice"))
                .await?;
            assert_eq!(alice.echo.upstream, "gray", "{protocol:?}");
            assert_eq!(alice.echo.header("x-mse-tag").as_deref(), Some("gray"));
            assert_eq!(alice.log.upstream.as_deref(), Some("gray"));
            assert_eq!(
                alice.log.tags.as_deref(),
                Some("x-mse-tag=gray;rule=alice;reason=tag-rule-matched")
            );

            let bob = shop
                .send(&client, &Request::get("/").header("x-user", "bob"))
                .await?;
            assert_eq!(bob.echo.upstream, "v1", "{protocol:?}");
            assert_eq!(bob.echo.header("x-mse-tag"), None);
            assert_eq!(
                bob.log.tags.as_deref(),
                Some("x-mse-tag=-;rule=-;reason=tag-none")
            );
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn one_connection_carries_requests_of_both_lanes() -> Result<()> {
    on_every_version(async |scene| {
        let shop = Shop::gateway(scene, &alice_goes_gray()).await?;
        for protocol in BOTH {
            let mut connection = shop.client(protocol)?.connect().await?;
            for (user, upstream) in [
                ("alice", "gray"),
                ("bob", "v1"),
                ("alice", "gray"),
                ("carol", "v1"),
            ] {
                let echo = connection
                    .send(&Request::get("/").header("x-user", user))
                    .await?
                    .echo()?;
                assert_eq!(echo.upstream, upstream, "{user} by {protocol:?}");
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_gateway_strips_a_tag_that_a_client_sent() -> Result<()> {
    on_every_version(async |scene| {
        let shop = Shop::gateway(scene, &alice_goes_gray()).await?;
        let spoofed = [
            Request::get("/").header("x-mse-tag", "gray"),
            Request::get("/").header("X-MSE-Tag", "gray"),
            Request::get("/")
                .header("x-mse-tag", "gray")
                .header("x-mse-tag", "gray"),
            Request::get("/")
                .header("x-mse-tag", "gray")
                .header("x-user", "bob"),
            Request::get("/").header("x-mse-tag", ""),
        ];
        for protocol in BOTH {
            let client = shop.client(protocol)?;
            for request in &spoofed {
                let sent = shop.send(&client, request).await?;
                assert_eq!(sent.echo.upstream, "v1", "{request:?}");
                assert_eq!(sent.echo.header("x-mse-tag"), None, "{request:?}");
            }
            // A rule still decides, whatever the client says.
            let request = Request::get("/")
                .header("x-mse-tag", "blue")
                .header("x-user", "alice");
            let echo = shop.send(&client, &request).await?.echo;
            assert_eq!(
                (echo.upstream.as_str(), echo.header("x-mse-tag").as_deref()),
                ("gray", Some("gray"))
            );
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_sidecar_keeps_the_tag_in_both_directions() -> Result<()> {
    on_every_version(async |scene| {
        for direction in [Direction::Inbound, Direction::Outbound] {
            let filter = WasmFilter::traffic_tag(&alice_goes_gray())?;
            let shop = Shop::open(scene, Bootstrap::sidecar(), |listener| {
                listener.direction(direction).filter(&filter)
            })
            .await?;
            let client = shop.client(Protocol::Http1)?;
            let kept = shop
                .send(&client, &Request::get("/").header("x-mse-tag", "gray"))
                .await?;
            assert_eq!(kept.echo.upstream, "gray", "{direction:?}");
            assert_eq!(
                kept.log.tags.as_deref(),
                Some("x-mse-tag=gray;rule=-;reason=tag-kept-incoming")
            );
            // A kept tag wins over the rules; they decide on requests without one.
            let blue = Request::get("/")
                .header("x-mse-tag", "blue")
                .header("x-user", "alice");
            assert_eq!(
                shop.echo(&blue).await?.header("x-mse-tag").as_deref(),
                Some("blue")
            );
            let alice = Request::get("/").header("x-user", "alice");
            assert_eq!(shop.echo(&alice).await?.upstream, "gray", "{direction:?}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn envoy_without_istio_must_be_told_what_to_do_with_incoming_tags() -> Result<()> {
    on_every_version(async |scene| {
        for (on_incoming, upstream) in [("strip", "v1"), ("keep", "gray"), ("overwrite", "gray")] {
            let document = json!({"tags": [{"name": "x-mse-tag", "onIncoming": on_incoming}]});
            let filter = WasmFilter::traffic_tag(&document)?;
            let shop = Shop::open(scene, Bootstrap::bare(), |listener| {
                listener.filter(&filter)
            })
            .await?;
            let echo = shop
                .echo(&Request::get("/").header("x-mse-tag", "gray"))
                .await?;
            assert_eq!(echo.upstream, upstream, "{on_incoming}");
        }
        let silent = WasmFilter::traffic_tag(&alice_goes_gray())?;
        let shop = Shop::open(scene, Bootstrap::bare(), |listener| {
            listener.filter(&silent)
        })
        .await?;
        let gauge = "wasmcustom.meshlane_config_state.filter=traffic-tag.plugin=edge";
        shop.envoy.admin().expect_stat(gauge, 2).await?;
        assert!(
            shop.envoy
                .log()?
                .contains("tags[0]: key `onIncoming` is missing"),
            "the log says what is missing"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn reserved_headers_never_pass() -> Result<()> {
    const RESERVED: [&str; 11] = [
        "x-meshlane-route",
        "x-meshlane-reason",
        "dubbo-interface",
        "dubbo-method",
        "dubbo-group",
        "dubbo-version",
        "dubbo-serialization",
        "dubbo-param-types",
        "dubbo-generic",
        "dubbo-attachment-user",
        "dubbo-arg-0.user.id",
    ];
    on_every_version(async |scene| {
        for bootstrap in [Bootstrap::gateway(), Bootstrap::sidecar()] {
            // What was removed is no fact either.
            let document = json!({"tags": [{"name": "x-mse-tag", "rules": [
                {"when": {"attribute": "header.x-meshlane-route", "present": true}, "value": "gray"},
                {"when": {"attribute": "dubbo.interface", "present": true}, "value": "gray"},
            ]}]});
            let filter = WasmFilter::traffic_tag(&document)?;
            let shop = Shop::open(scene, bootstrap, |listener| listener.filter(&filter)).await?;
            for protocol in BOTH {
                let request = RESERVED.iter().fold(Request::get("/"), |request, name| request.header(name, "forged"));
                let request = request.header("dubbo-tag", "stays").header("x-mesh", "stays");
                let echo = shop.client(protocol)?.send(&request).await?.echo()?;
                for name in RESERVED {
                    assert_eq!(echo.header(name), None, "{name} by {protocol:?}");
                }
                assert_eq!(echo.header("dubbo-tag").as_deref(), Some("stays"));
                assert_eq!(echo.header("x-mesh").as_deref(), Some("stays"));
                assert_eq!(echo.upstream, "v1");
            }
            let removed = "wasmcustom.meshlane_reserved_headers_removed.filter=traffic-tag.plugin=edge";
            shop.envoy.admin().expect_stat(removed, 2 * RESERVED.len() as u64).await?;
        }
        Ok(())
    })
    .await
}

/// A workload of another lane sends a request on by a header; filters behind that one, also of other modules, let it pass.
#[tokio::test]
async fn what_a_filter_wrote_passes_those_behind_it() -> Result<()> {
    let lanes = json!({
        "label": "lane",
        "lanes": [{"name": "green"}, {"name": "gray"}],
        "onOtherLane": "reroute",
    });
    let lanes = json!({"tags": [{"name": "x-mse-tag", "lanes": lanes}]});
    let seen =
        json!({"tags": [{"name": "x-seen", "rules": [{"valueFrom": "header.x-meshlane-route"}]}]});
    on_every_version(async |scene| {
        for modules in [["gray-release", "traffic-tag"], ["suite", "suite"]] {
            let filters = [
                WasmFilter::gray_release(&lanes)?.of_module(modules[0])?,
                WasmFilter::traffic_tag(&seen)?.of_module(modules[1])?,
            ];
            let mut node = Node::new("sidecar");
            node.labels.push(("lane".to_owned(), "green".to_owned()));
            let shop = Shop::open(scene, Bootstrap::new(node), |listener| {
                let listener = listener.direction(Direction::Inbound).route_by_header(
                    "x-meshlane-route",
                    "gray",
                    "gray",
                );
                filters.iter().fold(listener, Listener::filter)
            })
            .await?;
            let own = Request::get("/").header("x-mse-tag", "green");
            let forged = own.clone().header("x-meshlane-route", "gray");
            let others = Request::get("/").header("x-mse-tag", "gray");
            for (request, upstream, route) in [
                (&others, "gray", Some("gray")),
                (&own, "v1", None),
                (&forged, "v1", None),
            ] {
                let echo = shop.echo(request).await?;
                assert_eq!(echo.upstream, upstream, "{request:?}");
                assert_eq!(echo.header("x-seen").as_deref(), route, "{request:?}");
                assert_eq!(echo.header("x-meshlane-route").as_deref(), route);
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_triple_call_has_attributes_of_dubbo_and_carries_the_tag_as_an_attachment() -> Result<()>
{
    on_every_version(async |scene| {
        let condition =
            |attribute: &str, value: &str| json!({"attribute": attribute, "exact": value});
        let document = json!({"tags": [{
            "name": "x-mse-tag",
            "carriers": [{"header": "x-mse-tag"}, {"attachment": "dubbo.tag"}],
            "rules": [{"name": "dubbo", "value": "gray", "when": {"all": [
                condition("dubbo.interface", "lab.api.RichService"),
                condition("dubbo.method", "sayHello"),
                condition("dubbo.group", "blue"),
                condition("dubbo.version", "1.2.0"),
                condition("dubbo.attachment.user", "alice"),
                condition("grpc.service", "lab.api.RichService"),
                condition("grpc.method", "sayHello"),
            ]}}],
        }]});
        let shop = Shop::gateway(scene, &document).await?;
        let call = || {
            Request::post("/lab.api.RichService/sayHello", b"\0\0\0\0\0".as_slice())
                .header("content-type", "application/grpc+proto")
                .header("te", "trailers")
                .header("grpc-timeout", "4000000u")
                .header("timeout", "4000")
                .header("tri-consumer-appname", "trade")
                .header("tri-service-version", "1.2.0")
                .header("user", "alice")
        };
        let client = shop.client(Protocol::Http2)?;
        let gray = shop
            .send(&client, &call().header("tri-service-group", "blue"))
            .await?;
        assert_eq!(gray.echo.upstream, "gray");
        assert_eq!(gray.echo.header("dubbo.tag").as_deref(), Some("gray"));
        assert_eq!(
            gray.log.tags.as_deref(),
            Some("x-mse-tag=gray;rule=dubbo;reason=tag-rule-matched")
        );

        let other = call()
            .header("tri-service-group", "red")
            .header("dubbo.tag", "spoofed");
        let other = shop.send(&client, &other).await?;
        assert_eq!(
            (other.echo.upstream.as_str(), other.echo.header("dubbo.tag")),
            ("v1", None)
        );

        // Not a Dubbo call: it has no attachments, and must not bring one in by calling itself none.
        let plain = Request::get("/lab.api.RichService/sayHello").header("dubbo.tag", "mine");
        let plain = shop.send(&client, &plain).await?;
        assert_eq!(plain.echo.upstream, "v1");
        assert_eq!(plain.echo.header("dubbo.tag"), None);
        Ok(())
    })
    .await
}
