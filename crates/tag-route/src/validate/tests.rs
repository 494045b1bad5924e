use meshlane_attributes::ProxyKind;

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn wrong(document: &str) -> Vec<String> {
    match Policy::parse(document.as_bytes(), ProxyKind::Sidecar) {
        Ok(_) => panic!("{document} was accepted"),
        Err(violations) => violations.iter().map(ToString::to_string).collect(),
    }
}

fn assert_wrong<const N: usize>(documents: [(String, &str); N]) {
    for (document, message) in documents {
        assert_eq!(wrong(&document).join("\n"), message, "{document}");
    }
}

fn assert_accepted(document: &str) {
    let policy = Policy::parse(document.as_bytes(), ProxyKind::Sidecar);
    assert!(policy.is_ok(), "{document}: {}", policy.unwrap_err());
}

/// A document with one chain of one router with these keys.
fn router(keys: &str) -> String {
    format!(r#"{{"chains": {{"default": [{{{keys}}}]}}}}"#)
}

fn tag(keys: &str) -> String {
    router(&format!(
        r#""tag": {{"keys": ["header.x-tag"]{}{keys}}}"#,
        comma(keys)
    ))
}

fn unit(keys: &str) -> String {
    router(&format!(
        r#""unit": {{"keys": ["header.x-uid"]{}{keys}}}"#,
        comma(keys)
    ))
}

/// A unit of some places, with these ranges.
fn ranges(ranges: &str) -> String {
    unit(&format!(r#""divisor": 10, "ranges": [{ranges}]"#))
}

fn rule(keys: &str) -> String {
    router(&format!(r#""condition": {{"rules": [{{{keys}}}]}}"#))
}

fn weights(values: &str) -> String {
    router(&format!(
        r#""weight": {{"label": "version", "values": [{values}]}}"#
    ))
}

/// A document with one service with these keys, and others beside.
fn service(keys: &str, beside: &str) -> String {
    format!(
        r#"{{"services": [{{"name": "a", "hosts": ["a.shop"]{}{keys}}}]{}{beside}}}"#,
        comma(keys),
        comma(beside)
    )
}

fn destination(keys: &str, beside: &str) -> String {
    service(
        &format!(r#""destinations": [{{"name": "v1"{}{keys}}}]"#, comma(keys)),
        beside,
    )
}

fn health(keys: &str) -> String {
    format!(
        r#"{{"health": {{"cluster": "admin"{}{keys}}}}}"#,
        comma(keys)
    )
}

fn comma(keys: &str) -> &'static str {
    if keys.is_empty() { "" } else { ", " }
}

fn list(count: usize, entry: impl Fn(usize) -> String) -> String {
    (0..count).map(entry).collect::<Vec<_>>().join(",")
}

#[test]
fn an_empty_document_is_a_policy_without_services() {
    for document in ["", "{}", r#"{"services": [], "chains": {}}"#] {
        let policy = Policy::parse(document.as_bytes(), ProxyKind::Bare).unwrap();
        assert!(policy.services().is_empty());
        assert_eq!(policy.output().header(), "x-meshlane-route");
        assert!(!policy.debug() && policy.health_source().is_none());
    }
}

#[test]
fn what_is_not_given_has_its_default() {
    let policy = Policy::parse(health("").as_bytes(), ProxyKind::Bare).unwrap();
    let source = policy.health_source().unwrap();
    assert_eq!(source.cluster(), "admin");
    assert_eq!(source.interval(), Duration::from_secs(5));
    assert_eq!(source.max_bytes(), 16 << 20);
    assert_eq!(source.lifetime(), Duration::from_millis(17_500));
}

#[test]
fn structural_errors_name_their_place() {
    for (document, place) in [
        (tag(r#""separater": ".""#), "chains.default[0].tag"),
        (router(r#""zone": {}"#), "chains.default[0]"),
        (service("", ""), "services[0]"),
        (
            service(r#""lastResort": "any", "destinations": []"#, ""),
            "services[0].lastResort",
        ),
        (
            router(r#""fallback": {"then": "pass"}"#),
            "chains.default[0].fallback.then",
        ),
    ] {
        let messages = wrong(&document).concat();
        assert!(messages.starts_with(place), "{messages}");
    }
}

#[test]
fn wrong_documents_are_named() {
    assert_wrong([
        (
            r#"{"name": "a b"}"#.into(),
            "name: found `a b`, expected a name of 1 to 64 letters, digits and `-_/`",
        ),
        (
            r#"{"sourceIp": {"trustedHops": 1.5}}"#.into(),
            "sourceIp.trustedHops: found `1.5`, expected an integer from 0 to 32",
        ),
        (
            r#"{"jwt": {"payloadKey": ""}}"#.into(),
            "jwt.payloadKey: found ``, expected a name of 1 to 128 characters",
        ),
        (
            r#"{"locality": {"a b": "x", "zone": ""}}"#.into(),
            "locality: found `a b`, expected a label's name: 1 to 128 visible ASCII characters\n\
             locality.zone: found ``, expected a label's value: 1 to 128 visible ASCII characters",
        ),
        (
            r#"{"select": {"salt": "s"}}"#.into(),
            "select: key `by` is missing",
        ),
        (
            r#"{"select": {"by": "header.x-user", "balance": "first"}}"#.into(),
            "select.by: `by` cannot be used with this `balance`: a key goes by the shares of `destinations`",
        ),
        (
            r#"{"select": {"by": "header.x-user", "balance": "endpoints"}}"#.into(),
            "select.by: `by` cannot be used with this `balance`: a key goes by the shares of `destinations`",
        ),
        (
            r#"{"select": {"by": "tag.x-lane"}}"#.into(),
            "select.by: found `tag.x-lane`, expected the tag's carrier, as in `header.x-mse-tag` or `dubbo.attachment.dubbo.tag`",
        ),
        (
            r#"{"chains": {"a b": []}}"#.into(),
            "chains[\"a b\"]: found `a b`, expected a name of 1 to 64 letters, digits and `-_/`",
        ),
    ]);
}

#[test]
fn an_output_header_belongs_to_nobody_else() {
    let expected =
        "expected a header name that no one else writes: `x-meshlane-…`, or none of HTTP's own";
    for header in [
        "",
        "a b",
        ":path",
        "Host",
        "content-type",
        "te",
        "cookie",
        "dubbo-interface",
    ] {
        let document = format!(r#"{{"output": {{"header": "{header}"}}}}"#);
        assert_eq!(
            wrong(&document),
            [format!("output.header: found `{header}`, {expected}")]
        );
    }
    for (header, name) in [("X-Route", "x-route"), ("x-meshlane-to", "x-meshlane-to")] {
        let document = format!(r#"{{"output": {{"header": "{header}"}}}}"#);
        let policy = Policy::parse(document.as_bytes(), ProxyKind::Bare).unwrap();
        assert_eq!(policy.output().header(), name);
    }
}

#[test]
fn wrong_sources_of_health_are_named() {
    let long = "a".repeat(513);
    assert_wrong([
        (
            r#"{"health": {"cluster": ""}}"#.into(),
            "health.cluster: found ``, expected the name of a cluster, of 1 to 512 characters",
        ),
        (
            format!(r#"{{"health": {{"cluster": "{long}"}}}}"#),
            &format!(
                "health.cluster: found `{long}`, expected the name of a cluster, of 1 to 512 characters"
            ),
        ),
        (
            health(r#""interval": 0.1"#),
            "health.interval: found `0.1`, expected seconds from 0.2 to 300",
        ),
        (
            health(r#""interval": 301"#),
            "health.interval: found `301`, expected seconds from 0.2 to 300",
        ),
        (
            health(r#""maxBytes": 1023"#),
            "health.maxBytes: found `1023`, expected whole bytes from 1024 to 268435456",
        ),
        (
            health(r#""maxBytes": 268435457"#),
            "health.maxBytes: found `268435457`, expected whole bytes from 1024 to 268435456",
        ),
        (
            health(r#""staleAfter": 0"#),
            "health.staleAfter: found `0`, expected a whole number from 1 to 100",
        ),
        (
            health(r#""staleAfter": 1.5"#),
            "health.staleAfter: found `1.5`, expected a whole number from 1 to 100",
        ),
        (
            health(r#""minHealthy": {}"#),
            "health.minHealthy: expected exactly one of `endpoints`, `percent`, found none",
        ),
        (
            health(r#""minHealthy": {"endpoints": 1, "percent": 1}"#),
            "health.minHealthy: expected exactly one of `endpoints`, `percent`, found `endpoints`, `percent`",
        ),
        (
            health(r#""minHealthy": {"endpoints": 0}"#),
            "health.minHealthy.endpoints: found `0`, expected a whole number from 1 to 1000000",
        ),
        (
            health(r#""minHealthy": {"endpoints": 1.5}"#),
            "health.minHealthy.endpoints: found `1.5`, expected a whole number from 1 to 1000000",
        ),
        (
            health(r#""minHealthy": {"percent": 0}"#),
            "health.minHealthy.percent: found `0`, expected a number above 0, at most 100",
        ),
        (
            health(r#""minHealthy": {"percent": 100.5}"#),
            "health.minHealthy.percent: found `100.5`, expected a number above 0, at most 100",
        ),
    ]);
    for keys in [
        r#""interval": 0.2, "maxBytes": 1024, "staleAfter": 1, "minHealthy": {"percent": 100}"#,
        r#""interval": 300, "maxBytes": 268435456, "staleAfter": 100, "minHealthy": {"endpoints": 1000000}"#,
    ] {
        assert_accepted(&health(keys));
    }
}

#[test]
fn wrong_routers_are_named() {
    let of = "`locality`, `unit`, `tag`, `condition`, `weight`";
    assert_wrong([
        (
            router(""),
            &format!("chains.default[0]: expected exactly one of {of}, found none"),
        ),
        (
            router(r#""locality": {}, "tag": {"keys": ["path"]}"#),
            &format!("chains.default[0]: expected exactly one of {of}, found `locality`, `tag`"),
        ),
        (
            router(r#""name": "a b", "locality": {}"#),
            "chains.default[0].name: found `a b`, expected a name of 1 to 64 letters, digits and `-_/`",
        ),
        (
            r#"{"chains": {"x": [{"name": "a", "locality": {}}, {"name": "a", "locality": {}}]}}"#
                .into(),
            "chains.x[1].name: `a` is already used at chains.x[0].name",
        ),
        (
            r#"{"chains": {"x": [{"name": "router-2", "locality": {}}, {"locality": {}}]}}"#.into(),
            "chains.x[1]: `router-2` is already used at chains.x[0].name",
        ),
        (
            router(r#""force": true, "locality": {}, "fallback": {"then": "fail"}"#),
            "chains.default[0].fallback: `fallback` cannot be used with `force: true`, which refuses instead",
        ),
        (
            router(r#""locality": {"levels": []}"#),
            "chains.default[0].locality.levels: levels: found none, at least one is needed",
        ),
        (
            router(r#""locality": {"levels": ["zone", "zone"]}"#),
            "chains.default[0].locality.levels[1]: `zone` is already used at chains.default[0].locality.levels[0]",
        ),
        (
            router(r#""locality": {"levels": [""]}"#),
            "chains.default[0].locality.levels[0]: found ``, expected a label's name: 1 to 128 visible ASCII characters",
        ),
    ]);
    // The same names are free in another chain.
    assert_accepted(
        r#"{"chains": {"x": [{"name": "a", "locality": {}}], "y": [{"name": "a", "locality": {}}]}}"#,
    );
}

#[test]
fn wrong_fallbacks_are_named() {
    let value = "expected a label's value: 1 to 128 visible ASCII characters";
    assert_wrong([
        (
            router(r#""locality": {}, "fallback": {"then": "untagged"}"#),
            "chains.default[0].fallback.then: found `untagged`, expected `skip`, `fail` or `lastResort`; only `tag` knows what is untagged",
        ),
        (
            router(r#""locality": {}, "fallback": {"values": [""]}"#),
            &format!("chains.default[0].fallback.values[0]: found ``, {value}"),
        ),
        (
            router(r#""locality": {}, "fallback": {"label": "zone", "values": ["a"]}"#),
            "chains.default[0].fallback.label: `label` cannot be used with a router that has a label of its own",
        ),
        (
            router(r#""condition": {"rules": [{"to": []}]}, "fallback": {"values": ["a"]}"#),
            "chains.default[0].fallback: key `label` is missing",
        ),
        (
            router(
                r#""condition": {"rules": [{"to": []}]}, "fallback": {"label": "ä", "values": ["a"]}"#,
            ),
            "chains.default[0].fallback.label: found `ä`, expected a label's name: 1 to 128 visible ASCII characters",
        ),
    ]);
    assert_accepted(&router(
        r#""force": true, "tag": {"preset": "dubbo"}, "fallback": {"then": "fail"}"#,
    ));
}

#[test]
fn wrong_units_are_named() {
    let places = "expected `from` below `below`, both from 0 to the number of places";
    let at = "chains.default[0].unit";
    let value = "expected a label's value: 1 to 128 visible ASCII characters";
    assert_wrong([
        (
            router(r#""unit": {"keys": [], "ranges": [{"unit": "a", "from": 0, "below": 1}]}"#),
            "chains.default[0].unit.keys: keys: found none, at least one is needed",
        ),
        (
            unit(r#""label": "", "ranges": [{"unit": "a", "from": 0, "below": 1}]"#),
            &format!(
                "{at}.label: found ``, expected a label's name: 1 to 128 visible ASCII characters"
            ),
        ),
        (
            unit(r#""ranges": []"#),
            &format!("{at}.ranges: ranges: found none, at least one is needed"),
        ),
        (
            unit(r#""hash": {}, "divisor": 2, "ranges": []"#),
            &format!("{at}: expected exactly one of `hash`, `divisor`, found `hash`, `divisor`"),
        ),
        (
            unit(r#""divisor": 0, "ranges": []"#),
            &format!("{at}.divisor: found `0`, expected an integer from 1 to 1000000000"),
        ),
        (
            unit(r#""divisor": 2.5, "ranges": []"#),
            &format!("{at}.divisor: found `2.5`, expected an integer from 1 to 1000000000"),
        ),
        (
            unit(r#""hash": {"of": 0}, "ranges": []"#),
            &format!("{at}.hash.of: found `0`, expected a number above 0, at most 1000000000"),
        ),
        (
            unit(r#""hash": {"algorithm": "crc32-mod100", "of": 10}, "ranges": []"#),
            &format!("{at}.hash.of: found `10`, expected 100, as the algorithm divides by it"),
        ),
        (
            unit(r#""hash": {"algorithm": "fnv1a", "salt": "s"}, "ranges": []"#),
            &format!(
                "{at}.hash.salt: `salt` cannot be used with an algorithm for migration, which hashes nothing but the value"
            ),
        ),
        (
            ranges(r#"{"unit": "a", "from": 1, "below": 1}"#),
            &format!("{at}.ranges[0]: found `from 1, below 1 of 10`, {places}"),
        ),
        (
            ranges(r#"{"unit": "a", "from": -1, "below": 1}"#),
            &format!("{at}.ranges[0]: found `from -1, below 1 of 10`, {places}"),
        ),
        (
            ranges(r#"{"unit": "a", "from": 5, "below": 11}"#),
            &format!("{at}.ranges[0]: found `from 5, below 11 of 10`, {places}"),
        ),
        (
            unit(r#""ranges": [{"unit": "a", "from": 50, "below": 101}]"#),
            &format!("{at}.ranges[0]: found `from 50, below 101 of 100`, {places}"),
        ),
        (
            ranges(
                r#"{"unit": "a", "from": 0, "below": 5}, {"unit": "b", "from": 4, "below": 10}"#,
            ),
            &format!(
                "{at}.ranges[1]: found `4 to 10 of b`, expected places that no other range has"
            ),
        ),
        (
            ranges(r#"{"unit": "", "from": 0, "below": 5}"#),
            &format!("{at}.ranges[0].unit: found ``, {value}"),
        ),
        (
            unit(
                r#""default": "a b", "divisor": 1, "ranges": [{"unit": "a", "from": 0, "below": 1}]"#,
            ),
            &format!("{at}.default: found `a b`, {value}"),
        ),
    ]);
    assert_accepted(&ranges(
        r#"{"unit": "b", "from": 5, "below": 10}, {"unit": "a", "from": 0, "below": 5}"#,
    ));
}

#[test]
fn wrong_tags_are_named() {
    let at = "chains.default[0].tag";
    let value = "expected a label's value: 1 to 128 visible ASCII characters";
    let separator = "expected 1 to 8 visible ASCII characters";
    assert_wrong([
        (
            router(r#""tag": {}"#),
            "chains.default[0].tag.keys: keys: found none, at least one is needed",
        ),
        (
            router(r#""tag": {"keys": ["tag.x-lane"]}"#),
            "chains.default[0].tag.keys[0]: found `tag.x-lane`, expected the tag's carrier, as in `header.x-mse-tag` or `dubbo.attachment.dubbo.tag`",
        ),
        (
            tag(r#""label": "a b""#),
            &format!(
                "{at}.label: found `a b`, expected a label's name: 1 to 128 visible ASCII characters"
            ),
        ),
        (
            tag(r#""untagged": ["v1", ""]"#),
            &format!("{at}.untagged[1]: found ``, {value}"),
        ),
        (
            tag(r#""separator": """#),
            &format!("{at}.separator: found ``, {separator}"),
        ),
        (
            tag(r#""separator": "a b""#),
            &format!("{at}.separator: found `a b`, {separator}"),
        ),
        (
            tag(r#""separator": "123456789""#),
            &format!("{at}.separator: found `123456789`, {separator}"),
        ),
        (
            tag(r#""forceKey": "tag.force""#),
            &format!(
                "{at}.forceKey: found `tag.force`, expected the tag's carrier, as in `header.x-mse-tag` or `dubbo.attachment.dubbo.tag`"
            ),
        ),
        (
            tag(r#""groups": [{"tag": "", "labels": {"a": ["b"]}}]"#),
            &format!("{at}.groups[0].tag: found ``, {value}"),
        ),
        (
            tag(r#""groups": [{"tag": "a", "labels": {}}]"#),
            &format!("{at}.groups[0].labels: labels: found none, at least one is needed"),
        ),
        (
            tag(r#""groups": [{"tag": "a", "labels": {"b": []}}]"#),
            &format!("{at}.groups[0].labels.b: values: found none, at least one is needed"),
        ),
        (
            tag(r#""groups": [{"tag": "a", "labels": {"b": ["c", ""]}}]"#),
            &format!("{at}.groups[0].labels.b[1]: found ``, {value}"),
        ),
        (
            tag(r#""groups": [{"tag": "a", "labels": {"": ["c"]}}]"#),
            "chains.default[0].tag.groups[0].labels[\"\"]: found ``, expected a label's name: 1 to 128 visible ASCII characters",
        ),
    ]);
    assert_accepted(&router(r#""tag": {"preset": "dubbo"}"#));
}

#[test]
fn wrong_conditions_are_named() {
    let at = "chains.default[0].condition";
    let value = "expected a label's value: 1 to 128 visible ASCII characters";
    let name = "expected a label's name: 1 to 128 visible ASCII characters";
    assert_wrong([
        (
            router(r#""condition": {"rules": []}"#),
            "chains.default[0].condition.rules: rules: found none, at least one is needed",
        ),
        (
            router(r#""condition": {"rules": [{"to": []}], "salt": "s"}"#),
            "chains.default[0].condition: key `by` is missing",
        ),
        (
            rule(r#""name": "", "to": []"#),
            &format!(
                "{at}.rules[0].name: found ``, expected a name of 1 to 64 letters, digits and `-_/`"
            ),
        ),
        (
            router(r#""condition": {"rules": [{"name": "rule-2", "to": []}, {"to": []}]}"#),
            &format!("{at}.rules[1]: `rule-2` is already used at {at}.rules[0].name"),
        ),
        (
            rule(r#""to": [{"weight": -1}]"#),
            &format!(
                "{at}.rules[0].to[0].weight: found `-1`, expected a number from 0 to 1000000000"
            ),
        ),
        (
            rule(r#""to": [{"weight": 0}, {"weight": 0}]"#),
            &format!(
                "{at}.rules[0].to: found `only weights of 0`, expected a weight above 0 in one of them; an empty `to` for nowhere"
            ),
        ),
        (
            rule(r#""to": [{"labels": {"a": []}}]"#),
            &format!("{at}.rules[0].to[0].labels.a: values: found none, at least one is needed"),
        ),
        (
            rule(r#""to": [{"labels": {"a": [""]}}]"#),
            &format!("{at}.rules[0].to[0].labels.a[0]: found ``, {value}"),
        ),
        (
            rule(r#""to": [{"notLabels": {"": ["a"]}}]"#),
            &format!("{at}.rules[0].to[0].notLabels[\"\"]: found ``, {name}"),
        ),
        (
            rule(r#""to": [{"same": {"ä": "path"}}]"#),
            &format!("{at}.rules[0].to[0].same[\"ä\"]: found `ä`, {name}"),
        ),
        (
            rule(r#""to": [{"same": {"a": "tag.b"}}]"#),
            &format!(
                "{at}.rules[0].to[0].same.a: found `tag.b`, expected the tag's carrier, as in `header.x-mse-tag` or `dubbo.attachment.dubbo.tag`"
            ),
        ),
    ]);
}

#[test]
fn attributes_and_conditions_are_checked_at_their_place() {
    for (document, message) in [
        (
            r#"{"select": {"by": "nope"}}"#.to_owned(),
            "select.by: unknown attribute `nope`",
        ),
        (
            router(r#""tag": {"keys": ["path", "nope"]}"#),
            "chains.default[0].tag.keys[1]: unknown attribute `nope`",
        ),
        (
            router(
                r#""unit": {"keys": ["nope"], "ranges": [{"unit": "a", "from": 0, "below": 1}]}"#,
            ),
            "chains.default[0].unit.keys[0]: unknown attribute `nope`",
        ),
        (
            tag(r#""forceKey": "nope""#),
            "chains.default[0].tag.forceKey: unknown attribute `nope`",
        ),
        (
            router(r#""condition": {"by": "nope", "rules": [{"to": []}]}"#),
            "chains.default[0].condition.by: unknown attribute `nope`",
        ),
        (
            rule(r#""to": [{"same": {"zone": "nope"}}]"#),
            "chains.default[0].condition.rules[0].to[0].same.zone: unknown attribute `nope`",
        ),
        (
            rule(r#""from": {"attribute": "nope", "exact": 1}, "to": []"#),
            "chains.default[0].condition.rules[0].from.attribute: unknown attribute `nope`",
        ),
        (
            rule(r#""from": {"attribute": "path", "exact": 1, "prefix": "/"}, "to": []"#),
            "chains.default[0].condition.rules[0].from: expected exactly one of",
        ),
        (
            router(
                r#""weight": {"label": "a", "by": "nope", "values": [{"value": "b", "weight": 1}]}"#,
            ),
            "chains.default[0].weight.by: unknown attribute `nope`",
        ),
    ] {
        let messages = wrong(&document);
        assert_eq!(messages.len(), 1, "{messages:#?}");
        assert!(messages[0].starts_with(message), "{messages:#?}");
    }
}

#[test]
fn wrong_weights_are_named() {
    let at = "chains.default[0].weight";
    assert_wrong([
        (
            weights(""),
            &format!("{at}.values: values: found none, at least one is needed"),
        ),
        (
            weights(r#"{"value": "", "weight": 1}"#),
            &format!(
                "{at}.values[0].value: found ``, expected a label's value: 1 to 128 visible ASCII characters"
            ),
        ),
        (
            weights(r#"{"value": "a", "weight": 1}, {"value": "a", "weight": 1}"#),
            &format!("{at}.values[1].value: `a` is already used at {at}.values[0].value"),
        ),
        (
            weights(r#"{"value": "a", "weight": 1000000001}"#),
            &format!(
                "{at}.values[0].weight: found `1000000001`, expected a number from 0 to 1000000000"
            ),
        ),
        (
            weights(r#"{"value": "a", "weight": 0}"#),
            &format!(
                "{at}.values: found `only weights of 0`, expected a weight above 0 in one of them"
            ),
        ),
        (
            router(r#""weight": {"label": "", "values": [{"value": "a", "weight": 1}]}"#),
            &format!(
                "{at}.label: found ``, expected a label's name: 1 to 128 visible ASCII characters"
            ),
        ),
        (
            router(
                r#""weight": {"label": "a", "salt": "s", "values": [{"value": "a", "weight": 1}]}"#,
            ),
            &format!("{at}: key `by` is missing"),
        ),
    ]);
}

#[test]
fn wrong_services_are_named() {
    let v1 = r#""destinations": [{"name": "v1", "labels": {"version": "v1"}}]"#;
    let name = "expected a name of 1 to 128 letters, digits and `-_/.`";
    let host = "expected a host, a host with its port, or `*.` with the end of a host; `*` for all";
    let services = |services: &str| format!(r#"{{"services": [{services}]}}"#);
    assert_wrong([
        (
            services(&format!(r#"{{"name": "a b", "hosts": ["a"], {v1}}}"#)),
            &format!("services[0].name: found `a b`, {name}"),
        ),
        (
            services(&format!(
                r#"{{"name": "a.b", "hosts": ["a"], {v1}}}, {{"name": "a_b", "hosts": ["b"], {v1}}}"#
            )),
            "services[1].name: `a_b` is already used at services[0].name",
        ),
        (
            services(&format!(r#"{{"name": "a", "hosts": [], {v1}}}"#)),
            "services[0].hosts: hosts: found none, at least one is needed",
        ),
        (
            services(&format!(
                r#"{{"name": "a", "hosts": ["", "a b", "*a", "*.a:80", "a/b"], {v1}}}"#
            )),
            &["", "a b", "*a", "*.a:80", "a/b"]
                .iter()
                .enumerate()
                .map(|(at, found)| format!("services[0].hosts[{at}]: found `{found}`, {host}"))
                .collect::<Vec<_>>()
                .join("\n"),
        ),
        (
            services(&format!(
                r#"{{"name": "a", "hosts": ["a.shop", "*.a"], {v1}}}, {{"name": "b", "hosts": ["*.A", "A.Shop"], {v1}}}"#
            )),
            "services[1].hosts[0]: `*.A` is already used at services[0].hosts[1]\n\
             services[1].hosts[1]: `A.Shop` is already used at services[0].hosts[0]",
        ),
        (
            service(
                &format!(r#""chain": "defualt", {v1}"#),
                r#""chains": {"default": []}"#,
            ),
            "services[0].chain: unknown chain `defualt`, expected one of `default`; did you mean `default`?",
        ),
        (
            service(r#""destinations": []"#, ""),
            "services[0].destinations: destinations: found none, at least one is needed",
        ),
        (
            service(&format!(r#""lastResort": "baseline", {v1}"#), ""),
            "services[0]: key `baseline` is missing",
        ),
        (
            service(&format!(r#""baseline": {{"version": "v1"}}, {v1}"#), ""),
            "services[0].baseline: `baseline` cannot be used with another `lastResort` than `baseline`",
        ),
        (
            service(
                &format!(r#""lastResort": "baseline", "baseline": {{"version": "v2"}}, {v1}"#),
                "",
            ),
            "services[0].baseline: found `{\"version\":\"v2\"}`, expected labels that a destination of the service has",
        ),
    ]);
    assert_accepted(&service(v1, ""));
}

#[test]
fn wrong_destinations_are_named() {
    let at = "services[0].destinations";
    let name = "expected a name of 1 to 128 letters, digits and `-_/.`";
    assert_wrong([
        (
            service(r#""destinations": [{"name": ""}]"#, ""),
            &format!("{at}[0].name: found ``, {name}"),
        ),
        (
            service(r#""destinations": [{"name": "v.1"}, {"name": "v_1"}]"#, ""),
            &format!("{at}[1].name: `v_1` is already used at {at}[0].name"),
        ),
        (
            destination(r#""cluster": "a b""#, ""),
            &format!(
                "{at}[0].cluster: found `a b`, expected the name of a cluster: 1 to 512 visible ASCII characters"
            ),
        ),
        (
            destination("", r#""output": {"value": "cluster"}"#),
            &format!("{at}[0]: key `cluster` is missing"),
        ),
        (
            destination(r#""labels": {"a": ""}"#, ""),
            &format!(
                "{at}[0].labels.a: found ``, expected a label's value: 1 to 128 visible ASCII characters"
            ),
        ),
        (
            destination(r#""labels": {"a b": "c"}"#, ""),
            &format!(
                "{at}[0].labels: found `a b`, expected a label's name: 1 to 128 visible ASCII characters"
            ),
        ),
        (
            destination(
                r#""minHealthy": {"endpoints": 1}"#,
                r#""health": {"cluster": "admin"}"#,
            ),
            &format!("{at}[0]: key `cluster` is missing"),
        ),
        (
            destination(r#""cluster": "c", "minHealthy": {"endpoints": 1}"#, ""),
            &format!(
                "{at}[0].minHealthy: `minHealthy` cannot be used with a document without `health`"
            ),
        ),
        (
            destination(
                r#""cluster": "c", "minHealthy": {"percent": 101}"#,
                r#""health": {"cluster": "admin"}"#,
            ),
            &format!(
                "{at}[0].minHealthy.percent: found `101`, expected a number above 0, at most 100"
            ),
        ),
        (
            destination(r#""weight": -0.5"#, ""),
            &format!("{at}[0].weight: found `-0.5`, expected a number from 0 to 1000000000"),
        ),
    ]);
    assert_accepted(&destination(r#""weight": 0, "cluster": "c""#, ""));
}

#[test]
fn sizes_are_bounded() {
    let at = "chains.default[0]";
    let many = |what: &str, found: usize, limit: usize| {
        format!("{what}: found {found}, at most {limit} are allowed")
    };
    let key = |_| r#""path""#.to_owned();
    let named = |n| format!(r#"{{"name": "d-{n}"}}"#);
    let labels = list(33, |n| format!(r#""l-{n}": "a""#));
    assert_wrong([
        (
            format!(
                r#"{{"chains": {{{}}}}}"#,
                list(101, |n| format!(r#""c-{n}": []"#))
            ),
            &format!("chains: {}", many("chains", 101, 100)),
        ),
        (
            format!(
                r#"{{"chains": {{"a": [{}]}}}}"#,
                list(17, |_| r#"{"locality": {}}"#.into())
            ),
            &format!("chains.a: {}", many("routers", 17, 16)),
        ),
        (
            router(&format!(
                r#""locality": {{"levels": [{}]}}"#,
                list(9, |n| format!(r#""l-{n}""#))
            )),
            &format!("{at}.locality.levels: {}", many("levels", 9, 8)),
        ),
        (
            router(&format!(r#""tag": {{"keys": [{}]}}"#, list(9, key))),
            &format!("{at}.tag.keys: {}", many("keys", 9, 8)),
        ),
        (
            tag(&format!(r#""untagged": [{}]"#, list(1_001, key))),
            &format!("{at}.tag.untagged: {}", many("values", 1_001, 1_000)),
        ),
        (
            tag(&format!(
                r#""groups": [{}]"#,
                list(1_001, |_| r#"{"tag": "a", "labels": {"b": ["c"]}}"#.into())
            )),
            &format!("{at}.tag.groups: {}", many("groups", 1_001, 1_000)),
        ),
        (
            unit(&format!(
                r#""ranges": [{}]"#,
                list(1_001, |_| r#"{"unit": "a", "from": 0, "below": 1}"#.into())
            )),
            &format!("{at}.unit.ranges: {}", many("ranges", 1_001, 1_000)),
        ),
        (
            router(&format!(
                r#""condition": {{"rules": [{}]}}"#,
                list(1_001, |_| r#"{"to": []}"#.into())
            )),
            &format!("{at}.condition.rules: {}", many("rules", 1_001, 1_000)),
        ),
        (
            rule(&format!(r#""to": [{}]"#, list(101, |_| "{}".into()))),
            &format!("{at}.condition.rules[0].to: {}", many("to", 101, 100)),
        ),
        (
            rule(&format!(
                r#""to": [{{"labels": {{"a": [{}]}}}}]"#,
                list(1_001, key)
            )),
            &format!(
                "{at}.condition.rules[0].to[0].labels.a: {}",
                many("values", 1_001, 1_000)
            ),
        ),
        (
            weights(&list(101, |n| {
                format!(r#"{{"value": "v-{n}", "weight": 1}}"#)
            })),
            &format!("{at}.weight.values: {}", many("values", 101, 100)),
        ),
        (
            router(&format!(
                r#""locality": {{}}, "fallback": {{"values": [{}]}}"#,
                list(1_001, key)
            )),
            &format!("{at}.fallback.values: {}", many("values", 1_001, 1_000)),
        ),
        (
            format!(r#"{{"locality": {{{labels}}}}}"#),
            &format!("locality: {}", many("labels", 33, 32)),
        ),
        (
            destination(&format!(r#""labels": {{{labels}}}"#), ""),
            &format!(
                "services[0].destinations[0].labels: {}",
                many("labels", 33, 32)
            ),
        ),
        (
            format!(
                r#"{{"services": [{{"name": "a", "hosts": [{}], "destinations": [{{"name": "v1"}}]}}]}}"#,
                list(65, |n| format!(r#""h-{n}""#))
            ),
            &format!("services[0].hosts: {}", many("hosts", 65, 64)),
        ),
        (
            service(&format!(r#""destinations": [{}]"#, list(20_001, named)), ""),
            &format!("services: {}", many("destinations", 20_001, 20_000)),
        ),
        (
            format!(
                r#"{{"services": [{}]}}"#,
                list(2_001, |n| format!(
                    r#"{{"name": "s-{n}", "hosts": ["h-{n}"], "destinations": [{{"name": "v1"}}]}}"#
                ))
            ),
            &format!("services: {}", many("services", 2_001, 2_000)),
        ),
    ]);
}

#[test]
fn a_chain_of_too_many_is_not_called_unknown() {
    let chains = list(101, |n| format!(r#""c-{n}": []"#));
    let document = service(
        r#""chain": "c-7", "destinations": [{"name": "v1"}]"#,
        &format!(r#""chains": {{{chains}}}"#),
    );
    assert_eq!(
        wrong(&document),
        ["chains: chains: found 101, at most 100 are allowed"]
    );
}

#[test]
fn everything_that_is_wrong_is_found_at_once() {
    let document = r#"{"name": "", "output": {"header": "host"}, "select": {"salt": ""},
        "health": {"cluster": "", "interval": 0, "minHealthy": {"percent": 0}},
        "chains": {"default": [
            {"name": "a", "tag": {"keys": ["nope"], "separator": "", "groups": [{"tag": "", "labels": {}}]}},
            {"name": "a", "weight": {"label": "", "values": [{"value": "", "weight": -1}]}},
            {"force": true, "locality": {}, "fallback": {"values": [""], "then": "untagged"}}]},
        "services": [
            {"name": "", "hosts": ["a b"], "chain": "x", "destinations": []},
            {"name": "b", "hosts": ["b", "b"], "lastResort": "baseline", "destinations": [{"name": "", "weight": -1, "minHealthy": {}}]}]}"#;
    let places = [
        "name",
        "output.header",
        "health.cluster",
        "health.interval",
        "select",
        "chains.default[0].tag.keys[0]",
        "chains.default[0].tag.separator",
        "chains.default[0].tag.groups[0].tag",
        "chains.default[0].tag.groups[0].labels",
        "chains.default[1].name",
        "chains.default[1].weight.label",
        "chains.default[1].weight.values[0].value",
        "chains.default[1].weight.values[0].weight",
        "chains.default[2].fallback",
        "chains.default[2].fallback.values[0]",
        "chains.default[2].fallback.then",
        "health.minHealthy.percent",
        "services[0].name",
        "services[0].hosts[0]",
        "services[0].chain",
        "services[0].destinations",
        "services[1].hosts[1]",
        "services[1].destinations[0].name",
        "services[1].destinations[0]",
        "services[1].destinations[0].minHealthy",
        "services[1].destinations[0].weight",
        "services[1]",
    ];
    let violations = Policy::parse(document.as_bytes(), ProxyKind::Bare).unwrap_err();
    let found: Vec<_> = violations
        .iter()
        .map(|violation| violation.path.to_string())
        .collect();
    assert_eq!(found, places);
}
