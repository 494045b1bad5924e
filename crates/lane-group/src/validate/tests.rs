use serde_json::{Value, json};

use super::*;
use crate::testing::{document, group, with};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What is wrong in a document, a line each.
fn wrong_document(document: &Value) -> String {
    match LaneGroup::parse(document.to_string().as_bytes()) {
        Ok(_) => panic!("{document} was accepted"),
        Err(violations) => violations.to_string(),
    }
}

/// What is wrong with some keys of a spec.
fn wrong(spec: Value) -> String {
    wrong_document(&document(spec))
}

/// What is wrong with an entry.
fn wrong_entry(entry: Value) -> String {
    wrong(json!({"lanes": [{"name": "gray", "entry": [entry]}]}))
}

/// What is wrong with a share.
fn wrong_share(share: Value) -> String {
    let by = json!({"by": {"attribute": "cookie.uid"}});
    wrong_entry(json!({"share": with(by, share)}))
}

/// What is wrong with a service besides its name and host, in a group with the lanes `a`, `b`, `c`.
fn wrong_service(keys: Value, spec: Value) -> String {
    let service = with(json!({"name": "orders", "hosts": ["orders.shop"]}), keys);
    let lanes = json!([{"name": "a"}, {"name": "b"}, {"name": "c"}]);
    wrong(with(json!({"services": [service], "lanes": lanes}), spec))
}

#[test]
fn what_is_not_given_has_a_default() {
    let group = group(&document(json!({})));
    assert_eq!((group.name(), group.namespace()), ("shop", None));
    assert_eq!(group.tag(), "x-mse-tag");
    assert_eq!((group.label(), group.baseline()), ("lane", "base"));
    assert!(group.own_label);
    let [lane] = group.lanes() else {
        panic!("one lane");
    };
    assert!(lane.is_enabled());
    assert_eq!(lane.mode(), meshlane_gray_release::config::Mode::Permissive);
    assert!(lane.has(&group.services()[0]));
}

#[test]
fn a_document_says_what_it_is() {
    let mut document = document(json!({}));
    document["apiVersion"] = json!("v1");
    document["kind"] = json!("LaneGroups");
    document["metadata"] = json!({"name": "Shop", "namespace": "-"});
    assert_eq!(
        wrong_document(&document),
        "apiVersion: found `v1`, expected `meshlane.dev/v1alpha1`\n\
         kind: found `LaneGroups`, expected `LaneGroup`\n\
         metadata.name: found `Shop`, expected 1 to 50 lower-case letters, digits and `-`, none of these at an end\n\
         metadata.namespace: found `-`, expected 1 to 63 lower-case letters, digits and `-`, none of these at an end"
    );
}

#[test]
fn unknown_keys_are_refused() {
    let message = wrong(json!({"lane": []}));
    assert!(
        message.starts_with("spec.lane: unknown field `lane`"),
        "{message}"
    );
}

#[test]
fn everything_wrong_is_found_at_once() {
    let spec = json!({
        "tag": "a b", "label": "", "baseline": "-", "responseHeader": "x-meshlane-a",
        "correlation": {"ttl": 0}, "exempt": {"exact": "/"},
        "health": {"cluster": ""},
        "services": [{"name": "", "hosts": ["*"]}, {"name": "stock", "hosts": []}],
        "lanes": [
            {"name": "gray", "services": ["stok"], "entry": [{"when": {"attribute": "path"}}]},
            {"name": "gray", "enabled": false, "entry": [
                {"from": "tomorrow", "when": {"exact": 1}, "share": {"by": {}, "percent": 1}},
                {"enabled": false, "share": {"by": {"attribute": "cookie."}, "steps": []}},
            ]},
        ],
    });
    assert_eq!(
        wrong(spec),
        "spec.baseline: found `-`, expected the value of a label: 1 to 63 letters, digits and `-_.`, a letter or a digit at both ends\n\
         spec.lanes[0].services[0]: unknown service `stok`, expected one of ``, `stock`; did you mean `stock`?\n\
         spec.lanes[1].entry[0].from: found `tomorrow`, expected a time as RFC 3339 writes it: `2027-01-31T18:00:00+01:00`\n\
         spec.lanes[1].entry[0].share.by: expected exactly one of `attribute`, `stickyCookie`, found none\n\
         spec.lanes[1].entry[1].share.steps: steps: found none, at least one is needed\n\
         spec.correlation.ttl: found `0`, expected seconds from 1 to 86400\n\
         spec.tag: found `a b`, expected a header name: letters, digits and `-._~!#$%&'*+^|` and `` ` ``\n\
         spec.label: found ``, expected a label's name: 1 to 128 visible ASCII characters\n\
         spec.responseHeader: found `x-meshlane-a`, expected a header name that is not reserved for meshlane (`x-meshlane-*`, `dubbo-interface` …)\n\
         spec.exempt: key `attribute` is missing\n\
         spec.lanes[1].name: `gray` is already used at spec.lanes[0].name\n\
         spec.lanes[0].entry[0].when: expected exactly one of `exact`, `prefix`, `suffix`, `contains`, `regex`, `in`, `notIn`, `present`, \
         `range`, `cidr`, `mod`, `bucket`, found none\n\
         spec.lanes[1].entry[0].when: key `attribute` is missing\n\
         spec.lanes[1].entry[1].share.by.attribute: found `cookie.`, expected a name after the dot\n\
         spec.health.cluster: found ``, expected the name of a cluster, of 1 to 512 characters\n\
         spec.services[0].name: found ``, expected a name of 1 to 128 letters, digits and `-_/.`\n\
         spec.services[1].hosts: hosts: found none, at least one is needed"
    );
}

