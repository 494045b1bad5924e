use super::*;
use crate::config::Direction;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn wrong(document: &str) -> String {
    match Policy::parse(document.as_bytes()) {
        Ok(_) => panic!("{document} was accepted"),
        Err(violations) => {
            let lines: Vec<_> = violations.iter().map(ToString::to_string).collect();
            lines.join("\n")
        }
    }
}

fn assert_wrong<const N: usize>(documents: [(String, &str); N]) {
    for (document, message) in documents {
        assert_eq!(wrong(&document), message, "{document}");
    }
}

fn correlation(keys: &str) -> String {
    format!(r#"{{"correlation": {{{keys}}}}}"#)
}

fn tag(keys: &str) -> String {
    format!(r#"{{"tags": [{{"name": "x-mse-tag", {keys}}}]}}"#)
}

fn lanes(keys: &str) -> String {
    tag(&format!(r#""lanes": {{"label": "version", {keys}}}"#))
}

#[test]
fn what_is_not_given_has_a_default() {
    let policy = Policy::parse(b"{}").unwrap();
    assert_eq!(policy.direction(), None);
    assert_eq!(policy.capacity(), 16_384);
    assert_eq!(policy.lifetime(), Duration::from_secs(300));
    assert_eq!(policy.identifiers().next(), Some("x-request-id"));
    assert_eq!(policy.identifiers().count(), 9);
    assert!(policy.tags().is_empty());
}

#[test]
fn a_whole_document_is_accepted() {
    let document = br#"{
        "name": "lanes", "onInvalidConfig": "refuse", "direction": "outbound", "dubboHeaders": "peer",
        "correlation": {"identifiers": ["X-Call", "b3"], "capacity": 64, "ttl": 0.5e1},
        "tags": [
            {"name": "x-mse-tag", "carriers": [{"header": "x-mse-tag"}, {"baggage": "mse-tag"}], "ownLabel": "lane",
             "responseHeader": "x-lane",
             "lanes": {"label": "lane", "baseline": "base",
                       "lanes": [{"name": "gray", "mode": "strict"}, {"name": "blue", "enabled": false}],
                       "onUntagged": "reroute", "onOtherLane": "accept", "onUnknownTag": "refuse",
                       "exempt": {"attribute": "path", "prefix": "/health"}}},
            {"name": "dubbo.tag"}]}"#;
    let policy = Policy::parse(document).unwrap();
    assert_eq!(policy.direction(), Some(Direction::Outbound));
    assert!(policy.identifiers().eq(["x-call", "b3"]));
    assert_eq!(policy.lifetime(), Duration::from_secs(5));
    assert!(policy.tags()[0].lanes().eq(["blue", "gray"]));
    assert!(policy.attachment_carriers().eq(["dubbo.tag"]));
}

#[test]
fn the_memory_is_of_some_size() {
    let capacity = "a whole number from 64 to 262144";
    for found in ["63", "0", "262145", "100.5", "-1"] {
        let message = format!("correlation.capacity: found `{found}`, expected {capacity}");
        assert_eq!(
            wrong(&correlation(&format!(r#""capacity": {found}"#))),
            message
        );
    }
    for found in ["0", "86401"] {
        let message = format!("correlation.ttl: found `{found}`, expected seconds from 1 to 86400");
        assert_eq!(wrong(&correlation(&format!(r#""ttl": {found}"#))), message);
    }
}

#[test]
fn identifiers_are_headers() {
    let expected = "the name of a request header that is not reserved for meshlane";
    for found in ["", "a b", "dubbo-interface", "x-meshlane-a", ":path:"] {
        let document = correlation(&format!(r#""identifiers": ["{found}"]"#));
        let message = wrong(&document);
        assert!(
            message.starts_with("correlation.identifiers[0]: "),
            "{message}"
        );
        assert!(message.ends_with(expected), "{message}");
    }
    assert_wrong([
        (
            correlation(r#""identifiers": ["b3", "B3"]"#),
            "correlation.identifiers[1]: `b3` is already used at correlation.identifiers[0]",
        ),
        (
            correlation(&format!(r#""identifiers": [{}]"#, [r#""a""#; 17].join(","))),
            "correlation.identifiers: identifiers: found 17, at most 16 are allowed",
        ),
    ]);
}

#[test]
fn tags_are_as_those_of_traffic_tag() {
    assert_wrong([
        (
            tag(r#""ownLabel": """#),
            "tags[0].ownLabel: found ``, expected a label's name: 1 to 128 visible ASCII characters",
        ),
        (
            tag(r#""responseHeader": "x-meshlane-tag""#),
            "tags[0].responseHeader: found `x-meshlane-tag`, expected a header name that is not reserved for meshlane \
             (`x-meshlane-*`, `dubbo-interface` …)",
        ),
        (
            r#"{"tags": [{"name": "a"}, {"name": "b", "carriers": [{"header": "a"}]}]}"#.to_owned(),
            "tags[1].carriers[0]: `header a` is already used at tags[0].name",
        ),
        (
            format!(r#"{{"tags": [{}]}}"#, [r#"{"name": "a"}"#; 9].join(",")),
            "tags: tags: found 9, at most 8 are allowed",
        ),
    ]);
}

#[test]
fn lanes_have_names_of_their_own() {
    assert_wrong([
        (
            lanes(r#""lanes": []"#),
            "tags[0].lanes.lanes: lanes: found none, at least one is needed",
        ),
        (
            lanes(r#""lanes": [{"name": "gray"}, {"name": "gray"}]"#),
            "tags[0].lanes.lanes[1].name: `gray` is already used at tags[0].lanes.lanes[0].name",
        ),
        (
            lanes(r#""baseline": "base", "lanes": [{"name": "base"}]"#),
            "tags[0].lanes.lanes[0].name: `base` is already used at tags[0].lanes.baseline",
        ),
        (
            lanes(r#""lanes": [{"name": "a b"}]"#),
            "tags[0].lanes.lanes[0].name: found `a b`, expected a tag value: 1 to 128 visible ASCII characters without `,` `;` \
             `\"` `\\`",
        ),
        (
            lanes(
                r#""lanes": [{"name": "a"}], "exempt": {"attribute": "tag.x-mse-tag", "exact": "a"}"#,
            ),
            "tags[0].lanes.exempt.attribute: found `tag.x-mse-tag`, expected another attribute of the request, as in `path` or \
             `source.principal`",
        ),
        (
            lanes(r#""lanes": [], "exempt": {"attribute": "tag.x-mse-tag", "exact": "a"}"#),
            "tags[0].lanes.exempt.attribute: found `tag.x-mse-tag`, expected another attribute of the request, as in `path` or \
             `source.principal`\n\
             tags[0].lanes.lanes: lanes: found none, at least one is needed",
        ),
    ]);
}
