//! The decision tables on real Envoy: what the core decides in its unit tests is what happens to requests.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, ensure};
use meshlane_e2e::{
    access_log::{AccessLog, ID_HEADER},
    bootstrap::{Bootstrap, Listener, Tls, WasmFilter, jwt_authn},
    client::{Client, Protocol, Request, Response},
    envoy::{Envoy, Stats},
    jwt::TokenIssuer,
    pki::Authority,
    poll,
    scene::{Scene, on_every_version},
    table::{Case, Expectation, Table, tables},
    upstream::{HeaderText, Upstream},
};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

#[tokio::test]
async fn every_table_is_decided_as_it_says() -> Result<()> {
    let tables = tables()?;
    on_every_version(async |scene| {
        let mut wrong = Vec::new();
        for tables in &tables {
            wrong.extend(Player::start(scene, tables).await?.play(tables).await?);
        }
        ensure!(
            wrong.is_empty(),
            "{} differences:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
        Ok(())
    })
    .await
}

/// One Envoy with a listener a table, and everything that clients need.
struct Player {
    envoy: Envoy,
    authority: Authority,
    issuer: TokenIssuer,
    log: AccessLog,
    // Ends with the player.
    _upstream: Upstream,
}

impl Player {
    async fn start(scene: &Scene, tables: &[Table]) -> Result<Self> {
        let upstream = Upstream::start("v1").await?;
        let (authority, issuer, log) = (
            Authority::new()?,
            TokenIssuer::new()?,
            AccessLog::new(scene)?,
        );
        let tls = Tls::new(&authority)?;
        let node = tables.first().context("no tables")?.node();
        let mut bootstrap = Bootstrap::new(node).upstreams(&[&upstream]);
        for table in tables {
            let filter = WasmFilter::traffic_tag(&table.config)?.named(&table.name);
            let mut listener = Listener::new(&table.name)
                .direction(table.direction())
                .access_log(log.file())
                // The address that Envoy takes for the client's is the one that the client has.
                .use_remote_address();
            if table
                .cases
                .iter()
                .any(|case| case.request.scheme == "https")
            {
                listener = listener.tls(&tls);
            }
            if table.cases.iter().any(|case| case.request.jwt.is_some()) {
                listener = listener.http_filter(jwt_authn(&issuer, table.jwt_payload_key())?);
            }
            bootstrap = bootstrap.listener(listener.filter(&filter));
        }
        Ok(Self {
            envoy: Envoy::start(scene, &bootstrap).await?,
            authority,
            issuer,
            log,
            _upstream: upstream,
        })
    }

    /// Plays all cases by both protocols; returns the differences.
    async fn play(&self, tables: &[Table]) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        let mut lines = BTreeMap::new();
        for (table, case, protocol) in plays(tables) {
            let id = format!("{}: {} ({protocol:?})", table.name, case.name);
            let response = self.send(table, case, protocol, &id).await;
            let compared = response.and_then(|response| compare(&response, &case.expect));
            wrong.extend(compared.err().map(|error| format!("{id}: {error:#}")));
            lines.insert(id, case.expect.log_line());
        }
        for (id, expected) in lines {
            match self.log.entry(&id).await {
                Ok(entry) if entry.tags == expected => {}
                Ok(entry) => wrong.push(format!(
                    "{id}: the access log says {:?}, not {expected:?}",
                    entry.tags
                )),
                Err(error) => wrong.push(format!("{id}: {error:#}")),
            }
        }
        wrong.extend(
            self.compare_counters(tables)
                .await
                .err()
                .map(|error| format!("{error:#}")),
        );
        Ok(wrong)
    }

    async fn send(
        &self,
        table: &Table,
        case: &Case,
        protocol: Protocol,
        id: &str,
    ) -> Result<Response> {
        let facts = &case.request;
        let mut client = Client::new(protocol, self.envoy.address(&table.name)?);
        if let Some(address) = facts.source_address {
            client = client.from_address(address);
        }
        client = match (&facts.principal, facts.scheme.as_str()) {
            (Some(principal), _) => client.tls(self.authority.client(principal)?),
            (None, "https") => client.tls(self.authority.anonymous()),
            (None, _) => client,
        };
        let mut request: Request = facts.request()?.header(ID_HEADER, id);
        if let Some(claims) = &facts.jwt {
            request = request.header(
                "authorization",
                format!("Bearer {}", self.issuer.sign(claims)?),
            );
        }
        client.send(&request).await
    }

    /// The counters of each table against the sums of its expectations.
    async fn compare_counters(&self, tables: &[Table]) -> Result<()> {
        let mut expected = BTreeMap::<String, u64>::new();
        for (table, case, _) in plays(tables) {
            for tag in &case.expect.tags {
                let labels = format!("plugin={}.tag={}", table.name, tag.name.replace('.', "_"));
                let rule = tag.rule.as_deref().unwrap_or("-");
                let decided = format!("decisions.{labels}.rule={rule}.reason={}", tag.reason);
                *expected.entry(decided).or_default() += 1;
                if tag.incoming != "incoming-absent" {
                    *expected
                        .entry(format!("incoming.{labels}.reason={}", tag.incoming))
                        .or_default() += 1;
                }
            }
        }
        const PREFIX: &str = "wasmcustom.meshlane_traffic_tag_";
        let counted = |stats: &Stats| -> BTreeMap<String, u64> {
            let ours = stats.starting(PREFIX);
            let ours = ours.iter().filter(|(_, value)| *value > 0);
            ours.filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?.to_owned(), value)))
                .collect()
        };
        poll::until("the counters", async || {
            let found = counted(&self.envoy.admin().stats().await?);
            let names = expected.keys().chain(found.keys());
            let wrong: Vec<String> = names
                .filter(|name| expected.get(*name) != found.get(*name))
                .map(|name| {
                    format!(
                        "{name}: {:?}, not {:?}",
                        found.get(name),
                        expected.get(name)
                    )
                })
                .collect();
            ensure!(wrong.is_empty(), "counters differ:\n{}", wrong.join("\n"));
            Ok(())
        })
        .await
    }
}

fn plays(tables: &[Table]) -> impl Iterator<Item = (&Table, &Case, Protocol)> {
    tables
        .iter()
        .flat_map(|table| table.cases.iter().map(move |case| (table, case)))
        .flat_map(|(table, case)| BOTH.map(|protocol| (table, case, protocol)))
}

fn compare(response: &Response, expect: &Expectation) -> Result<()> {
    let echo = response.echo()?;
    for (name, expected) in &expect.headers {
        let values: Result<Vec<Vec<u8>>> = echo
            .values(name)
            .into_iter()
            .map(HeaderText::bytes)
            .collect();
        let values = values?;
        let found = (!values.is_empty()).then(|| values.join(&b","[..]));
        let expected = expected.as_ref().map(HeaderText::bytes).transpose()?;
        ensure!(
            found == expected,
            "the upstream sees {name}: {}, not {}",
            shown(&found),
            shown(&expected)
        );
    }
    let (found, expected) = (response.header("set-cookie"), expect.set_cookie.as_deref());
    let found = found.map(without_id).transpose()?;
    let expected = expected.map(without_id).transpose()?;
    ensure!(
        found == expected,
        "set-cookie is {found:?}, not {expected:?}"
    );
    Ok(())
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

fn shown(value: &Option<Vec<u8>>) -> String {
    value.as_ref().map_or("nothing".to_owned(), |value| {
        format!("`{}`", value.escape_ascii())
    })
}
