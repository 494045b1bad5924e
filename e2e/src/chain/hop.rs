//! A service of a chain that serves HTTP/1.1 and gRPC.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use meshlane_proto::e2e::v1::{
    EchoRequest, EchoResponse, EchoStreamRequest, EchoStreamResponse,
    echo_service_server::{EchoService, EchoServiceServer, SERVICE_NAME},
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_stream::Stream;
use tonic::{
    Status,
    body::Body,
    codegen::Service,
    metadata::{MetadataKey, MetadataValue},
};

use super::Protocol;
use crate::{
    client::{self, Client},
    dubbo::{Relay, frame::Frame},
    grpc,
    wire::{self, WireClient},
};

/// A running service; dropping it ends it. Of what it is called with it forwards nothing but the headers that it was told to, and
/// it answers `name>answer of the next`.
#[derive(Debug)]
pub struct Hop {
    address: SocketAddr,
    state: Arc<State>,
    _server: JoinSet<()>,
}

/// What comes after a service.
#[derive(Clone, Debug)]
pub struct Next {
    protocol: Protocol,
    address: SocketAddr,
    authority: String,
}

#[derive(Debug)]
struct State {
    name: String,
    forwards: Vec<String>,
    next: Mutex<Plan>,
    /// Every call that came: what was forwarded of it, and what it was answered after the answer was on its way.
    seen: Mutex<Vec<Headers>>,
    late: Mutex<Vec<String>>,
    /// So many calls are still to be answered with an error.
    failures: AtomicUsize,
}

/// What a service does with a call.
#[derive(Clone, Debug, Default)]
struct Plan {
    next: Option<Next>,
    times: usize,
    after: Option<Duration>,
}

type Headers = Vec<(String, String)>;

impl Hop {
    /// Starts a service on a free port.
    pub async fn start(name: &str, forwards: &[&str]) -> Result<Self> {
        Self::start_at(name, forwards, (Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// Starts a service where another one was.
    pub async fn start_at(name: &str, forwards: &[&str], address: SocketAddr) -> Result<Self> {
        Self::serve(name, forwards, TcpListener::bind(address).await?)
    }

    /// Starts a service on a port that is there already.
    pub fn serve(name: &str, forwards: &[&str], listener: TcpListener) -> Result<Self> {
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            name: name.to_owned(),
            forwards: forwards.iter().map(|name| (*name).to_owned()).collect(),
            next: Mutex::default(),
            seen: Mutex::default(),
            late: Mutex::default(),
            failures: AtomicUsize::new(0),
        });
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::clone(&state)));
        Ok(Self {
            address,
            state,
            _server: server,
        })
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has it call another service from now on.
    pub fn call_next(&self, next: Next) {
        self.call_often(next, 1);
    }

    /// The same, so many times at once for each call that comes; the answers are joined by `+`.
    pub fn call_often(&self, next: Next, times: usize) {
        *lock(&self.state.next) = Plan {
            next: Some(next),
            times,
            after: None,
        };
    }

    /// Has it answer first, and call another service only when so much time has passed.
    pub fn call_later(&self, next: Next, after: Duration) {
        *lock(&self.state.next) = Plan {
            next: Some(next),
            times: 1,
            after: Some(after),
        };
    }

    /// Has it answer so many calls by HTTP with 503, before it does anything with them.
    pub fn fail_next(&self, calls: usize) {
        self.state.failures.store(calls, Ordering::Relaxed);
    }

    /// How many calls came so far.
    pub fn count(&self) -> usize {
        lock(&self.state.seen).len()
    }

    /// What came of the calls that were made after the answer.
    pub fn late(&self) -> Vec<String> {
        lock(&self.state.late).clone()
    }
}

impl State {
    /// The answer to a call.
    async fn answer(self: &Arc<Self>, headers: Headers) -> Result<String> {
        lock(&self.seen).push(headers.clone());
        let plan = lock(&self.next).clone();
        let Some(next) = plan.next else {
            return Ok(self.name.clone());
        };
        if let Some(after) = plan.after {
            let state = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                let answer = next.call(&headers).await;
                let answer = answer.unwrap_or_else(|error| format!("{error:#}"));
                lock(&state.late).push(format!("{}>{answer}", state.name));
            });
            return Ok(self.name.clone());
        }
        let mut calls = JoinSet::new();
        for _ in 0..plan.times {
            let (next, headers) = (next.clone(), headers.clone());
            calls.spawn(async move { next.call(&headers).await });
        }
        let answers: Result<Vec<String>> = calls.join_all().await.into_iter().collect();
        Ok(format!("{}>{}", self.name, answers?.join("+")))
    }

    fn forwarded(&self, headers: &HeaderMap) -> Headers {
        let named = self.forwards.iter().filter_map(|name| {
            let value = headers.get(name)?.to_str().ok()?;
            Some((name.clone(), value.to_owned()))
        });
        named.collect()
    }
}

