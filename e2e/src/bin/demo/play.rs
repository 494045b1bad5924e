//! Sending the requests.

use anyhow::{Context, Result};
use meshlane_e2e::{
    access_log::ID_HEADER,
    client::{Protocol, Request},
    grpc,
    shop::Shop,
};
use meshlane_proto::e2e::v1::EchoRequest;

use crate::requests::{Call, DemoRequest};

/// A row of the table.
pub(crate) struct Row {
    pub(crate) request: String,
    pub(crate) tag: Cell,
    pub(crate) destination: Cell,
    pub(crate) rule: Cell,
    pub(crate) reason: Cell,
}

/// What was found, and what was expected when that is something else.
pub(crate) struct Cell {
    pub(crate) found: String,
    pub(crate) expected: Option<String>,
}

impl Row {
    /// Whether everything is as expected.
    pub(crate) fn is_as_expected(&self) -> bool {
        let cells = [&self.tag, &self.destination, &self.rule, &self.reason];
        cells.into_iter().all(|cell| cell.expected.is_none())
    }
}

impl Cell {
    pub(crate) fn new(found: String, expected: String) -> Self {
        let differs = found != expected;
        Self {
            found,
            expected: differs.then_some(expected),
        }
    }

    /// What is not looked at.
    pub(crate) fn certain(text: &str) -> Self {
        Self {
            found: text.to_owned(),
            expected: None,
        }
    }
}

/// Sends one request.
pub(crate) async fn play(shop: &Shop, request: DemoRequest) -> Result<Row> {
    let (destination, line) = match &request.call {
        Call::Http(protocol, http) => {
            let sent = shop.send(&shop.client(*protocol)?, http).await;
            let sent = sent.with_context(|| request.shown)?;
            (sent.echo.upstream, sent.log.tags)
        }
        Call::Grpc(user) => call(shop, user).await.with_context(|| request.shown)?,
    };
    let line = line.context("the access log says nothing of tags")?;
    let part = |name: &str| {
        let part = line
            .split(';')
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        part.unwrap_or_default().to_owned()
    };
    let (value, rule, reason) = request.decision;
    Ok(Row {
        request: request.shown.to_owned(),
        tag: Cell::new(part("x-mse-tag"), value.to_owned()),
        destination: Cell::new(destination, request.destination.to_owned()),
        rule: Cell::new(part("rule"), rule.to_owned()),
        reason: Cell::new(part("reason"), reason.to_owned()),
    })
}

/// Calls the echo service by gRPC; returns who answered and what the access log says.
async fn call(shop: &Shop, user: &str) -> Result<(String, Option<String>)> {
    let mut request = tonic::Request::new(EchoRequest {
        message: "hello".to_owned(),
    });
    let id = format!("grpc-{user}");
    request.metadata_mut().insert("x-user", user.parse()?);
    request.metadata_mut().insert(ID_HEADER, id.parse()?);
    let mut client = grpc::connect(shop.address()?).await?;
    let answer = client.echo(request).await?.into_inner();
    Ok((answer.upstream, shop.log.entry(&id).await?.tags))
}

/// Sends a request of each of a thousand users and counts.
pub(crate) async fn play_share(shop: &Shop) -> Result<Row> {
    // 10 % of 1,000, and 5 standard deviations to each side.
    const EXPECTED: std::ops::RangeInclusive<usize> = 53..=147;
    let mut connection = shop.client(Protocol::Http1)?.connect().await?;
    let mut gray = 0;
    for user in 0..1_000 {
        let request = Request::get("/").header("cookie", format!("uid=customer-{user}"));
        gray += usize::from(connection.send(&request).await?.echo()?.upstream == "gray");
    }
    let found = format!("{gray} × gray");
    let expected = match EXPECTED.contains(&gray) {
        true => found.clone(),
        false => format!("{} to {}", EXPECTED.start(), EXPECTED.end()),
    };
    Ok(Row {
        request: "GET / cookie: uid=…, by 1000 users".to_owned(),
        tag: Cell::certain("10 % gray"),
        destination: Cell::new(found, expected),
        rule: Cell::certain("ten-percent"),
        reason: Cell::certain("tag-split-chosen"),
    })
}
