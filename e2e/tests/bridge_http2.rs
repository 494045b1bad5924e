//! HTTP/2 that breaks the rules, on the port where the bridge makes Dubbo of it: each attack closes its own connection
//! and is counted. What the rules allow is understood, and no lie about a call reaches the provider.

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    client::{self, Request},
    dubbo::mesh::{Mesh, Plan, Port},
    peer::{
        Answer, Client, Provider, echo_of,
        http2::{
            ACK, Connection, END_HEADERS, END_STREAM, Kind, PADDED, PREFACE, block, data, frame,
            headers, reset, settings, window_update,
        },
        sized_call,
    },
    poll,
    scene::on_every_version,
    wire::call_with,
};

const PATH: &str = "/org.demo.Greeter/echo";

/// The fields of an honest call.
const FIELDS: [(&str, &str); 5] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":authority", "provider"),
    (":path", PATH),
    ("content-type", "application/dubbo2"),
];

async fn refused(mesh: &Mesh, metric: &str, reason: &str) -> Result<u64> {
    let counters = mesh.counters(&format!("_{metric}.")).await?;
    let ours = counters.iter().filter(|(name, _)| name.ends_with(reason));
    Ok(ours.map(|(_, value)| value).sum())
}

async fn expect_counted(mesh: &Mesh, metric: &str, reason: &str, count: u64) -> Result<()> {
    poll::until("the counter", async || {
        let found = refused(mesh, metric, reason).await?;
        ensure!(found == count, "{reason}: {found}, not {count}");
        Ok(())
    })
    .await
}

