//! The same lies in raw Dubbo, of which the sidecar of `web` makes requests.

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    dubbo::frame::Frame,
    wire::{
        BAD_REQUEST, HEARTBEAT_ANSWER, OK, ONE_WAY, REQUEST, WireClient, answer_text, heartbeat,
    },
};

use crate::{
    access::{call::Call, shop::Shop},
    common::PORT,
};

/// A frame that `web` sends, and the beginning of the message it gets when it is refused.
struct Lie(&'static str, Frame, Option<&'static str>);

const DENIED: &str = "meshlane: HTTP 403 ";

fn lies() -> Vec<Lie> {
    let denied = denied().into_iter();
    let denied = denied.map(|(what, call)| Lie(what, call.frame(), Some(DENIED)));
    let served = served().into_iter();
    let served = served.map(|(what, call)| Lie(what, call.frame(), None));
    let who = Call::of("who");
    let with = |id: u8| Frame::new(REQUEST & 0xe0 | id, 0, 1, who.frame().body());
    let callback = who.clone().attachment("sys_callback_arg-0", "x").frame();
    let no_callback = "meshlane: bridge-callback-argument";
    let frames = [
        Lie("a callback", callback, Some(no_callback)),
        Lie("fastjson", with(6), Some(DENIED)),
        Lie("protobuf", with(21), Some(DENIED)),
        Lie(
            "no call",
            Frame::new(REQUEST, 0, 1, b"whatever"),
            Some(DENIED),
        ),
    ];
    denied.chain(served).chain(frames).collect()
}

/// Calls that policy denies, whatever else they say.
fn denied() -> Vec<(&'static str, Call)> {
    let (who, secret, hello) = (Call::of("who"), Call::of("secret"), Call::of("sayHello"));
    let generic = Call::generic("secret", "x");
    let to = |path: &str| who.clone().attachment("path", path);
    vec![
        ("another method", secret.clone()),
        (
            "another interface",
            secret.clone().attachment("interface", "org.demo.Other"),
        ),
        ("an allowed method", secret.attachment("method", "who")),
        ("another head", who.clone().interface("org.demo.Other")),
        ("another path", to("org.demo.Other")),
        ("a group in the path", to("g/org.demo.Greeter")),
        ("a version in the path", to("org.demo.Greeter:1.0")),
        (
            "a way around in the path",
            to("org.demo.Other/../org.demo.Greeter"),
        ),
        ("a query in the path", to("org.demo.Greeter/who?")),
        ("a way around in the method", Call::of("who/../secret")),
        ("a query in the method", Call::of("who?secret")),
        ("an escape in the method", Call::of("%77ho")),
        ("generic", generic.clone()),
        (
            "generic, an allowed method",
            generic.attachment("method", "who"),
        ),
        ("another argument", hello.clone().argument("home")),
        (
            "the second argument",
            hello.clone().argument("home").argument("shop"),
        ),
        ("no argument", hello.attachment("dubbo-arg-0", "shop")),
    ]
}

/// Calls that policy allows, however they say it.
fn served() -> Vec<(&'static str, Call)> {
    let other = Call::of("who").interface("org.demo.Other");
    vec![
        ("an allowed method", Call::of("who")),
        (
            "the allowed argument",
            Call::of("sayHello").argument("shop"),
        ),
        ("generic", Call::generic("who", "x")),
        ("another head", other.attachment("path", "org.demo.Greeter")),
    ]
}

/// Tells every lie on one connection.
pub(super) async fn lies_do_not_arrive(shop: &Shop<'_>) -> Result<()> {
    let gate = shop.web.gate(shop.order.port(PORT)).await?;
    let mut client = WireClient::connect(gate.address()).await?;
    // Nothing answers it, so whether it arrives shows while the others are told.
    let one_way = Frame::new(ONE_WAY, 0, 3, Call::of("secret").frame().body());
    client.send(&[one_way]).await?;
    for Lie(what, frame, refusal) in lies() {
        tell(shop, &mut client, &frame, refusal)
            .await
            .with_context(|| format!("Dubbo, {what}"))?;
        client.send(&[heartbeat(2)]).await?;
        let answer = client
            .receive_any()
            .await?
            .context("the connection ended")?;
        ensure!(answer.flags() == HEARTBEAT_ANSWER, "{what}: {answer:?}");
    }
    Ok(())
}

async fn tell(
    shop: &Shop<'_>,
    client: &mut WireClient,
    frame: &Frame,
    refusal: Option<&str>,
) -> Result<()> {
    let before = shop.arrived();
    client.send(std::slice::from_ref(frame)).await?;
    let answer = client.receive().await?;
    let arrived = shop.arrived() - before;
    let Some(refusal) = refusal else {
        ensure!(answer.status() == OK, "{answer:?}");
        ensure!(arrived == 1, "{arrived} calls arrived");
        return Ok(());
    };
    ensure!(answer.status() == BAD_REQUEST, "status {}", answer.status());
    ensure!(arrived == 0, "{arrived} calls arrived");
    // A text of Hessian2, unless the call was written otherwise.
    if frame.flags() == REQUEST {
        let text = answer_text(&answer)?;
        ensure!(text.starts_with(refusal), "{text}");
    }
    Ok(())
}
