//! Two rooms of three units, two versions each, as real upstreams: where requests go, and where they go when something is gone.

#![allow(
    clippy::indexing_slicing,
    reason = "indexing a JSON value gives null where there is nothing"
)]

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    bootstrap::WasmFilter,
    client::Client,
    poll,
    rooms::{INTERVAL, Rooms, ask, document, request},
    scene::on_every_version,
    upstream::Upstream,
};
use serde_json::{Value, json};
use tokio::time::Instant;

/// Everybody, by the unit and by the tag: users 0, 1 and 2 are of the units 1, 2 and 3.
const PLACES: [(u32, Option<&str>, &str); 6] = [
    (0, None, "east-u1-v1"),
    (1, None, "east-u2-v1"),
    (2, None, "east-u3-v1"),
    (3, Some("gray"), "east-u1-gray"),
    (4, Some("gray"), "east-u2-gray"),
    (5, Some("gray|beta"), "east-u3-gray"),
];

async fn open(scene: &meshlane_e2e::scene::Scene) -> Result<Rooms> {
    let rooms = Rooms::open(scene, |_| ()).await?;
    expect_known(&rooms).await?;
    Ok(rooms)
}

/// Waits until the filter knows what Envoy's health checks have found.
async fn expect_known(rooms: &Rooms) -> Result<()> {
    expect(
        rooms,
        "tag_route_healthy_destinations.plugin=route.service=orders",
        12,
    )
    .await
}

async fn expect(rooms: &Rooms, stat: &str, value: u64) -> Result<()> {
    poll::until(stat, async || {
        let found = rooms.stat(stat).await?;
        ensure!(found == value, "{stat} is {found}, not {value}");
        Ok(())
    })
    .await
}

