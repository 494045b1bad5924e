//! Everything that the dashboard and the alerts ask for, asked of a real Prometheus that scrapes real Envoys.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    dashboard::{Dashboard, metrics, rules, rules_file},
    observed::Observed,
    poll,
    prometheus::{Prometheus, PrometheusApi, promtool},
    scene::on_last_version,
};

/// Those whose condition nobody can bring about at will: it takes many workers that write at the same moment.
const NOT_PROVOKED: [&str; 1] = ["MeshlaneLimitContention"];

/// Parts of queries that find nothing but zeros: of what nobody can bring about at will, or is over in no time.
const QUIET: [&str; 3] = [
    "limit-contended-.*",
    "meshlane_rate_limit_lost",
    "meshlane_dubbo_buffered_bytes",
];

/// The one that needs a whole service to be gone.
const LAST: &str = "MeshlaneNoHealthyDestination";

async fn alerting(prometheus: &PrometheusApi) -> Result<BTreeSet<String>> {
    let alerts = prometheus.alerts().await?.into_iter();
    Ok(alerts
        .filter_map(|mut alert| alert.labels.remove("alertname"))
        .collect())
}

/// Sends requests until exactly these alerts have their conditions fulfilled.
async fn expect_alerts(
    prometheus: &PrometheusApi,
    observed: &mut Observed,
    expected: &BTreeSet<String>,
) -> Result<()> {
    poll::patiently("the alerts", async || {
        observed.unusual().await?;
        // A rate needs two scrapes, a second apart.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let found = alerting(prometheus).await?;
        let missing: Vec<_> = expected.difference(&found).collect();
        let surplus: Vec<_> = found.difference(expected).collect();
        ensure!(
            missing.is_empty() && surplus.is_empty(),
            "not alerted: {missing:?}; alerted for nothing: {surplus:?}"
        );
        Ok(())
    })
    .await
}

/// Every query of every panel finds something that happened, and every variable has values.
async fn expect_panels(prometheus: &PrometheusApi, dashboard: &Dashboard) -> Result<()> {
    let mut empty = Vec::new();
    for (panel, query) in dashboard.queries() {
        let samples = prometheus.query(&query).await?;
        let may_be_quiet = QUIET.iter().any(|quiet| query.contains(quiet));
        let is_seen = |value: f64| may_be_quiet || (value != 0.0 && !value.is_nan());
        if !samples.iter().any(|sample| is_seen(sample.value)) {
            empty.push(format!("{panel}: {query}"));
        }
    }
    ensure!(empty.is_empty(), "nothing happened:\n{}", empty.join("\n"));
    let mut asked = 0;
    for variable in dashboard.variables() {
        let Some((label, selector)) = dashboard.label_values(variable) else {
            continue;
        };
        let values = prometheus.label_values(&label, &selector).await?;
        ensure!(!values.is_empty(), "${} has no values", variable.name);
        asked += 1;
    }
    ensure!(asked == 4, "{asked} variables have values to ask for");
    Ok(())
}

/// What is mentioned is there.
async fn expect_metrics(prometheus: &PrometheusApi, mentioned: &BTreeSet<String>) -> Result<()> {
    let names = prometheus.label_values("__name__", r#"{__name__=~"meshlane_.*"}"#);
    let there: BTreeSet<String> = names.await?.into_iter().collect();
    let missing: Vec<_> = mentioned.difference(&there).collect();
    ensure!(missing.is_empty(), "nobody has {missing:?}");
    // And nothing that there is goes unseen.
    let of_histogram = |name: &str| {
        ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .map(|name| format!("{name}_bucket"))
    };
    let unseen: Vec<_> = there
        .iter()
        .filter(|name| {
            let shown = of_histogram(name);
            !mentioned.contains(*name) && !shown.is_some_and(|shown| mentioned.contains(&shown))
        })
        .collect();
    ensure!(unseen.is_empty(), "no panel shows {unseen:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_panel_has_data_and_every_alert_its_cause() -> Result<()> {
    on_last_version(async |scene| {
        let dashboard = Dashboard::read()?;
        let rules = rules()?;
        let prometheus = Prometheus::start(scene, &rules_file()).await?;
        let mut observed = Observed::start(scene).await?;
        prometheus.scrape(&observed.targets()?).await?;
        let found = prometheus.api();
        // Longer than the window of a rule's first evaluations takes.
        for _ in 0..6 {
            observed.usual().await?;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let alerts = alerting(&found).await?;
        ensure!(alerts.is_empty(), "on a usual day: {alerts:?}");

        observed.break_down(scene).await?;
        prometheus.scrape(&observed.targets()?).await?;
        let mut expected: BTreeSet<String> = rules.iter().map(|rule| rule.alert.clone()).collect();
        for other in NOT_PROVOKED.iter().chain([&LAST]) {
            ensure!(expected.remove(*other), "there is no alert {other}");
        }
        expect_alerts(&found, &mut observed, &expected).await?;
        observed.break_down_more()?;
        expected.insert(LAST.to_owned());
        expect_alerts(&found, &mut observed, &expected).await?;

        expect_panels(&found, &dashboard).await?;
        let queries = dashboard.queries().map(|(_, query)| query);
        let conditions = rules.iter().map(|rule| rule.expr.clone());
        for condition in conditions.clone() {
            found.query(&condition).await?;
        }
        let mentioned = queries.chain(conditions).collect::<Vec<_>>().join("\n");
        expect_metrics(&found, &metrics(&mentioned)).await
    })
    .await
}

#[test]
fn alerts_come_and_stay_away_as_their_tests_say() -> Result<()> {
    let file = rules_file();
    let folder = file.parent().context("a folder")?;
    promtool(folder, &["check", "rules", "rules.yaml"])?;
    promtool(folder, &["test", "rules", "rules-test.yaml"])?;
    let tests = std::fs::read_to_string(folder.join("rules-test.yaml"))?;
    for rule in rules()? {
        let name = format!("- name: {}\n", rule.alert);
        ensure!(tests.contains(&name), "{} has no test", rule.alert);
    }
    Ok(())
}
