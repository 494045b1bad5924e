//! Which plugins a request goes through.

use meshlane_attributes::{ProxyKind, Workload};

use super::Failure;
use crate::args::ExplainArgs;
use crate::check::{CheckedFile, check_plugin, document_bytes};
use crate::diagnostic::Severity;
use crate::documents::{Origin, Plugin};
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
        let Some(policy) = policy(plugin, proxy.workload.proxy) else {
            return Ok(None);
        };
        proxy.plugins.push(Deciding {
            plugin: plugin.resource.clone(),
            policy,
        });
    }
    Ok(Some(proxy))
}

/// The plugin that is named, or all of them in the order in which they run, when they see the same
/// requests.
fn choose<'p>(
    plugins: &[&'p Plugin],
    args: &ExplainArgs,
    file: &str,
) -> Result<Vec<&'p Plugin>, Failure> {
    let names = || plugins.iter().map(|plugin| plugin.name.clone()).collect();
    let file = || file.to_owned();
    let Some(first) = plugins.first() else {
        return Err(Failure::NoPlugin(file()));
    };
    if let Some(name) = &args.plugin {
        let named = plugins.iter().find(|plugin| plugin.name == *name);
        return match named {
            Some(plugin) => Ok(vec![plugin]),
            None => Err(Failure::NoSuchPlugin {
                file: file(),
                name: name.clone(),
                names: names(),
            }),
        };
    }
    let place = |plugin: &Plugin| (workload(args, plugin), plugin.proxy.listener.clone());
    let here = place(first);
    // Configurations alone say nothing about a proxy that they have in common.
    let is_alone = |plugin: &&Plugin| plugins.len() > 1 && plugin.origin == Origin::Bare;
    if plugins
        .iter()
        .any(|plugin| place(plugin) != here || is_alone(plugin))
    {
        return Err(Failure::SeveralPlugins {
            file: file(),
            names: names(),
        });
    }
    let mut plugins = plugins.to_vec();
    // Where nothing says a phase, the document's order is that of the filters.
    plugins.sort_by_key(|plugin| plugin.phase.as_ref().map(|phase| phase.order()));
    Ok(plugins)
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