#[test]
fn names_are_unique() {
    assert_eq!(
        wrong(json!({"lanes": [{"name": "gray"}, {"name": "base"}, {"name": "gray"}]})),
        "spec.lanes[1].name: `base` is already used at spec.baseline\n\
         spec.lanes[2].name: `gray` is already used at spec.lanes[0].name"
    );
    let services = json!([
        {"name": "orders", "hosts": ["orders.shop"]},
        {"name": "orders", "hosts": ["ORDERS.shop"]},
    ]);
    assert_eq!(
        wrong(json!({"services": services})),
        "spec.services[1].name: `orders` is already used at spec.services[0].name\n\
         spec.services[1].hosts[0]: `ORDERS.shop` is already used at spec.services[0].hosts[0]"
    );
    let lanes = json!([{"name": "gray", "services": ["orders", "orders"]}, {"name": "blue", "services": []}]);
    assert_eq!(
        wrong(json!({"lanes": lanes})),
        "spec.lanes[0].services[1]: `orders` is already used at spec.lanes[0].services[0]\n\
         spec.lanes[1].services: services: found none, at least one is needed"
    );
    let entry = json!([{"name": "a", "paths": [{"prefix": "/"}]}, {"name": "a", "paths": [{"prefix": "/"}]}]);
    assert_eq!(
        wrong(json!({"lanes": [{"name": "gray", "entry": entry}]})),
        "spec.lanes[0].entry[1].name: `gray/a` is already used at spec.lanes[0].entry[0].name"
    );
}

#[test]
fn there_is_something_in_a_group() {
    assert_eq!(
        wrong(json!({"services": [], "lanes": []})),
        "spec.services: services: found none, at least one is needed\n\
         spec.lanes: lanes: found none, at least one is needed"
    );
}

#[test]
fn lanes_are_named_as_labels_are() {
    for name in ["", "a b", "-a", "a_", "a|b", &"a".repeat(64)] {
        assert_eq!(
            wrong(json!({"lanes": [{"name": name}]})),
            format!("spec.lanes[0].name: found `{name}`, expected {LABEL_VALUE}")
        );
    }
    group(&document(json!({"lanes": [{"name": "v1.2_rc-3"}]})));
}

#[test]
fn routers_must_be_able_to_read_the_tag() {
    assert_eq!(
        wrong(json!({"carriers": [{"baggage": "lane"}]})),
        "spec.carriers: found `baggage`, expected a header, a cookie or an attachment among them: routers do not read `baggage`"
    );
    assert_eq!(
        wrong(json!({"carriers": [{"header": "a b"}]})),
        "spec.carriers[0].header: found `a b`, expected a header name: letters, digits and `-._~!#$%&'*+^|` and `` ` ``"
    );
    assert_eq!(
        wrong(json!({"carriers": []})),
        "spec.carriers: carriers: found none, at least one is needed"
    );
    group(&document(
        json!({"carriers": [{"baggage": "lane"}, {"cookie": "lane"}]}),
    ));
    group(&document(json!({"tag": "dubbo.tag"})));
}

