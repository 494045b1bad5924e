//! What rules ask of Dubbo2 calls, and what the bridges in front show and write back.

use std::fmt;

use meshlane_attributes::{Attribute, ProxyKind};
use meshlane_bridge::{Carrier, Mode};
use meshlane_diagnostics::JsonPath;

use super::mentions::{self, Mention};
use super::{CheckedFile, Message, document_bytes, sort};
use crate::diagnostic::Diagnostic;
use crate::documents::{Kind, Origin, OwnKind, Plugin};
use crate::policy::Policy;
use crate::source::{Node, Span};

type Bridge = meshlane_bridge::Policy;

/// What a policy needs of the bridge beside what every bridge does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// To be listed in `expose.arguments`.
    pub arguments: Vec<String>,
    /// To be listed in `expose.attachments`.
    pub attachments: Vec<String>,
    /// To be listed in `carriers.names`: what is written, and what calls are recognised by.
    pub carriers: Vec<String>,
}

impl Needs {
    /// What some policies need of a bridge that was told nothing.
    pub fn of(policies: &[&Policy]) -> Self {
        Self::beyond(policies, &[Bridge::with_defaults(Mode::ToHttp)])
    }

    /// Whether there is nothing to tell the bridge.
    pub fn is_empty(&self) -> bool {
        self.arguments.is_empty() && self.attachments.is_empty() && self.carriers.is_empty()
    }

    /// What none of some bridges does.
    fn beyond(policies: &[&Policy], bridges: &[Bridge]) -> Self {
        let mut needs = Self::default();
        for name in policies.iter().flat_map(|policy| under_own_names(policy)) {
            if !bridges.iter().any(|bridge| carries(bridge, name)) {
                add(&mut needs.carriers, name.to_owned());
            }
        }
        for attribute in policies.iter().flat_map(|policy| policy.attributes()) {
            if bridges.iter().any(|bridge| shows(bridge, attribute)) {
                continue;
            }
            match attribute {
                Attribute::DubboArgument(path) => add(&mut needs.arguments, path.to_string()),
                Attribute::DubboAttachment(name) if !is_among(&needs.carriers, name) => {
                    add(&mut needs.attachments, name.clone());
                }
                _ => {}
            }
        }
        needs
    }
}

/// The keys of the bridge's document, as they can be copied into it.
impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expose = [
            ("arguments", &self.arguments),
            ("attachments", &self.attachments),
        ];
        let list = |(key, names): (&str, &Vec<String>)| {
            (!names.is_empty()).then(|| format!("{key}: {names:?}"))
        };
        let expose: Vec<_> = expose.into_iter().filter_map(list).collect();
        let expose = (!expose.is_empty()).then(|| format!("expose: {{{}}}", expose.join(", ")));
        let carriers = list(("names", &self.carriers)).map(|list| format!("carriers: {{{list}}}"));
        let keys: Vec<_> = expose.into_iter().chain(carriers).collect();
        f.write_str(&keys.join(", "))
    }
}

/// Compares what the rules in some files ask of Dubbo calls with what the bridges in the same
/// files show; without a bridge among them, says what one would have to show.
pub fn relate(files: &mut [CheckedFile]) {
    let Some(bridges) = bridges(files) else {
        return;
    };
    let (showing, writing): (Vec<_>, Vec<_>) = bridges
        .into_iter()
        .partition(|bridge| bridge.mode == Mode::ToHttp);
    // The bridges that are rendered for it show what the documents beside it ask for.
    let mut documents = files.iter().flat_map(|file| &file.documents);
    let has_service = documents.any(|document| document.kind == OwnKind::DubboService);
    for file in files {
        let mut found = Vec::new();
        let is_asking = |plugin: &&Plugin| !(has_service && plugin.origin == Origin::Document);
        for plugin in file.plugins.iter().filter(is_asking) {
            let diagnostics = about(plugin, &showing, &writing).into_iter();
            found.extend(diagnostics.map(|diagnostic| Message {
                diagnostic,
                plugin: Some(plugin.resource.clone()),
            }));
        }
        if !found.is_empty() {
            file.messages.extend(found);
            sort(&mut file.messages);
        }
    }
}

