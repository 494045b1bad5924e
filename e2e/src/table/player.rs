//! Plays tables on an Envoy.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use super::{Case, Expectation, Table, direction, identity, jwt_payload_key, request, tables};
use crate::{
    access_log::{AccessLog, ID_HEADER},
    bootstrap::{Bootstrap, Direction, Listener, Tls, jwt_authn},
    client::{Client, Protocol, Response},
    envoy::Envoy,
    jwt::TokenIssuer,
    pki::Authority,
    poll,
    scene::Scene,
    upstream::Upstream,
};

/// Plays all tables of a filter by HTTP/1.1 and HTTP/2; fails with all differences.
pub async fn play<E: Expectation>(scene: &Scene) -> Result<()> {
    let mut wrong = Vec::new();
    for tables in tables::<E>()? {
        wrong.extend(Player::start(scene, &tables).await?.play(&tables).await?);
    }
    ensure!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Ok(())
}

/// One Envoy with a listener a table, and everything that clients need.
struct Player {
    envoy: Envoy,
    authority: Authority,
    issuer: TokenIssuer,
    log: AccessLog,
    // They end with the player.
    _upstreams: Vec<Upstream>,
}

impl Player {
    async fn start<E: Expectation>(scene: &Scene, tables: &[Table<E>]) -> Result<Self> {
        let mut upstreams = vec![Upstream::start("v1").await?];
        let (authority, issuer, log) = (
            Authority::new()?,
            TokenIssuer::new()?,
            AccessLog::new(scene)?,
        );
        let tls = Tls::new(&authority)?;
        let node = identity(&tables.first().context("no tables")?.proxy);
        let mut bootstrap = Bootstrap::new(node);
        for table in tables {
            let mut listener = Listener::new(&table.name)
                .direction(direction(&table.proxy)?)
                .access_log(log.file())
                // The address that Envoy takes for the client's is the one that the client has.
                .use_remote_address();
            let mut requests = table.cases.iter().map(|case| &case.request);
            if requests.clone().any(|request| request.scheme == "https") {
                listener = listener.tls(&tls);
            }
            if requests.any(|request| request.jwt.is_some()) {
                let key = jwt_payload_key(&table.config);
                listener = listener.http_filter(jwt_authn(&issuer, key)?);
            }
            let filter = E::filter(table)?;
            if table.cases.iter().any(|case| case.cause.is_some()) {
                let filter = filter.clone().named(CAUSE);
                let listener = Listener::new(&cause_of(&table.name)).direction(Direction::Inbound);
                bootstrap = bootstrap.listener(listener.filter(&filter));
            }
            bootstrap = bootstrap.listener(listener.filter(&filter));
            if let Some((cluster, answer)) = E::asked(table) {
                upstreams.push(Upstream::answering(&cluster, answer.to_string()).await?);
            }
        }
        let clusters: Vec<&Upstream> = upstreams.iter().collect();
        bootstrap = bootstrap.upstreams(&clusters);
        Ok(Self {
            envoy: Envoy::start(scene, &bootstrap).await?,
            authority,
            issuer,
            log,
            _upstreams: upstreams,
        })
    }

    /// Plays all cases by both protocols; returns the differences.
    async fn play<E: Expectation>(&self, tables: &[Table<E>]) -> Result<Vec<String>> {
        for table in tables {
            self.expect_ready(table).await?;
        }
        let before = self.counters::<E>().await?;
        let mut wrong = Vec::new();
        let mut lines = BTreeMap::new();
        for (table, case, protocol) in plays(tables) {
            let id = format!("{}: {} ({protocol:?})", table.name, case.name);
            let response = self.send(table, case, protocol, &id).await;
            let compared = response.and_then(|response| case.expect.compare(table, &response));
            wrong.extend(compared.err().map(|error| format!("{id}: {error:#}")));
            lines.insert(id, case.expect.log_line());
        }
        for (id, expected) in lines {
            let entry = self.log.entry(&id).await?;
            let found = E::logged(&entry);
            if found != expected.as_deref() {
                wrong.push(format!(
                    "{id}: the access log says {found:?}, not {expected:?}"
                ));
            }
        }
        let compared = self.compare_counters(tables, &before).await;
        wrong.extend(compared.err().map(|error| format!("{error:#}")));
        Ok(wrong)
    }

