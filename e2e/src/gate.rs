//! An upstream that counts the requests which come to it, and answers them when it is told to.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, ensure};
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{bootstrap::parts, poll};

/// A running upstream; dropping it ends it.
#[derive(Debug)]
pub struct Gate {
    address: SocketAddr,
    state: Arc<State>,
    open: watch::Sender<bool>,
    _server: JoinSet<()>,
}

#[derive(Debug, Default)]
struct State {
    /// How many requests have come.
    came: AtomicU64,
    /// How many are being answered.
    inside: AtomicU64,
    /// The most there were at a time.
    most: AtomicU64,
    /// How many milliseconds an answer takes, and for how many requests at a time.
    pace: AtomicU64,
}

impl Gate {
    /// One that answers at once.
    pub async fn opened() -> Result<Self> {
        Self::start(true).await
    }

    /// One that keeps requests until it is [opened](Self::open).
    pub async fn closed() -> Result<Self> {
        Self::start(false).await
    }

    async fn start(is_open: bool) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (open, opened) = watch::channel(is_open);
        let state = Arc::<State>::default();
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::clone(&state), opened));
        Ok(Self {
            address,
            state,
            open,
            _server: server,
        })
    }

    /// Answers those that are there, and from now on all at once.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Keeps those that come from now on.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    /// From now on an answer takes so long, and when more than so many are there as much longer as there are more.
    pub fn take(&self, time: Duration, requests: u32) {
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX) << 32;
        self.state
            .pace
            .store(time | u64::from(requests), Ordering::SeqCst);
    }

    /// How many requests have come.
    pub fn came(&self) -> u64 {
        self.state.came.load(Ordering::SeqCst)
    }

    /// How many are there now.
    pub fn inside(&self) -> u64 {
        self.state.inside.load(Ordering::SeqCst)
    }

    /// The most that were there at a time.
    pub fn most(&self) -> u64 {
        self.state.most.load(Ordering::SeqCst)
    }

    /// The most that were there at a time since this was asked last.
    pub fn take_most(&self) -> u64 {
        self.state.most.swap(self.inside(), Ordering::SeqCst)
    }

    /// Waits until so many are there.
    pub async fn expect_inside(&self, count: u64) -> Result<()> {
        poll::until("requests are at the upstream", async || {
            ensure!(self.inside() == count, "{} are there", self.inside());
            Ok(())
        })
        .await
    }

    /// The cluster of Envoy that leads here.
    pub fn to_cluster(&self, name: &str) -> Value {
        let socket = json!({
            "address": self.address.ip().to_string(),
            "port_value": self.address.port(),
        });
        json!({
            "name": name,
            "type": "STATIC",
            "typed_extension_protocol_options": parts::http_upstream(json!({
                "use_downstream_protocol_config": {"http2_protocol_options": {}},
            })),
            "circuit_breakers": {"thresholds": [{
                "max_connections": 100_000, "max_pending_requests": 100_000, "max_requests": 100_000,
            }]},
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [
                {"endpoint": {"address": {"socket_address": socket}}},
            ]}]},
        })
    }
}

impl State {
    /// How long an answer takes now.
    fn time(&self) -> Duration {
        let pace = self.pace.load(Ordering::SeqCst);
        let (time, requests) = (
            Duration::from_millis(pace >> 32),
            (pace & 0xffff_ffff).max(1),
        );
        let inside = self.inside.load(Ordering::SeqCst).max(requests);
        time.mul_f64(inside as f64 / requests as f64)
    }
}

/// A request that is being answered, or whose client went away.
struct Inside(Arc<State>);

impl Inside {
    fn enter(state: &Arc<State>) -> Self {
        state.came.fetch_add(1, Ordering::SeqCst);
        let inside = state.inside.fetch_add(1, Ordering::SeqCst) + 1;
        state.most.fetch_max(inside, Ordering::SeqCst);
        Self(Arc::clone(state))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn serve(listener: TcpListener, state: Arc<State>, opened: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (state, opened) = (Arc::clone(&state), opened.clone());
        let service =
            hyper::service::service_fn(move |_| answer(Arc::clone(&state), opened.clone()));
        connections.spawn(async move {
            // A connection that breaks concerns the client, who sees it.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(
    state: Arc<State>,
    mut opened: watch::Receiver<bool>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let _inside = Inside::enter(&state);
    // The sender is gone when the gate is: then the connection ends as well.
    let _ = opened.wait_for(|is_open| *is_open).await;
    tokio::time::sleep(state.time()).await;
    Ok(Response::new(Full::new(Bytes::from_static(b"through\n"))))
}
