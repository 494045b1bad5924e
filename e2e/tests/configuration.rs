//! A bad document never takes traffic down by accident.

#![allow(clippy::indexing_slicing, reason = "a test may state what it expects")]

use anyhow::{Result, ensure};
use meshlane_e2e::{
    bootstrap::{Bootstrap, FailurePolicy, Listener, WasmFilter},
    client::{Client, Request},
    envoy::Envoy,
    grpc, poll,
    scene::on_every_version,
    shop::Shop,
    upstream::Upstream,
};
use meshlane_proto::e2e::v1::EchoRequest;
use serde_json::{Value, json};
use tonic::Code;

const STATE: &str = "wasmcustom.meshlane_config_state.filter=traffic-tag.plugin=edge";
const REJECTED: &str = "wasmcustom.meshlane_config_rejected.filter=traffic-tag.plugin=edge";
const MACHINES: &str = "wasm.envoy.wasm.runtime.v8.created";

/// A document that sends alice gray and marks every request with its generation.
fn good(generation: &str) -> Value {
    json!({"tags": [
        {"name": "x-mse-tag", "rules": [
            {"name": "alice", "when": {"attribute": "header.x-user", "exact": "alice"}, "value": "gray"},
        ]},
        {"name": "x-generation", "default": generation},
    ]})
}

/// Documents that are wrong in one way each.
fn bad() -> [String; 4] {
    let mut misspelt = good("bad");
    misspelt["tags"][0]["rulez"] = json!([]);
    let mut wrong_operator = good("bad");
    wrong_operator["tags"][0]["rules"][0]["when"] =
        json!({"attribute": "header.x-user", "exakt": "alice"});
    let mut wrong_regex = good("bad");
    wrong_regex["tags"][0]["rules"][0]["when"] =
        json!({"attribute": "header.x-user", "regex": "("});
    [
        misspelt.to_string(),
        wrong_operator.to_string(),
        wrong_regex.to_string(),
        "not json".to_owned(),
    ]
}

