//! `meshlane schema`: the JSON Schema of a document, and the reference made from it.

mod reference;
mod subject;

use meshlane_bridge::config::DubboConfig;
use meshlane_documents::FilterKind;
use meshlane_documents::config::{DubboService, RateLimit, RouterChain, TrafficLabel};
use meshlane_gray_release::config::GrayReleaseConfig;
use meshlane_lane_group::config::LaneGroup;
use meshlane_rate_limit::config::RateLimitConfig;
use meshlane_tag_route::config::TagRouteConfig;
use meshlane_traffic_tag::config::TrafficTagConfig;
use schemars::generate::SchemaSettings;
use serde_json::Value;

pub use reference::reference;
pub use subject::Subject;

use crate::documents::{Kind, OwnKind};

/// The JSON Schema (draft 2020-12) of a document, generated from the types that it is read with.
pub fn of(subject: Subject) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let schema = match subject {
        Subject::Filter(kind) => match kind {
            Kind::Dubbo => generator.into_root_schema_for::<DubboConfig>(),
            Kind::GrayRelease => generator.into_root_schema_for::<GrayReleaseConfig>(),
            Kind::RateLimit => generator.into_root_schema_for::<RateLimitConfig>(),
            Kind::TagRoute => generator.into_root_schema_for::<TagRouteConfig>(),
            Kind::TrafficTag => generator.into_root_schema_for::<TrafficTagConfig>(),
        },
        Subject::LaneGroup => generator.into_root_schema_for::<LaneGroup>(),
        Subject::Document(kind) => match kind {
            OwnKind::DubboService => generator.into_root_schema_for::<DubboService>(),
            OwnKind::Filter(FilterKind::RateLimit) => generator.into_root_schema_for::<RateLimit>(),
            OwnKind::Filter(FilterKind::RouterChain) => {
                generator.into_root_schema_for::<RouterChain>()
            }
            OwnKind::Filter(FilterKind::TrafficLabel) => {
                generator.into_root_schema_for::<TrafficLabel>()
            }
        },
    };
    normalized(schema.to_value())
}

/// The schema as text, with keys in alphabetical order and a line feed at the end.
pub fn text(subject: Subject) -> String {
    format!("{:#}\n", of(subject))
}

/// Sorts the keys, whatever map `serde_json` was built with, so that the text is the same
/// in every build, and leaves out defaults of `null`: they say that a key may be absent,
/// which all keys may that are not required.
fn normalized(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> = members
                .into_iter()
                .filter(|(key, value)| !(key == "default" && value.is_null()))
                .collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            members
                .into_iter()
                .map(|(key, value)| (key, normalized(value)))
                .collect()
        }
        Value::Array(items) => items.into_iter().map(normalized).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::KEYWORDS;

    /// A keyword that the walk along the schema does not know would be silently ignored.
    #[test]
    fn every_keyword_is_understood() {
        fn assert_known(schema: &Value) {
            let Some(members) = schema.as_object() else {
                return;
            };
            for (keyword, value) in members {
                assert!(KEYWORDS.contains(&keyword.as_str()), "{keyword}: {value}");
                match keyword.as_str() {
                    "properties" | "$defs" => {
                        value.as_object().unwrap().values().for_each(assert_known);
                    }
                    "items" | "additionalProperties" => assert_known(value),
                    "anyOf" | "oneOf" => value.as_array().unwrap().iter().for_each(assert_known),
                    _ => {}
                }
            }
        }
        for subject in Subject::ALL {
            assert_known(&of(*subject));
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn assert_resolved(root: &Value, schema: &Value) {
            if let Some(reference) = schema.get("$ref") {
                let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
                assert!(root.pointer(pointer).is_some(), "{reference}");
            }
            match schema {
                Value::Object(members) => members
                    .values()
                    .for_each(|value| assert_resolved(root, value)),
                Value::Array(items) => items.iter().for_each(|value| assert_resolved(root, value)),
                _ => {}
            }
        }
        for subject in Subject::ALL {
            let schema = of(*subject);
            assert_resolved(&schema, &schema);
        }
    }

    #[test]
    fn every_key_is_described() {
        fn assert_described(name: &str, schema: &Value) {
            for (key, property) in schema
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                assert!(property.get("description").is_some(), "{name}.{key}");
            }
        }
        for subject in Subject::ALL {
            let schema = of(*subject);
            assert_described(subject.as_str(), &schema);
            for (name, definition) in schema.get("$defs").unwrap().as_object().unwrap() {
                assert_described(name, definition);
            }
        }
    }
}
