//! Plugins of `gray-release` in one proxy: they share one memory of requests, so what one remembers another one gives back.

use meshlane_diagnostics::{JsonPath, Place};
use meshlane_gray_release::config::Direction;
use meshlane_gray_release::{Policy, Tag};

use super::{Message, document_bytes};
use crate::diagnostic::Diagnostic;
use crate::documents::{Kind, Origin, Plugin};
use crate::source::Span;

/// Warnings about plugins of one proxy that do not fit together.
pub(super) fn check(plugins: &[Plugin]) -> Vec<Message> {
    let sharing: Vec<_> = plugins.iter().filter_map(Sharing::new).collect();
    let mut messages = Vec::new();
    for (position, this) in sharing.iter().enumerate() {
        let mut earlier = sharing.iter().take(position);
        let first = earlier.find(|first| may_share_proxy(this.plugin, first.plugin));
        let differing = first.map(|first| this.differing(first));
        let one_way = this.one_way(&sharing);
        let diagnostics = differing.into_iter().flatten().chain(one_way);
        messages.extend(diagnostics.map(|diagnostic| Message {
            diagnostic,
            plugin: Some(this.plugin.resource.clone()),
        }));
    }
    messages
}

/// A plugin of `gray-release`, and what its document says.
struct Sharing<'p> {
    plugin: &'p Plugin,
    policy: Policy,
}

impl<'p> Sharing<'p> {
    /// Nothing when the plugin is another one, or its configuration is wrong.
    fn new(plugin: &'p Plugin) -> Option<Self> {
        if plugin.kind != Kind::GrayRelease {
            return None;
        }
        let document = document_bytes(Some(plugin.config.as_ref()?));
        let policy = Policy::parse(&document).ok()?;
        Some(Self { plugin, policy })
    }

    /// Which way the requests go that the plugin decides about, as far as it is known.
    fn direction(&self) -> Option<Direction> {
        let listener = self.plugin.proxy.traffic.direction();
        self.policy.direction().or(listener)
    }

    /// What is not as an earlier plugin has it.
    fn differing(&self, first: &Self) -> Vec<Diagnostic> {
        let root = Place::root();
        let place = root.key("correlation");
        let size = |policy: &Policy| policy.capacity().to_string();
        let time = |policy: &Policy| policy.lifetime().as_secs_f64().to_string();
        let mut found = Vec::new();
        for (key, here, there) in [
            ("capacity", size(&self.policy), size(&first.policy)),
            ("ttl", time(&self.policy), time(&first.policy)),
            (
                "identifiers",
                identifiers(&self.policy),
                identifiers(&first.policy),
            ),
        ] {
            if here != there {
                let message = format!(
                    "another plugin of the proxy does not have the same `{key}`, and they share one memory"
                );
                let path = place.key(key).to_path();
                found.push(self.differs(&path, first, message, &here, &there));
            }
        }
        found.extend(self.other_carriers(first));
        found
    }

    /// Tags that both have, with other carriers.
    fn other_carriers(&self, first: &Self) -> Vec<Diagnostic> {
        let tags = self.policy.tags().iter().enumerate();
        let shared = tags.filter_map(|(index, tag)| Some((index, tag, first.tag(tag.name())?)));
        shared
            .filter_map(|(index, tag, other)| {
                let (here, there) = (carriers(tag), carriers(other));
                let name = tag.name();
                let message = format!("another plugin of the proxy does not have the same carriers of `{name}`, and they share one memory");
                let path = self.place_of_tag(index);
                (here != there).then(|| self.differs(&path, first, message, &here, &there))
            })
            .collect()
    }

    fn differs(
        &self,
        path: &JsonPath,
        first: &Self,
        message: String,
        here: &str,
        there: &str,
    ) -> Diagnostic {
        Diagnostic::warning("memory-differs", self.locate(path), message)
            .related(first.plugin.place.clone(), "this is the other one")
            .found(here)
            .expected(format!("`{there}`, as there"))
            .at(path.clone())
    }

    /// Tags that are remembered and never given back, or the other way round.
    fn one_way(&self, all: &[Self]) -> Vec<Diagnostic> {
        let Some(direction) = self.direction() else {
            return Vec::new();
        };
        let others = all.iter();
        let others = others.filter(|other| may_share_proxy(self.plugin, other.plugin));
        let others = others.filter(|other| other.direction() != Some(direction));
        let others: Vec<_> = others.collect();
        let Some(first) = others.first() else {
            return Vec::new();
        };
        let tags = self.policy.tags().iter().enumerate();
        let lonely = tags.filter(|(_, tag)| !others.iter().any(|o| o.tag(tag.name()).is_some()));
        lonely
            .map(|(index, tag)| {
                let name = tag.name();
                let message = match direction {
                    Direction::Inbound => {
                        format!("`{name}` is remembered and never given to calls")
                    }
                    Direction::Outbound => format!("`{name}` of requests is never remembered"),
                };
                let path = self.place_of_tag(index);
                Diagnostic::warning("tag-one-way", self.locate(&path), message)
                    .related(first.plugin.place.clone(), "this one does not know the tag")
                    .expected("the same tags in both directions")
                    .at(path)
            })
            .collect()
    }

    fn tag(&self, name: &str) -> Option<&Tag> {
        self.policy.tags().iter().find(|tag| tag.name() == name)
    }

    fn place_of_tag(&self, index: usize) -> JsonPath {
        let root = Place::root();
        let tags = root.key("tags");
        tags.index(index).key("name").to_path()
    }

    fn locate(&self, path: &JsonPath) -> Span {
        match &self.plugin.config {
            Some(config) if config.find(path).is_some() => config.locate_value(path),
            // What is not written has a default.
            _ => self.plugin.place.clone(),
        }
    }
}

/// Whether two plugins may run in one proxy.
pub(super) fn may_share_proxy(this: &Plugin, other: &Plugin) -> bool {
    let kubernetes = |plugin: &Plugin| !matches!(plugin.origin, Origin::Bare | Origin::Envoy);
    let (here, there) = (&this.proxy, &other.proxy);
    let is_either_all = here.namespace.is_none() || there.namespace.is_none();
    let mut labels = here.labels.iter();
    let contradicts = |(name, value): &(String, String)| {
        let mut others = there.labels.iter();
        others.any(|(other, of_other)| name == other && value != of_other)
    };
    let is_same_origin = this.origin == other.origin;
    (is_same_origin || (kubernetes(this) && kubernetes(other)))
        && here.kind == there.kind
        && (is_either_all || here.namespace == there.namespace)
        && !labels.any(contradicts)
}

/// The identifiers; their order only says which one is asked first.
fn identifiers(policy: &Policy) -> String {
    let mut names: Vec<_> = policy.identifiers().collect();
    names.sort_unstable();
    names.join(", ")
}

fn carriers(tag: &Tag) -> String {
    let mut names: Vec<_> = tag.carriers().iter().map(ToString::to_string).collect();
    names.sort_unstable();
    names.join(", ")
}