/// The bridges in some files; nothing when one of them is invalid, as nobody knows what it shows.
fn bridges(files: &[CheckedFile]) -> Option<Vec<Bridge>> {
    let plugins = files.iter().flat_map(|file| &file.plugins);
    plugins
        .filter(|plugin| plugin.kind == Kind::Dubbo)
        .map(|plugin| Bridge::parse(&document_bytes(plugin.config.as_ref()), ProxyKind::Bare).ok())
        .collect()
}

fn about(plugin: &Plugin, showing: &[Bridge], writing: &[Bridge]) -> Vec<Diagnostic> {
    let (kind, Some(config)) = (plugin.kind, &plugin.config) else {
        return Vec::new();
    };
    let proxy = plugin.proxy.kind.unwrap_or(ProxyKind::Sidecar);
    let Ok(Some(policy)) = Policy::parse(kind, &document_bytes(Some(config)), proxy) else {
        return Vec::new();
    };
    if showing.is_empty() && writing.is_empty() {
        let needs = Needs::of(&[&policy]);
        return advice(&needs, kind, config).into_iter().collect();
    }
    let mut diagnostics = Vec::new();
    if !showing.is_empty() {
        let needs = Needs::beyond(&[&policy], showing);
        for Mention { path, place, name } in asked(kind, config, &needs) {
            let nearest = nearest(&name, showing);
            diagnostics.push(
                unshown(&name, place)
                    .suggestion(nearest.as_deref())
                    .at(path),
            );
        }
        diagnostics.extend(uncarried(config, &needs.carriers));
        diagnostics.extend(unrecognised(plugin, config, &policy, showing));
    } else {
        let needs = Needs::beyond(&[&policy], writing);
        diagnostics.extend(uncarried(config, &needs.carriers));
    }
    diagnostics
}

/// Without a bridge among the files nothing is known to be wrong.
fn advice(needs: &Needs, kind: Kind, config: &Node) -> Option<Diagnostic> {
    let mentioned = asked(kind, config, needs);
    let written = carriers(config, &needs.carriers);
    let read = identifiers(config, &needs.carriers);
    let mut mentioned = mentioned.into_iter().chain(written).chain(read);
    let Mention { path, place, .. } = mentioned.next()?;
    let message = "of a Dubbo2 call rules see only what the bridge is told to show";
    let expected = format!("`{needs}` in the configuration of the filter `dubbo`");
    Some(
        Diagnostic::note_about("dubbo-exposure", place, message)
            .expected(expected)
            .at(path),
    )
}

fn unshown(name: &str, place: Span) -> Diagnostic {
    let message = format!("no bridge in these files shows `{name}`: of a Dubbo2 call it is absent");
    let expected = match name.strip_prefix("dubbo.arg.") {
        Some(path) => format!("`{path}` in `expose.arguments` of the filter `dubbo`"),
        None => {
            let name = name.trim_start_matches("dubbo.attachment.");
            format!("`{name}` in `expose.attachments` of the filter `dubbo`")
        }
    };
    Diagnostic::warning("dubbo-not-exposed", place, message).expected(expected)
}

/// An attachment that is shown and differs in case alone.
fn nearest(name: &str, bridges: &[Bridge]) -> Option<String> {
    let name = name.strip_prefix("dubbo.attachment.")?;
    let mut shown = bridges.iter().flat_map(|b| &b.exposed_attachments);
    let shown = shown.find(|shown| shown.eq_ignore_ascii_case(name))?;
    Some(format!("dubbo.attachment.{shown}"))
}

fn uncarried(config: &Node, missing: &[String]) -> Vec<Diagnostic> {
    let diagnostic = |Mention { path, place, name }| {
        let message = format!("no bridge in these files carries the attachment `{name}`");
        Diagnostic::warning("dubbo-not-carried", place, message)
            .expected(format!(
                "`{name}` in `carriers.names` of the filter `dubbo`, in both modes"
            ))
            .at(path)
    };
    carriers(config, missing)
        .into_iter()
        .map(diagnostic)
        .collect()
}