fn attacks() -> Vec<(&'static str, Vec<u8>)> {
    let open = |stream| headers(stream, false, &FIELDS);
    let part = |flags, fields: &[(&str, &str)]| frame(Kind::Headers, flags, 1, &block(fields));
    let long = "x".repeat(16_000);
    let bomb: Vec<(&str, &str)> = FIELDS
        .into_iter()
        .chain([("x-bomb", long.as_str())])
        .collect();
    let bomb_in_continuations = || {
        let mut bytes = part(0, &bomb);
        for _ in 0..40 {
            bytes.extend(frame(
                Kind::Continuation,
                0,
                1,
                &block(&[("x-bomb", &long)]),
            ));
        }
        bytes.extend(frame(Kind::Continuation, END_HEADERS, 1, &[]));
        bytes
    };
    let flood = |piece: Vec<u8>, count: usize| piece.repeat(count);
    let resets = (0..20_000_u32).flat_map(|number| {
        let stream = 2 * number + 1;
        [headers(stream, false, &FIELDS), reset(stream, 8)].concat()
    });
    // The window that is left when SETTINGS are not acknowledged is never more than the one that is advertised.
    let over_the_window = [open(1), data(1, false, &[0; 16_384]).repeat(32)].concat();
    vec![
        ("rapid reset", resets.collect()),
        (
            "empty DATA",
            [open(1), flood(data(1, false, &[]), 50_000)].concat(),
        ),
        (
            "PING flood",
            flood(frame(Kind::Ping, 0, 0, &[0; 8]), 50_000),
        ),
        ("SETTINGS flood", flood(settings(&[]), 50_000)),
        (
            "PRIORITY flood",
            flood(frame(Kind::Priority, 0, 1, &[0; 5]), 50_000),
        ),
        (
            "unknown flood",
            flood(frame(Kind::Unknown, 0, 0, &[]), 50_000),
        ),
        ("header bomb in CONTINUATIONs", bomb_in_continuations()),
        (
            "CONTINUATION alone",
            frame(Kind::Continuation, END_HEADERS, 1, &[]),
        ),
        (
            "something within a header block",
            [part(0, &FIELDS), frame(Kind::Ping, 0, 0, &[0; 8])].concat(),
        ),
        (
            "window of a connection over 2^31",
            window_update(0, 0x7fff_ffff).repeat(2),
        ),
        ("increment of zero", window_update(0, 0)),
        ("DATA over the window", over_the_window),
        ("DATA on stream 0", data(0, false, b"x")),
        ("DATA on an idle stream", data(7, false, b"x")),
        ("HEADERS of an even stream", headers(2, false, &FIELDS)),
        (
            "PUSH_PROMISE",
            frame(Kind::PushPromise, END_HEADERS, 1, &[0, 0, 0, 2]),
        ),
        (
            "SETTINGS of five bytes",
            frame(Kind::Settings, 0, 0, &[0; 5]),
        ),
        ("initial window over 2^31", settings(&[(4, 0x8000_0000)])),
        ("frame size of 1", settings(&[(5, 1)])),
        (
            "acknowledgement with a body",
            frame(Kind::Settings, ACK, 0, &[0; 6]),
        ),
        ("PING of seven bytes", frame(Kind::Ping, 0, 0, &[0; 7])),
        (
            "more padding than frame",
            [open(1), frame(Kind::Data, PADDED, 1, &[200, 1])].concat(),
        ),
        (
            "a frame of 16 MiB",
            vec![0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1],
        ),
        (
            "HPACK that is none",
            frame(Kind::Headers, END_HEADERS, 1, &[0xff; 64]),
        ),
        ("preface twice", PREFACE.to_vec()),
        (
            "HTTP/1.1 in the middle",
            b"POST /org.demo.Greeter/echo HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attack_ends_its_own_connection_and_is_counted() -> Result<()> {
    on_every_version(async |scene| {
        let provider = Provider::start(Answer::echo).await?;
        let mesh = Plan::shop(&[provider.address()], &[], Port::dubbo())
            .start(scene)
            .await?;
        let bystander = Client::connect(mesh.address("dubbo")?).await?;
        let mut peer = Connection::open(mesh.inbound_address("v1", 0)?, &[]).await?;
        for (count, (what, bytes)) in (1..).zip(attacks()) {
            let mut attacker = Connection::open(mesh.inbound_address("v1", 0)?, &[]).await?;
            // The connection may be closed while the attack goes on.
            attacker.try_send(&bytes).await.context(what)?;
            attacker.expect_end().await.context(what)?;
            // A connection through both bridges and one like the attacker's go on.
            let call = sized_call(count, "echo", 300);
            bystander
                .expect(&call, &echo_of(&call))
                .await
                .context(what)?;
            peer.expect_alive().await.context(what)?;
        }
        assert_eq!(
            provider.calls().len(),
            attacks().len(),
            "none of them was a call"
        );
        let count = attacks().len() as u64;
        expect_counted(&mesh, "connections_closed", "bridge-http2-error", count).await?;
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rules_allow_is_understood() -> Result<()> {
    on_every_version(async |scene| {
        let provider = Provider::start(Answer::echo).await?;
        let mesh = Plan::shop(&[provider.address()], &[], Port::dubbo())
            .start(scene)
            .await?;
        let address = mesh.inbound_address("v1", 0)?;
        // A peer with a window of 100 bytes and frames that are split, padded, and mixed with unknown ones.
        let mut peer = Connection::open(address, &[(4, 100), (0x9999, 7)]).await?;
        let call = sized_call(77, "echo", 2_000);
        let fields = block(&FIELDS);
        let (one, two) = fields.split_at(fields.len() / 2);
        let padded = |bytes: &[u8]| [&[3_u8], bytes, &[0; 3]].concat();
        peer.send(&frame(Kind::Unknown, 0xff, 0, b"whatever"))
            .await?;
        peer.send(&frame(Kind::Headers, PADDED, 1, &padded(one)))
            .await?;
        peer.send(&frame(Kind::Continuation, 0, 1, &[])).await?;
        peer.send(&frame(Kind::Continuation, END_HEADERS, 1, two))
            .await?;
        peer.send(&frame(Kind::Priority, 0, 1, &[0, 0, 0, 0, 9]))
            .await?;
        let (first, rest) = call.bytes().split_at(10);
        peer.send(&data(1, false, first)).await?;
        peer.send(&frame(Kind::Data, PADDED, 1, &padded(rest)))
            .await?;
        peer.send(&data(1, true, &[])).await?;
        // The answer comes as the window lets it.
        let mut answer: Vec<u8> = Vec::new();
        peer.expect(Kind::Headers, 1).await?;
        loop {
            let piece = peer.expect(Kind::Data, 1).await?;
            ensure!(piece.payload.len() <= 100, "{} bytes", piece.payload.len());
            answer.extend(&piece.payload);
            if piece.flags & END_STREAM != 0 {
                break;
            }
            if !piece.payload.is_empty() {
                let taken = u32::try_from(piece.payload.len())?;
                peer.send(&window_update(1, taken)).await?;
            }
        }
        assert_eq!(answer, echo_of(&call).bytes());
        // Too many headers are the end of their stream only.
        let many: Vec<(&str, &str)> = FIELDS.into_iter().chain(vec![("a", "b"); 3_000]).collect();
        peer.send(&headers(9, false, &many)).await?;
        peer.expect(Kind::RstStream, 9).await?;
        // A stream that is given up is no harm to the next.
        peer.send(&headers(11, false, &FIELDS)).await?;
        peer.send(&reset(11, 8)).await?;
        peer.send(&window_update(11, 1)).await?;
        peer.expect_alive().await?;
        mesh.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_about_a_call_do_not_reach_the_provider() -> Result<()> {
    on_every_version(async |scene| {
        let provider = Provider::start(Answer::echo).await?;
        let mesh = Plan::shop(&[provider.address()], &[], Port::dubbo())
            .start(scene)
            .await?;
        let client = client::Client::http2(mesh.inbound_address("v1", 0)?);
        let post = |path: &str, attachments: &[(&str, &str)], headers: &[(&str, &str)]| {
            let call = call_with(1, "echo", "bob", attachments);
            let request = Request::post(path, call.bytes().to_vec());
            let request = request.header("content-type", "application/dubbo2");
            headers.iter().fold(request, |request, (name, value)| {
                request.header(name, *value)
            })
        };
        let honest = [("group", "g"), ("user", "bob"), ("dubbo.tag", "gray")];
        for headers in [
            &[][..],
            &[("dubbo-group", "g")],
            &[
                ("dubbo-version", "0.0.0"),
                ("dubbo-serialization", "hessian2"),
            ],
            &[("dubbo-attachment-user", "bob"), ("dubbo-arg-0", "bob")],
            &[("dubbo.tag", "gray"), ("dubbo-carriers", "dubbo.tag")],
        ] {
            let answer = client.send(&post(PATH, &honest, headers)).await?;
            ensure!(answer.status == 200, "{headers:?}: {}", answer.status);
        }
        let arrived = provider.calls().len();
        let lies = [
            post("/org.demo.Greeter/other", &honest, &[]),
            post("/org.demo.Other/echo", &honest, &[]),
            post("/org.demo.greeter/echo", &honest, &[]),
            post("/org.demo.Greeter/echo/", &honest, &[]),
            post("//org.demo.Greeter/echo", &honest, &[]),
            post("/org.demo.Greeter/%65cho", &honest, &[]),
            post("/_/_", &honest, &[]),
            post("/", &honest, &[]),
            post(PATH, &honest, &[("dubbo-interface", "org.demo.Other")]),
            post(PATH, &honest, &[("dubbo-method", "other")]),
            post(PATH, &honest, &[("dubbo-group", "other")]),
            post(
                PATH,
                &honest,
                &[("dubbo-group", "g"), ("dubbo-group", "other")],
            ),
            post(PATH, &honest, &[("dubbo-version", "9.9.9")]),
            post(PATH, &honest, &[("dubbo-serialization", "fastjson2")]),
            post(PATH, &honest, &[("dubbo-param-types", "I")]),
            post(PATH, &honest, &[("dubbo-generic", "true")]),
            post(PATH, &honest, &[("dubbo-one-way", "true")]),
            post(PATH, &honest, &[("dubbo-attachment-user", "alice")]),
            post(PATH, &honest, &[("dubbo-attachment-other", "x")]),
            post(PATH, &honest, &[("dubbo-arg-0", "alice")]),
            post(PATH, &honest, &[("dubbo-arg-1", "bob")]),
            // What the provider looks up is the attachment, so the path must say that one.
            post(PATH, &[("path", "org.demo.Other")], &[]),
            post(PATH, &[("version", "9.9.9")], &[("dubbo-version", "0.0.0")]),
        ];
        for lie in &lies {
            let answer = client.send(lie).await?;
            let path = String::from_utf8_lossy(&lie.path);
            ensure!(
                answer.status == 400,
                "{path} {:?}: {}",
                lie.headers,
                answer.status
            );
        }
        assert_eq!(provider.calls().len(), arrived, "none of them arrived");
        let count = lies.len() as u64;
        expect_counted(&mesh, "refused", "bridge-call-differs", count).await?;
        let others = [
            ("POST", "application/grpc"),
            ("POST", "application/json"),
            ("POST", "application/dubbo2; charset=utf-8"),
            ("POST", ""),
            ("GET", "application/dubbo2"),
            ("PUT", "application/dubbo2"),
        ];
        for (method, kind) in others {
            let mut request = post(PATH, &honest, &[]);
            request.headers.clear();
            request.method = method.to_owned();
            if !kind.is_empty() {
                request = request.header("content-type", kind);
            }
            let answer = client.send(&request).await?;
            ensure!(answer.status == 415, "{method} {kind}: {}", answer.status);
        }
        assert_eq!(provider.calls().len(), arrived, "none of these either");
        expect_counted(&mesh, "refused", "bridge-not-dubbo", others.len() as u64).await?;
        mesh.expect_alive().await
    })
    .await
}