/// Where a user's requests go, once they go there.
async fn expect_place(client: &Client, user: u32, tag: Option<&str>, place: &str) -> Result<()> {
    poll::until(&format!("user {user} is sent to {place}"), async || {
        let found = ask(client, &request(user, tag)).await?;
        ensure!(found == place, "it is {found}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_to_their_unit_in_the_own_room() -> Result<()> {
    on_every_version(async |scene| {
        let rooms = open(scene).await?;
        let client = rooms.client()?;
        for (user, tag, place) in PLACES {
            let found = ask(&client, &request(user, tag)).await?;
            ensure!(
                found == place,
                "user {user} of {tag:?} goes to {found}, not {place}"
            );
        }
        // A client cannot choose.
        let forged = request(0, None).header("x-meshlane-route", "west-u3-gray");
        ensure!(ask(&client, &forged).await? == "east-u1-v1");
        let other = client
            .send(&request(0, None).authority("carts.shop"))
            .await?;
        ensure!(other.status == 404 || other.status == 503, "{other:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_replaced_by_the_next_best() -> Result<()> {
    on_every_version(async |scene| {
        let mut rooms = open(scene).await?;
        let client = rooms.client()?;
        // A version: its tag falls back to what has none.
        rooms.stop("east-u1-gray");
        expect_place(&client, 0, Some("gray"), "east-u1-v1").await?;
        // A unit of the own room: the same unit in the other room.
        rooms.stop("east-u2");
        expect_place(&client, 1, None, "west-u2-v1").await?;
        expect_place(&client, 1, Some("gray"), "west-u2-gray").await?;
        // A unit in both rooms: the next one of the list, in the own room.
        rooms.stop("west-u2");
        expect_place(&client, 1, None, "east-u1-v1").await?;
        // And back.
        rooms.restart().await?;
        expect_known(&rooms).await?;
        for (user, tag, place) in PLACES {
            expect_place(&client, user, tag, place).await?;
        }
        Ok(())
    })
    .await
}

/// Where a request went, or with which status and reason it was refused.
type Answer = Result<String, (u16, Option<String>)>;

/// What requests of the unit 2 met while it was stopped and came back.
#[derive(Debug, Default)]
struct Met {
    answers: Vec<(Instant, Answer)>,
}

impl Met {
    async fn go_on(&mut self, client: &Client, until: impl Fn(&Self) -> bool) -> Result<()> {
        let mut connection = client.connect().await?;
        let begin = Instant::now();
        while !until(self) {
            ensure!(
                begin.elapsed() < poll::DEADLINE,
                "nothing came of it: {:?}",
                self.answers.last()
            );
            let response = connection.send(&request(1, None)).await?;
            let answer = match response.status {
                200 => Ok(response.echo()?.upstream),
                status => Err((
                    status,
                    response.header("x-meshlane-reason").map(str::to_owned),
                )),
            };
            self.answers.push((Instant::now(), answer));
        }
        Ok(())
    }

    /// Whether that many of the last answers all came from there.
    fn settled(&self, place: &str, count: usize) -> bool {
        let last = self.answers.iter().rev().take(count);
        last.filter(|(_, answer)| answer.as_deref() == Ok(place))
            .count()
            == count
    }

    /// When the first answer came from there.
    fn first(&self, place: &str) -> Option<Instant> {
        let mut answers = self.answers.iter();
        answers
            .find(|(_, answer)| answer.as_deref() == Ok(place))
            .map(|(at, _)| *at)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_stops_under_load_is_left_within_two_ticks_and_comes_back() -> Result<()> {
    on_every_version(async |scene| {
        let mut rooms = open(scene).await?;
        let client = rooms.client()?;
        let mut met = Met::default();
        met.go_on(&client, |met| met.settled("east-u2-v1", 100))
            .await?;
        rooms.stop("east-u2");
        // When Envoy's own health check notices: what the filter asks for is asked here all the time.
        let noticed = async {
            poll::until("Envoy notices", async || {
                let stats = rooms.envoy.admin().stats().await?;
                let healthy = stats.value("cluster.east-u2-v1.membership_healthy");
                ensure!(healthy == Some(0), "{healthy:?}");
                Ok(Instant::now())
            })
            .await
        };
        let moved = met.go_on(&client, |met| met.settled("west-u2-v1", 100));
        let (noticed, moved) = tokio::join!(noticed, moved);
        moved?;
        let left = met.first("west-u2-v1").context("nobody moved")?;
        let after = left.saturating_duration_since(noticed?);
        ensure!(
            after < Duration::from_secs_f64(2.0 * INTERVAL) + SLACK,
            "requests moved after {after:?}"
        );
        rooms.restart().await?;
        met.go_on(&client, |met| met.settled("east-u2-v1", 100))
            .await?;
        let mut refused: BTreeMap<_, usize> = BTreeMap::new();
        for (_, answer) in &met.answers {
            if let Err((status, Some(reason))) = answer {
                *refused.entry((*status, reason.clone())).or_default() += 1;
            }
        }
        ensure!(
            refused.is_empty(),
            "the filter refused requests: {refused:?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_admin_interface_the_configured_destinations_count() -> Result<()> {
    on_every_version(async |scene| {
        let mut rooms = open(scene).await?;
        let client = rooms.client()?;
        rooms.stop("east-u2");
        expect_place(&client, 1, None, "west-u2-v1").await?;
        expect(&rooms, "tag_route_health_state.plugin=route", 1).await?;
        rooms.show_admin(false)?;
        // Nothing counts as gone any more, not even what is.
        expect(&rooms, "tag_route_health_state.plugin=route", 2).await?;
        // Each worker lets go of it when it looks next.
        poll::until("requests go where nobody is", async || {
            let response = client.send(&request(1, None)).await?;
            let refused = response.header("x-meshlane-reason");
            ensure!(response.status == 503 && refused.is_none(), "{response:?}");
            Ok(())
        })
        .await?;
        ensure!(ask(&client, &request(2, None)).await? == "east-u3-v1");
        let unreachable = "tag_route_health_polls.plugin=route.reason=health-unreachable";
        ensure!(rooms.stat(unreachable).await? > 0);
        rooms.show_admin(true)?;
        expect_place(&client, 1, None, "west-u2-v1").await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none_or_too_large_counts_as_missed() -> Result<()> {
    on_every_version(async |scene| {
        let rooms = Rooms::open(scene, |document| {
            document["health"]["maxBytes"] = json!(200_000);
        })
        .await?;
        expect_known(&rooms).await?;
        let client = rooms.client()?;
        let large = format!(
            "{{\"cluster_statuses\": [],\"x\": \"{}\"}}",
            "x".repeat(200_000)
        );
        for (answer, reason) in [
            ("no JSON".to_owned(), "health-unreadable"),
            (large, "health-too-large"),
        ] {
            let other = Upstream::answering("other", answer).await?;
            rooms.show_as_admin(&other)?;
            expect(&rooms, "tag_route_health_state.plugin=route", 2).await?;
            let counter = format!("tag_route_health_polls.plugin=route.reason={reason}");
            ensure!(rooms.stat(&counter).await? > 0, "{counter} is 0");
            ensure!(ask(&client, &request(1, None)).await? == "east-u2-v1");
            rooms.show_admin(true)?;
            expect(&rooms, "tag_route_health_state.plugin=route", 1).await?;
        }
        rooms.envoy.expect_alive().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_all_workers_polls() -> Result<()> {
    on_every_version(async |scene| {
        let rooms = open(scene).await?;
        let polled = "tag_route_health_polls.plugin=route.reason=health-polled";
        let (before, begin) = (rooms.stat(polled).await?, Instant::now());
        tokio::time::sleep(Duration::from_secs_f64(INTERVAL * 8.0)).await;
        let (after, elapsed) = (rooms.stat(polled).await?, begin.elapsed());
        let most = (elapsed.as_secs_f64() / INTERVAL * 1.3) as u64 + 1;
        let polls = after - before;
        ensure!(
            polls > 0 && polls <= most,
            "{polls} polls in {elapsed:?}, at most {most} are due"
        );
        Ok(())
    })
    .await
}

/// A request's decision, as the access log has it.
async fn logged(rooms: &Rooms, client: &Client, user: u32, id: &str) -> Result<Option<String>> {
    client
        .send(&request(user, None).header("x-e2e-id", id))
        .await?;
    Ok(rooms.log.entry(id).await?.route)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_can_be_seen() -> Result<()> {
    on_every_version(async |scene| {
        let rooms = Rooms::open(scene, |document| {
            document["debug"] = json!(true);
        })
        .await?;
        expect_known(&rooms).await?;
        let client = rooms.client()?;
        let line = "orders=east-u2-v1;reason=route-chosen;health=health-known;\
            unit=u2:router-narrowed;room=east:router-narrowed;lane=-:router-untagged";
        // Each worker knows it when it looks next.
        let mut sent = 0;
        poll::until("the access log", async || {
            sent += 1;
            let logged = logged(&rooms, &client, 1, &format!("seen-{sent}")).await?;
            ensure!(logged.as_deref() == Some(line), "{logged:?}");
            Ok(())
        })
        .await?;
        poll::until("the answer", async || {
            sent += 1;
            let told = client.send(&request(1, None)).await?;
            let decision = told.header("x-meshlane-route-decision");
            ensure!(decision == Some(line), "{told:?}");
            Ok(())
        })
        .await?;
        for (stat, value) in [
            (
                "tag_route_decisions.plugin=route.service=orders.reason=route-chosen",
                sent,
            ),
            (
                "tag_route_decisions.plugin=route.service=orders.reason=route-refused",
                0,
            ),
            (
                "tag_route_steps.plugin=route.service=orders.router=lane.reason=router-untagged",
                sent,
            ),
        ] {
            expect(&rooms, stat, value).await?;
        }
        Ok(())
    })
    .await
}

/// Rules for the whole chain: what nobody is left for is refused, and how.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_its_reason() -> Result<()> {
    on_every_version(async |scene| {
        let rooms = Rooms::open(scene, |document| {
            document["chains"]["default"] = json!([
                {"name": "lane", "force": true, "tag": {"keys": ["header.x-mse-tag"], "label": "version", "untagged": ["v1"]}},
                {"name": "rules", "condition": {"rules": [
                    {"from": {"attribute": "header.x-uid", "exact": 7}, "to": []}]}},
            ]);
        })
        .await?;
        let client = rooms.client()?;
        for (user, tag, reason) in [(1, Some("blue"), "route-refused"), (7, None, "route-nobody")] {
            let response = client.send(&request(user, tag)).await?;
            let found = (response.status, response.header("x-meshlane-reason"));
            ensure!(found == (503, Some(reason)), "{response:?}");
            let grpc = request(user, tag).header("content-type", "application/grpc").header("te", "trailers");
            let response = client.send(&grpc).await?;
            let found = (response.status, response.header("grpc-status"));
            ensure!(found == (200, Some("14")), "{response:?}");
        }
        Ok(())
    })
    .await
}

async fn shares(
    client: &Client,
    requests: u32,
    key: impl Fn(u32) -> u32,
) -> Result<BTreeMap<String, u32>> {
    let mut connection = client.connect().await?;
    let mut shares = BTreeMap::new();
    for number in 0..requests {
        let response = connection.send(&request(key(number), None)).await?;
        *shares.entry(response.echo()?.upstream).or_default() += 1;
    }
    Ok(shares)
}

fn weights(by: Option<&str>) -> Value {
    let mut weight = json!({"label": "version", "values": [
        {"value": "v1", "weight": 80}, {"value": "gray", "weight": 20}]});
    if let Some(by) = by {
        weight["by"] = json!(by);
    }
    json!([
        {"name": "first", "condition": {"rules": [{"to": [{"labels": {"room": ["east"], "unit": ["u1"]}}]}]}},
        {"name": "canary", "weight": weight},
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_hold_by_chance_and_stick_by_key() -> Result<()> {
    on_every_version(async |scene| {
        for by in [None, Some("header.x-uid")] {
            let rooms = Rooms::open(scene, |document| {
                document["chains"]["default"] = weights(by);
            })
            .await?;
            expect_known(&rooms).await?;
            let client = rooms.client()?;
            // A fifth of 2,000 is 400, with a standard deviation of 18.
            let many = shares(&client, 2_000, |number| number).await?;
            let gray = many.get("east-u1-gray").copied().unwrap_or_default();
            ensure!(
                (300..=500).contains(&gray) && many.len() == 2,
                "{by:?}: {many:?}"
            );
            // One key: by chance it sees both, otherwise always the same.
            let one = shares(&client, 100, |_| 4711).await?;
            ensure!(
                one.len() == if by.is_some() { 1 } else { 2 },
                "{by:?}: {one:?}"
            );
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn both_filters_of_one_module_work_together() -> Result<()> {
    on_every_version(async |scene| {
        let tags = json!({"tags": [{"name": "x-mse-tag", "onIncoming": "strip", "rules": [
            {"name": "beta", "when": {"attribute": "header.x-uid", "in": [4, 5]}, "value": "gray"}]}]});
        let filters = [
            WasmFilter::traffic_tag(&tags)?.of_module("suite")?,
            WasmFilter::tag_route(&document())?.of_module("suite")?,
            // A plugin that names none of them does nothing.
            WasmFilter::new("suite", "")?.named("unknown"),
        ];
        let rooms = Rooms::open_with(scene, &filters).await?;
        expect_known(&rooms).await?;
        let client = rooms.client()?;
        for (user, claimed, place) in [
            (4, None, "east-u2-gray"),
            (5, None, "east-u3-gray"),
            (7, Some("gray"), "east-u2-v1"),
        ] {
            let found = ask(&client, &request(user, claimed)).await?;
            ensure!(found == place, "user {user} goes to {found}, not {place}");
        }
        ensure!(rooms.envoy.log()?.contains("the root id (pluginName) is `suite`"));
        Ok(())
    })
    .await
}

/// What a busy machine adds between two looks at the same thing.
const SLACK: Duration = Duration::from_millis(500);
