//! One lane over a whole chain of services whose applications forward nothing but one identifier.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use meshlane_e2e::{
    chain::{self, Chain, GRAY_ALONE, GRAY_EVERYWHERE, NORMAL, Next, Options, Protocol},
    client::{Client, Request},
    poll,
    scene::on_last_version,
};
use serde_json::json;
use tokio::{sync::Mutex, task::JoinSet};

/// A chain is ten Envoys and six Java programs, and gets a thousand requests at once: one after the other.
static TURN: Mutex<()> = Mutex::const_new(());

/// A trace context, or a request id, of one request.
fn identifier(header: &'static str, number: u32) -> (&'static str, String) {
    let value = match header {
        "traceparent" => format!(
            "00-{:032x}-00f067aa0ba902b7-01",
            0x4bf9_0000_0000_u64 + u64::from(number)
        ),
        _ => format!("c6f2ae4b-2b4c-4d0e-8b1a-{number:012x}"),
    };
    (header, value)
}

/// Sends many requests at once, every second one of a gray user; says how many answers of each kind came.
async fn crowd(chain: &Chain, header: &'static str, size: u32, start: u32) -> Result<Answers> {
    let address = chain.gateway().envoy.address("outbound")?;
    let mut requests = JoinSet::new();
    for number in start..start + size {
        requests.spawn(async move {
            let is_gray = number % 2 == 1;
            let user = if is_gray { "gray-user" } else { "user" };
            let (name, value) = identifier(header, number);
            let request = Request::get("/")
                .authority("web.shop")
                .header("x-user", user)
                .header(name, value);
            let response = Client::http1(address).send(&request).await;
            let answer =
                response.map(|response| String::from_utf8_lossy(&response.body).into_owned());
            (is_gray, answer.unwrap_or_else(|error| format!("{error:#}")))
        });
    }
    let mut answers = Answers::default();
    for (is_gray, answer) in requests.join_all().await {
        match (is_gray, answer.as_str()) {
            (true, GRAY_EVERYWHERE) => answers.gray += 1,
            (false, NORMAL) => answers.normal += 1,
            _ => answers.others.push(format!("gray: {is_gray}, {answer}")),
        }
    }
    Ok(answers)
}

/// Asks as a gray user, with the next number each time, until the answer is the right one.
async fn ask_until(
    chain: &Chain,
    header: &'static str,
    numbers: &mut impl Iterator<Item = u32>,
    what: &str,
    is_right: impl Fn(&str) -> bool,
) -> Result<()> {
    poll::until(what, async || {
        let number = numbers.next().context("no numbers are left")?;
        let (name, value) = identifier(header, number);
        let answer = chain.ask("gray-user", (name, &value)).await?;
        let answer = String::from_utf8_lossy(&answer.body).into_owned();
        ensure!(is_right(&answer), "{answer}");
        Ok(())
    })
    .await
}

#[derive(Debug, Default, PartialEq)]
struct Answers {
    gray: u32,
    normal: u32,
    others: Vec<String>,
}

impl Answers {
    fn expect(&self, each: u32) -> Result<()> {
        ensure!(
            self.gray == each && self.normal == each && self.others.is_empty(),
            "{} gray, {} normal, {} others, as {:?}",
            self.gray,
            self.normal,
            self.others.len(),
            self.others.iter().take(3).collect::<Vec<_>>()
        );
        Ok(())
    }
}

/// A thousand at once: every gray one reaches every member of the lane, nobody else does.
async fn expect_lane(chain: &Chain, header: &'static str) -> Result<()> {
    // The first calls open connections and load classes.
    crowd(chain, header, 20, 0).await?.expect(10)?;
    crowd(chain, header, 1_000, 1_000).await?.expect(500)?;
    // What applications of ours counted.
    ensure!(chain.member("stock-gray")?.hop()?.count() == 510);
    ensure!(chain.member("stock-base")?.hop()?.count() == 510);
    ensure!(chain.member("price-base")?.hop()?.count() == 1_020);
    let order = chain.member("order-base")?;
    let restored = "gray_release_carried.plugin=gray.tag=x-mse-tag.direction=outbound.reason=carried-by-correlation";
    ensure!(order.stat(restored).await? == 510);
    chain.expect_alive().await
}

