//! Our server, a client of `h2`.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request};
use meshlane_http2::{Config, Connection, ErrorCode, Event, HeaderBlockBuilder};

use super::{body, bytes, drive, run, send};

/// Answers with what it gets, trailers included. `/reset` is reset, `/bye` followed by GOAWAY.
fn echo(server: &mut Connection, event: Option<Event>) -> bool {
    match event {
        Some(Event::Headers { id, headers, end }) => {
            if headers.path() == Some(b"/reset") {
                server.send_reset(id, ErrorCode::ENHANCE_YOUR_CALM);
                return false;
            }
            if headers.path() == Some(b"/bye") {
                server.send_goaway(None, ErrorCode::NO_ERROR, b"");
            }
            let mut block = HeaderBlockBuilder::new().field(":status", "200");
            for (name, value) in headers.iter().filter(|(name, _)| name.starts_with(b"x-")) {
                block.push(name, value);
            }
            server.send_headers(id, block.finish(), end);
        }
        Some(Event::Data { id, data, end }) => {
            server.grant(id, data.len() as u32);
            server.send_data(id, data, end);
        }
        Some(Event::Trailers { id, headers }) => {
            let mut block = HeaderBlockBuilder::new();
            for (name, value) in headers.iter() {
                block.push(name, value);
            }
            server.send_headers(id, block.finish(), true);
        }
        _ => {}
    }
    false
}

fn post(path: &str) -> Request<()> {
    Request::builder()
        .method(Method::POST)
        .uri(format!("http://host{path}"))
        .body(())
        .unwrap()
}

async fn connect(
    config: Config,
    builder: h2::client::Builder,
    pipe: usize,
) -> (
    h2::client::SendRequest<Bytes>,
    h2::client::Connection<tokio::io::DuplexStream>,
) {
    let (ours, theirs) = tokio::io::duplex(pipe);
    tokio::task::spawn_local(drive(Connection::server(config), ours, echo));
    builder.handshake(theirs).await.unwrap()
}

fn locally(test: impl Future<Output = ()>) {
    run(async { tokio::task::LocalSet::new().run_until(test).await });
}

#[test]
fn bodies_of_all_sizes_with_small_windows() {
    for (window, pipe) in [
        (65_535, 1 << 20),
        (1_000, 4_096),
        (1, 100),
        (1 << 24, 1 << 20),
    ] {
        locally(async move {
            let mut builder = h2::client::Builder::new();
            builder
                .initial_window_size(window)
                .max_concurrent_streams(50);
            let config = Config {
                initial_window_size: window,
                ..Config::default()
            };
            let (client, connection) = connect(config, builder, pipe).await;
            tokio::task::spawn_local(async { connection.await.unwrap() });
            let sizes: &[usize] = if window == 1 {
                &[0, 1, 50]
            } else {
                &[0, 1, 1_023, 1_024, 16_384, 70_000, 1_000_000]
            };
            let calls: Vec<_> = sizes
                .iter()
                .cycle()
                .take(21)
                .map(|&size| {
                    let client = client.clone();
                    tokio::task::spawn_local(async move {
                        let (response, mut to) = client
                            .ready()
                            .await
                            .unwrap()
                            .send_request(post("/x"), false)
                            .unwrap();
                        let sending = tokio::task::spawn_local(async move {
                            send(&mut to, bytes(size), false).await;
                            to.send_trailers(HeaderMap::from_iter([(
                                "x-end".parse().unwrap(),
                                HeaderValue::from_static("yes"),
                            )]))
                            .unwrap();
                        });
                        let mut from = response.await.unwrap().into_body();
                        assert_eq!(body(&mut from).await, bytes(size));
                        assert_eq!(from.trailers().await.unwrap().unwrap()["x-end"], "yes");
                        sending.await.unwrap();
                    })
                })
                .collect();
            for call in calls {
                call.await.unwrap();
            }
        });
    }
}

