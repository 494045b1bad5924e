//! A provider that means harm, and calls that are cut off inside of their frame: each has an outcome and a counter, and
//! other calls go on.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    dubbo::{
        frame::Frame,
        mesh::{Mesh, Plan, Port},
    },
    peer::{Answer, Client, Gate, Provider, difference, echo_of, sized_call},
    poll,
    scene::on_last_version,
    wire::{
        HEARTBEAT, HEARTBEAT_ANSWER, OK, ONE_WAY_EVENT, REQUEST, RESPONSE, answer_text, take_text,
    },
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const HEADER: usize = 16;
/// A connection that has no end after this time goes on.
const PATIENCE: Duration = Duration::from_secs(30);

async fn expect_counted(mesh: &Mesh, metric: &str, reason: &str, at_least: u64) -> Result<()> {
    poll::until("the counter", async || {
        let counters = mesh.counters(&format!("_{metric}.")).await?;
        let ours = counters.iter().filter(|(name, _)| name.ends_with(reason));
        let sum: u64 = ours.map(|(_, value)| value).sum();
        ensure!(sum >= at_least, "{reason}: {sum}; {counters:#?}");
        Ok(())
    })
    .await
}

/// Envoys and machines live, and a new connection works.
async fn expect_well(mesh: &Mesh, what: &str) -> Result<()> {
    let client = Client::connect(mesh.address("dubbo")?).await?;
    let call = sized_call(1, "echo", 300);
    let well = client.expect(&call, &echo_of(&call)).await;
    well.with_context(|| format!("after {what}"))?;
    mesh.expect_alive().await?;
    for envoy in [&mesh.outbound, &mesh.inbound] {
        let log = envoy.log()?;
        ensure!(!log.contains("Function: proxy_on"), "{what}: {log}");
    }
    Ok(())
}

/// A response with a body of one's own.
fn response(call: &Frame, status: u8, body: &[u8]) -> Vec<u8> {
    Frame::new(RESPONSE, status, call.id(), body)
        .bytes()
        .to_vec()
}

/// The same with another length in its header.
fn with_length(mut frame: Vec<u8>, length: u32) -> Vec<u8> {
    for (to, from) in frame.iter_mut().skip(12).zip(length.to_be_bytes()) {
        *to = from;
    }
    frame
}

fn method(call: &Frame) -> String {
    let mut body = call.body();
    let texts = (0..4).map(|_| take_text(&mut body).unwrap_or_default());
    texts.last().unwrap_or_default()
}

/// What the provider does, by method.
fn lie(call: &Frame) -> Answer {
    let fine = || response(call, OK, b"\x91\x04fine");
    match method(call).as_str() {
        "noMagic" => Answer::raw(vec![0x55; 64]),
        "wrongMagicInside" => Answer::raw([fine(), b"HTTP/1.1 200 OK\r\n\r\n".to_vec()].concat()),
        "negativeLength" => Answer::raw(with_length(fine(), u32::MAX)),
        "mostLength" => Answer::raw(with_length(fine(), i32::MAX as u32)).close(),
        "tooLong" => Answer::raw(response(call, OK, &vec![0x91; 18 << 20])),
        "cutHeader" => Answer::raw(fine().into_iter().take(9).collect::<Vec<_>>()).close(),
        "cutBody" => Answer::raw(with_length(fine(), 32 << 10)).close(),
        "cutLongBody" => Answer::raw(with_length(fine(), 128 << 10)).close(),
        "tooEarly" => Answer::nothing().close(),
        "otherId" => Answer::raw(
            [
                Frame::new(RESPONSE, OK, 0x7777_7777, b"\x91\x05other")
                    .bytes()
                    .to_vec(),
                fine(),
            ]
            .concat(),
        ),
        "twice" => Answer::raw([fine(), fine()].concat()),
        "callback" => Answer::raw(
            [
                Frame::new(REQUEST, 0, 5, call.body()).bytes().to_vec(),
                fine(),
            ]
            .concat(),
        ),
        "longEvent" => Answer::raw(
            [
                Frame::new(ONE_WAY_EVENT, 0, 1, &[0x52; 5_000])
                    .bytes()
                    .to_vec(),
                fine(),
            ]
            .concat(),
        ),
        "emptyBody" => Answer::raw(response(call, OK, b"")),
        "noResult" => Answer::raw(response(call, OK, &[0xff; 100])),
        "deepResult" => Answer::raw(response(
            call,
            OK,
            &[b"\x90".as_slice(), &[0x57; 100_000]].concat(),
        )),
        "classOfMinusOne" => Answer::raw(response(call, OK, b"\x90C\x01A\x8f")),
        "statusZero" => Answer::raw(response(call, 0, b"\x03odd")),
        "status255" => Answer::raw(response(call, 255, b"\x03odd")),
        "errorWithoutText" => Answer::raw(response(call, 70, &[0xff; 4])),
        _ => Answer::echo(call),
    }
}