    /// Waits until the filter knows what it has to know.
    async fn expect_ready<E: Expectation>(&self, table: &Table<E>) -> Result<()> {
        let (Some(ready), Some(case)) = (E::ready(table), table.cases.first()) else {
            return Ok(());
        };
        let mut attempt = 0;
        poll::until(&format!("{} is ready", table.name), async || {
            attempt += 1;
            let id = format!("{}: ready {attempt}", table.name);
            self.send(table, case, Protocol::Http1, &id).await?;
            let entry = self.log.entry(&id).await?;
            let logged = E::logged(&entry).unwrap_or_default();
            ensure!(logged.contains(&ready), "the access log says {logged}");
            Ok(())
        })
        .await
    }

    async fn send<E>(
        &self,
        table: &Table<E>,
        case: &Case<E>,
        protocol: Protocol,
        id: &str,
    ) -> Result<Response> {
        if let Some(cause) = &case.cause {
            let listener = self.envoy.address(&cause_of(&table.name))?;
            Client::new(protocol, listener)
                .send(&request(cause))
                .await?;
        }
        let facts = &case.request;
        let mut client = Client::new(protocol, self.envoy.address(&table.name)?);
        if let Some(address) = &facts.source_address {
            client = client.from_address(address.parse()?);
        }
        client = match (&facts.principal, facts.scheme.as_str()) {
            (Some(principal), _) => client.tls(self.authority.client(principal)?),
            (None, "https") => client.tls(self.authority.anonymous()),
            (None, _) => client,
        };
        let mut request = request(facts).header(ID_HEADER, id);
        if let Some(claims) = &facts.jwt {
            request = request.header(
                "authorization",
                format!("Bearer {}", self.issuer.sign(claims)?),
            );
        }
        client.send(&request).await
    }

    async fn counters<E: Expectation>(&self) -> Result<BTreeMap<String, u64>> {
        let stats = self.envoy.admin().stats().await?;
        let ours = stats.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix("wasmcustom.meshlane_")?;
            let is_meant = E::COUNTERS.iter().any(|start| name.starts_with(start))
                && !name.contains(&format!(".plugin={CAUSE}."));
            (is_meant && value > 0).then(|| (name.to_owned(), value))
        });
        Ok(ours.collect())
    }

    /// The counters against the sums of what all tables expect.
    async fn compare_counters<E: Expectation>(
        &self,
        tables: &[Table<E>],
        before: &BTreeMap<String, u64>,
    ) -> Result<()> {
        let mut expected = before.clone();
        for (table, case, _) in plays(tables) {
            for counter in case.expect.counters(table) {
                *expected.entry(counter).or_default() += 1;
            }
        }
        poll::until("the counters", async || {
            let found = self.counters::<E>().await?;
            let names = expected.keys().chain(found.keys());
            let wrong: Vec<String> = names
                .filter(|name| expected.get(*name) != found.get(*name))
                .map(|name| {
                    let (found, expected) = (found.get(name), expected.get(name));
                    format!("{name}: {found:?}, not {expected:?}")
                })
                .collect();
            ensure!(wrong.is_empty(), "counters differ:\n{}", wrong.join("\n"));
            Ok(())
        })
        .await
    }
}

fn plays<E>(tables: &[Table<E>]) -> impl Iterator<Item = (&Table<E>, &Case<E>, Protocol)> {
    tables
        .iter()
        .flat_map(|table| table.cases.iter().map(move |case| (table, case)))
        .flat_map(|(table, case)| BOTH.map(|protocol| (table, case, protocol)))
}

/// The listener to which the requests go that cause those of a table.
fn cause_of(table: &str) -> String {
    format!("cause of {table}")
}

/// The name of the filter there.
const CAUSE: &str = "cause";

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];
