//! Against `h2`, the implementation behind hyper and tonic, in both roles. Native only: it needs tokio.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of it is test"
)]

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use meshlane_http2::{Connection, Event};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

#[path = "interop/client.rs"]
mod client;
#[path = "interop/server.rs"]
mod server;

/// Moves bytes between one end and a pipe until the pipe ends or `done`; events go to `react`.
async fn drive(
    mut connection: Connection,
    pipe: DuplexStream,
    mut react: impl FnMut(&mut Connection, Option<Event>) -> bool,
) -> Connection {
    let mut buffer = vec![0; 10_000];
    let mut output = Bytes::new();
    let mut done = react(&mut connection, None);
    // Both directions at once: h2 does not read while it cannot write.
    let (mut reader, mut writer) = tokio::io::split(pipe);
    loop {
        if output.is_empty() {
            output = connection.poll_output().unwrap_or_default();
        }
        if output.is_empty() && done {
            return connection;
        }
        tokio::select! {
            written = writer.write(&output), if !output.is_empty() => match written {
                Ok(length) => drop(output.split_to(length)),
                Err(_) => return connection,
            },
            read = reader.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return connection,
                Ok(length) => connection.handle_bytes(Bytes::copy_from_slice(&buffer[..length])).unwrap(),
            },
        }
        while let Some(event) = connection.poll_event() {
            done |= react(&mut connection, Some(event));
        }
    }
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), test)
            .await
            .expect("a deadlock")
    });
}

/// Reads a body of `h2` to its end, giving back windows as it goes.
async fn body(from: &mut h2::RecvStream) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(data) = from.data().await {
        let data = data.unwrap();
        from.flow_control().release_capacity(data.len()).unwrap();
        body.extend_from_slice(&data);
    }
    body
}

/// Sends a body with `h2` as its windows allow.
async fn send(to: &mut h2::SendStream<Bytes>, mut data: Bytes, end: bool) {
    while !data.is_empty() {
        to.reserve_capacity(data.len());
        let room = std::future::poll_fn(|context| to.poll_capacity(context))
            .await
            .unwrap()
            .unwrap();
        let piece = data.split_to(room.min(data.len()));
        to.send_data(piece, end && data.is_empty()).unwrap();
    }
}

fn bytes(length: usize) -> Bytes {
    (0..length)
        .map(|n| (n % 251) as u8)
        .collect::<Vec<u8>>()
        .into()
}
