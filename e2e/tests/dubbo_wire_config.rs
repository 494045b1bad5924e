//! Configurations of the bridge: updates reach connections that are open, a bad document never breaks one.

#![allow(clippy::indexing_slicing, reason = "a test may state what it expects")]

use anyhow::{Result, ensure};
use meshlane_e2e::{
    bootstrap::{Bootstrap, ConfigFile, WasmFilter, parts},
    envoy::Envoy,
    poll,
    scene::{Scene, on_every_version},
    wire::{WireClient, call},
};
use serde_json::{Value, json};

const STATE: &str = "wasmcustom.meshlane_config_state.filter=dubbo.plugin=shop";
const CLOSED: &str = "wasmcustom.meshlane_dubbo_connections_closed.plugin=shop.reason=";

/// An Envoy that refuses every call with a status that tells which authority it was made for.
struct Stage {
    envoy: Envoy,
    file: ConfigFile,
}

/// A document that gives calls an authority.
fn authority(host: &str) -> Value {
    json!({"mode": "toHttp", "authority": {"host": host}})
}

fn filter(document: &str) -> Result<WasmFilter> {
    Ok(WasmFilter::new("dubbo", document)?.named("shop"))
}

impl Stage {
    async fn start(scene: &Scene, document: &str) -> Result<Self> {
        let file = ConfigFile::of_network_filter(scene, &filter(document)?)?;
        let host = |name: &str, domain: &str, status: u16| {
            json!({"name": name, "domains": [domain], "routes": [
                {"match": {"prefix": "/"}, "direct_response": {"status": status}},
            ]})
        };
        let manager = json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "dubbo",
            "codec_type": "AUTO",
            "http_filters": [parts::router()],
            "route_config": {"name": "dubbo", "virtual_hosts": [
                host("one", "one", 511), host("two", "two", 522), host("other", "*", 533),
            ]},
        }});
        let listener = json!({
            "name": "dubbo",
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
            "filter_chains": [{"filters": [file.to_filter(), manager]}],
        });
        let bootstrap = Bootstrap::sidecar().raw_listener(listener);
        let envoy = Envoy::start(scene, &bootstrap).await?;
        Ok(Self { envoy, file })
    }

    async fn connect(&self) -> Result<WireClient> {
        WireClient::connect(self.envoy.address("dubbo")?).await
    }

    /// Fails unless Envoy closes a connection for this reason.
    async fn expect_closed(&self, reason: &str, count: u64) -> Result<()> {
        let mut client = self.connect().await?;
        // The connection may be gone before the bytes are.
        let _ = client.send(&[call(1, "hello", "x")]).await;
        let bytes = client.expect_end().await?;
        ensure!(bytes.is_empty(), "{bytes:?}");
        let metric = format!("{CLOSED}{reason}");
        self.envoy.admin().expect_stat(&metric, count).await?;
        self.envoy.expect_alive().await
    }
}

/// Fails unless a call on this connection is made for the authority with this status.
async fn expect_status(client: &mut WireClient, status: u16) -> Result<()> {
    client.send(&[call(1, "hello", "x")]).await?;
    let (_, message) = client.expect_error(1).await?;
    ensure!(message.contains(&status.to_string()), "{message}");
    Ok(())
}

async fn expect_soon(client: &mut WireClient, status: u16) -> Result<()> {
    poll::until("the update", async || expect_status(client, status).await).await
}

#[tokio::test]
async fn an_update_reaches_open_connections() -> Result<()> {
    on_every_version(async |scene| {
        let stage = Stage::start(scene, &authority("one").to_string()).await?;
        let mut old = stage.connect().await?;
        expect_status(&mut old, 511).await?;
        stage
            .file
            .publish(&filter(&authority("two").to_string())?)?;
        expect_soon(&mut old, 522).await?;
        let mut new = stage.connect().await?;
        expect_status(&mut new, 522).await?;
        stage
            .file
            .publish(&filter(&authority("one").to_string())?)?;
        expect_soon(&mut old, 511).await?;
        expect_soon(&mut new, 511).await
    })
    .await
}

