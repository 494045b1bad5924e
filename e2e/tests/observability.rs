//! Every decision can be seen: counters, Prometheus labels, access log.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use meshlane_e2e::{
    bootstrap::WasmFilter,
    client::{Protocol, Request},
    poll,
    scene::on_every_version,
    shop::Shop,
};
use serde_json::{Value, json};

fn document() -> Value {
    json!({"tags": [
        {"name": "x-mse-tag", "default": "base", "rules": [
            {"name": "beta", "when": {"attribute": "header.x-user", "exact": "alice"}, "value": "gray"},
            {"name": "off", "enabled": false, "value": "never"},
            {"split": {"by": {"attribute": "query.uid"}, "values": [{"value": "gray", "weight": 100}]}},
        ]},
        {"name": "dubbo.tag", "onIncoming": "keep"},
    ]})
}

/// Sends three requests of alice, two with a uid, and one without anything but tags of its own.
async fn send_six(shop: &Shop) -> Result<Vec<Option<String>>> {
    let client = shop.client(Protocol::Http1)?;
    let alice = Request::get("/").header("x-user", "alice");
    let uid = Request::get("/?uid=7");
    let tagged = Request::get("/")
        .header("x-mse-tag", "mine")
        .header("dubbo.tag", "blue");
    let mut lines = Vec::new();
    for request in [&alice, &alice, &alice, &uid, &uid, &tagged] {
        lines.push(shop.send(&client, request).await?.log.tags);
    }
    Ok(lines)
}

#[tokio::test]
async fn the_access_log_names_value_rule_and_reason_of_each_tag() -> Result<()> {
    on_every_version(async |scene| {
        let shop = Shop::gateway(scene, &document()).await?;
        let lines = send_six(&shop).await?;
        let lines: Vec<&str> = lines.iter().flatten().map(String::as_str).collect();
        let alice = "x-mse-tag=gray;rule=beta;reason=tag-rule-matched, dubbo.tag=-;rule=-;reason=tag-none";
        let uid = "x-mse-tag=gray;rule=rule-3;reason=tag-split-chosen, dubbo.tag=-;rule=-;reason=tag-none";
        let tagged = "x-mse-tag=base;rule=-;reason=tag-default, dubbo.tag=blue;rule=-;reason=tag-kept-incoming";
        assert_eq!(lines, [alice, alice, alice, uid, uid, tagged]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn counters_tell_rules_and_outcomes_apart() -> Result<()> {
    on_every_version(async |scene| {
        let shop = Shop::gateway(scene, &document()).await?;
        send_six(&shop).await?;
        let decisions = |labels: &str| {
            format!("wasmcustom.meshlane_traffic_tag_decisions.plugin=edge.{labels}")
        };
        let incoming =
            |labels: &str| format!("wasmcustom.meshlane_traffic_tag_incoming.plugin=edge.{labels}");
        for (name, value) in [
            (
                decisions("tag=x-mse-tag.rule=beta.reason=tag-rule-matched"),
                3,
            ),
            (
                decisions("tag=x-mse-tag.rule=rule-3.reason=tag-split-chosen"),
                2,
            ),
            (decisions("tag=x-mse-tag.rule=-.reason=tag-default"), 1),
            (decisions("tag=dubbo_tag.rule=-.reason=tag-none"), 5),
            (
                decisions("tag=dubbo_tag.rule=-.reason=tag-kept-incoming"),
                1,
            ),
            (incoming("tag=x-mse-tag.reason=incoming-stripped"), 1),
            (incoming("tag=dubbo_tag.reason=incoming-kept"), 1),
        ] {
            shop.envoy.admin().expect_stat(&name, value).await?;
        }
        Ok(())
    })
    .await
}

/// The value of the line `name{…}` that has exactly these labels.
fn prometheus_value(lines: &[String], name: &str, labels: &[(&str, &str)]) -> Option<u64> {
    let wanted: BTreeMap<&str, String> = labels
        .iter()
        .map(|(label, value)| (*label, format!("\"{value}\"")))
        .collect();
    lines.iter().find_map(|line| {
        let (found, value) = line
            .strip_prefix(name)?
            .strip_prefix('{')?
            .rsplit_once("} ")?;
        let found: BTreeMap<&str, String> = found
            .split(',')
            .filter_map(|label| label.split_once('='))
            .map(|(label, value)| (label, value.to_owned()))
            .collect();
        (found == wanted).then(|| value.parse().ok())?
    })
}

#[tokio::test]
async fn prometheus_shows_labels() -> Result<()> {
    on_every_version(async |scene| {
        let shop = Shop::gateway(scene, &document()).await?;
        send_six(&shop).await?;
        shop.echo(&Request::get("/").header("x-meshlane-route", "forged"))
            .await?;
        poll::until("Prometheus", async || {
            let lines = shop.envoy.admin().prometheus("meshlane_").await?;
            let expect = |name: &str, labels: &[(&str, &str)], value: u64| {
                let found = prometheus_value(&lines, name, labels);
                ensure!(
                    found == Some(value),
                    "{name}{labels:?} is {found:?} in\n{}",
                    lines.join("\n")
                );
                Ok(())
            };
            let beta = [
                ("plugin", "edge"),
                ("tag", "x-mse-tag"),
                ("rule", "beta"),
                ("reason", "tag-rule-matched"),
            ];
            expect("meshlane_traffic_tag_decisions", &beta, 3)?;
            let kept = [
                ("plugin", "edge"),
                ("tag", "dubbo_tag"),
                ("reason", "incoming-kept"),
            ];
            expect("meshlane_traffic_tag_incoming", &kept, 1)?;
            let plugin = [("filter", "traffic-tag"), ("plugin", "edge")];
            expect("meshlane_config_state", &plugin, 0)?;
            expect("meshlane_reserved_headers_removed", &plugin, 1)
        })
        .await
    })
    .await
}

#[tokio::test]
async fn the_documents_own_name_is_the_plugins_name() -> Result<()> {
    on_every_version(async |scene| {
        let mut named = document();
        named["name"] = json!("shop-front");
        let shop = Shop::gateway(scene, &named).await?;
        send_six(&shop).await?;
        let labels = "plugin=shop-front.tag=x-mse-tag.rule=beta.reason=tag-rule-matched";
        let counter = format!("wasmcustom.meshlane_traffic_tag_decisions.{labels}");
        shop.envoy.admin().expect_stat(&counter, 3).await
    })
    .await
}

#[tokio::test]
async fn debug_lines_appear_at_debug_only() -> Result<()> {
    on_every_version(async |scene| {
        let (shop, _) = Shop::live_gateway(scene, &WasmFilter::traffic_tag(&document())?).await?;
        let line = "x-mse-tag=gray;rule=beta;reason=tag-rule-matched";
        send_six(&shop).await?;
        assert!(
            !shop.envoy.log()?.contains(line),
            "nothing is logged a request at the usual level"
        );
        shop.envoy.admin().post("/logging?wasm=debug").await?;
        poll::until("a debug line", async || {
            shop.echo(&Request::get("/").header("x-user", "alice"))
                .await?;
            ensure!(shop.envoy.log()?.contains(line), "there is none");
            Ok(())
        })
        .await
    })
    .await
}
