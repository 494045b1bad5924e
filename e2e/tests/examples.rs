//! Every configuration that the documentation shows is in force in a real Envoy.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use meshlane::documents::{Findings, Kind, find};
use meshlane::source::Source;
use meshlane_e2e::{
    bootstrap::{Bootstrap, Listener, WasmFilter, parts},
    envoy::Envoy,
    scene::{on_every_version, workspace},
    upstream::Upstream,
};
use serde_json::json;

#[tokio::test]
async fn every_example_is_in_force() -> Result<()> {
    let examples = examples()?;
    ensure!(examples.len() >= 10, "only {} examples", examples.len());
    on_every_version(async |scene| {
        let upstream = Upstream::start("v1").await?;
        let mut bootstrap = Bootstrap::gateway();
        for (index, example) in examples.iter().enumerate() {
            let name = format!("example-{index}");
            let filter = WasmFilter::new(example.kind.as_str(), &example.configuration)?;
            bootstrap = add(bootstrap, example.kind, &name, &filter.named(&name));
        }
        let envoy = Envoy::start(scene, &bootstrap.upstreams(&[&upstream])).await?;
        for (index, example) in examples.iter().enumerate() {
            let kind = example.kind.as_str();
            let gauge =
                format!("wasmcustom.meshlane_config_state.filter={kind}.plugin=example-{index}");
            let state = envoy.admin().expect_stat(&gauge, 0).await;
            state.with_context(|| example.place.clone())?;
        }
        Ok(())
    })
    .await
}

/// A configuration and where it is shown.
struct Example {
    place: String,
    kind: Kind,
    configuration: String,
}

/// Adds a listener with the filter where it belongs.
fn add(bootstrap: Bootstrap, kind: Kind, name: &str, filter: &WasmFilter) -> Bootstrap {
    if !kind.is_network() {
        return bootstrap.listener(Listener::new(name).filter(filter));
    }
    let proxy = parts::tcp_proxy(name, "v1");
    bootstrap.raw_listener(json!({
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [filter.to_network_filter(), proxy]}],
    }))
}

fn examples() -> Result<Vec<Example>> {
    let mut sources = Vec::new();
    let manifests = [
        "compose/envoy",
        "compose/envoy/filters",
        "istio-manifests",
        "istio-manifests/documents",
        "istio-manifests/dubbo",
        "istio-manifests/gray-release",
        "istio-manifests/observability",
        "istio-manifests/rate-limit",
        "istio-manifests/rendered",
        "istio-manifests/tag-route",
    ];
    for folder in ["docs/guide", "docs/guide/examples", "."]
        .into_iter()
        .chain(manifests)
    {
        for entry in std::fs::read_dir(workspace().join(folder))? {
            let path = entry?.path();
            let name = path.display().to_string();
            match extension(&path) {
                "md" => sources.extend(blocks(&name, &std::fs::read_to_string(&path)?)),
                "yaml" if !name.contains("with-mistakes") && folder != "." => {
                    let text = std::fs::read_to_string(&path)?;
                    sources.push((name, Kind::TrafficTag, text));
                }
                _ => {}
            }
        }
    }
    let mut examples = Vec::new();
    for (place, kind, text) in sources {
        let source = Source::new(place.clone(), text);
        let contents = source.read();
        ensure!(contents.syntax_error.is_none(), "{place} is not YAML");
        let mut findings = Findings::default();
        for document in &contents.documents {
            find(&source, document, kind, &mut findings);
        }
        for plugin in findings.plugins {
            let configuration = plugin.config.context("a plugin without a configuration")?;
            examples.push(Example {
                place: place.clone(),
                kind: plugin.kind,
                configuration: configuration.to_json().to_string(),
            });
        }
    }
    Ok(examples)
}

fn extension(path: &Path) -> &str {
    path.extension()
        .and_then(|end| end.to_str())
        .unwrap_or_default()
}

/// The blocks of a page that hold configurations, each with the filter that one is for which does not say so itself: the fence
/// does, as in `yaml tag-route`.
fn blocks(page: &str, text: &str) -> Vec<(String, Kind, String)> {
    let fenced = text.split("\n```").skip(1).step_by(2).enumerate();
    fenced
        .filter_map(|(index, block)| {
            let (info, text) = block.split_once('\n')?;
            let mut words = info.split_whitespace().skip(1);
            let marked = words.find_map(Kind::of_plugin_name).map(|(kind, _)| kind);
            let says_so =
                info == "yaml" && (text.contains("pluginName:") || text.contains("root_id:"));
            let kind = marked.or(says_so.then_some(Kind::TrafficTag))?;
            Some((
                format!("{page}, block {}", index + 1),
                kind,
                text.to_owned(),
            ))
        })
        .collect()
}