#[test]
fn an_entry_says_who_enters() {
    let place = "spec.lanes[0].entry[0]";
    for (entry, message) in [
        (
            json!({}),
            ": conditions: found none, at least one is needed",
        ),
        (
            json!({"name": "a b", "paths": [{"prefix": "/"}]}),
            ".name: found `a b`, expected a name of 1 to 64 letters, digits and `-_/`",
        ),
        (
            json!({"hosts": []}),
            ".hosts: hosts: found none, at least one is needed",
        ),
        (
            json!({"hosts": ["shop.example:80"]}),
            ".hosts[0]: found `shop.example:80`, expected a host without a port, or `*.` with the end of a host",
        ),
        (
            json!({"hosts": ["a", "*"]}),
            ".hosts[1]: found `*`, expected a host without a port, or `*.` with the end of a host",
        ),
        (
            json!({"paths": [{"exact": "/a", "prefix": "/b"}]}),
            ".paths[0]: expected exactly one of `exact`, `prefix`, found `exact`, `prefix`",
        ),
        (
            json!({"paths": [{"prefix": "beta"}]}),
            ".paths[0].prefix: found `beta`, expected a path that begins with `/`, without the query",
        ),
        (
            json!({"users": {"attribute": "header.x-user", "in": []}}),
            ".users.in: values: found none, at least one is needed",
        ),
        (
            json!({"users": {"attribute": "header.a b", "in": [1]}, "hosts": ["a"]}),
            ".users.attribute: found `header.a b`, expected a header name after `header.`",
        ),
        (
            json!({"when": {"attribute": "tag.x-other", "exact": "a"}}),
            ".when.attribute: unknown tag `x-other`, expected one of ",
        ),
        (
            json!({"when": {"all": [{"attribute": "path", "regex": "("}]}, "hosts": ["a"]}),
            ".when.all[0].regex: `(` is not a regular expression of the accepted syntax: ",
        ),
        (
            json!({"from": "2027-01-02T00:00:00Z", "until": "2027-01-02T01:00:00+01:00"}),
            ".until: found `2027-01-02T01:00:00+01:00`, expected a time after `from`",
        ),
        (
            json!({"until": "2027-02-30T00:00:00Z"}),
            ".until: found `2027-02-30T00:00:00Z`, expected a time as RFC 3339 writes it: `2027-01-31T18:00:00+01:00`",
        ),
    ] {
        let found = wrong_entry(entry);
        assert!(found.starts_with(&format!("{place}{message}")), "{found}");
        assert_eq!(found.lines().count(), 1, "{found}");
    }
}

#[test]
fn a_share_only_grows() {
    let place = "spec.lanes[0].entry[0].share";
    let step = |at: &str, percent: f64| json!({"at": at, "percent": percent});
    let (first, second) = ("2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z");
    for (share, messages) in [
        (
            json!({}),
            vec![": expected exactly one of `percent`, `steps`, found none"],
        ),
        (
            json!({"percent": 101}),
            vec![".percent: found `101`, expected a number from 0 to 100"],
        ),
        (
            json!({"percent": 1, "freeze": first}),
            vec![".freeze: `freeze` cannot be used with a share without `steps`"],
        ),
        (
            json!({"steps": []}),
            vec![".steps: steps: found none, at least one is needed"],
        ),
        (
            json!({"steps": [step(first, 5.0), step(second, 5.0)]}),
            vec![
                ".steps[1].percent: found `5`, expected more than the step before: a share only grows",
            ],
        ),
        (
            json!({"steps": [step(second, 5.0), step(first, 2.0)]}),
            vec![
                ".steps[1].at: found `2027-01-01T00:00:00Z`, expected a time after that of the step before",
                ".steps[1].percent: found `2`, expected more than the step before: a share only grows",
            ],
        ),
        (
            json!({"steps": [step("2027-01-01", 5.0)], "freeze": "now"}),
            vec![
                ".freeze: found `now`, expected a time as RFC 3339 writes it: `2027-01-31T18:00:00+01:00`",
                ".steps[0].at: found `2027-01-01`, expected a time as RFC 3339 writes it: `2027-01-31T18:00:00+01:00`",
            ],
        ),
        (
            json!({"by": {"attribute": "uid"}, "percent": 1}),
            vec![".by.attribute: unknown attribute `uid`, "],
        ),
        (
            json!({"by": {"stickyCookie": {"name": "id", "path": "x"}}, "percent": 1, "salt": "secret"}),
            vec![
                ".by.stickyCookie.path: found `x`, expected a path that begins with `/`, without `;`",
            ],
        ),
        (
            json!({"by": {"stickyCookie": {"name": "id"}}, "percent": 1}),
            vec![".salt: found ``, expected a text that clients do not know "],
        ),
    ] {
        let found = wrong_share(share);
        let lines: Vec<_> = found.lines().collect();
        assert_eq!(lines.len(), messages.len(), "{found}");
        for (line, message) in lines.iter().zip(messages) {
            assert!(line.starts_with(&format!("{place}{message}")), "{found}");
        }
    }
}

