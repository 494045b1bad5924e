//! The echo service, and a client for it, by tonic.

use std::{net::SocketAddr, pin::Pin};

use anyhow::Result;
use http::Uri;
use meshlane_proto::e2e::v1::{
    EchoRequest, EchoResponse, EchoStreamRequest, EchoStreamResponse, Metadata,
    echo_service_client::EchoServiceClient, echo_service_server::EchoService,
};
use tokio_stream::Stream;
use tonic::{
    Request, Response, Status,
    metadata::KeyAndValueRef,
    transport::{Channel, Endpoint},
};

/// Connects a gRPC client to a listener of Envoy.
pub async fn connect(address: SocketAddr) -> Result<EchoServiceClient<Channel>> {
    connect_as(address, "shop.example").await
}

/// The same, calling the service by a name.
pub async fn connect_as(
    address: SocketAddr,
    authority: &str,
) -> Result<EchoServiceClient<Channel>> {
    let origin: Uri = format!("http://{authority}").parse()?;
    let channel = Endpoint::from_shared(format!("http://{address}"))?
        .origin(origin)
        .connect()
        .await?;
    Ok(EchoServiceClient::new(channel))
}

/// The server's side of the echo service.
#[derive(Debug)]
pub(crate) struct EchoImplementation {
    upstream: String,
}

impl EchoImplementation {
    pub(crate) fn new(upstream: &str) -> Self {
        Self {
            upstream: upstream.to_owned(),
        }
    }

    fn echo<T>(&self, request: &Request<T>, message: &str) -> EchoResponse {
        let metadata = request.metadata().iter().map(|entry| match entry {
            KeyAndValueRef::Ascii(key, value) => (key.as_str(), value.as_bytes().to_vec()),
            KeyAndValueRef::Binary(key, value) => (
                key.as_str(),
                value
                    .to_bytes()
                    .map(|bytes| bytes.to_vec())
                    .unwrap_or_default(),
            ),
        });
        EchoResponse {
            message: message.to_owned(),
            upstream: self.upstream.clone(),
            metadata: metadata
                .map(|(key, value)| Metadata {
                    key: key.to_owned(),
                    value,
                })
                .collect(),
        }
    }
}

#[tonic::async_trait]
impl EchoService for EchoImplementation {
    type EchoStreamStream = Pin<Box<dyn Stream<Item = Result<EchoStreamResponse, Status>> + Send>>;

    async fn echo(&self, request: Request<EchoRequest>) -> Result<Response<EchoResponse>, Status> {
        Ok(Response::new(
            self.echo(&request, &request.get_ref().message),
        ))
    }

    async fn echo_stream(
        &self,
        request: Request<EchoStreamRequest>,
    ) -> Result<Response<Self::EchoStreamStream>, Status> {
        let echo = self.echo(&request, &request.get_ref().message);
        let answers = (0..request.get_ref().responses).map(move |index| {
            Ok(EchoStreamResponse {
                echo: Some(echo.clone()),
                index,
            })
        });
        Ok(Response::new(Box::pin(tokio_stream::iter(answers))))
    }
}
