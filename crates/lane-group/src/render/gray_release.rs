//! The configuration of `gray-release`: the tag of each group, and its lanes.

use meshlane_diagnostics::Place;
use serde_json::{Value, json};

use super::{Document, Member};
use crate::group::Lane;
use crate::origin::Origins;
use crate::write::{object, written};

pub(super) fn render(members: &[Member<'_>]) -> Document {
    let mut origins = Origins::default();
    let root = Place::root();
    let tags = root.key("tags");
    let mut correlation = None;
    let mut values = Vec::with_capacity(members.len());
    for (index, Member { group, place }) in members.iter().enumerate() {
        if index == 0 {
            origins.made(&root, place);
        }
        if let (None, Some(config)) = (&correlation, &group.correlation) {
            origins.copied(&root.key("correlation"), &place.key("correlation"));
            correlation = Some(written(config));
        }
        let tag = tags.index(index);
        origins.made(&tag, place);
        origins.made(&tag.key("name"), &place.key("tag"));
        origins.copied(&tag.key("carriers"), &place.key("carriers"));
        origins.made(&tag.key("ownLabel"), &place.key("label"));
        origins.made(&tag.key("responseHeader"), &place.key("responseHeader"));
        let lanes = tag.key("lanes");
        origins.made(&lanes.key("label"), &place.key("label"));
        origins.made(&lanes.key("baseline"), &place.key("baseline"));
        origins.copied(&lanes.key("exempt"), &place.key("exempt"));
        origins.copied(&lanes.key("lanes"), &place.key("lanes"));
        let carriers = group.carriers.as_ref();
        let exempt = group.exempt.as_ref();
        values.push(object([
            ("name", Some(json!(group.tag))),
            ("carriers", carriers.map(written)),
            ("ownLabel", group.own_label.then(|| json!(group.label))),
            (
                "responseHeader",
                group.response_header.as_ref().map(written),
            ),
            (
                "lanes",
                Some(object([
                    ("label", Some(json!(group.label))),
                    ("baseline", Some(json!(group.baseline))),
                    ("lanes", Some(group.lanes.iter().map(lane).collect())),
                    ("onUntagged", Some(json!(group.on_untagged))),
                    ("onOtherLane", Some(json!(group.on_other_lane))),
                    ("onUnknownTag", Some(json!(group.on_unknown_tag))),
                    ("exempt", exempt.map(written)),
                ])),
            ),
        ]));
    }
    let value = object([
        ("correlation", correlation),
        ("tags", Some(Value::Array(values))),
    ]);
    Document { value, origins }
}

fn lane(lane: &Lane) -> Value {
    object([
        ("name", Some(json!(lane.name))),
        ("mode", Some(json!(lane.mode))),
        ("enabled", (!lane.is_enabled).then_some(Value::Bool(false))),
    ])
}
