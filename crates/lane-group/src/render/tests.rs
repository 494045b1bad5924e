use serde_json::{Value, json};

use super::*;
use crate::testing::{document, group, named, services, user, with};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_whole_group_is_rendered() {
    let document: Value = serde_json::from_str(include_str!("tests/shop.json")).unwrap();
    let expected: Value = serde_json::from_str(include_str!("tests/shop.rendered.json")).unwrap();
    let group = group(&document);
    let rendered = render(&group);
    let found = json!({
        "trafficTag": rendered.traffic_tag,
        "tagRoute": rendered.tag_route,
        "grayRelease": rendered.gray_release,
    });
    let text = serde_json::to_string_pretty(&found).unwrap();
    assert_eq!(found, expected, "{text}");
    assert_eq!(render(&group), rendered);
}

#[test]
fn filters_accept_what_is_rendered() {
    let document: Value = serde_json::from_str(include_str!("tests/shop.json")).unwrap();
    let rendered = render(&group(&document));
    let bytes = |value: &Value| value.to_string().into_bytes();
    for proxy in [ProxyKind::Gateway, ProxyKind::Bare] {
        let policy = meshlane_traffic_tag::Policy::parse(&bytes(&rendered.traffic_tag), proxy);
        assert_eq!(policy.unwrap().tags()[0].rules().len(), 5);
    }
    let policy = meshlane_tag_route::Policy::parse(&bytes(&rendered.tag_route), ProxyKind::Sidecar);
    assert_eq!(policy.unwrap().services().len(), 3);
    let policy = meshlane_gray_release::Policy::parse(&bytes(&rendered.gray_release)).unwrap();
    assert!(policy.tags()[0].lanes().eq(["blue", "gray", "load", "new"]));
}

