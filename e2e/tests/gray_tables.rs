//! The decision tables of `gray-release` on real Envoy. What causes a call is sent through another listener of the same proxy.

#![allow(clippy::indexing_slicing, reason = "a test may state what it expects")]

use anyhow::{Result, ensure};
use meshlane_decision_tables::gray_release;
use meshlane_e2e::{
    access_log::Entry,
    bootstrap::WasmFilter,
    client::Response,
    scene::on_every_version,
    table::{Expectation, Table, compare_headers, play},
};
use serde::Deserialize;
use serde_json::Value;

/// What tables expect, played on Envoy.
#[derive(Deserialize)]
#[serde(transparent)]
struct Expect(gray_release::Expect);

#[tokio::test]
async fn every_table_is_decided_as_it_says() -> Result<()> {
    on_every_version(play::<Expect>).await
}

impl Expectation for Expect {
    const FOLDER: &'static str = "gray-release";
    const COUNTERS: &'static [&'static str] = &["gray_release_carried", "gray_release_lanes"];

    fn filter(table: &Table<Self>) -> Result<WasmFilter> {
        Ok(WasmFilter::gray_release(&table.config)?.named(&table.name))
    }

    fn compare(&self, _: &Table<Self>, response: &Response) -> Result<()> {
        if let Some(reason) = &self.0.refused {
            let found = (response.status, response.header("x-meshlane-reason"));
            ensure!(found == (503, Some(reason)), "{response:?}");
            return Ok(());
        }
        for (name, expected) in &self.0.answer {
            let found = response.header(name);
            ensure!(
                found == expected.as_deref(),
                "the answer says {name}: {found:?}, not {expected:?}"
            );
        }
        compare_headers(&self.0.headers, &response.echo()?)
    }

    fn logged(entry: &Entry) -> Option<&str> {
        entry.gray.as_deref()
    }

    fn log_line(&self) -> Option<String> {
        let tags = self.0.tags.iter().map(|tag| {
            let value = tag.value.as_deref().unwrap_or("-");
            let lane = tag.lane.as_deref().unwrap_or("-");
            format!("{}={value};reason={};lane={lane}", tag.name, tag.reason)
        });
        let tags: Vec<String> = tags.collect();
        (!tags.is_empty()).then(|| tags.join(", "))
    }

    fn counters(&self, table: &Table<Self>) -> Vec<String> {
        let written = table.config["direction"].as_str();
        let direction = written.unwrap_or(&table.proxy.direction);
        let mut counters = Vec::new();
        for tag in &self.0.tags {
            let name = tag.name.replace('.', "_");
            let labels = format!("plugin={}.tag={name}", table.name);
            let reason = &tag.reason;
            counters.push(format!(
                "gray_release_carried.{labels}.direction={direction}.reason={reason}"
            ));
            if let Some(reason) = &tag.lane {
                let lane = tag.found.as_deref().filter(|found| has_lane(table, found));
                counters.push(format!(
                    "gray_release_lanes.{labels}.lane={}.direction={direction}.reason={reason}",
                    lane.unwrap_or("-")
                ));
            }
        }
        counters
    }
}

/// Whether a lane has this name. The value of a tag that is no lane's makes no metric.
fn has_lane(table: &Table<Expect>, name: &str) -> bool {
    let tags = table.config["tags"].as_array().into_iter().flatten();
    let mut lanes = tags.flat_map(|tag| {
        let lanes = tag.pointer("/lanes/lanes").and_then(Value::as_array);
        lanes.into_iter().flatten()
    });
    lanes.any(|lane| lane["name"] == name)
}
