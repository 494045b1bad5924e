//! Scenarios on stock Envoy over real sockets.
//!
//! Everything is real: a released Envoy binary, the Wasm modules as they are shipped, upstreams and clients that speak
//! HTTP/1.1, HTTP/2 and gRPC over loopback sockets. A scenario reads like this:
//!
//! ```no_run
//! use meshlane_e2e::{client::Request, scene::on_every_version, shop::Shop};
//! use serde_json::json;
//!
//! # async fn scenario() -> anyhow::Result<()> {
//! on_every_version(async |scene| {
//!     let document = json!({"tags": [{"name": "x-mse-tag", "default": "gray"}]});
//!     let shop = Shop::gateway(scene, &document).await?;
//!     assert_eq!(shop.echo(&Request::get("/")).await?.upstream, "gray");
//!     Ok(())
//! })
//! .await
//! # }
//! ```
//!
//! Ports are always chosen by the system, and every process that is started is ended again, also when a scenario
//! panics. Nothing waits for a fixed time: what needs time is asked for again until it is there or a deadline passes
//! ([`poll::until`]).

pub mod access_log;
pub mod bootstrap;
pub mod chain;
pub mod client;
pub mod command;
pub mod compose;
pub mod dashboard;
pub mod dubbo;
pub mod envoy;
pub mod gate;
pub mod grpc;
pub mod istio;
pub mod jwt;
pub mod limited;
pub mod observed;
pub mod peer;
pub mod pki;
pub mod place;
pub mod poll;
mod port;
mod process;
pub mod prometheus;
pub mod rate_limit_service;
pub mod registry;
pub mod rooms;
pub mod scene;
pub mod shop;
pub mod table;
pub mod upstream;
pub mod wire;
