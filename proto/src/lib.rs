//! Protocol buffers that meshlane speaks, with their generated code.
//!
//! The `.proto` files lie in `proto/meshlane`, those of Envoy in `proto/envoy`, the code generated from them in
//! `proto/src/gen`. All are committed, so that no build needs `protoc`; `make gen` writes the code anew and
//! `make gen-fresh` fails when it is out of date.
//!
//! Messages are always there and need nothing but `prost` (and `prost-types` for a duration, which is no more code than a
//! message of our own would be), so that a Wasm module may use them. Clients and servers are behind the feature `grpc`.
#![cfg_attr(
    feature = "grpc",
    doc = "
```
use meshlane_proto::e2e::v1::{EchoRequest, echo_service_client::EchoServiceClient};

# async fn call<T>(channel: T) -> Result<(), tonic::Status>
# where
#     T: tonic::client::GrpcService<tonic::body::Body>,
#     T::Error: Into<tonic::codegen::StdError>,
#     T::ResponseBody: tonic::codegen::Body<Data = tonic::codegen::Bytes> + Send + 'static,
#     <T::ResponseBody as tonic::codegen::Body>::Error: Into<tonic::codegen::StdError> + Send,
# {
let mut client = EchoServiceClient::new(channel);
let answer = client.echo(EchoRequest { message: \"hello\".to_owned() }).await?;
assert_eq!(answer.get_ref().message, \"hello\");
# Ok(())
# }
```"
)]

pub mod envoy;

/// What the end-to-end tests speak.
pub mod e2e {
    /// The echo service, version 1.
    #[allow(
        missing_docs,
        unreachable_pub,
        unused_qualifications,
        clippy::all,
        clippy::restriction,
        reason = "generated"
    )]
    pub mod v1 {
        include!("gen/meshlane.e2e.v1.rs");
    }
}