/// Calls that are made when the answer has long been given, and fifty at once.
async fn expect_later_and_many_calls(chain: &Chain, header: &'static str) -> Result<()> {
    let stock = chain.member("stock-gray")?;
    let next = Next::new(Protocol::Grpc, stock.outbound()?);
    stock
        .hop()?
        .call_later(next.clone(), Duration::from_millis(300));
    let (name, value) = identifier(header, 100_001);
    let answer = chain.ask("gray-user", (name, &value)).await?;
    ensure!(
        answer.body == "web-gray>order-base>stock-gray",
        "{answer:?}"
    );
    let late = poll::until("the later call", async || {
        let late = stock.hop()?.late();
        late.first().cloned().context("it was not made")
    })
    .await?;
    ensure!(late == "stock-gray>price-base>audit-gray", "{late}");

    stock.hop()?.call_often(next.clone(), 50);
    let (name, value) = identifier(header, 100_002);
    let answer = chain.ask("gray-user", (name, &value)).await?;
    let many = vec!["price-base>audit-gray"; 50].join("+");
    let expected = format!("web-gray>order-base>stock-gray>{many}");
    ensure!(answer.body == expected, "{answer:?}");
    stock.hop()?.call_next(next);
    Ok(())
}

/// Who comes past the routers is refused at the member of the lane itself.
async fn expect_nobody_else(chain: &Chain) -> Result<()> {
    let gray = chain.member("stock-gray")?;
    let before = gray.hop()?.count();
    let client = Client::http1(gray.inbound()?);
    let untagged = Request::get("/");
    for request in [untagged.clone(), untagged.header("x-mse-tag", "blue")] {
        let answer = client.send(&request).await?;
        let reason = answer.header("x-meshlane-reason");
        ensure!(
            answer.status == 503 && reason == Some("lane-untagged-refused"),
            "{request:?}: {answer:?}"
        );
    }
    ensure!(gray.hop()?.count() == before);
    ensure!(client.send(&Request::get("/health")).await?.status == 200);
    let refused = "gray_release_lanes.plugin=gray.tag=x-mse-tag.lane=-.direction=inbound.reason=lane-untagged-refused";
    ensure!(gray.stat(refused).await? == 2);
    Ok(())
}

/// What Envoy tries again keeps its tag.
async fn expect_retries(chain: &Chain, header: &'static str) -> Result<()> {
    let stock = chain.member("stock-gray")?.hop()?;
    let before = stock.count();
    stock.fail_next(2);
    let (name, value) = identifier(header, 100_003);
    let answer = chain.ask("gray-user", (name, &value)).await?;
    ensure!(answer.body == GRAY_EVERYWHERE, "{answer:?}");
    ensure!(stock.count() == before + 1);
    Ok(())
}

