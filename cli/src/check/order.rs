//! Plugins of one proxy in an order in which one undoes, or does not see, what another one decided.
//!
//! The order is `traffic-tag`, which gives tags, `gray-release`, which carries them on, `tag-route`, which goes by them.
//! `rate-limit`, which counts what those before it let through, is fine anywhere behind what its limits ask for. Besides, a
//! `tag-route` writes its header anew, also when another filter wrote it for Envoy.

mod limits;

use meshlane_attributes::{ProxyKind, is_reserved};
use meshlane_gray_release::REROUTE_HEADER;
use meshlane_gray_release::config::{Direction, GrayReleaseConfig, Lanes, OnOtherLane, OnUntagged};

use super::{Message, document_bytes};
use crate::diagnostic::Diagnostic;
use crate::documents::{Kind, Origin, Plugin};
use crate::policy::Policy;
use crate::source::Span;

/// Warnings about plugins of one proxy that come in the wrong order.
pub(super) fn check(plugins: &[Plugin]) -> Vec<Message> {
    let policies: Vec<_> = plugins.iter().map(policy).collect();
    let placed = plugins.iter().zip(&policies).enumerate();
    let placed: Vec<_> = placed
        .map(|(at, (plugin, policy))| Placed {
            at,
            plugin,
            policy: policy.as_ref(),
        })
        .collect();
    let mut messages = Vec::new();
    for this in &placed {
        let header = this.header();
        let mut others = placed.iter();
        let rewritten = header.and_then(|header| others.find_map(|it| this.rewritten(it, &header)));
        let overtaken = placed.iter().find_map(|other| this.overtaken(other));
        let diagnostics = rewritten.into_iter().chain(overtaken);
        messages.extend(diagnostics.map(|diagnostic| Message {
            diagnostic,
            plugin: Some(this.plugin.resource.clone()),
        }));
    }
    messages
}

fn policy(plugin: &Plugin) -> Option<Policy> {
    let document = document_bytes(plugin.config.as_ref());
    let policy = Policy::parse(plugin.kind, &document, ProxyKind::Sidecar);
    policy.ok()?
}

/// A plugin and its place in the file.
struct Placed<'p> {
    at: usize,
    plugin: &'p Plugin,
    /// What it decides by; nothing when it does not, or its configuration is wrong.
    policy: Option<&'p Policy>,
}

