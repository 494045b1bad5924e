//! Our client, a server of `h2`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use meshlane_http2::{
    Config, Connection, ErrorCode, Event, HeaderBlock, HeaderBlockBuilder, Refused, StreamId,
};

use super::{body, bytes, drive, run, send};

/// Answers with what it gets, and trailers.
async fn echo(mut connection: h2::server::Connection<tokio::io::DuplexStream, Bytes>) {
    while let Some(request) = connection.accept().await {
        let Ok((request, mut respond)) = request else {
            return;
        };
        tokio::task::spawn_local(async move {
            let path = request.uri().path().to_owned();
            let mut from = request.into_body();
            if path == "/reset" {
                return respond.send_reset(h2::Reason::REFUSED_STREAM);
            }
            let mut to = respond.send_response(Response::new(()), false).unwrap();
            let body = body(&mut from).await;
            send(&mut to, body.into(), false).await;
            let trailers = HeaderMap::from_iter([(
                "grpc-status".parse().unwrap(),
                HeaderValue::from_static("0"),
            )]);
            to.send_trailers(trailers).unwrap();
        });
    }
}

fn post(path: &str) -> HeaderBlock {
    HeaderBlockBuilder::new()
        .field(":method", "POST")
        .field(":scheme", "http")
        .field(":path", path)
        .field(":authority", "host")
        .finish()
}

#[derive(Default)]
struct Answers {
    bodies: BTreeMap<StreamId, Vec<u8>>,
    ended: Vec<StreamId>,
    resets: Vec<(StreamId, ErrorCode)>,
    going_away: bool,
}

/// Calls `/echo` with bodies of these sizes, at most as many at once as the server allows.
fn caller(
    sizes: Vec<usize>,
    path: &'static str,
    answers: Rc<RefCell<Answers>>,
) -> impl FnMut(&mut Connection, Option<Event>) -> bool {
    let mut sizes = sizes.into_iter().peekable();
    let mut open = 0;
    let mut greeted = false;
    move |client, event| {
        let mut answers = answers.borrow_mut();
        match event {
            Some(Event::Headers { headers, .. }) => assert_eq!(headers.status(), Some(200)),
            Some(Event::Data { id, data, end }) => {
                assert!(!end);
                client.grant(id, data.len() as u32);
                answers
                    .bodies
                    .entry(id)
                    .or_default()
                    .extend_from_slice(&data);
            }
            Some(Event::Trailers { id, headers }) => {
                assert_eq!(headers.get(b"grpc-status"), Some(&b"0"[..]));
                answers.ended.push(id);
                open -= 1;
            }
            Some(Event::Reset { id, code, .. }) => {
                answers.resets.push((id, code));
                open -= 1;
            }
            Some(Event::GoAway { .. }) => answers.going_away = true,
            // Before, a server may refuse what is more than it allows.
            Some(Event::PeerSettings) => greeted = true,
            _ => {}
        }
        while let Some(&size) = sizes.peek().filter(|_| greeted) {
            match client.open_stream(post(path), size == 0) {
                Ok(id) => client.send_data(id, bytes(size), true),
                Err(Refused::MaxConcurrentStreams) => break,
                Err(refused) => panic!("{refused}"),
            }
            sizes.next();
            open += 1;
        }
        greeted && open == 0
    }
}

#[test]
fn bodies_of_all_sizes_with_small_windows() {
    for (window, pipe) in [(65_535, 1 << 20), (1_000, 4_096), (1 << 24, 1 << 20)] {
        run(async move {
            tokio::task::LocalSet::new()
                .run_until(async {
                    let (ours, theirs) = tokio::io::duplex(pipe);
                    let mut builder = h2::server::Builder::new();
                    builder
                        .initial_window_size(window)
                        .max_concurrent_streams(10)
                        .max_frame_size(20_000);
                    let sizes: Vec<usize> = [0, 1, 1_023, 1_024, 16_384, 70_000, 1_000_000]
                        .into_iter()
                        .cycle()
                        .take(70)
                        .collect();
                    let answers = Rc::<RefCell<Answers>>::default();
                    let react = caller(sizes.clone(), "/echo", Rc::clone(&answers));
                    let client = Connection::client(Config {
                        initial_window_size: window,
                        ..Config::default()
                    });
                    let client = tokio::task::spawn_local(drive(client, ours, react));
                    let server = builder.handshake(theirs).await.unwrap();
                    tokio::task::spawn_local(echo(server));
                    let client = client.await.unwrap();
                    assert_eq!((client.open_streams(), client.queued_bytes()), (0, 0));
                    let answers = answers.borrow();
                    assert_eq!(answers.ended.len(), 70);
                    for (id, body) in &answers.bodies {
                        assert!(*body == bytes(sizes[id.value() as usize / 2]));
                    }
                })
                .await;
        });
    }
}

#[test]
fn resets_and_goaway_of_the_server() {
    run(async {
        tokio::task::LocalSet::new()
            .run_until(async {
                let (ours, theirs) = tokio::io::duplex(1 << 16);
                let answers = Rc::<RefCell<Answers>>::default();
                let react = caller(vec![100_000; 20], "/reset", Rc::clone(&answers));
                let client = tokio::task::spawn_local(drive(
                    Connection::client(Config::default()),
                    ours,
                    react,
                ));
                tokio::task::spawn_local(echo(h2::server::handshake(theirs).await.unwrap()));
                client.await.unwrap();
                assert_eq!(answers.borrow().resets.len(), 20);
                assert!(
                    answers
                        .borrow()
                        .resets
                        .iter()
                        .all(|(_, code)| *code == ErrorCode::REFUSED_STREAM)
                );

                let (ours, theirs) = tokio::io::duplex(1 << 16);
                let answers = Rc::<RefCell<Answers>>::default();
                let mut react = caller(vec![10], "/echo", Rc::clone(&answers));
                let going = Rc::clone(&answers);
                let react = move |client: &mut Connection, event: Option<Event>| {
                    react(client, event) && going.borrow().going_away
                };
                let client = tokio::task::spawn_local(drive(
                    Connection::client(Config::default()),
                    ours,
                    react,
                ));
                let mut server = h2::server::handshake(theirs).await.unwrap();
                let (request, mut respond) = server.accept().await.unwrap().unwrap();
                server.graceful_shutdown();
                tokio::task::spawn_local(async move { while server.accept().await.is_some() {} });
                let body = body(&mut request.into_body()).await;
                let mut to = respond.send_response(Response::new(()), false).unwrap();
                to.send_data(body.into(), false).unwrap();
                to.send_trailers(HeaderMap::from_iter([(
                    "grpc-status".parse().unwrap(),
                    HeaderValue::from_static("0"),
                )]))
                .unwrap();
                let client = client.await.unwrap();
                assert!(client.is_going_away() && answers.borrow().ended.len() == 1);
            })
            .await;
    });
}
