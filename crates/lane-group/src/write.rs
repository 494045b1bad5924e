//! Configuration types back to JSON, as they are written.
//!
//! Each is taken apart by all its fields, so that none is forgotten that is added later.

use meshlane_conditions::config::{Bucket, Condition, Modulo, Range, Scalar};
use meshlane_gray_release::config::{Correlation, Mode, OnOtherLane, OnUnknownTag, OnUntagged};
use meshlane_tag_route::config::{Health, MinHealthy};
use meshlane_tags::config::Carrier;
use meshlane_traffic_tag::config::{SameSite, StickyCookie};
use serde_json::{Value, json};

use crate::config::{ShareKey, Users};

/// An object of the entries that are there.
pub(crate) fn object<const N: usize>(entries: [(&str, Option<Value>); N]) -> Value {
    let there = entries
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(there.collect())
}

/// A number; a whole one without a fraction.
pub(crate) fn number(number: f64) -> Value {
    const LARGEST_EXACT: f64 = 9_007_199_254_740_991.0;
    if number.fract() == 0.0 && number.abs() <= LARGEST_EXACT {
        return json!(number as i64);
    }
    json!(number)
}

/// A text that may be there.
pub(crate) fn text(text: Option<&String>) -> Option<Value> {
    text.map(|text| json!(text))
}

pub(crate) fn condition(condition: &Condition) -> Value {
    let Condition {
        attribute,
        exact,
        prefix,
        suffix,
        contains,
        regex,
        one_of,
        not_in,
        present,
        range,
        cidr,
        modulo,
        bucket,
        all,
        any,
        not,
    } = condition;
    let conditions = |list: &Vec<Condition>| list.iter().map(self::condition).collect();
    object([
        ("attribute", text(attribute.as_ref())),
        ("exact", exact.as_ref().map(scalar)),
        ("prefix", text(prefix.as_ref())),
        ("suffix", text(suffix.as_ref())),
        ("contains", text(contains.as_ref())),
        ("regex", text(regex.as_ref())),
        ("in", one_of.as_deref().map(scalars)),
        ("notIn", not_in.as_deref().map(scalars)),
        ("present", present.map(Value::Bool)),
        ("range", range.as_ref().map(self::range)),
        ("cidr", cidr.as_ref().map(|list| json!(list))),
        ("mod", modulo.as_ref().map(self::modulo)),
        ("bucket", bucket.as_ref().map(self::bucket)),
        ("all", all.as_ref().map(conditions)),
        ("any", any.as_ref().map(conditions)),
        ("not", not.as_deref().map(self::condition)),
    ])
}

pub(crate) fn users(users: &Users) -> Value {
    let Users { attribute, one_of } = users;
    json!({"attribute": attribute, "in": scalars(one_of)})
}

pub(crate) fn carrier(carrier: &Carrier) -> Value {
    let Carrier {
        header,
        baggage,
        cookie,
        attachment,
    } = carrier;
    object([
        ("header", text(header.as_ref())),
        ("baggage", text(baggage.as_ref())),
        ("cookie", text(cookie.as_ref())),
        ("attachment", text(attachment.as_ref())),
    ])
}

pub(crate) fn correlation(correlation: &Correlation) -> Value {
    let Correlation {
        identifiers,
        capacity,
        ttl,
    } = correlation;
    object([
        (
            "identifiers",
            identifiers.as_ref().map(|names| json!(names)),
        ),
        ("capacity", capacity.map(number)),
        ("ttl", ttl.map(number)),
    ])
}

pub(crate) fn health(health: &Health) -> Value {
    let Health {
        cluster,
        interval,
        max_bytes,
        stale_after,
        min_healthy,
    } = health;
    object([
        ("cluster", Some(json!(cluster))),
        ("interval", interval.map(number)),
        ("maxBytes", max_bytes.map(number)),
        ("staleAfter", stale_after.map(number)),
        ("minHealthy", min_healthy.as_ref().map(self::min_healthy)),
    ])
}

pub(crate) fn share_key(by: &ShareKey) -> Value {
    let ShareKey {
        attribute,
        sticky_cookie,
    } = by;
    object([
        ("attribute", text(attribute.as_ref())),
        (
            "stickyCookie",
            sticky_cookie.as_ref().map(self::sticky_cookie),
        ),
    ])
}

pub(crate) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Strict => "strict",
        Mode::Permissive => "permissive",
    }
}