impl Placed<'_> {
    /// The reserved header that the plugin tells Envoy the destination by.
    fn header(&self) -> Option<String> {
        let header = match self.policy? {
            Policy::GrayRelease(_) => reroutes(self.plugin).then(|| REROUTE_HEADER.to_owned()),
            Policy::TagRoute(policy) => Some(policy.output().header().to_owned()),
            Policy::RateLimit(_) | Policy::TrafficTag(_) => None,
        };
        header.filter(|header| is_reserved(header.as_bytes()))
    }

    /// Whether another plugin gets requests that this one writes its header to.
    fn is_undone_by(&self, other: &Self) -> bool {
        // `gray-release` writes it to requests that come in.
        let is_for_all = self.plugin.kind != Kind::GrayRelease;
        let may_come_in = other.plugin.proxy.traffic.may_go(Direction::Inbound);
        // Other filters keep what those before them wrote.
        let is_written = other.plugin.kind == Kind::TagRoute;
        is_written && self.meets(other) && (is_for_all || may_come_in)
    }

    /// Whether both see the same requests.
    fn meets(&self, other: &Self) -> bool {
        let (plugin, other) = (self.plugin, other.plugin);
        let (here, there) = (&plugin.proxy, &other.proxy);
        let is_same_listener = match plugin.origin {
            Origin::Envoy => here.listener == there.listener,
            _ => match here.traffic.direction() {
                Some(direction) => there.traffic.may_go(direction),
                None => true,
            },
        };
        plugin.origin != Origin::Bare
            && plugin.origin == other.origin
            && here.is_same_proxy(there)
            && is_same_listener
            && other.kind.decides()
    }

    /// How it comes that another plugin runs behind this one, when it does.
    fn is_before(&self, other: &Self) -> Option<&'static str> {
        let is_later = other.at > self.at;
        if other.at == self.at {
            return None;
        }
        match (&self.plugin.phase, &other.plugin.phase) {
            (Some(here), Some(there)) if here.order() == there.order() => {
                // Of two that undo each other one is enough.
                (self.plugin.kind != other.plugin.kind || is_later).then_some("may run behind")
            }
            (Some(here), Some(there)) => (here.order() < there.order()).then_some("runs behind"),
            _ => is_later.then_some("runs behind"),
        }
    }

    /// Another plugin writes the header of this one anew.
    fn rewritten(&self, other: &Self, header: &str) -> Option<Diagnostic> {
        let why = self.is_before(other).filter(|_| self.is_undone_by(other))?;
        let (this, that) = (self.plugin.kind, other.plugin.kind);
        let message = format!(
            "`{}` {why} `{}` and writes its header `{header}` anew",
            that.as_str(),
            this.as_str()
        );
        let expected = match this {
            Kind::GrayRelease => "`tag-route` for what goes out alone: `match: [{mode: CLIENT}]`",
            _ => "another `output.header` for one of them",
        };
        Some(
            Diagnostic::warning("plugin-order", self.place(), message)
                .related(other.plugin.place.clone(), "this one writes it too")
                .expected(expected),
        )
    }

    /// Another plugin runs behind this one, which needs what it does.
    fn overtaken(&self, other: &Self) -> Option<Diagnostic> {
        let why = self.is_before(other).filter(|_| self.meets(other))?;
        let what = match (self.policy?, other.policy?) {
            (this @ Policy::GrayRelease(_), that @ Policy::TrafficTag(_)) => {
                let given = that.tags();
                let is_given = |tag: &str| given.iter().any(|(given, _)| *given == tag);
                let mut carried = this.tags().into_iter();
                let (tag, _) = carried.find(|(tag, _)| is_given(tag))?;
                format!("carries on the tag `{tag}` before it is given")
            }
            (this @ Policy::RateLimit(_), that) => limits::too_early(this, that, other.plugin)?,
            (Policy::TagRoute(_), Policy::GrayRelease(_) | Policy::TrafficTag(_)) => {
                "goes by tags that are not there yet".to_owned()
            }
            _ => return None,
        };
        let (this, that) = (self.plugin.kind.as_str(), other.plugin.kind.as_str());
        let message = format!("`{that}` {why} `{this}`, which {what}");
        Some(
            Diagnostic::warning("plugin-order", self.place(), message)
                .related(other.plugin.place.clone(), "this one comes too late")
                .expected(self.earlier(other)),
        )
    }

    /// Where another plugin should stand.
    fn earlier(&self, other: &Self) -> String {
        let (this, that) = (self.plugin.kind.as_str(), other.plugin.kind.as_str());
        match &self.plugin.phase {
            Some(_) => format!("an earlier `phase` for `{that}`"),
            None => format!("`{that}` in front of `{this}`"),
        }
    }

    /// Where it is said when the plugin runs.
    fn place(&self) -> Span {
        match &self.plugin.phase {
            Some(phase) => phase.place.clone(),
            None => self.plugin.place.clone(),
        }
    }
}

/// Whether a plugin of `gray-release` sends requests on that came to the wrong lane.
fn reroutes(plugin: &Plugin) -> bool {
    lanes(plugin).iter().any(may_reroute)
}

/// The lanes by which a plugin of `gray-release` takes the requests that come in.
fn lanes(plugin: &Plugin) -> Vec<Lanes> {
    let config = plugin.config.as_ref();
    let config = config.and_then(|node| serde_json::from_value(node.to_json()).ok());
    let config: GrayReleaseConfig = config.unwrap_or_default();
    let may_come = plugin.proxy.traffic.may_go(Direction::Inbound);
    let may_come = may_come && config.direction != Some(Direction::Outbound);
    let lanes = config.tags.into_iter().filter_map(|tag| tag.lanes);
    lanes.filter(|_| may_come).collect()
}

fn may_reroute(lanes: &Lanes) -> bool {
    lanes.on_untagged == Some(OnUntagged::Reroute)
        || lanes.on_other_lane == Some(OnOtherLane::Reroute)
}
