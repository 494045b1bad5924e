//! What is most likely not meant in a configuration of `gray-release`.

use meshlane_attributes::ProxyKind;
use meshlane_diagnostics::{JsonPath, Place};
use meshlane_gray_release::config::{GrayReleaseConfig, Lanes, Mode, OnUnknownTag};

use crate::diagnostic::Diagnostic;
use crate::documents::{Origin, Plugin, Traffic};
use crate::source::Node;

/// Warnings about a plugin's configuration. One whose structure is wrong has other troubles.
pub(super) fn about(plugin: &Plugin, node: &Node) -> Vec<Diagnostic> {
    let Ok(config) = serde_json::from_value::<GrayReleaseConfig>(node.to_json()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    found.extend(nothing_to_carry(plugin, &config));
    found.extend(no_direction(plugin, &config));
    found.extend(other_direction(plugin, &config, node));
    for (index, tag) in config.tags.iter().enumerate() {
        let lanes = tag.lanes.as_ref();
        found.extend(lanes.and_then(|lanes| strangers_in_a_strict_lane(index, lanes, node)));
    }
    found
}

fn nothing_to_carry(plugin: &Plugin, config: &GrayReleaseConfig) -> Option<Diagnostic> {
    let message = "without `tags` nothing is carried from a request to the calls that it causes";
    config.tags.is_empty().then(|| {
        Diagnostic::warning("config-empty", plugin.place.clone(), message).at(JsonPath::default())
    })
}

/// Envoy's listeners say it by `traffic_direction`; those of Istio always do.
fn no_direction(plugin: &Plugin, config: &GrayReleaseConfig) -> Option<Diagnostic> {
    let is_unsaid = config.direction.is_none() && plugin.proxy.traffic == Traffic::Unsaid;
    let message = "neither the listener nor the configuration says whether requests come to the application or leave it: \
                   the filter does nothing";
    is_unsaid.then(|| {
        Diagnostic::warning("direction-missing", plugin.place.clone(), message)
            .expected("`direction: inbound` or `direction: outbound`, or `traffic_direction` at the listener")
            .at(JsonPath::default())
    })
}

/// What the configuration says comes before what the listener says.
fn other_direction(plugin: &Plugin, config: &GrayReleaseConfig, node: &Node) -> Option<Diagnostic> {
    let given = config.direction?;
    let is_istio = !matches!(plugin.origin, Origin::Bare | Origin::Envoy);
    let is_sidecar = is_istio && plugin.proxy.kind == Some(ProxyKind::Sidecar);
    let seen = match plugin.proxy.traffic {
        Traffic::Of(direction) if direction != given => {
            format!("the requests of the listener are {}", direction.as_str())
        }
        Traffic::Unknown if is_sidecar => {
            "the plugin runs for requests of both directions".to_owned()
        }
        _ => return None,
    };
    let given = given.as_str();
    let path = Place::root().key("direction").to_path();
    let message = format!("{seen}, and all are taken for {given}");
    let warning = Diagnostic::warning("direction-differs", node.locate_value(&path), message);
    Some(
        warning
            .found(given)
            .expected(
                "no `direction`: listeners with `traffic_direction`, as those of Istio, say it",
            )
            .at(path),
    )
}

/// The tag of a strict lane means something, any other does not: whoever makes one up comes into the lane's workloads.
fn strangers_in_a_strict_lane(tag: usize, lanes: &Lanes, node: &Node) -> Option<Diagnostic> {
    let is_strict = |mode: Option<Mode>| mode == Some(Mode::Strict);
    let strict = lanes.lanes.iter().position(|lane| is_strict(lane.mode))?;
    let name = &lanes.lanes.get(strict)?.name;
    if lanes.on_unknown_tag != Some(OnUnknownTag::Accept) {
        return None;
    }
    let root = Place::root();
    let tags = root.key("tags");
    let tag = tags.index(tag);
    let place = tag.key("lanes");
    let path = place.key("onUnknownTag").to_path();
    let list = place.key("lanes");
    let lane = list.index(strict).key("mode").to_path();
    let message = format!(
        "requests with a tag that is no lane's are let into the workloads of the strict lane `{name}`"
    );
    let warning = Diagnostic::warning("strict-lane-open", node.locate_value(&path), message);
    Some(
        warning
            .related(node.locate_value(&lane), "this lane is strict")
            .expected("`untagged` or `refuse`")
            .at(path),
    )
}
