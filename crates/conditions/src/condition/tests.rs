use meshlane_attributes::{StaticFacts, Workload};

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn parse(json: &str) -> Result<(Condition, AttributeTable), Violations> {
    let config: config::Condition = config::Condition::from_json(json.as_bytes()).unwrap();
    let mut table = AttributeTable::default();
    let mut violations = Violations::default();
    let condition = Condition::new(
        &config,
        &Place::root(),
        &mut AttributeScope {
            table: &mut table,
            violations: &mut violations,
            accepts: &|_| Ok(()),
        },
    );
    match condition {
        Some(condition) => violations.into_result((condition, table)),
        None => Err(violations),
    }
}

fn evaluate(json: &str, headers: &[(&str, &str)]) -> Truth {
    let (condition, table) = parse(json).unwrap_or_else(|violations| panic!("{violations}"));
    let facts = StaticFacts::with_headers(headers.iter().copied());
    let workload = Workload::default();
    let request = Request::new(&table, &facts, &workload);
    let truth = condition.evaluate(&request);
    assert_eq!(
        condition.explain(&request).truth(),
        truth,
        "an explanation agrees with the decision"
    );
    truth
}

fn wrong(json: &str) -> Vec<String> {
    match parse(json) {
        Ok(_) => panic!("{json} was accepted"),
        Err(violations) => violations.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn operators_decide() {
    let cases = [
        (r#""exact": "alice""#, "alice", Truth::True),
        (r#""exact": "alice""#, "bob", Truth::False),
        (r#""exact": 5"#, "5.0", Truth::True),
        (r#""exact": true"#, "true", Truth::True),
        (r#""prefix": "al""#, "alice", Truth::True),
        (r#""prefix": "li""#, "alice", Truth::False),
        (r#""suffix": "ce""#, "alice", Truth::True),
        (r#""suffix": "c""#, "alice", Truth::False),
        (r#""contains": "lic""#, "alice", Truth::True),
        (r#""contains": "x""#, "alice", Truth::False),
        (r#""regex": "[a-z]+""#, "alice", Truth::True),
        (r#""regex": "[a-z]""#, "alice", Truth::False),
        (r#""in": ["alice", 7]"#, "7", Truth::True),
        (r#""in": ["alice", 7]"#, "8", Truth::False),
        (r#""notIn": ["alice"]"#, "bob", Truth::True),
        (r#""notIn": ["alice"]"#, "alice", Truth::False),
        (r#""present": true"#, "", Truth::True),
        (r#""present": false"#, "", Truth::False),
        (r#""range": {"min": 1, "max": 5}"#, "5", Truth::True),
        (r#""range": {"min": 1}"#, "0.9", Truth::False),
        (r#""range": {"max": 5}"#, "abc", Truth::Unknown),
        (
            r#""cidr": ["10.0.0.0/8", "2001:db8::/32"]"#,
            "10.1.2.3",
            Truth::True,
        ),
        (r#""cidr": ["10.1.2.3"]"#, "10.1.2.4", Truth::False),
        (r#""cidr": ["2001:db8::/32"]"#, "2001:db8::7", Truth::True),
        (r#""cidr": ["10.0.0.0/8"]"#, "::ffff:10.0.0.1", Truth::True),
        (r#""cidr": ["10.0.0.0/8"]"#, "unix:", Truth::Unknown),
        (
            r#""cidr": ["::ffff:10.0.0.0/104"]"#,
            "10.1.2.3",
            Truth::True,
        ),
        (
            r#""cidr": ["::ffff:10.0.0.0/104"]"#,
            "11.1.2.3",
            Truth::False,
        ),
        (
            r#""mod": {"divisor": 100, "in": [20]}"#,
            "12345678901234567890120",
            Truth::True,
        ),
        (
            r#""mod": {"divisor": 100, "in": [20]}"#,
            "121",
            Truth::False,
        ),
        (r#""mod": {"divisor": 10, "in": [7]}"#, "-3", Truth::True),
        (
            r#""mod": {"divisor": 10, "in": [7]}"#,
            "7.5",
            Truth::Unknown,
        ),
        (r#""bucket": {"below": 100}"#, "anyone", Truth::True),
        (r#""bucket": {"below": 0}"#, "anyone", Truth::False),
    ];
    for (operator, value, truth) in cases {
        let json = format!(r#"{{"attribute": "header.x", {operator}}}"#);
        assert_eq!(
            evaluate(&json, &[("x", value)]),
            truth,
            "{operator} on {value}"
        );
    }
}

#[test]
fn only_present_false_matches_what_is_absent() {
    for operator in [
        r#""exact": """#,
        r#""notIn": ["a"]"#,
        r#""prefix": """#,
        r#""range": {"min": 0}"#,
        r#""bucket": {"below": 100}"#,
    ] {
        let json = format!(r#"{{"attribute": "header.x", {operator}}}"#);
        assert_eq!(evaluate(&json, &[]), Truth::Unknown, "{operator}");
        let negated = format!(r#"{{"not": {json}}}"#);
        assert_eq!(evaluate(&negated, &[]), Truth::Unknown, "not {operator}");
    }
    let absent = r#"{"attribute": "header.x", "present": false}"#;
    assert_eq!(evaluate(absent, &[]), Truth::True);
    let present = r#"{"attribute": "header.x", "present": true}"#;
    assert_eq!(evaluate(present, &[]), Truth::False);
}

#[test]
fn joins_follow_kleene() {
    let truths = [
        ("T", Truth::True),
        ("F", Truth::False),
        ("U", Truth::Unknown),
    ];
    let leaf = |name: &str| match name {
        "T" => r#"{"attribute": "header.x", "exact": "1"}"#,
        "F" => r#"{"attribute": "header.x", "exact": "2"}"#,
        _ => r#"{"attribute": "header.absent", "exact": "1"}"#,
    };
    for (a, a_truth) in truths {
        for (b, b_truth) in truths {
            let join = |join: &str| {
                let json = format!(r#"{{"{join}": [{}, {}]}}"#, leaf(a), leaf(b));
                evaluate(&json, &[("x", "1")])
            };
            let all = match (a_truth, b_truth) {
                (Truth::False, _) | (_, Truth::False) => Truth::False,
                (Truth::True, Truth::True) => Truth::True,
                _ => Truth::Unknown,
            };
            let any = match (a_truth, b_truth) {
                (Truth::True, _) | (_, Truth::True) => Truth::True,
                (Truth::False, Truth::False) => Truth::False,
                _ => Truth::Unknown,
            };
            assert_eq!(join("all"), all, "all {a} {b}");
            assert_eq!(join("any"), any, "any {a} {b}");
        }
    }
}

#[test]
fn wrong_conditions_are_named() {
    for (json, message) in [
        (
            "{}",
            ".: expected exactly one of `attribute`, `all`, `any`, `not`, found none",
        ),
        (r#"{"exact": "a"}"#, ".: key `attribute` is missing"),
        (
            r#"{"attribute": "path"}"#,
            ".: expected exactly one of `exact`, `prefix`, `suffix`, `contains`, `regex`, `in`, `notIn`, \
             `present`, `range`, `cidr`, `mod`, `bucket`, found none",
        ),
        (
            r#"{"all": [], "any": []}"#,
            ".: expected exactly one of `attribute`, `all`, `any`, `not`, found `all`, `any`",
        ),
        (
            r#"{"all": []}"#,
            "all: conditions: found none, at least one is needed",
        ),
        (
            r#"{"any": [{"attribute": "path", "exact": 9007199254740993000}]}"#,
            "any[0].exact: the number 9007199254740993000 loses digits on its way through Istio \
             (numbers are doubles there); write it as a string",
        ),
        (
            r#"{"attribute": "source.ip", "cidr": ["10.0.0.0/33"]}"#,
            "cidr[0]: found `10.0.0.0/33`, expected a network like `10.0.0.0/8` or `2001:db8::/32`, or an address",
        ),
        (
            r#"{"attribute": "query.uid", "mod": {"divisor": 10, "in": [10]}}"#,
            "mod.in[0]: found `10`, expected an integer from 0 to below the divisor",
        ),
        (
            r#"{"attribute": "query.uid", "bucket": {"below": 101}}"#,
            "bucket.below: found `101`, expected a number from 0 to `of` (100 when not given)",
        ),
        (
            r#"{"attribute": "query.uid", "range": {"min": 2, "max": 1}}"#,
            "range.min: found `2`, expected a number that is not above `max`",
        ),
    ] {
        assert_eq!(wrong(json), [message], "{json}");
    }
}

#[test]
fn an_unknown_attribute_comes_with_the_nearest_one() {
    let message = wrong(r#"{"attribute": "headers.x-user", "exact": "a"}"#).concat();
    assert!(
        message.ends_with("did you mean `header.x-user`?"),
        "{message}"
    );
    assert!(
        message.starts_with("attribute: unknown attribute `headers.x-user`"),
        "{message}"
    );
}

#[test]
fn what_is_wrong_with_an_attribute_is_told_apart() {
    for (attribute, expected) in [
        ("header.a b", "a header name after `header.`"),
        ("query.", "a name after the dot"),
        ("dubbo.arg.x", "an argument's path"),
        ("header.Host", "the attribute `host`"),
    ] {
        let message = wrong(&format!(r#"{{"attribute": "{attribute}", "exact": "a"}}"#)).concat();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn the_algorithms_for_migration_know_whole_parts_only() {
    let json =
        r#"{"attribute": "query.uid", "bucket": {"below": 0.5, "algorithm": "sha256-mod100"}}"#;
    assert_eq!(
        wrong(json),
        [
            "bucket.below: found `0.5`, expected a whole number, as the algorithm knows whole parts only"
        ]
    );
}

#[test]
fn the_number_of_attributes_is_bounded() {
    let leaves: Vec<_> = (0..=Condition::MAX_ATTRIBUTES)
        .map(|n| format!(r#"{{"attribute": "header.x-{n}", "present": true}}"#))
        .collect();
    let message = wrong(&format!(r#"{{"any": [{}]}}"#, leaves.join(",")));
    assert_eq!(
        message,
        ["any[500].attribute: different attributes: found 501, at most 500 are allowed"]
    );
    let again = [&leaves[..Condition::MAX_ATTRIBUTES], &leaves[..1]].concat();
    assert!(parse(&format!(r#"{{"any": [{}]}}"#, again.join(","))).is_ok());
}

#[test]
fn a_wrong_regex_is_quoted() {
    let message = wrong(r#"{"attribute": "path", "regex": "a("}"#).concat();
    assert!(
        message.starts_with("regex: `a(` is not a regular expression"),
        "{message}"
    );
}

#[test]
fn all_errors_are_found_at_once() {
    let json = r#"{"all": [{"attribute": "nope", "exact": 1}, {"not": {"attribute": "path", "regex": "("}}, {}]}"#;
    assert_eq!(wrong(json).len(), 3);
}

#[test]
fn nesting_is_bounded() {
    let deep = |depth: usize| {
        let leaf = r#"{"attribute": "path", "exact": "/"}"#;
        format!("{}{leaf}{}", r#"{"not": "#.repeat(depth), "}".repeat(depth))
    };
    assert!(parse(&deep(Condition::MAX_DEPTH)).is_ok());
    assert!(
        wrong(&deep(Condition::MAX_DEPTH + 1))
            .concat()
            .contains("nested conditions")
    );
}

#[test]
fn looks_up_no_more_than_needed() {
    use meshlane_attributes::{Headers, Metadata, RequestFacts};

    struct NoAddress(Headers);
    impl RequestFacts for NoAddress {
        fn headers(&self) -> &Headers {
            &self.0
        }
        fn source_address(&self) -> Option<String> {
            panic!("not needed")
        }
        fn peer_uri(&self) -> Option<String> {
            panic!("not needed")
        }
        fn metadata(&self) -> Option<Metadata> {
            panic!("not needed")
        }
    }
    let json = r#"{"all": [{"attribute": "header.x", "exact": "2"}, {"attribute": "source.ip", "present": true}]}"#;
    let (condition, table) = parse(json).unwrap();
    let facts = NoAddress([("x", "1")].into_iter().collect());
    let workload = Workload::default();
    assert_eq!(
        condition.evaluate(&Request::new(&table, &facts, &workload)),
        Truth::False
    );
}