pub(crate) fn on_untagged(on_untagged: OnUntagged) -> &'static str {
    match on_untagged {
        OnUntagged::Refuse => "refuse",
        OnUntagged::Reroute => "reroute",
    }
}

pub(crate) fn on_other_lane(on_other_lane: OnOtherLane) -> &'static str {
    match on_other_lane {
        OnOtherLane::Refuse => "refuse",
        OnOtherLane::Reroute => "reroute",
        OnOtherLane::Accept => "accept",
    }
}

pub(crate) fn on_unknown_tag(on_unknown_tag: OnUnknownTag) -> &'static str {
    match on_unknown_tag {
        OnUnknownTag::Untagged => "untagged",
        OnUnknownTag::Refuse => "refuse",
        OnUnknownTag::Accept => "accept",
    }
}

fn scalars(list: &[Scalar]) -> Value {
    list.iter().map(scalar).collect()
}

fn scalar(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Text(text) => json!(text),
        Scalar::Number(value) => number(*value),
        Scalar::Bool(bool) => json!(bool),
    }
}

fn range(range: &Range) -> Value {
    let Range { min, max } = range;
    object([("min", min.map(number)), ("max", max.map(number))])
}

fn modulo(modulo: &Modulo) -> Value {
    let Modulo {
        divisor,
        remainders,
    } = modulo;
    let remainders: Value = remainders.iter().copied().map(number).collect();
    json!({"divisor": number(*divisor), "in": remainders})
}

fn bucket(bucket: &Bucket) -> Value {
    let Bucket {
        below,
        of,
        salt,
        algorithm,
    } = bucket;
    object([
        ("below", Some(number(*below))),
        ("of", of.map(number)),
        ("salt", text(salt.as_ref())),
        (
            "algorithm",
            algorithm.map(|algorithm| json!(algorithm.as_str())),
        ),
    ])
}

fn min_healthy(min_healthy: &MinHealthy) -> Value {
    let MinHealthy { endpoints, percent } = min_healthy;
    object([
        ("endpoints", endpoints.map(number)),
        ("percent", percent.map(number)),
    ])
}

fn sticky_cookie(cookie: &StickyCookie) -> Value {
    let StickyCookie {
        name,
        path,
        domain,
        max_age,
        secure,
        http_only,
        same_site,
    } = cookie;
    let same_site = same_site.map(|same_site| match same_site {
        SameSite::Strict => json!("Strict"),
        SameSite::Lax => json!("Lax"),
        SameSite::None => json!("None"),
    });
    object([
        ("name", Some(json!(name))),
        ("path", text(path.as_ref())),
        ("domain", text(domain.as_ref())),
        ("maxAge", max_age.map(number)),
        ("secure", secure.map(Value::Bool)),
        ("httpOnly", http_only.map(Value::Bool)),
        ("sameSite", same_site),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// A document is the same after it was read and written.
    fn assert_same<T: for<'de> serde::Deserialize<'de>>(
        write: impl Fn(&T) -> Value,
        document: Value,
    ) {
        let read: T = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(write(&read), document);
    }

    #[test]
    fn what_was_read_is_written_the_same() {
        assert_same(
            condition,
            json!({"all": [
                {"any": [{"not": {"attribute": "path", "exact": "/"}}, {"attribute": "a", "prefix": "b", "suffix": "c"}]},
                {"contains": "d", "regex": "e", "in": ["f", 7, 2.5, true], "notIn": [], "present": false},
                {"range": {"min": -1, "max": 1e300}, "cidr": ["::1"]},
                {"mod": {"divisor": 10, "in": [0, 5]}},
                {"bucket": {"below": 2.5, "of": 10, "salt": "s", "algorithm": "fnv1a"}},
            ]}),
        );
        assert_same(
            carrier,
            json!({"header": "a", "baggage": "b", "cookie": "c", "attachment": "d"}),
        );
        assert_same(
            correlation,
            json!({"identifiers": ["a"], "capacity": 64, "ttl": 0.5}),
        );
        assert_same(
            health,
            json!({"cluster": "c", "interval": 1, "maxBytes": 2, "staleAfter": 3, "minHealthy": {"endpoints": 1, "percent": 2}}),
        );
        assert_same(
            share_key,
            json!({"attribute": "a", "stickyCookie": {
                "name": "n", "path": "/", "domain": "d", "maxAge": 1, "secure": true, "httpOnly": false, "sameSite": "Lax",
            }}),
        );
    }
}