/// Every octet that a value may have, each alone and all together, goes through the Huffman coder of h2.
#[test]
fn header_values_of_every_octet() {
    locally(async {
        let (mut client, connection) =
            connect(Config::default(), h2::client::Builder::new(), 1 << 16).await;
        tokio::task::spawn_local(async { connection.await.unwrap() });
        let visible: Vec<u8> = (0x21..=0xff).filter(|byte| *byte != 0x7f).collect();
        let mut values: Vec<Vec<u8>> = visible.iter().map(|byte| vec![*byte; 7]).collect();
        values.push(visible);
        for value in values {
            let mut request = post("/");
            request
                .headers_mut()
                .insert("x-value", HeaderValue::from_bytes(&value).unwrap());
            client = client.ready().await.unwrap();
            let response = client.send_request(request, true).unwrap().0.await.unwrap();
            assert_eq!(response.headers()["x-value"].as_bytes(), value);
        }
    });
}

#[test]
fn resets_of_both_sides() {
    locally(async {
        let (mut client, connection) =
            connect(Config::default(), h2::client::Builder::new(), 1 << 16).await;
        tokio::task::spawn_local(async { connection.await.unwrap() });
        for _ in 0..100 {
            client = client.ready().await.unwrap();
            let error = client
                .send_request(post("/reset"), false)
                .unwrap()
                .0
                .await
                .unwrap_err();
            assert_eq!(error.reason(), Some(h2::Reason::ENHANCE_YOUR_CALM));
            client = client.ready().await.unwrap();
            let (response, mut to) = client.send_request(post("/"), false).unwrap();
            to.send_data(bytes(100_000), false).unwrap();
            response.await.unwrap();
            to.send_reset(h2::Reason::CANCEL);
        }
        client = client.ready().await.unwrap();
        assert!(
            client
                .send_request(post("/"), true)
                .unwrap()
                .0
                .await
                .is_ok()
        );
    });
}

#[test]
fn goaway_lets_calls_end() {
    locally(async {
        let (mut client, connection) =
            connect(Config::default(), h2::client::Builder::new(), 1 << 16).await;
        let ended = tokio::task::spawn_local(connection);
        client = client.ready().await.unwrap();
        let (response, mut to) = client.send_request(post("/bye"), false).unwrap();
        let mut from = response.await.unwrap().into_body();
        to.send_data(bytes(10), true).unwrap();
        assert_eq!(body(&mut from).await, bytes(10));
        ended.await.unwrap().unwrap();
        assert!(client.ready().await.is_err());
    });
}

#[test]
fn windows_that_change_on_the_way() {
    locally(async {
        let (ours, theirs) = tokio::io::duplex(4_096);
        let mut count = 0u32;
        let server = Connection::server(Config {
            initial_window_size: 100,
            ..Config::default()
        });
        tokio::task::spawn_local(drive(server, ours, move |server, event| {
            count += 1;
            server.set_initial_window([0, 10, 70_000, 1_000_000, 3][count as usize % 5]);
            echo(server, event)
        }));
        let (client, mut connection) = h2::client::Builder::new()
            .initial_window_size(10)
            .handshake(theirs)
            .await
            .unwrap();
        let mut ping = connection.ping_pong().unwrap();
        tokio::task::spawn_local(async move {
            for window in (0..).map(|n| [1_000, 100_000, 5, 1 << 20][n % 4]) {
                // While a change is in flight, h2 takes no other.
                let _ = connection.set_initial_window_size(window);
                let moved =
                    tokio::time::timeout(std::time::Duration::from_millis(1), &mut connection)
                        .await;
                if moved.is_ok() {
                    return;
                }
            }
        });
        for size in [1, 10_000, 500_000] {
            ping.ping(h2::Ping::opaque()).await.unwrap();
            let (response, mut to) = client
                .clone()
                .ready()
                .await
                .unwrap()
                .send_request(post("/"), false)
                .unwrap();
            let sending =
                tokio::task::spawn_local(async move { send(&mut to, bytes(size), true).await });
            let mut from = response.await.unwrap().into_body();
            assert_eq!(body(&mut from).await, bytes(size));
            sending.await.unwrap();
        }
    });
}
