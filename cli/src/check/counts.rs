//! Limits of the same name and kind in one proxy: they share one count, so they have to agree on what it is of.

use meshlane_attributes::Attribute;
use meshlane_diagnostics::{JsonPath, Place};
use meshlane_rate_limit::{Limit, Policy};

use super::memory::may_share_proxy;
use super::{Message, document_bytes};
use crate::diagnostic::Diagnostic;
use crate::documents::{Kind, Plugin};
use crate::source::Span;

/// Warnings about limits of one proxy that do not fit together.
pub(super) fn check(plugins: &[Plugin]) -> Vec<Message> {
    let counting: Vec<_> = plugins.iter().filter_map(Counting::new).collect();
    let mut messages = Vec::new();
    for (position, this) in counting.iter().enumerate() {
        let earlier = counting.iter().take(position);
        let earlier = earlier.filter(|other| may_share_proxy(this.plugin, other.plugin));
        let earlier: Vec<_> = earlier.collect();
        for limit in this.limits() {
            let mut others = earlier.iter().flat_map(|other| other.limits());
            let Some(first) = others.find(|first| limit.shares_count(first)) else {
                continue;
            };
            let diagnostics = limit.differing(&first).into_iter();
            messages.extend(diagnostics.map(|diagnostic| Message {
                diagnostic,
                plugin: Some(this.plugin.resource.clone()),
            }));
        }
    }
    messages
}

/// A plugin of `rate-limit`, and what its document says.
struct Counting<'p> {
    plugin: &'p Plugin,
    policy: Policy,
}

/// A limit that is switched on.
struct Counted<'c> {
    plugin: &'c Plugin,
    policy: &'c Policy,
    limit: &'c Limit,
    index: usize,
}

impl<'p> Counting<'p> {
    /// Nothing when the plugin is another one, or its configuration is wrong.
    fn new(plugin: &'p Plugin) -> Option<Self> {
        if plugin.kind != Kind::RateLimit {
            return None;
        }
        let document = document_bytes(Some(plugin.config.as_ref()?));
        let policy = Policy::parse(&document).ok()?;
        Some(Self { plugin, policy })
    }

    fn limits(&self) -> impl Iterator<Item = Counted<'_>> {
        let limits = self.policy.limits().iter().enumerate();
        let limits = limits.filter(|(_, limit)| limit.is_enabled());
        limits.map(|(index, limit)| Counted {
            plugin: self.plugin,
            policy: &self.policy,
            limit,
            index,
        })
    }
}

impl Counted<'_> {
    fn shares_count(&self, other: &Counted<'_>) -> bool {
        let (here, there) = (self.limit, other.limit);
        here.name() == there.name() && here.kind() == there.kind()
    }

    /// What is not as an earlier plugin has it.
    fn differing(&self, first: &Counted<'_>) -> Vec<Diagnostic> {
        let (here, there) = (self.limit, first.limit);
        let are_keyed = here.has_key() && there.has_key();
        let differences = [
            ("key", self.attributes() != first.attributes()),
            ("capacity", are_keyed && here.capacity() != there.capacity()),
            (here.kind(), !here.has_numbers_of(there)),
            ("exceptions", !here.has_exceptions_of(there)),
        ];
        let differing = differences.into_iter().filter(|(_, differs)| *differs);
        differing.map(|(key, _)| self.differs(key, first)).collect()
    }

    fn differs(&self, key: &str, first: &Counted<'_>) -> Diagnostic {
        let name = self.limit.name();
        let message = format!(
            "another plugin of the proxy does not have the same `{key}` for `{name}`, and they share one count"
        );
        let expected = match first.written(key) {
            Some(there) => format!("`{there}`, as there"),
            None => format!("no `{key}`, as there"),
        };
        let warning = Diagnostic::warning("limit-differs", self.locate(key), message)
            .related(first.locate(key), "this is the other one")
            .expected(expected)
            .at(self.path(key));
        match self.written(key) {
            Some(here) => warning.found(here),
            None => warning,
        }
    }

    fn attributes(&self) -> Vec<Option<&Attribute>> {
        let table = self.policy.attributes();
        let key = self.limit.key().iter();
        key.map(|id| table.attribute(*id)).collect()
    }

    fn path(&self, key: &str) -> JsonPath {
        let root = Place::root();
        let limits = root.key("limits");
        limits.index(self.index).key(key).to_path()
    }

    /// What is written under a key; nothing when nothing is.
    fn written(&self, key: &str) -> Option<String> {
        let node = self.plugin.config.as_ref()?.find(&self.path(key))?;
        Some(node.to_json().to_string())
    }

    /// Where a key is; what is not written has a default, and the limit has a name.
    fn locate(&self, key: &str) -> Span {
        let Some(config) = &self.plugin.config else {
            return self.plugin.place.clone();
        };
        let path = self.path(key);
        match config.find(&path) {
            Some(node) => node.place(),
            None => config.locate_value(&self.path("name")),
        }
    }
}
