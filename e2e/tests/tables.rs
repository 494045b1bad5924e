//! The decision tables of `traffic-tag` on real Envoy.

use anyhow::{Context, Result, anyhow, ensure};
use meshlane_decision_tables::traffic_tag::{self, Tag};
use meshlane_e2e::{
    access_log::Entry,
    bootstrap::WasmFilter,
    client::Response,
    scene::on_every_version,
    table::{Expectation, Table, compare_headers, play},
};
use serde::Deserialize;

/// What tables expect, played on Envoy.
#[derive(Deserialize)]
#[serde(transparent)]
struct Expect(traffic_tag::Expect);

#[tokio::test]
async fn every_table_is_decided_as_it_says() -> Result<()> {
    on_every_version(play::<Expect>).await
}

impl Expectation for Expect {
    const FOLDER: &'static str = "traffic-tag";
    const COUNTERS: &'static [&'static str] = &["traffic_tag_"];

    fn filter(table: &Table<Self>) -> Result<WasmFilter> {
        Ok(WasmFilter::traffic_tag(&table.config)?.named(&table.name))
    }

    fn compare(&self, _: &Table<Self>, response: &Response) -> Result<()> {
        compare_headers(&self.0.headers, &response.echo()?)?;
        let (found, expected) = (response.header("set-cookie"), self.0.set_cookie.as_deref());
        let found = found.map(without_id).transpose()?;
        let expected = expected.map(without_id).transpose()?;
        ensure!(
            found == expected,
            "set-cookie is {found:?}, not {expected:?}"
        );
        Ok(())
    }

    fn logged(entry: &Entry) -> Option<&str> {
        entry.tags.as_deref()
    }

    fn log_line(&self) -> Option<String> {
        let tag = |tag: &Tag| {
            let (value, rule) = (
                tag.value.as_deref().unwrap_or("-"),
                tag.rule.as_deref().unwrap_or("-"),
            );
            format!("{}={value};rule={rule};reason={}", tag.name, tag.reason)
        };
        let tags: Vec<String> = self.0.tags.iter().map(tag).collect();
        (!tags.is_empty()).then(|| tags.join(", "))
    }

    fn counters(&self, table: &Table<Self>) -> Vec<String> {
        let mut counters = Vec::new();
        for tag in &self.0.tags {
            let labels = format!("plugin={}.tag={}", table.name, tag.name.replace('.', "_"));
            let rule = tag.rule.as_deref().unwrap_or("-");
            let reason = &tag.reason;
            counters.push(format!(
                "traffic_tag_decisions.{labels}.rule={rule}.reason={reason}"
            ));
            if tag.incoming != "incoming-absent" {
                let reason = &tag.incoming;
                counters.push(format!("traffic_tag_incoming.{labels}.reason={reason}"));
            }
        }
        counters
    }
}

/// A sticky cookie without its id, which is random.
fn without_id(cookie: &str) -> Result<(&str, &str)> {
    let parts = cookie.split_once('=').zip(cookie.split_once("; "));
    let ((name, rest), (_, attributes)) = parts.with_context(|| anyhow!("no cookie: {cookie}"))?;
    let id = rest.split(';').next().unwrap_or_default();
    ensure!(
        id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "no id: {cookie}"
    );
    Ok((name, attributes))
}
