//! The decision tables of `tag-route` on real Envoy.

use anyhow::{Result, ensure};
use meshlane_decision_tables::tag_route::{self, Step};
use meshlane_e2e::{
    access_log::Entry,
    bootstrap::WasmFilter,
    client::Response,
    scene::on_every_version,
    table::{Expectation, Table, play},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// What tables expect, played on Envoy.
#[derive(Deserialize)]
#[serde(transparent)]
struct Expect(tag_route::Expect);

#[tokio::test]
async fn every_table_is_decided_as_it_says() -> Result<()> {
    on_every_version(play::<Expect>).await
}

impl Expectation for Expect {
    const FOLDER: &'static str = "tag-route";
    const COUNTERS: &'static [&'static str] = &["tag_route_decisions", "tag_route_steps"];

    fn filter(table: &Table<Self>) -> Result<WasmFilter> {
        let mut config = table.config.clone();
        // Each table has an admin interface of its own that says what the table wants.
        if let Some(cluster) = config.pointer_mut("/health/cluster") {
            *cluster = json!(admin(table));
        }
        if let Some(health) = config.pointer_mut("/health").and_then(Value::as_object_mut) {
            health.insert("interval".to_owned(), json!(0.2));
        }
        Ok(WasmFilter::tag_route(&config)?.named(&table.name))
    }

    fn asked(table: &Table<Self>) -> Option<(String, Value)> {
        let health = table.health.as_ref()?;
        let statuses = health.iter().map(|(name, (healthy, total))| {
            let hosts = (0..*total).map(|host| {
                let status = if host < *healthy {
                    "HEALTHY"
                } else {
                    "UNHEALTHY"
                };
                json!({"health_status": {"eds_health_status": status}})
            });
            json!({"name": name, "host_statuses": hosts.collect::<Vec<_>>()})
        });
        let answer = json!({"cluster_statuses": statuses.collect::<Vec<_>>()});
        Some((admin(table), answer))
    }

    fn ready(table: &Table<Self>) -> Option<String> {
        let first = table.cases.first()?;
        let health = first.expect.0.health.as_ref()?;
        table.health.as_ref().map(|_| format!(";health={health}"))
    }

    fn compare(&self, table: &Table<Self>, response: &Response) -> Result<()> {
        let is_refused = matches!(self.0.reason.as_str(), "route-refused" | "route-nobody");
        if is_refused {
            let found = (response.status, response.header("x-meshlane-reason"));
            ensure!(found == (503, Some(&*self.0.reason)), "{response:?}");
            return Ok(());
        }
        let text = |path: &str| table.config.pointer(path).and_then(Value::as_str);
        let header = text("/output/header").unwrap_or("x-meshlane-route");
        let found = response.echo()?.header(&header.to_ascii_lowercase());
        let name = self.0.destination.as_deref();
        let expected = match text("/output/value") {
            Some("cluster") => {
                name.and_then(|name| cluster(&table.config, self.0.service.as_deref()?, name))
            }
            _ => name,
        };
        ensure!(
            found.as_deref() == expected,
            "{header} is {found:?}, not {expected:?}"
        );
        Ok(())
    }

    fn logged(entry: &Entry) -> Option<&str> {
        entry.route.as_deref()
    }

    fn log_line(&self) -> Option<String> {
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
        let (service, destination) = (name(&self.0.service), name(&self.0.destination));
        let mut line = format!("{service}={destination};reason={}", self.0.reason);
        if let Some(health) = &self.0.health {
            line += &format!(";health={health}");
        }
        for step in &self.0.steps {
            line += &format!(
                ";{}={}:{}",
                step.router,
                printed(&name(&step.value)),
                step.reason
            );
        }
        Some(line)
    }

    fn counters(&self, table: &Table<Self>) -> Vec<String> {
        let label = |text: &str| text.replace('.', "_");
        let (plugin, service) = (&table.name, self.0.service.as_deref().unwrap_or("-"));
        let labels = format!("plugin={plugin}.service={}", label(service));
        let reason = &self.0.reason;
        let mut counters = vec![format!("tag_route_decisions.{labels}.reason={reason}")];
        for Step { router, reason, .. } in &self.0.steps {
            counters.push(format!(
                "tag_route_steps.{labels}.router={router}.reason={reason}"
            ));
        }
        counters
    }
}

/// What the log makes of a value: no separators, and no more than 64 characters.
fn printed(value: &str) -> String {
    let allowed = |c: char| c.is_ascii_graphic() && !";,\"\\=:".contains(c);
    value
        .chars()
        .take(64)
        .map(|c| if allowed(c) { c } else { '_' })
        .collect()
}

/// The cluster of a destination.
fn cluster<'c>(config: &'c Value, service: &str, destination: &str) -> Option<&'c str> {
    let named = |list: &'c Value, name: &str| {
        let mut list = list.as_array()?.iter();
        list.find(|each| each.get("name").and_then(Value::as_str) == Some(name))
    };
    let service = named(config.get("services")?, service)?;
    named(service.get("destinations")?, destination)?
        .get("cluster")?
        .as_str()
}

fn admin(table: &Table<Expect>) -> String {
    format!("admin of {}", table.name)
}
