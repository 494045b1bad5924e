//! The configuration of `gray-release`: the tag of each group, and its lanes.

use meshlane_diagnostics::Place;
use serde_json::{Value, json};

use super::{Document, Member};
use crate::group::Lane;
use crate::origin::Origins;
use crate::write::{self, object, text};

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
            correlation = Some(write::correlation(config));
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
            (
                "carriers",
                carriers.map(|list| list.iter().map(write::carrier).collect()),
            ),
            ("ownLabel", group.own_label.then(|| json!(group.label))),
            ("responseHeader", text(group.response_header.as_ref())),
            (
                "lanes",
                Some(object([
                    ("label", Some(json!(group.label))),
                    ("baseline", Some(json!(group.baseline))),
                    ("lanes", Some(group.lanes.iter().map(lane).collect())),
                    (
                        "onUntagged",
                        Some(json!(write::on_untagged(group.on_untagged))),
                    ),
                    (
                        "onOtherLane",
                        Some(json!(write::on_other_lane(group.on_other_lane))),
                    ),
                    (
                        "onUnknownTag",
                        Some(json!(write::on_unknown_tag(group.on_unknown_tag))),
                    ),
                    ("exempt", exempt.map(write::condition)),
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
        ("mode", Some(json!(write::mode(lane.mode)))),
        ("enabled", (!lane.is_enabled).then_some(Value::Bool(false))),
    ])
}