/// While a member of the lane is gone the baseline takes its place, at that hop alone.
async fn expect_fallback(chain: &mut Chain, header: &'static str) -> Result<()> {
    chain.kill("stock-gray")?;
    let fell_back = GRAY_EVERYWHERE.replace("stock-gray", "stock-base");
    let mut numbers = (200_001..).step_by(2);
    let mut ask = async |chain: &Chain, expected: &str| {
        ask_until(chain, header, &mut numbers, expected, |answer| {
            answer == expected
        })
        .await
    };
    ask(chain, &fell_back).await?;
    let answers = crowd(chain, header, 200, 300_000).await?;
    let expected = format!("gray: true, {fell_back}");
    let all_fell_back = answers.others.iter().all(|each| *each == expected);
    ensure!(
        answers.normal == 100 && answers.others.len() == 100 && all_fell_back,
        "{answers:?}"
    );
    chain.restart("stock-gray").await?;
    ask(chain, GRAY_EVERYWHERE).await?;
    crowd(chain, header, 200, 400_000).await?.expect(100)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_id_is_enough_to_keep_a_request_in_its_lane() -> Result<()> {
    let _turn = TURN.lock().await;
    on_last_version(async |scene| {
        let header = "traceparent";
        let mut chain = Chain::start(scene, Options::forwarding(header)).await?;
        expect_lane(&chain, header).await?;
        expect_later_and_many_calls(&chain, header).await?;
        expect_retries(&chain, header).await?;
        expect_nobody_else(&chain).await?;
        expect_fallback(&mut chain, header).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_is_enough_to_keep_a_request_in_its_lane() -> Result<()> {
    let _turn = TURN.lock().await;
    on_last_version(async |scene| {
        let header = "x-request-id";
        let chain = Chain::start(scene, Options::forwarding(header)).await?;
        expect_lane(&chain, header).await
    })
    .await
}

/// The agent forwards `traceparent` and `baggage`; what the tag is it does not know.
#[tokio::test(flavor = "multi_thread")]
async fn baggage_that_an_agent_forwards_keeps_a_request_in_its_lane() -> Result<()> {
    let _turn = TURN.lock().await;
    on_last_version(async |scene| {
        let mut document = chain::document("permissive");
        document["tags"][0]["carriers"] = json!([{"header": "x-mse-tag"}, {"baggage": "mse-tag"}]);
        // Nothing but baggage: no request is remembered.
        document["correlation"] = json!({"identifiers": []});
        let options = Options {
            carries: Some(document),
            agent: Some(chain::opentelemetry_agent()?),
            // What the agent does in the Java programs the others do by hand.
            forwards: vec!["traceparent", "baggage"],
            java_forwards: Vec::new(),
            ..Options::forwarding("baggage")
        };
        let chain = Chain::start(scene, options).await?;
        crowd(&chain, "traceparent", 20, 0).await?.expect(10)?;
        crowd(&chain, "traceparent", 200, 1_000).await?.expect(100)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_filter_the_lane_ends_at_the_first_service() -> Result<()> {
    let _turn = TURN.lock().await;
    on_last_version(async |scene| {
        let options = Options {
            carries: None,
            ..Options::forwarding("traceparent")
        };
        let chain = Chain::start(scene, options).await?;
        let (name, value) = identifier("traceparent", 1);
        let answer = chain.ask("gray-user", (name, &value)).await?;
        let answer = String::from_utf8_lossy(&answer.body).into_owned();
        ensure!(answer == NORMAL.replace("web-base", "web-gray"), "{answer}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_lane_is_never_left() -> Result<()> {
    let _turn = TURN.lock().await;
    on_last_version(async |scene| {
        let header = "traceparent";
        let options = Options::forwarding(header).strict();
        let mut chain = Chain::start(scene, options).await?;
        let mut numbers = (3..).step_by(2);
        let mut ask = async |chain: &Chain, expected: &str| {
            ask_until(chain, header, &mut numbers, expected, |answer| {
                answer.contains(expected)
            })
            .await
        };
        ask(&chain, GRAY_ALONE).await?;
        chain.kill("stock-gray")?;
        // The router of its caller refuses.
        ask(&chain, "route-refused").await?;
        let answers = crowd(&chain, header, 200, 10_000).await?;
        let refused = answers
            .others
            .iter()
            .all(|each| each.contains("route-refused"));
        ensure!(
            answers.normal == 100 && answers.others.len() == 100 && refused,
            "{answers:?}"
        );
        // And so does the sidecar of whoever is reached nevertheless.
        let before = chain.member("stock-base")?.hop()?.count();
        let base = chain.member("stock-base")?.inbound()?;
        let request = Request::get("/").header("x-mse-tag", "gray");
        let answer = Client::http1(base).send(&request).await?;
        let reason = answer.header("x-meshlane-reason");
        ensure!(
            answer.status == 503 && reason == Some("lane-left"),
            "{answer:?}"
        );
        ensure!(chain.member("stock-base")?.hop()?.count() == before);
        chain.restart("stock-gray").await?;
        ask(&chain, GRAY_ALONE).await
    })
    .await
}
