//! The dashboard for Grafana and the rules for Prometheus that users get.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;

use crate::scene::{workspace, yaml};

/// As much of a dashboard as there is to check.
#[derive(Clone, Debug, Deserialize)]
pub struct Dashboard {
    /// Rows among them.
    pub panels: Vec<Panel>,
    templating: Templating,
}

/// A part of a dashboard.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Panel {
    /// The number by which links name it.
    pub id: u32,
    /// What it is called.
    pub title: String,
    /// `row` for what only divides.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it is.
    pub grid_pos: Area,
    /// Where its data comes from.
    pub datasource: Option<DataSource>,
    /// What it shows.
    #[serde(default)]
    pub targets: Vec<Query>,
}

/// A place in Grafana's grid of 24 columns.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Area {
    x: u32,
    y: u32,
    w: u32,
    h: u32,
}

/// A query of a panel.
#[derive(Clone, Debug, Deserialize)]
pub struct Query {
    /// The expression, with variables.
    pub expr: String,
    /// Where its data comes from.
    pub datasource: DataSource,
}

/// A data source by its id, or by the name of a variable.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DataSource {
    /// The variable is `${datasource}`.
    pub uid: String,
}

/// What a user can choose from.
#[derive(Clone, Debug, Deserialize)]
pub struct Variable {
    /// `$name` in queries.
    pub name: String,
    /// Of a variable whose values are asked for.
    pub datasource: Option<DataSource>,
    query: Value,
}

#[derive(Clone, Debug, Deserialize)]
struct Templating {
    list: Vec<Variable>,
}

/// An alert.
#[derive(Clone, Debug, Deserialize)]
pub struct Rule {
    /// The name.
    pub alert: String,
    /// Its condition.
    pub expr: String,
    /// How bad it is.
    pub labels: Severity,
    /// What it tells.
    pub annotations: Annotations,
}

/// How bad an alert is.
#[derive(Clone, Debug, Deserialize)]
pub struct Severity {
    /// `critical`, `warning` or `info`.
    pub severity: String,
}

/// What an alert tells.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Annotations {
    /// What is wrong, in a line.
    pub summary: String,
    /// What it means.
    pub description: String,
    /// What to do: a file of the documentation, and a heading in it.
    pub runbook_url: String,
}

impl Dashboard {
    /// The one that there is.
    pub fn read() -> Result<Self> {
        Ok(serde_json::from_str(
            &fs::read_to_string(dashboard_file())?,
        )?)
    }

    /// The queries of all panels with everything chosen, each with the title of its panel.
    pub fn queries(&self) -> impl Iterator<Item = (&str, String)> {
        self.panels.iter().flat_map(|panel| {
            let queries = panel.targets.iter();
            queries.map(|query| (panel.title.as_str(), self.filled_in(&query.expr)))
        })
    }

    /// The variables.
    pub fn variables(&self) -> &[Variable] {
        &self.templating.list
    }

    /// The label whose values a variable has, and the selector of the series that have it, with everything chosen in other variables;
    /// none for a variable that has other values.
    pub fn label_values(&self, variable: &Variable) -> Option<(String, String)> {
        let query = variable.query.get("query")?.as_str()?;
        let arguments = query.strip_prefix("label_values(")?.strip_suffix(')')?;
        let (selector, label) = arguments.rsplit_once(", ")?;
        Some((label.to_owned(), self.filled_in(selector)))
    }

    fn filled_in(&self, text: &str) -> String {
        let text = text.replace("$__rate_interval", "30s");
        let variables = self.variables().iter();
        variables.fold(text, |text, variable| {
            text.replace(&format!("${}", variable.name), ".*")
        })
    }
}

impl Area {
    /// Whether two cover a place together.
    pub fn overlaps(&self, other: &Self) -> bool {
        let meets = |a: u32, a_size: u32, b: u32, b_size: u32| a < b + b_size && b < a + a_size;
        meets(self.x, self.w, other.x, other.w) && meets(self.y, self.h, other.y, other.h)
    }

    /// Whether it is in the grid.
    pub fn fits(&self) -> bool {
        self.w > 0 && self.h > 0 && self.x + self.w <= COLUMNS
    }
}

/// All alerts.
pub fn rules() -> Result<Vec<Rule>> {
    #[derive(Deserialize)]
    struct File {
        groups: Vec<Group>,
    }
    #[derive(Deserialize)]
    struct Group {
        rules: Vec<Rule>,
    }
    let file: File = serde_json::from_value(yaml(rules_file())?)?;
    Ok(file
        .groups
        .into_iter()
        .flat_map(|group| group.rules)
        .collect())
}

/// The names of our metrics in a text.
pub fn metrics(text: &str) -> BTreeSet<String> {
    let is_part = |part: char| part.is_ascii_lowercase() || part == '_';
    let words = text.split(|part| !is_part(part));
    words
        .filter(|word| word.starts_with("meshlane_") && !word.ends_with('_'))
        .map(str::to_owned)
        .collect()
}

/// The dashboard.
pub fn dashboard_file() -> PathBuf {
    folder().join("grafana").join("meshlane.json")
}

/// The rules; their tests are beside them.
pub fn rules_file() -> PathBuf {
    folder().join("prometheus").join("rules.yaml")
}

fn folder() -> PathBuf {
    Path::new(workspace()).join("observability")
}

const COLUMNS: u32 = 24;
