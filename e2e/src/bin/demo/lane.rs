//! A gray request and a normal one on their way through five services with a sidecar each.

use anyhow::{Context, Result};
use meshlane_e2e::{
    chain::{Chain, GRAY_EVERYWHERE, NORMAL, Options},
    scene::Scene,
};

use crate::play::{Cell, Row};

/// Sends both.
pub(crate) async fn play(scene: &Scene) -> Result<Vec<Row>> {
    let chain = Chain::start(scene, Options::forwarding("traceparent").without_dubbo()).await?;
    let mut rows = Vec::new();
    for (number, (user, digit, way, tag, carried)) in [
        (
            "gray-alice",
            1,
            GRAY_EVERYWHERE,
            "gray",
            "carried-by-correlation",
        ),
        ("bob", 2, NORMAL, "-", "carried-untagged"),
    ]
    .into_iter()
    .enumerate()
    {
        let trace = format!("00-{digit:032x}-00f067aa0ba902b7-01");
        let answer = chain.ask(user, ("traceparent", &trace)).await?;
        let found = String::from_utf8_lossy(&answer.body).into_owned();
        // What the last sidecar says that has somebody to call.
        let line = chain.member("price-base")?.outbound_line(number).await?;
        let line = line.context("the access log says nothing of lanes")?;
        let part = |name: &str| {
            let mut parts = line.split(';');
            let part = parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
            part.unwrap_or_default().to_owned()
        };
        rows.push(Row {
            request: format!(
                "GET / x-user: {user}, through five services that forward traceparent alone"
            ),
            tag: Cell::new(part("x-mse-tag"), tag.to_owned()),
            destination: Cell::new(steps(&found), steps(way)),
            rule: Cell::certain("-"),
            reason: Cell::new(part("reason"), carried.to_owned()),
        });
    }
    Ok(rows)
}

/// A line for each service.
fn steps(way: &str) -> String {
    way.replace('>', "\n")
}
