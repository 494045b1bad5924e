use meshlane_tags::TagValue;

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn wrong(document: &str) -> Vec<String> {
    match Policy::parse(document.as_bytes(), ProxyKind::Bare) {
        Ok(_) => panic!("{document} was accepted"),
        Err(violations) => violations.iter().map(ToString::to_string).collect(),
    }
}

/// A document with one tag that has these keys besides its name.
fn tag(keys: &str) -> String {
    format!(r#"{{"tags": [{{"name": "x-tag", "onIncoming": "keep", {keys}}}]}}"#)
}

fn rule(keys: &str) -> String {
    tag(&format!(r#""rules": [{{{keys}}}]"#))
}

#[test]
fn the_default_of_on_incoming_depends_on_the_proxy() {
    let document = br#"{"tags": [{"name": "x-tag"}]}"#;
    let on_incoming =
        |proxy| Policy::parse(document, proxy).map(|policy| policy.tags[0].on_incoming);
    assert_eq!(on_incoming(ProxyKind::Gateway), Ok(OnIncoming::Strip));
    assert_eq!(on_incoming(ProxyKind::Sidecar), Ok(OnIncoming::Keep));
    assert_eq!(on_incoming(ProxyKind::Waypoint), Ok(OnIncoming::Keep));
    let error = on_incoming(ProxyKind::Bare).unwrap_err();
    assert_eq!(error.to_string(), "tags[0]: key `onIncoming` is missing");
}

#[test]
fn an_empty_document_is_a_policy_without_tags() {
    for document in ["", "{}", r#"{"tags": []}"#] {
        assert!(
            Policy::parse(document.as_bytes(), ProxyKind::Bare)
                .unwrap()
                .tags()
                .is_empty()
        );
    }
}

#[test]
fn wrong_documents_are_named() {
    let value = TagValue::EXPECTED;
    for (document, message) in [
        (r#"{"name": "a b"}"#.to_owned(), "name: found `a b`, expected a name of 1 to 64 letters, digits and `-_/`".to_owned()),
        (r#"{"sourceIp": {"trustedHops": 1.5}}"#.into(), "sourceIp.trustedHops: found `1.5`, expected an integer from 0 to 32".into()),
        (r#"{"jwt": {"payloadKey": ""}}"#.into(), "jwt.payloadKey: found ``, expected a name of 1 to 128 characters".into()),
        (tag(r#""default": "a b""#), format!("tags[0].default: found `a b`, expected {value}")),
        (tag(r#""carriers": []"#), "tags[0].carriers: carriers: found none, at least one is needed".into()),
        (
            tag(r#""carriers": [{"header": "x", "cookie": "y"}]"#),
            "tags[0].carriers[0]: expected exactly one of `header`, `baggage`, `cookie`, `attachment`, found `header`, `cookie`".into(),
        ),
        (
            tag(r#""carriers": [{"header": "content-length"}]"#),
            "tags[0].carriers[0].header: found `content-length`, expected a header name that does not belong to HTTP itself".into(),
        ),
        (
            tag(r#""carriers": [{"cookie": "a"}, {"cookie": "a"}]"#),
            "tags[0].carriers[1]: `cookie a` is already used at tags[0].carriers[0]".into(),
        ),
        (rule(r#""value": "a", "valueFrom": "path""#), "tags[0].rules[0]: expected exactly one of `value`, `valueFrom`, `split`, found `value`, `valueFrom`".into()),
        (rule(r#""name": "x""#), "tags[0].rules[0]: expected exactly one of `value`, `valueFrom`, `split`, found none".into()),
        (rule(r#""value": """#), format!("tags[0].rules[0].value: found ``, expected {value}")),
        (
            rule(r#""split": {"by": {"attribute": "cookie.uid"}, "values": [{"value": "a", "weight": 60}, {"value": "b", "weight": 60}]}"#),
            "tags[0].rules[0].split.values: the weights add up to 120, which is more than 100".into(),
        ),
        (
            rule(r#""split": {"by": {"attribute": "cookie.uid"}, "values": []}"#),
            "tags[0].rules[0].split.values: values: found none, at least one is needed".into(),
        ),
        (
            rule(r#""split": {"by": {}, "values": [{"value": "a", "weight": -1}]}"#),
            "tags[0].rules[0].split.by: expected exactly one of `attribute`, `stickyCookie`, `random`, found none\n\
             tags[0].rules[0].split.values[0].weight: found `-1`, expected a number that is not negative".into(),
        ),
        (
            rule(r#""split": {"by": {"stickyCookie": {"name": "id", "sameSite": "None", "secure": false}}, "salt": "s", "values": [{"value": "a", "weight": 1}]}"#),
            "tags[0].rules[0].split.by.stickyCookie.sameSite: `sameSite` cannot be used with `secure: false`: browsers refuse `None` without `Secure`".into(),
        ),
        (
            rule(r#""split": {"by": {"stickyCookie": {"name": "id"}}, "values": [{"value": "a", "weight": 1}]}"#),
            "tags[0].rules[0].split.salt: found ``, expected a text that clients do not know (and the algorithm `xxh64`), as a sticky cookie's id is in their hands".into(),
        ),
        (
            rule(r#""split": {"by": {"attribute": "path"}, "algorithm": "crc32-mod100", "values": [{"value": "a", "weight": 2.5}]}"#),
            "tags[0].rules[0].split.values[0].weight: found `2.5`, expected a whole number, as the algorithm knows whole parts only".into(),
        ),
        (
            tag(r#""carriers": [{"header": "dubbo.tag"}, {"attachment": "dubbo.tag"}]"#),
            "tags[0].carriers[1]: `attachment dubbo.tag` is already used at tags[0].carriers[0]".into(),
        ),
        (rule(r#""value": "a", "when": {"attribute": "tag.x-tag", "exact": "b"}"#), "tags[0].rules[0].when.attribute: `tag.x-tag` is decided after this place, at tags[0]; put it earlier in the list".into()),
        (
            r#"{"tags": [{"name": "x-tag", "onIncoming": "keep"}, {"name": "X-Tag", "onIncoming": "keep"}]}"#.into(),
            "tags[1].name: `x-tag` is already used at tags[0].name\n\
             tags[1].name: `header x-tag` is already used at tags[0].name".into(),
        ),
        (
            tag(r#""rules": [{"name": "a", "value": "a"}, {"name": "a", "value": "b"}]"#),
            "tags[0].rules[1].name: `a` is already used at tags[0].rules[0].name".into(),
        ),
        (
            r#"{"tags": [{"name": "x-meshlane-tag", "onIncoming": "keep"}]}"#.into(),
            "tags[0].name: found `x-meshlane-tag`, expected a header name that is not reserved for meshlane (`x-meshlane-*`, `dubbo-interface` …)".into(),
        ),
    ] {
        assert_eq!(wrong(&document).join("\n"), message, "{document}");
    }
}

#[test]
fn an_unknown_tag_comes_with_the_nearest_one() {
    let document = r#"{"tags": [{"name": "x-lane", "onIncoming": "keep"}, {"name": "x-tag", "onIncoming": "keep",
        "rules": [{"value": "a", "when": {"attribute": "tag.x-lnae", "exact": "b"}}]}]}"#;
    assert_eq!(
        wrong(document),
        [
            "tags[1].rules[0].when.attribute: unknown tag `x-lnae`, expected one of `x-lane`; did you mean `x-lane`?"
        ]
    );
}

#[test]
fn structural_errors_name_their_place() {
    let messages = wrong(r#"{"tags": [{"name": "x-tag", "onIncoming": "kep"}]}"#).concat();
    assert!(messages.starts_with("tags[0].onIncoming"), "{messages}");
}

#[test]
fn sizes_are_bounded() {
    let tags: Vec<_> = (0..33)
        .map(|n| format!(r#"{{"name": "t-{n}", "onIncoming": "keep"}}"#))
        .collect();
    assert_eq!(
        wrong(&format!(r#"{{"tags": [{}]}}"#, tags.join(","))),
        ["tags: tags: found 33, at most 32 are allowed"]
    );
    let rules = vec![r#"{"value": "a"}"#; 1001].join(",");
    assert_eq!(
        wrong(&tag(&format!(r#""rules": [{rules}]"#))),
        ["tags[0].rules: rules: found 1001, at most 1000 are allowed"]
    );
}

#[test]
fn everything_that_is_wrong_is_found_at_once() {
    let document = r#"{"name": "", "sourceIp": {"trustedHops": -1}, "tags": [
        {"name": "a b", "default": "", "rules": [{"when": {"attribute": "nope", "exact": 1}}]}]}"#;
    assert_eq!(wrong(document).len(), 7, "{:#?}", wrong(document));
}