#[test]
fn clusters_are_istios_or_named() {
    let place = "spec.services[0]";
    for (keys, message) in [
        (json!({"port": 80}), ": key `host` is missing"),
        (json!({"host": "orders"}), ": key `port` is missing"),
        (
            json!({"port": 0, "host": "orders"}),
            ".port: found `0`, expected a whole number from 1 to 65535",
        ),
        (
            json!({"port": 80, "host": "a b"}),
            ".host: found `a b`, expected a host as Istio knows it: `orders.shop.svc.cluster.local`",
        ),
        (
            json!({"port": 80, "host": "orders", "clusters": {"base": "b"}}),
            ".clusters: `clusters` cannot be used with `port` and `host`, which say the same",
        ),
        (
            json!({"clusters": {"base": "x", "a": "x", "b": "x", "c": "x", "d": "x"}}),
            ".clusters.d: unknown lane `d`, expected one of `a`, `b`, `c`, `base`; did you mean `a`?",
        ),
        (
            json!({"clusters": {"a": "x"}}),
            ".clusters: found `none for b, c, base`, expected a cluster for the baseline and for each lane that has the service",
        ),
        (
            json!({"clusters": {"base": "x", "a": "x y", "b": "x", "c": "x"}}),
            ".clusters.a: found `x y`, expected the name of a cluster: 1 to 512 visible ASCII characters",
        ),
    ] {
        assert_eq!(wrong_service(keys, json!({})), format!("{place}{message}"));
    }
}

#[test]
fn fallbacks_come_to_an_end() {
    let place = "spec.services[0].fallback";
    let accept = json!({"onOtherLane": "accept"});
    for (fallback, message) in [
        (
            json!({"x": "a"}),
            ".x: unknown lane `x`, expected one of `a`, `b`, `c`; did you mean `a`?",
        ),
        (
            json!({"a": "base"}),
            ".a: unknown lane `base`, expected one of `a`, `b`, `c`",
        ),
        (
            json!({"a": "a"}),
            ".a: found `a > a`, expected lanes that come to an end",
        ),
        (
            json!({"a": "b", "b": "a"}),
            ".a: found `a > b > a`, expected lanes that come to an end",
        ),
        (
            json!({"a": "b", "b": "c", "c": "b"}),
            ".b: found `b > c > b`, expected lanes that come to an end",
        ),
        (
            json!({"a": "b", "b": "c", "c": "a"}),
            ".a: found `a > b > c > a`, expected lanes that come to an end",
        ),
    ] {
        let found = wrong_service(json!({"fallback": fallback}), accept.clone());
        assert_eq!(found, format!("{place}{message}"));
    }
    assert_eq!(
        wrong_service(json!({"fallback": {"a": "b"}}), json!({})),
        "spec.services[0].fallback: `fallback` cannot be used with another `onOtherLane` than `accept`: a lane would refuse the \
         requests of others"
    );
    assert_eq!(
        wrong_service(
            json!({"fallback": {"a": "b"}}),
            with(accept, json!({"mode": "strict"}))
        ),
        "spec.services[0].fallback.a: `fallback` cannot be used with the mode `strict`, which lets nobody leave"
    );
}

#[test]
fn combinations_are_of_this_group_too() {
    let place = "spec.services[0].combinations[0]";
    for (combination, message) in [
        (
            json!({"name": "x", "lanes": {"other": "a"}}),
            ".lanes: found `other`, expected the label of this group, and those of others",
        ),
        (
            json!({"name": "x", "lanes": {"lane": "d", "other": "a"}}),
            ".lanes.lane: unknown lane `d`, expected one of `a`, `b`, `c`; did you mean `a`?",
        ),
        (
            json!({"name": "x", "lanes": {"lane": "a", "other": "a"}, "cluster": "x"}),
            ".cluster: `cluster` cannot be used with a service without `clusters`",
        ),
    ] {
        let found = wrong_service(json!({"combinations": [combination]}), json!({}));
        assert_eq!(found, format!("{place}{message}"));
    }
}