#[tokio::test]
async fn an_update_with_another_module_reaches_open_connections_of_the_old_one() -> Result<()> {
    on_every_version(async |scene| {
        let stage = Stage::start(scene, &authority("one").to_string()).await?;
        let mut old = stage.connect().await?;
        expect_status(&mut old, 511).await?;
        let machines = async || {
            let stats = stage.envoy.admin().stats().await?;
            anyhow::Ok(stats.value("wasm.envoy.wasm.runtime.v8.created"))
        };
        let before = machines().await?;
        let next = filter(&authority("two").to_string())?.environment("GENERATION", "2");
        stage.file.publish(&next)?;
        let mut new = stage.connect().await?;
        expect_soon(&mut new, 522).await?;
        ensure!(machines().await? > before, "the update made a new VM");
        expect_soon(&mut old, 522).await
    })
    .await
}

#[tokio::test]
async fn a_bad_update_changes_nothing_and_the_gauge_says_so() -> Result<()> {
    on_every_version(async |scene| {
        let stage = Stage::start(scene, &authority("one").to_string()).await?;
        let admin = stage.envoy.admin();
        let mut old = stage.connect().await?;
        expect_status(&mut old, 511).await?;
        admin.expect_stat(STATE, 0).await?;
        let mut misspelt = authority("two");
        misspelt["authorty"] = json!({});
        let rejected = "wasmcustom.meshlane_config_rejected.filter=dubbo.plugin=shop";
        for (index, document) in [&*misspelt.to_string(), "not json", ""].iter().enumerate() {
            stage.file.publish(&filter(document)?)?;
            admin.expect_stat(rejected, index as u64 + 1).await?;
            admin.expect_stat(STATE, 1).await?;
            expect_status(&mut old, 511).await?;
            expect_status(&mut stage.connect().await?, 511).await?;
        }
        stage
            .file
            .publish(&filter(&authority("two").to_string())?)?;
        expect_soon(&mut old, 522).await?;
        admin.expect_stat(STATE, 0).await
    })
    .await
}

#[tokio::test]
async fn a_bad_start_bridges_with_defaults_when_the_mode_can_be_read() -> Result<()> {
    on_every_version(async |scene| {
        let mut document = authority("one");
        document["limits"] = json!({"maxFrameBytes": "many"});
        let stage = Stage::start(scene, &document.to_string()).await?;
        let mut client = stage.connect().await?;
        expect_status(&mut client, 533).await?;
        stage.envoy.admin().expect_stat(STATE, 2).await?;
        stage
            .file
            .publish(&filter(&authority("two").to_string())?)?;
        expect_soon(&mut client, 522).await
    })
    .await
}

#[tokio::test]
async fn without_a_mode_connections_are_closed_and_counted() -> Result<()> {
    on_every_version(async |scene| {
        for document in [r#"{"authority": {"host": "one"}}"#, "not json", ""] {
            let stage = Stage::start(scene, document).await?;
            for count in 1..4 {
                stage.expect_closed("config-pass-through", count).await?;
            }
            stage
                .file
                .publish(&filter(&authority("two").to_string())?)?;
            poll::until("a good document", async || {
                expect_status(&mut stage.connect().await?, 522).await
            })
            .await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_bad_start_refuses_when_the_document_says_so() -> Result<()> {
    on_every_version(async |scene| {
        let mut document = authority("one");
        document["onInvalidConfig"] = json!("refuse");
        document["limits"] = json!("none");
        let stage = Stage::start(scene, &document.to_string()).await?;
        stage.expect_closed("config-refuse", 1).await?;
        stage.envoy.admin().expect_stat(STATE, 3).await
    })
    .await
}

#[tokio::test]
async fn a_bridge_that_is_switched_off_lets_pass() -> Result<()> {
    on_every_version(async |scene| {
        let stage = Stage::start(scene, &authority("one").to_string()).await?;
        let mut old = stage.connect().await?;
        expect_status(&mut old, 511).await?;
        let mut document = authority("one");
        document["enabled"] = json!(false);
        stage.file.publish(&filter(&document.to_string())?)?;
        let untouched = "wasmcustom.meshlane_dubbo_connections.plugin=shop.outcome=untouched";
        poll::until("connections pass", async || {
            let mut client = stage.connect().await?;
            let bytes = [call(1, "hello", "x").bytes(), b"\r\n\r\n"].concat();
            client.send_bytes(&bytes).await?;
            let answer = client.receive_bytes(4).await?;
            ensure!(answer == b"HTTP", "{answer:?}");
            Ok(())
        })
        .await?;
        poll::until("the counter", async || {
            let stats = stage.envoy.admin().stats().await?;
            ensure!(stats.value(untouched) > Some(0));
            Ok(())
        })
        .await?;
        expect_status(&mut old, 511).await
    })
    .await
}