/// Fails unless the rules of [`good`] with this generation are in force.
async fn expect_generation(shop: &Shop, generation: &str) -> Result<()> {
    for (user, upstream) in [("alice", "gray"), ("bob", "v1")] {
        let echo = shop.echo(&Request::get("/").header("x-user", user)).await?;
        let found = echo.header("x-generation");
        ensure!(
            found.as_deref() == Some(generation),
            "generation {found:?} instead of {generation}"
        );
        ensure!(
            echo.upstream == upstream,
            "{user} went to {}",
            echo.upstream
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_bad_update_keeps_the_old_rules_and_the_gauge_says_so() -> Result<()> {
    on_every_version(async |scene| {
        let (shop, file) = Shop::live_gateway(scene, &WasmFilter::traffic_tag(&good("1"))?).await?;
        let admin = shop.envoy.admin();
        expect_generation(&shop, "1").await?;
        admin.expect_stat(STATE, 0).await?;
        for (index, document) in bad().iter().enumerate() {
            file.publish(&WasmFilter::new("traffic-tag", document)?)?;
            admin.expect_stat(REJECTED, index as u64 + 1).await?;
            admin.expect_stat(STATE, 1).await?;
            for _ in 0..20 {
                expect_generation(&shop, "1").await?;
            }
        }
        let log = shop.envoy.log()?;
        assert!(
            log.contains("config-last-good") && log.contains("`rulez`"),
            "the log says why"
        );

        file.publish(&WasmFilter::traffic_tag(&good("2"))?)?;
        poll::until("a good document is in force", async || {
            expect_generation(&shop, "2").await
        })
        .await?;
        admin.expect_stat(STATE, 0).await
    })
    .await
}

#[tokio::test]
async fn a_document_that_mistypes_or_loses_its_name_keeps_the_old_rules_too() -> Result<()> {
    on_every_version(async |scene| {
        let mut named = good("1");
        named["name"] = json!("shop");
        let (shop, file) = Shop::live_gateway(scene, &WasmFilter::traffic_tag(&named)?).await?;
        let admin = shop.envoy.admin();
        expect_generation(&shop, "1").await?;
        let metric = |name: &str| {
            format!("wasmcustom.meshlane_config_{name}.filter=traffic-tag.plugin=shop")
        };
        let mut mistyped = good("bad");
        mistyped["name"] = json!("shopp");
        mistyped["tagz"] = json!([]);
        for (index, document) in [mistyped.to_string(), "not json".to_owned()]
            .iter()
            .enumerate()
        {
            file.publish(&WasmFilter::new("traffic-tag", document)?)?;
            let rejected = index as u64 + 1;
            admin.expect_stat(&metric("rejected"), rejected).await?;
            admin.expect_stat(&metric("state"), 1).await?;
            expect_generation(&shop, "1").await?;
        }
        named["tags"][1]["default"] = json!("2");
        file.publish(&WasmFilter::traffic_tag(&named)?)?;
        admin.expect_stat(&metric("state"), 0).await?;
        expect_generation(&shop, "2").await
    })
    .await
}

#[tokio::test]
async fn a_bad_update_that_makes_new_machines_keeps_the_old_rules_too() -> Result<()> {
    on_every_version(async |scene| {
        // As istiod does for modules from files: each edit is another value in the environment.
        let edit = |document: &str, edit: u32| -> Result<WasmFilter> {
            Ok(WasmFilter::new("traffic-tag", document)?.environment("EDIT", &edit.to_string()))
        };
        let (shop, file) = Shop::live_gateway(scene, &edit(&good("1").to_string(), 0)?).await?;
        let admin = shop.envoy.admin();
        expect_generation(&shop, "1").await?;
        let mut machines = admin.stats().await?.value(MACHINES);
        for (index, document) in (1..).zip(bad()) {
            file.publish(&edit(&document, index)?)?;
            admin.expect_stat(REJECTED, index.into()).await?;
            admin.expect_stat(STATE, 1).await?;
            let now = admin.stats().await?.value(MACHINES);
            assert!(
                now > machines,
                "the update made new machines: {machines:?}, {now:?}"
            );
            machines = now;
            for _ in 0..20 {
                expect_generation(&shop, "1").await?;
            }
        }
        file.publish(&edit(&good("2").to_string(), 99)?)?;
        poll::until("a good document is in force", async || {
            expect_generation(&shop, "2").await
        })
        .await?;
        admin.expect_stat(STATE, 0).await
    })
    .await
}

#[tokio::test]
async fn a_good_update_reaches_open_connections() -> Result<()> {
    on_every_version(async |scene| {
        let (shop, file) = Shop::live_gateway(scene, &WasmFilter::traffic_tag(&good("1"))?).await?;
        for (protocol, generation) in [(Client::http1 as fn(_) -> _, "2"), (Client::http2, "3")] {
            let mut connection = protocol(shop.address()?).connect().await?;
            let before = connection
                .send(&Request::get("/"))
                .await?
                .echo()?
                .header("x-generation");
            assert_ne!(before.as_deref(), Some(generation));
            file.publish(&WasmFilter::traffic_tag(&good(generation))?)?;
            poll::until("the update", async || {
                let found = connection
                    .send(&Request::get("/"))
                    .await?
                    .echo()?
                    .header("x-generation");
                ensure!(found.as_deref() == Some(generation), "{found:?}");
                Ok(())
            })
            .await?;
        }
        Ok(())
    })
    .await
}

/// What happens to requests when Envoy starts with a bad document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ColdStart {
    Passes,
    Refuses,
}

#[tokio::test]
async fn a_cold_start_with_a_bad_document_does_what_the_document_says() -> Result<()> {
    use ColdStart::{Passes, Refuses};
    let documents = [
        (r#"{"onInvalidConfig": "passThrough", "tags": 1}"#, Passes),
        (r#"{"onInvalidConfig": "refuse", "tags": 1}"#, Refuses),
        (r#"{"onInvalidConfig": "refuze", "tags": []}"#, Passes),
        (r#"{"tags": [{"nam": "x-mse-tag"}]}"#, Passes),
        ("not json", Passes),
    ];
    on_every_version(async |scene| {
        let (v1, gray) = (Upstream::start("v1").await?, Upstream::start("gray").await?);
        let mut bootstrap = Bootstrap::gateway().upstreams(&[&v1, &gray]);
        let mut cases = Vec::new();
        for policy in FailurePolicy::ALL {
            for (document, outcome) in documents {
                let name = format!("plugin-{}", cases.len());
                let filter = WasmFilter::new("traffic-tag", document)?
                    .named(&name)
                    .failure_policy(policy);
                let listener = Listener::new(&name).filter(&filter).route_by_header(
                    "x-mse-tag",
                    "gray",
                    "gray",
                );
                bootstrap = bootstrap.listener(listener);
                cases.push((name, policy, document, outcome));
            }
        }
        let envoy = Envoy::start(scene, &bootstrap).await?;
        for (name, policy, document, outcome) in cases {
            let address = envoy.address(&name)?;
            let case = format!("{policy:?} with {document}");
            let request = Request::get("/")
                .header("x-mse-tag", "gray")
                .header("x-meshlane-route", "forged");
            let mut grpc = grpc::connect(address).await?;
            // More than once: the outcome is not one of the first request only.
            for _ in 0..3 {
                let response = Client::http1(address).send(&request).await?;
                let call = grpc
                    .echo(EchoRequest {
                        message: String::new(),
                    })
                    .await;
                match outcome {
                    Passes => {
                        let echo = response.echo()?;
                        assert_eq!(
                            echo.upstream, "gray",
                            "{case}: the filter does nothing to tags"
                        );
                        assert_eq!(
                            echo.header("x-meshlane-route"),
                            None,
                            "{case}: reserved headers are removed"
                        );
                        assert!(call.is_ok(), "{case}: {call:?}");
                    }
                    Refuses => {
                        assert_eq!(response.status, 503, "{case}");
                        assert_eq!(
                            response.header("x-meshlane-reason"),
                            Some("config-refuse"),
                            "{case}"
                        );
                        assert_eq!(call.unwrap_err().code(), Code::Unavailable, "{case}");
                    }
                }
            }
            let gauge =
                format!("wasmcustom.meshlane_config_state.filter=traffic-tag.plugin={name}");
            let state = if outcome == Passes { 2 } else { 3 };
            envoy.admin().expect_stat(&gauge, state).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_refusing_start_is_over_with_the_first_good_document() -> Result<()> {
    on_every_version(async |scene| {
        let refusing =
            WasmFilter::new("traffic-tag", r#"{"onInvalidConfig": "refuse", "tags": 1}"#)?;
        let (shop, file) = Shop::live_gateway(scene, &refusing).await?;
        let client = Client::http1(shop.address()?);
        assert_eq!(client.send(&Request::get("/")).await?.status, 503);
        file.publish(&WasmFilter::traffic_tag(&good("1"))?)?;
        poll::until("a good document is in force", async || {
            expect_generation(&shop, "1").await
        })
        .await?;
        shop.envoy.admin().expect_stat(STATE, 0).await
    })
    .await
}

#[tokio::test]
async fn an_empty_configuration_is_a_good_one_that_does_nothing() -> Result<()> {
    on_every_version(async |scene| {
        for document in ["", "{}", "  \n"] {
            let filter = WasmFilter::new("traffic-tag", document)?;
            let shop = Shop::open(scene, Bootstrap::gateway(), |listener| {
                listener.filter(&filter)
            })
            .await?;
            let request = Request::get("/")
                .header("x-mse-tag", "gray")
                .header("x-meshlane-route", "forged");
            let echo = shop.echo(&request).await?;
            assert_eq!(echo.upstream, "gray", "{document:?}");
            assert_eq!(echo.header("x-meshlane-route"), None, "{document:?}");
            shop.envoy.admin().expect_stat(STATE, 0).await?;
        }
        Ok(())
    })
    .await
}
