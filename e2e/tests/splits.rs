//! Shares of the traffic: as large as configured, sticky, and only growing when the share grows.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    bootstrap::WasmFilter,
    client::{Protocol, Request},
    poll,
    scene::on_every_version,
    shop::Shop,
};
use serde_json::{Value, json};

const IDS: u32 = 10_000;

/// How many go gray of `requests` with a share of `percent`, within 5 standard deviations of a binomial distribution.
/// By chance that fails once in 1.7 million times; with fixed ids it either always holds or never.
fn bounds(requests: u32, percent: f64) -> std::ops::RangeInclusive<usize> {
    let share = percent / 100.0;
    let mean = f64::from(requests) * share;
    let margin = 5.0 * (mean * (1.0 - share)).sqrt();
    (mean - margin).floor() as usize..=(mean + margin).ceil() as usize
}

/// A split by user id; the header `x-share` shows which document a request was decided by.
fn split_by_uid(percent: f64) -> Value {
    json!({"tags": [
        {"name": "x-mse-tag", "rules": [{"name": "share", "split": {
            "by": {"attribute": "cookie.uid"},
            "salt": "exp-7",
            "values": [{"value": "gray", "weight": percent}],
        }}]},
        {"name": "x-share", "default": percent.to_string()},
    ]})
}

/// The ids that go gray.
async fn gray_ids(shop: &Shop, ids: std::ops::Range<u32>) -> Result<BTreeSet<u32>> {
    let mut connection = shop.client(Protocol::Http1)?.connect().await?;
    let mut gray = BTreeSet::new();
    for id in ids {
        let request = Request::get("/").header("cookie", format!("uid=user-{id}"));
        let echo = connection.send(&request).await?.echo()?;
        let tag = echo.header("x-mse-tag");
        match (echo.upstream.as_str(), tag.as_deref()) {
            ("gray", Some("gray")) => _ = gray.insert(id),
            ("v1", None) => {}
            (upstream, tag) => anyhow::bail!("user-{id} tagged {tag:?} went to {upstream}"),
        }
    }
    Ok(gray)
}

#[tokio::test]
async fn a_sticky_share_has_its_size_and_only_grows() -> Result<()> {
    on_every_version(async |scene| {
        let filter = |percent| WasmFilter::traffic_tag(&split_by_uid(percent));
        let (shop, file) = Shop::live_gateway(scene, &filter(10.0)?).await?;
        let at_10 = gray_ids(&shop, 0..IDS).await?;
        assert!(
            bounds(IDS, 10.0).contains(&at_10.len()),
            "{} of {IDS} at 10 %",
            at_10.len()
        );
        let again = gray_ids(&shop, 0..500).await?;
        assert_eq!(
            again,
            at_10.range(..500).copied().collect(),
            "the same users again"
        );

        file.publish(&filter(25.0)?)?;
        poll::until("the larger share is in force", async || {
            let share = shop.echo(&Request::get("/")).await?.header("x-share");
            ensure!(share.as_deref() == Some("25"), "{share:?}");
            Ok(())
        })
        .await?;
        let at_25 = gray_ids(&shop, 0..IDS).await?;
        assert!(
            bounds(IDS, 25.0).contains(&at_25.len()),
            "{} of {IDS} at 25 %",
            at_25.len()
        );
        assert!(at_10.is_subset(&at_25), "nobody leaves when a share grows");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_request_without_the_key_is_not_split() -> Result<()> {
    on_every_version(async |scene| {
        let shop = Shop::gateway(scene, &split_by_uid(100.0)).await?;
        assert_eq!(
            shop.echo(&Request::get("/").header("cookie", "uid=any"))
                .await?
                .upstream,
            "gray"
        );
        assert_eq!(
            shop.echo(&Request::get("/").header("cookie", "other=any"))
                .await?
                .upstream,
            "v1"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_random_split_has_its_size() -> Result<()> {
    const REQUESTS: u32 = 1_000;
    on_every_version(async |scene| {
        let shop = Shop::gateway(
            scene,
            &json!({"tags": [{"name": "x-mse-tag", "rules": [
                {"split": {"by": {"random": true}, "values": [{"value": "gray", "weight": 30}]}},
            ]}]}),
        )
        .await?;
        let mut connection = shop.client(Protocol::Http1)?.connect().await?;
        let mut gray = 0;
        for _ in 0..REQUESTS {
            let echo = connection
                .send(&Request::get("/").header("cookie", "uid=one"))
                .await?
                .echo()?;
            gray += usize::from(echo.upstream == "gray");
        }
        assert!(
            bounds(REQUESTS, 30.0).contains(&gray),
            "{gray} of {REQUESTS} at 30 %"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_sticky_cookie_makes_the_choice_last_but_is_not_the_choice() -> Result<()> {
    on_every_version(async |scene| {
        let shop = Shop::gateway(
            scene,
            &json!({"tags": [{"name": "x-mse-tag", "rules": [{"split": {
                "by": {"stickyCookie": {"name": "meshlane-id", "maxAge": 3600}},
                "salt": "sticky",
                "values": [{"value": "gray", "weight": 50}],
            }}]}]}),
        )
        .await?;
        let client = shop.client(Protocol::Http1)?;
        let mut seen = BTreeSet::new();
        // Both lanes within 64 browsers; missing one happens once in 2^63 times.
        for _ in 0..64 {
            let first = client.send(&Request::get("/")).await?;
            let set_cookie = first
                .header("set-cookie")
                .context("no cookie is set")?
                .to_owned();
            let (pair, rest) = set_cookie
                .split_once("; ")
                .context("a cookie without attributes")?;
            assert_eq!(rest, "Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax");
            let id = pair
                .strip_prefix("meshlane-id=")
                .context("another cookie")?;
            assert!(
                id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{id}"
            );
            let lane = first.echo()?.upstream;

            let returning = Request::get("/").header("cookie", format!("a=b; {pair}; c=d"));
            for _ in 0..3 {
                let response = client.send(&returning).await?;
                assert_eq!(
                    response.header("set-cookie"),
                    None,
                    "the browser has one already"
                );
                assert_eq!(response.echo()?.upstream, lane, "the lane lasts");
            }
            seen.insert(lane);
            if seen.len() == 2 {
                break;
            }
        }
        assert_eq!(seen.len(), 2, "both lanes");
        // A client cannot write a lane into the cookie; what is no id is replaced.
        let forged = client
            .send(&Request::get("/").header("cookie", "meshlane-id=gray"))
            .await?;
        assert!(
            forged
                .header("set-cookie")
                .is_some_and(|cookie| cookie.starts_with("meshlane-id="))
        );
        Ok(())
    })
    .await
}