/// How a lie of the provider's ends for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The good answer arrives all the same.
    Fine,
    /// What the provider sent arrives as it is: to make sense of it is the caller's business.
    AsItIs,
    /// The call ends in an error of the bridge's.
    Error,
}

/// Each lie, how it ends, and the counter that tells.
const LIES: [(&str, Outcome, Option<&str>); 20] = [
    ("noMagic", Outcome::Error, Some("bridge-broken-frame")),
    (
        "wrongMagicInside",
        Outcome::Fine,
        Some("bridge-broken-frame"),
    ),
    (
        "negativeLength",
        Outcome::Error,
        Some("bridge-broken-frame"),
    ),
    ("mostLength", Outcome::Error, Some("bridge-frame-too-large")),
    ("tooLong", Outcome::Error, Some("bridge-frame-too-large")),
    ("cutHeader", Outcome::Error, Some("bridge-provider-closed")),
    ("cutBody", Outcome::Error, Some("bridge-provider-closed")),
    ("cutLongBody", Outcome::Error, Some("bridge-stream-reset")),
    ("tooEarly", Outcome::Error, Some("bridge-provider-closed")),
    ("otherId", Outcome::Fine, Some("bridge-unknown-response")),
    ("twice", Outcome::Fine, Some("bridge-unknown-response")),
    ("callback", Outcome::Fine, Some("bridge-callback-argument")),
    ("longEvent", Outcome::Fine, Some("bridge-unexpected-frame")),
    ("emptyBody", Outcome::AsItIs, None),
    ("noResult", Outcome::AsItIs, None),
    ("deepResult", Outcome::AsItIs, None),
    ("classOfMinusOne", Outcome::AsItIs, None),
    ("statusZero", Outcome::AsItIs, None),
    ("status255", Outcome::AsItIs, None),
    ("errorWithoutText", Outcome::AsItIs, None),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_lies_harms_its_own_calls_only() -> Result<()> {
    on_last_version(async |scene| {
        let provider = Provider::start(lie).await?;
        let mesh = Plan::shop(&[provider.address()], &[], Port::dubbo())
            .start(scene)
            .await?;
        let counted = async |reason: &str| {
            let counters = mesh.counters("_refused.").await?;
            let ours = counters.iter().filter(|(name, _)| name.ends_with(reason));
            anyhow::Ok(ours.map(|(_, value)| value).sum::<u64>())
        };
        for (what, outcome, reason) in LIES {
            let before = match reason {
                Some(reason) => counted(reason).await?,
                None => 0,
            };
            let client = Client::connect(mesh.address("dubbo")?).await?;
            let call = sized_call(3, what, 300);
            let answer = client.call(&call).await.context(what)?;
            match outcome {
                Outcome::Fine => ensure!(
                    answer == Frame::new(RESPONSE, OK, 3, b"\x91\x04fine"),
                    "{what}: {}",
                    difference(&answer, &call)
                ),
                Outcome::AsItIs => {
                    let sent = lie(&call);
                    let sent = format!("{sent:?}");
                    let came = format!("{:?}", Answer::raw(answer.bytes().to_vec()));
                    ensure!(came == sent, "{what}: {}", difference(&answer, &call));
                }
                Outcome::Error => {
                    let text = answer_text(&answer).context(what)?;
                    ensure!(
                        answer.status() != OK && text.starts_with("meshlane: "),
                        "{what}: {} {text}",
                        answer.status()
                    );
                }
            }
            if let Some(reason) = reason {
                expect_counted(&mesh, "refused", reason, before + 1)
                    .await
                    .context(what)?;
            }
            expect_well(&mesh, what).await?;
        }
        Ok(())
    })
    .await
}

/// A response that is longer than its window is on its way to the client before all of it is there. Nothing can follow
/// half a frame, so when the rest never comes the connection ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_response_that_is_cut_ends_the_connection() -> Result<()> {
    on_last_version(async |scene| {
        const PROMISED: u32 = 2 << 20;
        let gate = Gate::new();
        let closing = gate.clone();
        let provider = Provider::start(move |call| match method(call).as_str() {
            "cut" => {
                let part = with_length(response(call, OK, &[0x91; 1 << 20]), PROMISED);
                Answer::raw(part).wait(&closing).close()
            }
            _ => Answer::echo(call),
        })
        .await?;
        let mesh = Plan::shop(&[provider.address()], &[], Port::dubbo())
            .start(scene)
            .await?;
        let mut stream = TcpStream::connect(mesh.address("dubbo")?).await?;
        let call = sized_call(3, "cut", 300);
        stream.write_all(call.bytes()).await?;
        let mut header = [0; HEADER];
        loop {
            stream.read_exact(&mut header).await?;
            let [_, _, flags, _, id @ .., _, _, _, _] = header;
            if flags != HEARTBEAT {
                break;
            }
            // A heartbeat, whose answer lets the bridge send its windows.
            stream.read_exact(&mut [0; 1]).await?;
            let answer = Frame::new(HEARTBEAT_ANSWER, OK, u64::from_be_bytes(id), b"N");
            stream.write_all(answer.bytes()).await?;
        }
        ensure!(header.ends_with(&PROMISED.to_be_bytes()), "{header:?}");
        gate.open();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
        // Whether it ends in order or in a reset: Envoy may not have read all that the client sent.
        let _ = ended.context("the connection goes on")?;
        ensure!(rest.len() < PROMISED as usize, "{} bytes", rest.len());
        expect_counted(&mesh, "refused", "bridge-response-cut", 1).await?;
        expect_well(&mesh, "a cut response").await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_end_within_any_field_are_refused_or_pass_without_a_name() -> Result<()> {
    on_last_version(async |scene| {
        let provider = Provider::start(Answer::echo).await?;
        let plan = Plan::shop(&[provider.address()], &[], Port::dubbo());
        let strict = json!({"mode": "toHttp", "onUnreadableHead": "refuse"});
        let mesh = plan
            .port(Port::new("strict").to_http(strict))
            .start(scene)
            .await?;
        let call = sized_call(1, "echo", 200);
        let whole = call.body().len();
        let cut = |end: usize| {
            let body: Vec<u8> = call.body().iter().copied().take(end).collect();
            Frame::new(REQUEST, 0, end as u64 + 1, &body)
        };
        let lax = Client::connect(mesh.address("dubbo")?).await?;
        let strict = Client::connect(mesh.address("strict")?).await?;
        let answers: Vec<_> = (0..whole)
            .map(cut)
            .map(|call| (lax.start(&call), strict.start(&call), call))
            .collect();
        for (passed, refused, call) in answers {
            let length = call.body().len();
            let passed = passed.await?;
            ensure!(
                passed == echo_of(&call),
                "{length} of {whole}: {}",
                difference(&passed, &call)
            );
            let refused = refused.await?;
            let text = answer_text(&refused)?;
            ensure!(
                refused.status() != OK && text.contains("bridge-unreadable-head"),
                "{length} of {whole}: {} {text}",
                refused.status()
            );
        }
        assert_eq!(provider.calls().len(), whole, "of each two one arrived");
        expect_counted(&mesh, "refused", "bridge-unreadable-head", whole as u64).await?;
        let unnamed = mesh.log.expect("/_/_", whole).await?;
        ensure!(unnamed.iter().all(|call| call.status == Some(200)));
        expect_well(&mesh, "cut calls").await
    })
    .await
}