#[test]
fn a_closed_lane_is_nobodys_way() {
    let lanes = |enabled| json!({"lanes": [{"name": "gray", "mode": "strict", "enabled": enabled, "entry": user("alice")}]});
    let of = |enabled| render(&group(&document(lanes(enabled))));
    let (open, closed) = (of(true), of(false));
    assert_eq!(
        open.traffic_tag["tags"][0]["rules"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(closed.traffic_tag["tags"][0]["rules"], json!([]));
    let destinations = |rendered: &Rendered| {
        let destinations = rendered.tag_route["services"][0]["destinations"]
            .as_array()
            .cloned();
        destinations.unwrap().len()
    };
    assert_eq!((destinations(&open), destinations(&closed)), (2, 1));
    let routers = |rendered: &Rendered| {
        rendered.tag_route["chains"]["lanes"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((routers(&open), routers(&closed)), (2, 1));
    let lane = |rendered: &Rendered| rendered.gray_release["tags"][0]["lanes"]["lanes"][0].clone();
    assert_eq!(lane(&open), json!({"name": "gray", "mode": "strict"}));
    assert_eq!(
        lane(&closed),
        json!({"name": "gray", "mode": "strict", "enabled": false})
    );
}

#[test]
fn fallbacks_are_tried_in_an_order_that_fits_all() {
    let spec = json!({
        "onOtherLane": "accept",
        "services": [{"name": "orders", "hosts": ["orders"], "fallback": {"a": "d", "b": "a", "c": "d", "d": "e"}}],
        "lanes": [{"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "d"}, {"name": "e"}],
    });
    let rendered = render(&group(&document(spec)));
    let [reach, lane] = rendered.tag_route["chains"]["lanes"]
        .as_array()
        .unwrap()
        .as_slice()
    else {
        panic!("two routers");
    };
    assert_eq!(lane["fallback"]["values"], json!(["a", "d", "e"]));
    let rules = reach["condition"]["rules"].as_array().unwrap().iter();
    let reach: Vec<_> = rules
        .map(|rule| rule["to"][0]["labels"]["lane"].clone())
        .collect();
    assert_eq!(
        json!(reach),
        json!([
            ["a", "d", "e", "base"],
            ["b", "a", "d", "e", "base"],
            ["c", "d", "e", "base"],
            ["d", "e", "base"],
            ["e", "base"],
            ["base"]
        ])
    );
}

/// The groups `one` and `two`, which have the service `orders` in common.
fn two(one: Value, two: Value) -> [LaneGroup; 2] {
    let own = |lane: &str, service: &str, spec: Value| {
        let services = services(&["orders", service]);
        let spec = with(
            json!({"services": services, "lanes": [{"name": lane, "entry": user(lane)}]}),
            spec,
        );
        group(&named(if lane == "gray" { "one" } else { "two" }, spec))
    };
    [own("gray", "cart", one), own("blue", "stock", two)]
}

fn wrong(groups: &[LaneGroup]) -> String {
    merge(groups).unwrap_err().to_string()
}

#[test]
fn several_groups_are_several_tags() {
    let combination = json!({"services": [
        {"name": "orders", "hosts": ["ORDERS"], "combinations": [{"name": "gray-blue", "lanes": {"one": "gray", "two": "blue"}}]},
    ]});
    let rendered = merge(&two(json!({"correlation": {"ttl": 60}}), combination)).unwrap();
    assert_eq!(rendered.gray_release["correlation"], json!({"ttl": 60}));
    for document in [&rendered.gray_release, &rendered.traffic_tag] {
        let tags = document["tags"].as_array().unwrap().iter();
        let names: Vec<_> = tags.map(|tag| &tag["name"]).collect();
        assert_eq!(names, ["x-one", "x-two"]);
    }
    let services = rendered.tag_route["services"].as_array().unwrap().iter();
    let services: Vec<_> = services
        .map(|service| json!([service["name"], service["chain"]]))
        .collect();
    assert_eq!(
        json!(services),
        json!([["orders", "lanes"], ["cart", "lanes-2"]])
    );
    assert_eq!(
        rendered.tag_route["services"][0]["destinations"],
        json!([
            {"name": "base", "labels": {"one": "base", "two": "base"}},
            {"name": "gray", "labels": {"one": "gray", "two": "base"}},
            {"name": "blue", "labels": {"one": "base", "two": "blue"}},
            {"name": "gray-blue", "labels": {"one": "gray", "two": "blue"}},
        ])
    );
    let chain = rendered.tag_route["chains"]["lanes"]
        .as_array()
        .unwrap()
        .iter();
    let names: Vec<_> = chain.map(|router| &router["name"]).collect();
    assert_eq!(names, ["one/lane", "two/lane"]);
    assert_eq!(rendered.tag_route["chains"]["lanes-2"][0]["name"], "lane");
}

#[test]
fn groups_that_share_nothing_may_have_one_label() {
    let groups = two(
        json!({}),
        json!({"label": "one", "services": services(&["stock"])}),
    );
    let rendered = merge(&groups).unwrap();
    assert_eq!(rendered.tag_route["services"].as_array().unwrap().len(), 3);
    let alone = merge(&groups[..1]).unwrap();
    assert_eq!(alone, render(&groups[0]));
}

#[test]
fn what_does_not_go_together_is_told() {
    let lanes = |name: &str| json!([{"name": name}]);
    for (one, other, message) in [
        (
            json!({"tag": "x"}),
            json!({"tag": "X"}),
            "[1].spec.tag: `x` is already used at [0].spec.tag",
        ),
        (
            json!({}),
            json!({"carriers": [{"header": "x-one"}]}),
            "[1].spec.carriers[0]: `header x-one` is already used at [0].spec.tag",
        ),
        (
            json!({}),
            json!({"label": "one"}),
            "[1].spec.label: `one` is already used at [0].spec.label",
        ),
        (
            json!({}),
            json!({"label": "one", "services": services(&["stock"]), "lanes": lanes("gray")}),
            "[1].spec.label: `one` is already used at [0].spec.label",
        ),
        (
            json!({}),
            json!({"lanes": lanes("gray")}),
            "[1].spec.lanes[0].name: `gray` is already used at [0].spec.lanes[0].name",
        ),
        (
            json!({}),
            json!({"services": [{"name": "other", "hosts": ["orders"]}]}),
            "[1].spec.services[0].hosts[0]: `orders` is already used at [0].spec.services[0].hosts[0]",
        ),
        (
            json!({}),
            json!({"services": [{"name": "orders", "hosts": ["other"]}]}),
            "[1].spec.services[0].name: `orders` is already used at [0].spec.services[0].name",
        ),
        (
            json!({}),
            json!({"services": [{"name": "orders", "hosts": ["orders"], "port": 80, "host": "orders"}]}),
            "[1].spec.services[0].clusters: found `outbound|80|base|orders`, expected the cluster of the baseline that the first group \
             with the service says",
        ),
        (
            json!({"correlation": {"ttl": 60}}),
            json!({"correlation": {"ttl": 61}}),
            "[1].spec.correlation: found `{\"ttl\":61}`, expected what the first group says: all plugins of a proxy share it",
        ),
        (
            json!({"health": {"cluster": "a"}}),
            json!({"health": {"cluster": "b"}}),
            "[1].spec.health: found `{\"cluster\":\"b\"}`, expected what the first group says: all plugins of a proxy share it",
        ),
        (
            json!({}),
            json!({"services": [{"name": "orders", "hosts": ["orders"], "combinations": [
                {"name": "x", "lanes": {"two": "blue", "one": "grey"}}, {"name": "y", "lanes": {"two": "blue", "three": "a"}},
            ]}]}),
            "[1].spec.services[0].combinations[0].lanes.one: unknown lane `grey`, expected one of `gray`; did you mean `gray`?\n\
             [1].spec.services[0].combinations[1].lanes.three: unknown label `three`, expected one of `one`, `two`",
        ),
    ] {
        assert_eq!(wrong(&two(one, other)), message);
    }
    let [one, _] = two(json!({}), json!({}));
    let twice = wrong(&[one.clone(), one]);
    assert!(
        twice.starts_with("[1].metadata.name: `one` is already used at [0].metadata.name"),
        "{twice}"
    );
}

#[test]
fn there_are_only_so_many_chains() {
    let lanes = "abcdefghijk".chars().map(String::from);
    let lanes: Vec<_> = lanes.collect();
    let others = |lane: &String| {
        let lane = lane.clone();
        let others = lanes.iter().filter(move |other| **other != lane);
        others.cloned()
    };
    let pairs = lanes
        .iter()
        .flat_map(|lane| others(lane).map(move |other| (lane, other)));
    let service = |(lane, other): (&String, String)| {
        let name = format!("{lane}{other}");
        json!({"name": name, "hosts": [name], "fallback": {lane: other}})
    };
    let services: Vec<_> = pairs.take(101).map(service).collect();
    let lanes: Vec<_> = lanes.iter().map(|lane| json!({"name": lane})).collect();
    let document = document(json!({"onOtherLane": "accept", "services": services, "lanes": lanes}));
    let violations = LaneGroup::parse(document.to_string().as_bytes()).unwrap_err();
    assert_eq!(
        violations.to_string(),
        "spec.services: chains: found 101, at most 100 are allowed"
    );
}
