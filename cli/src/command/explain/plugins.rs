//! Which plugins a request goes through.

use meshlane_attributes::{ProxyKind, Workload};
use meshlane_gray_release::config::Direction;

use super::Failure;
use crate::args::ExplainArgs;
use crate::check::{CheckedFile, check_plugin, document_bytes};
use crate::diagnostic::Severity;
use crate::documents::{Kind, Origin, Plugin};
use crate::explain::{Deciding, Proxy};
use crate::policy::Policy;

/// The proxy with the plugins of a file that decide; nothing when one of them is wrong.
pub(super) fn proxy(file: &CheckedFile, args: &ExplainArgs) -> Result<Option<Proxy>, Failure> {
    let deciding = file.plugins.iter().filter(|plugin| plugin.kind.decides());
    let deciding: Vec<&Plugin> = deciding.collect();
    let chosen = choose(&deciding, args, file.source.name())?;
    let mut proxy = Proxy::default();
    for plugin in chosen {
        proxy.workload = workload(args, plugin);
        proxy.direction = given(args).or(plugin.proxy.traffic.direction());
        let Some(policy) = policy(plugin, proxy.workload.proxy) else {
            return Ok(None);
        };
        if is_undirected(&policy, &proxy) {
            return Err(Failure::NoDirection(plugin.resource.clone()));
        }
        proxy.plugins.push(Deciding {
            plugin: plugin.resource.clone(),
            policy,
        });
    }
    Ok(Some(proxy))
}

/// The direction that the command line says.
fn given(args: &ExplainArgs) -> Option<Direction> {
    args.direction.map(Direction::from)
}

/// Whether nothing says which way requests go, for a plugin that asks for it.
fn is_undirected(policy: &Policy, proxy: &Proxy) -> bool {
    match policy {
        Policy::GrayRelease(policy) => policy.direction().or(proxy.direction).is_none(),
        Policy::RateLimit(_) | Policy::TagRoute(_) | Policy::TrafficTag(_) => false,
    }
}

/// Whether a plugin decides about requests of a direction.
fn sees(plugin: &Plugin, direction: Direction) -> bool {
    let config = plugin.config.as_ref();
    let config = config.filter(|_| plugin.kind == Kind::GrayRelease);
    let written = config.and_then(|config| config.get("direction")?.text());
    let may_see = plugin.proxy.traffic.may_go(direction);
    may_see && written.is_none_or(|written| written == direction.as_str())
}

/// The plugin that is named, or all of them in the order in which they run, when they see the same
/// requests.
fn choose<'p>(
    plugins: &[&'p Plugin],
    args: &ExplainArgs,
    file: &str,
) -> Result<Vec<&'p Plugin>, Failure> {
    let mut plugins = seeing(named(plugins, args, file)?, args)?;
    let Some(first) = plugins.first() else {
        return Err(Failure::NoPlugin(file.to_owned()));
    };
    if args.plugin.is_some() {
        return Ok(vec![first]);
    }
    let here = place(first, args);
    // Configurations alone say nothing about a proxy that they have in common.
    let is_alone = |plugin: &&Plugin| plugins.len() > 1 && plugin.origin == Origin::Bare;
    if plugins
        .iter()
        .any(|plugin| place(plugin, args) != here || is_alone(plugin))
    {
        return Err(Failure::SeveralPlugins {
            file: file.to_owned(),
            names: names(&plugins),
        });
    }
    // Where nothing says a phase, the document's order is that of the filters.
    plugins.sort_by_key(|plugin| plugin.phase.as_ref().map(|phase| phase.order()));
    Ok(plugins)
}

/// The plugins of the name that the command line says; all when it says none.
fn named<'p>(
    plugins: &[&'p Plugin],
    args: &ExplainArgs,
    file: &str,
) -> Result<Vec<&'p Plugin>, Failure> {
    let mut named = plugins.to_vec();
    let Some(name) = &args.plugin else {
        return Ok(named);
    };
    named.retain(|plugin| plugin.name == *name);
    if named.is_empty() && !plugins.is_empty() {
        return Err(Failure::NoSuchPlugin {
            file: file.to_owned(),
            name: name.clone(),
            names: names(plugins),
        });
    }
    Ok(named)
}

/// The plugins that see requests of the direction that the command line says; all when it says none.
fn seeing<'p>(plugins: Vec<&'p Plugin>, args: &ExplainArgs) -> Result<Vec<&'p Plugin>, Failure> {
    let Some(direction) = given(args) else {
        return Ok(plugins);
    };
    let mut seeing = plugins.clone();
    seeing.retain(|plugin| sees(plugin, direction));
    if seeing.is_empty() && !plugins.is_empty() {
        return Err(Failure::NoneOfDirection {
            direction: direction.as_str(),
            names: names(&plugins),
        });
    }
    Ok(seeing)
}

fn names(plugins: &[&Plugin]) -> Vec<String> {
    plugins.iter().map(|plugin| plugin.name.clone()).collect()
}

/// The proxy of a plugin and its listener there. Of resources of Istio with a direction in common a request comes through one
/// listener.
fn place(plugin: &Plugin, args: &ExplainArgs) -> (Workload, Option<String>) {
    let listener = plugin.proxy.listener.clone();
    let is_told = plugin.origin == Origin::Envoy || args.direction.is_none();
    (workload(args, plugin), listener.filter(|_| is_told))
}

/// What a plugin decides by; nothing when anything about its configuration is wrong, whatever may
/// be with the others of the file.
fn policy(plugin: &Plugin, proxy: ProxyKind) -> Option<Policy> {
    let mut found = check_plugin(plugin, Some(proxy)).into_iter();
    if found.any(|diagnostic| diagnostic.severity == Severity::Error) {
        return None;
    }
    let bytes = document_bytes(plugin.config.as_ref());
    Policy::parse(plugin.kind, &bytes, proxy).ok().flatten()
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
    let locality = args.locality.clone();
    Workload {
        proxy: proxy.or(surroundings.kind).unwrap_or(ProxyKind::Bare),
        namespace: args.namespace.clone().or(surroundings.namespace.clone()),
        labels: labels.iter().cloned().collect(),
        locality: locality.unwrap_or_else(|| surroundings.locality.clone()),
    }
}
