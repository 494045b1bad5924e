//! `meshlane explain`

mod plugins;
mod service;
mod walk;

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use meshlane_attributes::ProxyKind;
use meshlane_gray_release::Remembered;
use meshlane_gray_release::config::Direction;
use meshlane_tag_route::{Snapshot, read_clusters};
use serde::Serialize;

use super::{Exit, Failure, Streams, input};
use crate::args::{ExplainArgs, Format};
use crate::check::{Assumptions, CheckedFile, check};
use crate::diagnostic::Severity;
use crate::documents::Kind;
use crate::explain::{
    Explained, Proxy, Request, explain, print, random_bytes, requests_of_file, requests_of_har,
};
use crate::policy::Policy;
use crate::report::{Human, json};
use service::Target;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    proxy: &'static str,
    requests: Vec<Explained>,
}

pub(super) fn run(args: &ExplainArgs, streams: &mut Streams<'_>) -> Result<Exit, Failure> {
    match &args.config {
        Some(config) => run_proxy(config, args, streams),
        None => walk::run(args, streams),
    }
}

/// What one proxy does with the requests.
fn run_proxy(
    config: &Path,
    args: &ExplainArgs,
    streams: &mut Streams<'_>,
) -> Result<Exit, Failure> {
    let source = input::read(config, streams)?;
    let file = check(source, Assumptions::from(&args.assumptions));
    if file.unreadable {
        write_report(&[file], args.format, streams)?;
        return Ok(Exit::Failed);
    }
    if file.plugins.is_empty() && file.count(Severity::Error) > 0 {
        write_report(&[file], args.format, streams)?;
        return Ok(Exit::Wrong);
    }
    if file.plugins.is_empty() && !file.lane_groups.is_empty() {
        return Err(Failure::OnlyLaneGroups(file.source.name().to_owned()));
    }
    let Some(mut proxy) = plugins::proxy(&file, args)? else {
        write_report(&[file], args.format, streams)?;
        return Ok(Exit::Wrong);
    };
    proxy.clusters = clusters(args, &proxy.policies(), streams)?;
    proxy.remembered = remembered(args, &proxy)?;
    let explained = explain_all(&proxy, args, streams)?;
    let text = match args.format {
        Format::Human => {
            let pages: Vec<String> = explained.iter().map(print).collect();
            pages.join("\n")
        }
        Format::Json => {
            let document = Document {
                proxy: proxy_name(proxy.workload.proxy),
                requests: explained,
            };
            serde_json::to_string_pretty(&document)? + "\n"
        }
    };
    streams.output.write_all(text.as_bytes())?;
    Ok(Exit::Fine)
}

fn explain_all(
    proxy: &Proxy,
    args: &ExplainArgs,
    streams: &mut Streams<'_>,
) -> Result<Vec<Explained>, Failure> {
    let given = args.random.as_deref().map(random_bytes).transpose()?;
    let target = args.service.as_deref();
    let target = target
        .map(|name| Target::find(name, &proxy.policies()))
        .transpose()?;
    // Requests that do not say when they come all come at once.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    let now = now.map(|now| now.as_secs_f64());
    let mut explained = Vec::new();
    for mut request in requests(args, streams)? {
        if let Some(target) = &target {
            target.address(&mut request)?;
        }
        request.time = request.time.or(now);
        let random = request.random_bytes()?.or(given);
        let random = random.unwrap_or_else(fresh_bytes);
        let found = explain(proxy, &request, random);
        if let Some(target) = &target {
            target.verify(&found)?;
        }
        explained.push(found);
    }
    Ok(explained)
}

fn requests(args: &ExplainArgs, streams: &mut Streams<'_>) -> Result<Vec<Request>, Failure> {
    if let Some(path) = &args.har {
        let source = input::read(path, streams)?;
        return Ok(requests_of_har(source.text())?);
    }
    if let Some(path) = &args.request_file {
        let source = input::read(path, streams)?;
        return Ok(requests_of_file(&source)?);
    }
    if args.request.url.is_none() && args.service.is_none() && args.calls.is_empty() {
        return Err(Failure::NoRequest);
    }
    Ok(vec![Request::from_args(&args.request)?])
}

/// What Envoy says of its clusters, from a file.
fn clusters(
    args: &ExplainArgs,
    policies: &[&Policy],
    streams: &mut Streams<'_>,
) -> Result<Option<Snapshot>, Failure> {
    let Some(path) = &args.health else {
        return Ok(None);
    };
    let routes = || {
        policies.iter().filter_map(|policy| match policy {
            Policy::TagRoute(policy) => Some(policy),
            Policy::GrayRelease(_) | Policy::RateLimit(_) | Policy::TrafficTag(_) => None,
        })
    };
    if routes().next().is_none() {
        let (option, kind) = ("health", Kind::TagRoute);
        return Err(Failure::NoneOfKind { option, kind });
    }
    if !routes().any(|policy| policy.health_source().is_some()) {
        return Err(Failure::HealthOff);
    }
    let source = input::read(path, streams)?;
    let name = source.name().to_owned();
    let clusters = read_clusters(source.text().as_bytes());
    let clusters = clusters.map_err(|error| Failure::Health { name, error })?;
    Ok(Some(clusters))
}

/// What the proxy remembers of the request that caused those that are explained.
fn remembered(args: &ExplainArgs, proxy: &Proxy) -> Result<Option<Remembered>, Failure> {
    if args.remembered.is_empty() {
        return Ok(None);
    }
    let policies = proxy.plugins.iter().map(|plugin| &plugin.policy);
    let policies = policies.filter_map(|policy| match policy {
        Policy::GrayRelease(policy) => Some(policy),
        Policy::RateLimit(_) | Policy::TagRoute(_) | Policy::TrafficTag(_) => None,
    });
    let policies: Vec<_> = policies.collect();
    if policies.is_empty() {
        let (option, kind) = ("remembered", Kind::GrayRelease);
        return Err(Failure::NoneOfKind { option, kind });
    }
    let mut directions = policies
        .iter()
        .map(|policy| policy.direction().or(proxy.direction));
    if !directions.any(|direction| direction == Some(Direction::Outbound)) {
        return Err(Failure::RememberedInbound);
    }
    let tags = policies.iter().flat_map(|policy| policy.tags());
    let names: Vec<_> = tags.map(|tag| tag.name().to_owned()).collect();
    let mut given = args.remembered.iter();
    match given.find(|(name, _)| !names.contains(name)) {
        Some((name, _)) => Err(Failure::NoSuchTag {
            name: name.clone(),
            names,
        }),
        None => Ok(Some(args.remembered.iter().cloned().collect())),
    }
}

fn write_report(
    files: &[CheckedFile],
    format: Format,
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    let text = match format {
        Format::Human => Human::new(streams.coloured).render(files),
        Format::Json => json(files)? + "\n",
    };
    streams.output.write_all(text.as_bytes())?;
    Ok(())
}

/// Bytes that are different every time: the keys of the standard library's hash maps are.
fn fresh_bytes() -> [u8; 16] {
    let (first, second) = (RandomState::new(), RandomState::new());
    let number = u128::from(first.hash_one(0)) << 64 | u128::from(second.hash_one(1));
    number.to_be_bytes()
}

fn proxy_name(proxy: ProxyKind) -> &'static str {
    match proxy {
        ProxyKind::Gateway => "gateway",
        ProxyKind::Sidecar => "sidecar",
        ProxyKind::Waypoint => "waypoint",
        ProxyKind::Bare => "bare",
    }
}
