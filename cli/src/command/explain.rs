//! `meshlane explain`

use std::hash::{BuildHasher, RandomState};

use meshlane_attributes::{ProxyKind, Workload};
use meshlane_traffic_tag::Policy;
use serde::Serialize;

use super::{Exit, Failure, Streams, input};
use crate::args::{ExplainArgs, Format};
use crate::check::{Assumptions, CheckedFile, check, check_plugin, document_bytes};
use crate::diagnostic::Severity;
use crate::documents::{Kind, Plugin};
use crate::explain::{
    Explained, Request, explain, print, random_bytes, requests_of_file, requests_of_har,
};
use crate::report::{Human, json};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'p> {
    plugin: &'p str,
    proxy: &'static str,
    requests: Vec<Explained>,
}

pub(super) fn run(args: &ExplainArgs, streams: &mut Streams<'_>) -> Result<Exit, Failure> {
    let source = input::read(&args.config, streams)?;
    let name = source.name().to_owned();
    let file = check(source, Assumptions::from(&args.assumptions));
    if file.unreadable {
        write_report(file, args.format, streams)?;
        return Ok(Exit::Failed);
    }
    if file.plugins.is_empty() && file.count(Severity::Error) > 0 {
        write_report(file, args.format, streams)?;
        return Ok(Exit::Wrong);
    }
    let deciding = file.plugins.iter().filter(|plugin| decides(plugin));
    let deciding: Vec<&Plugin> = deciding.collect();
    let plugin = choose(&deciding, args.plugin.as_deref(), &name)?;
    let workload = workload(args, plugin);
    let bytes = document_bytes(plugin.config.as_ref());
    let policy = match Policy::parse(&bytes, workload.proxy) {
        Ok(policy) if !is_wrong(plugin, workload.proxy) => policy,
        _ => {
            write_report(file, args.format, streams)?;
            return Ok(Exit::Wrong);
        }
    };
    let given = args.random.as_deref().map(random_bytes).transpose()?;
    let mut explained = Vec::new();
    for request in requests(args, streams)? {
        let random = request.random_bytes()?.or(given);
        let random = random.unwrap_or_else(fresh_bytes);
        explained.push(explain(&policy, &request, &workload, random));
    }
    let text = match args.format {
        Format::Human => {
            let pages: Vec<String> = explained.iter().map(print).collect();
            pages.join("\n")
        }
        Format::Json => {
            let document = Document {
                plugin: &plugin.resource,
                proxy: proxy_name(workload.proxy),
                requests: explained,
            };
            serde_json::to_string_pretty(&document)? + "\n"
        }
    };
    streams.output.write_all(text.as_bytes())?;
    Ok(Exit::Fine)
}

/// The bridge translates; there is nothing to explain about a request.
fn decides(plugin: &Plugin) -> bool {
    match plugin.kind {
        Kind::Dubbo => false,
        Kind::TrafficTag => true,
    }
}

fn choose<'p>(
    plugins: &[&'p Plugin],
    name: Option<&str>,
    file: &str,
) -> Result<&'p Plugin, Failure> {
    let names = || plugins.iter().map(|plugin| plugin.name.clone()).collect();
    let file = || file.to_owned();
    match (plugins, name) {
        ([], _) => Err(Failure::NoPlugin(file())),
        (plugins, Some(name)) => plugins
            .iter()
            .find(|plugin| plugin.name == name)
            .copied()
            .ok_or_else(|| Failure::NoSuchPlugin {
                file: file(),
                name: name.to_owned(),
                names: names(),
            }),
        ([single], None) => Ok(single),
        _ => Err(Failure::SeveralPlugins {
            file: file(),
            names: names(),
        }),
    }
}

/// Whether anything about this plugin's configuration is wrong, whatever may be with the
/// others of the file.
fn is_wrong(plugin: &Plugin, proxy: ProxyKind) -> bool {
    check_plugin(plugin, Some(proxy))
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// The workload as the command line says, otherwise as the document does.
fn workload(args: &ExplainArgs, plugin: &Plugin) -> Workload {
    let surroundings = &plugin.proxy;
    let labels = if args.label.is_empty() {
        &surroundings.labels
    } else {
        &args.label
    };
    let proxy = args.assumptions.proxy.map(ProxyKind::from);
    Workload {
        proxy: proxy.or(surroundings.kind).unwrap_or(ProxyKind::Bare),
        namespace: args.namespace.clone().or(surroundings.namespace.clone()),
        labels: labels.iter().cloned().collect(),
        ..Workload::default()
    }
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
    if args.request.url.is_none() {
        return Err(Failure::NoRequest);
    }
    Ok(vec![Request::from_args(&args.request)?])
}

fn write_report(
    file: CheckedFile,
    format: Format,
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    let files = [file];
    let text = match format {
        Format::Human => Human::new(streams.coloured).render(&files),
        Format::Json => json(&files)? + "\n",
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
