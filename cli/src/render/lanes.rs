//! The configurations that follow from lane groups.

use std::fmt;

use meshlane_lane_group::{LaneGroup, Rendered};
use serde_json::Value;

use super::yaml;
use crate::documents::Kind;

/// The configurations that follow from lane groups. They display as YAML: one document, or one for each filter.
#[derive(Debug)]
pub struct Lanes {
    groups: Vec<String>,
    configurations: Vec<Configuration>,
}

#[derive(Debug)]
struct Configuration {
    filter: Kind,
    /// Where it belongs.
    place: &'static str,
    value: Value,
}

impl Lanes {
    /// The configurations of the filters, or of one alone.
    pub fn new(groups: &[LaneGroup], rendered: Rendered, only: Option<Kind>) -> Self {
        let configuration = |filter: Kind, place: &'static str, value: Value| Configuration {
            filter,
            place,
            value,
        };
        let (traffic_tag, tag_route) = (rendered.traffic_tag, rendered.tag_route);
        let both = "for gateways and the way out of sidecars";
        let mut configurations = vec![
            configuration(Kind::TrafficTag, "for gateways", traffic_tag),
            configuration(Kind::TagRoute, both, tag_route),
            configuration(
                Kind::GrayRelease,
                "for both ways of sidecars",
                rendered.gray_release,
            ),
        ];
        configurations.retain(|one| only.is_none_or(|only| only == one.filter));
        Self {
            groups: groups.iter().map(written).collect(),
            configurations,
        }
    }

    /// The same as JSON: the one configuration, or all of them under the names of their filters.
    pub fn to_json(&self) -> Value {
        if let [one] = self.configurations.as_slice() {
            return one.value.clone();
        }
        let all = self.configurations.iter();
        all.map(|one| (one.filter.as_str().to_owned(), one.value.clone()))
            .collect()
    }
}

impl fmt::Display for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = self.groups.join(", ");
        for (index, one) in self.configurations.iter().enumerate() {
            if index > 0 {
                writeln!(f, "---")?;
            }
            let Configuration { filter, place, .. } = one;
            writeln!(f, "# {}, {place}; made of {groups}", filter.as_str())?;
            yaml::document(f, &one.value)?;
        }
        Ok(())
    }
}

/// `LaneGroup shop/web`
fn written(group: &LaneGroup) -> String {
    let (kind, name) = (LaneGroup::KIND, group.name());
    match group.namespace() {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}