impl Next {
    /// Called by a protocol at an address.
    pub fn new(protocol: Protocol, address: SocketAddr) -> Self {
        Self {
            protocol,
            address,
            authority: "next.shop".to_owned(),
        }
    }

    /// Called by a name.
    pub fn authority(mut self, authority: &str) -> Self {
        authority.clone_into(&mut self.authority);
        self
    }

    async fn call(self, headers: &Headers) -> Result<String> {
        let Self {
            protocol,
            address,
            authority,
        } = self;
        match protocol {
            Protocol::Http => {
                let mut request = client::Request::get("/").authority(&authority);
                for (name, value) in headers {
                    request = request.header(name, value.as_str());
                }
                let response = Client::http1(address).send(&request).await?;
                ensure!(response.status == 200, "{response:?}");
                Ok(String::from_utf8(response.body.to_vec())?)
            }
            Protocol::Grpc => {
                let message = EchoRequest {
                    message: "?".to_owned(),
                };
                let mut request = tonic::Request::new(message);
                for (name, value) in headers {
                    let name = MetadataKey::from_bytes(name.as_bytes())?;
                    let value = MetadataValue::try_from(value.as_str())?;
                    request.metadata_mut().insert(name, value);
                }
                let mut client = grpc::connect_as(address, &authority).await?;
                Ok(client.echo(request).await?.into_inner().message)
            }
            Protocol::Dubbo => {
                let attachments = headers.iter();
                let attachments: Vec<_> = attachments
                    .map(|(name, value)| (name.as_str(), value.as_str()))
                    .collect();
                let body = wire::body(Relay::INTERFACE, "pass", "?", &attachments);
                let mut client = WireClient::connect(address).await?;
                client
                    .send(&[Frame::new(wire::REQUEST, 0, 1, &body)])
                    .await?;
                client.expect_answer(1).await
            }
        }
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        let service =
            hyper::service::service_fn(move |request| answer(Arc::clone(&state), request));
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
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    if request.uri().path().split('/').nth(1) == Some(SERVICE_NAME) {
        return EchoServiceServer::new(GrpcHop(state)).call(request).await;
    }
    if request.uri().path() == super::HEALTH {
        return Ok(Response::new(Body::empty()));
    }
    let mut failures = state.failures.load(Ordering::Relaxed);
    while failures > 0 {
        let less = failures - 1;
        let swapped =
            state
                .failures
                .compare_exchange(failures, less, Ordering::Relaxed, Ordering::Relaxed);
        match swapped {
            Ok(_) => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                return Ok(response);
            }
            Err(others) => failures = others,
        }
    }
    let headers = state.forwarded(request.headers());
    let (status, text) = match state.answer(headers).await {
        Ok(text) => (StatusCode::OK, text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")),
    };
    let mut response = Response::new(Body::new(Full::new(Bytes::from(text))));
    *response.status_mut() = status;
    Ok(response)
}

struct GrpcHop(Arc<State>);

#[tonic::async_trait]
impl EchoService for GrpcHop {
    type EchoStreamStream = Pin<Box<dyn Stream<Item = Result<EchoStreamResponse, Status>> + Send>>;

    async fn echo(
        &self,
        request: tonic::Request<EchoRequest>,
    ) -> Result<tonic::Response<EchoResponse>, Status> {
        let headers = request.metadata().clone().into_headers();
        let headers = self.0.forwarded(&headers);
        let message = self.0.answer(headers).await;
        let message = message.map_err(|error| Status::unavailable(format!("{error:#}")))?;
        Ok(tonic::Response::new(EchoResponse {
            message,
            upstream: self.0.name.clone(),
            metadata: Vec::new(),
        }))
    }

    async fn echo_stream(
        &self,
        _: tonic::Request<EchoStreamRequest>,
    ) -> Result<tonic::Response<Self::EchoStreamStream>, Status> {
        Err(Status::unimplemented("not a part of a chain"))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
