//! The dashboard is one that Grafana reads, and alerts lead to the documentation.

use std::{collections::BTreeSet, fs, process::Command};

use anyhow::{Context, Result, ensure};
use meshlane_e2e::{
    bootstrap::Bootstrap,
    dashboard::{Dashboard, dashboard_file, rules},
    istio::labels_of_metrics,
    scene::{workspace, yaml},
};
use serde_json::Value;

/// Grafana's own types hold it: an option that there is not, or a value that is none, does not compile.
#[test]
fn the_dashboard_is_of_grafanas_types() -> Result<()> {
    let types = workspace().join("target").join("grafana").canonicalize();
    let types = types.context("Grafana's types are missing: run `make observability`")?;
    let folder = tempfile::Builder::new().prefix("meshlane-").tempdir()?;
    std::os::unix::fs::symlink(
        types.join("node_modules"),
        folder.path().join("node_modules"),
    )?;
    let ours = workspace().join("e2e").join("grafana").join("dashboard.ts");
    fs::copy(ours, folder.path().join("dashboard.ts"))?;
    let constant = format!(
        "import type {{ Dashboard }} from './dashboard';\nexport const dashboard: Dashboard = {}",
        fs::read_to_string(dashboard_file())?
    );
    fs::write(folder.path().join("meshlane.ts"), constant)?;
    let compiled = Command::new("node")
        .arg("node_modules/typescript/bin/tsc")
        .args(["--noEmit", "--strict", "--skipLibCheck"])
        .args(["--module", "nodenext", "meshlane.ts"])
        .current_dir(folder.path())
        .output()
        .context("node does not start")?;
    ensure!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stdout)
    );
    Ok(())
}

#[test]
fn panels_have_ids_and_places_of_their_own_and_the_chosen_data_source() -> Result<()> {
    let dashboard = Dashboard::read()?;
    let ids: BTreeSet<u32> = dashboard.panels.iter().map(|panel| panel.id).collect();
    ensure!(
        ids.len() == dashboard.panels.len(),
        "two panels have one id"
    );
    for (index, panel) in dashboard.panels.iter().enumerate() {
        let title = &panel.title;
        ensure!(panel.grid_pos.fits(), "{title} does not fit");
        for other in dashboard.panels.iter().skip(index + 1) {
            let overlaps = panel.grid_pos.overlaps(&other.grid_pos);
            ensure!(!overlaps, "{title} and {} overlap", other.title);
        }
        if panel.kind == "row" {
            continue;
        }
        ensure!(!panel.targets.is_empty(), "{title} shows nothing");
        let queries = panel.targets.iter().map(|query| Some(&query.datasource));
        for datasource in queries.chain([panel.datasource.as_ref()]) {
            let uid = datasource.map(|datasource| datasource.uid.as_str());
            ensure!(uid == Some("${datasource}"), "{title}: {uid:?}");
        }
        for query in &panel.targets {
            let selects = query
                .expr
                .contains(r#"namespace=~"$namespace",instance=~"$instance""#);
            ensure!(selects, "{title} shows others than those that are chosen");
        }
    }
    for variable in dashboard.variables() {
        let uid = variable
            .datasource
            .as_ref()
            .map(|datasource| datasource.uid.as_str());
        let is_source = variable.name == "datasource";
        ensure!(uid.is_none() == is_source && uid.is_none_or(|uid| uid == "${datasource}"));
    }
    Ok(())
}

#[test]
fn every_alert_has_a_runbook() -> Result<()> {
    let mut runbooks = BTreeSet::new();
    for rule in rules()? {
        let alert = &rule.alert;
        let said = &rule.annotations;
        ensure!(
            !said.summary.is_empty() && !said.description.is_empty(),
            "{alert} says nothing"
        );
        ensure!(
            ["critical", "warning", "info"].contains(&rule.labels.severity.as_str()),
            "{alert}"
        );
        let (page, heading) = said.runbook_url.split_once('#').context(alert.clone())?;
        let text = fs::read_to_string(workspace().join(page)).context(alert.clone())?;
        let line = format!("\n## {alert}\n");
        ensure!(
            text.contains(&line) && heading == alert.to_lowercase(),
            "{page} has no part on {alert}"
        );
        ensure!(runbooks.insert(alert.clone()), "{alert} is there twice");
    }
    // And none on alerts that there are not.
    let page = fs::read_to_string(workspace().join("docs/guide/alerts.md"))?;
    let headings = page
        .lines()
        .filter_map(|line| line.strip_prefix("## Meshlane"));
    let headings: BTreeSet<String> = headings.map(|name| format!("Meshlane{name}")).collect();
    ensure!(headings == runbooks, "{headings:?}");
    Ok(())
}

/// What users are told to put into a bootstrap is what all scenarios have in theirs.
#[test]
fn everybody_is_given_the_labels_of_the_scenarios() -> Result<()> {
    let ours = Bootstrap::bare().to_json();
    let ours = ours.get("stats_config").context("no labels")?;
    let page = fs::read_to_string(workspace().join("docs/guide/observability.md"))?;
    let block = page
        .split("```json\n")
        .find(|text| text.starts_with(r#"{"stats_config""#))
        .and_then(|text| text.split("```").next())
        .context("no stats_config")?;
    let guide: Value = serde_json::from_str(block)?;
    let on_istio: Value = serde_json::from_str(&labels_of_metrics()?)?;
    let in_containers = yaml("compose/envoy/bootstrap.yaml")?;
    for (place, theirs) in [
        ("the guide", guide),
        ("Istio", on_istio),
        ("containers", in_containers),
    ] {
        ensure!(theirs.get("stats_config") == Some(ours), "{place}");
    }
    Ok(())
}