/// Attachments that calls are recognised by and that no bridge carries. Beside one that is carried this is worth a note only, as
/// the others may be those of other protocols.
fn unrecognised(
    plugin: &Plugin,
    config: &Node,
    policy: &Policy,
    showing: &[Bridge],
) -> Option<Diagnostic> {
    let known = policy.attachment_identifiers();
    let known = known.filter(|name| Carrier::new(name).is_some());
    let is_carried = |name: &&str| showing.iter().any(|bridge| carries(bridge, name));
    let (carried, missing): (Vec<_>, Vec<_>) = known.partition(is_carried);
    let names = format!("`{}`", missing.join("`, `"));
    let wanted = match missing.as_slice() {
        [_] => names.as_str(),
        _ => "one of them",
    };
    let missing: Vec<_> = missing.iter().map(|name| (*name).to_owned()).collect();
    let (path, place) = match identifiers(config, &missing).into_iter().next() {
        Some(Mention { path, place, .. }) => (path, place),
        // Those that are not given have defaults.
        None if carried.is_empty() && !missing.is_empty() => {
            (JsonPath::default(), plugin.place.clone())
        }
        None => return None,
    };
    let message = format!("no bridge in these files carries {names}");
    let code = "dubbo-not-recognised";
    let diagnostic = match carried.first() {
        Some(other) => {
            let message = format!("{message}: Dubbo2 calls are recognised by `{other}`");
            Diagnostic::note_about(code, place, message)
        }
        None => {
            let message = format!("{message}: no Dubbo2 call is recognised");
            Diagnostic::warning(code, place, message)
        }
    };
    let expected = format!(
        "{wanted} in `carriers.names` of the filter `dubbo`, by the exact name of the attachment"
    );
    Some(diagnostic.expected(expected).at(path))
}

/// Where rules name the arguments and attachments that are needed.
fn asked(kind: Kind, config: &Node, needs: &Needs) -> Vec<Mention> {
    let mut mentions = mentions::attributes(kind, config);
    mentions.retain(|mention| match mention.name.parse() {
        Ok(Attribute::DubboArgument(path)) => needs.arguments.contains(&path.to_string()),
        Ok(Attribute::DubboAttachment(name)) => needs.attachments.contains(&name),
        _ => false,
    });
    mentions
}

/// Where the carriers stand that are needed.
fn carriers(config: &Node, needed: &[String]) -> Vec<Mention> {
    let mut mentions = mentions::carriers(config);
    mentions.retain(|mention| is_among(needed, &mention.name));
    mentions
}

/// Where the identifiers stand that are needed.
fn identifiers(config: &Node, needed: &[String]) -> Vec<Mention> {
    let mut mentions = mentions::identifiers(config);
    mentions.retain(|mention| is_among(needed, &mention.name));
    mentions
}

/// The attachments that go under their own names as headers, where a policy writes them or recognises calls by them. Some
/// headers cannot be attachments of a bridge.
fn under_own_names(policy: &Policy) -> impl Iterator<Item = &str> {
    let read = policy.attachment_identifiers();
    policy
        .attachment_carriers()
        .chain(read.filter(|name| Carrier::new(name).is_some()))
}

fn shows(bridge: &Bridge, attribute: &Attribute) -> bool {
    match attribute {
        Attribute::DubboArgument(path) => bridge.exposed_arguments.contains(path),
        Attribute::DubboAttachment(name) => {
            let mut exposed = bridge.exposed_attachments.iter();
            exposed.any(|exposed| **exposed == **name) || carries(bridge, name)
        }
        _ => true,
    }
}

fn carries(bridge: &Bridge, name: &str) -> bool {
    let mut carriers = bridge.carriers.iter();
    carriers.any(|carrier| carrier.header.eq_ignore_ascii_case(name))
}

fn is_among(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn add(names: &mut Vec<String>, name: String) {
    if !names.contains(&name) {
        names.push(name);
    }
}
