//! Configuration types back to JSON, as they are written.

use serde::Serialize;
use serde_json::{Value, json};

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

/// A part of a configuration, without the keys that are not given.
pub(crate) fn written(part: &impl Serialize) -> Value {
    // Fails for maps whose keys are no texts, and there are none.
    tidy(serde_json::to_value(part).unwrap_or_default())
}

fn tidy(value: Value) -> Value {
    match value {
        Value::Number(found) => found.as_f64().map_or(Value::Null, number),
        Value::Array(items) => items.into_iter().map(tidy).collect(),
        Value::Object(members) => {
            let given = members.into_iter().filter(|(_, value)| !value.is_null());
            given.map(|(key, value)| (key, tidy(value))).collect()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use meshlane_conditions::config::Condition;
    use meshlane_gray_release::config::Correlation;
    use meshlane_tag_route::config::Health;
    use meshlane_tags::config::Carrier;

    use super::*;
    use crate::config::ShareKey;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// A document is the same after it was read and written.
    fn assert_same<T: for<'de> serde::Deserialize<'de> + Serialize>(document: Value) {
        let read: T = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(written(&read), document);
    }

    #[test]
    fn what_was_read_is_written_the_same() {
        assert_same::<Condition>(json!({"all": [
            {"any": [{"not": {"attribute": "path", "exact": "/"}}, {"attribute": "a", "prefix": "b", "suffix": "c"}]},
            {"contains": "d", "regex": "e", "in": ["f", 7, 2.5, true], "notIn": [], "present": false},
            {"range": {"min": -1, "max": 1e300}, "cidr": ["::1"]},
            {"mod": {"divisor": 10, "in": [0, 5]}},
            {"bucket": {"below": 2.5, "of": 10, "salt": "s", "algorithm": "fnv1a"}},
        ]}));
        assert_same::<Carrier>(
            json!({"header": "a", "baggage": "b", "cookie": "c", "attachment": "d"}),
        );
        assert_same::<Correlation>(json!({"identifiers": ["a"], "capacity": 64, "ttl": 0.5}));
        assert_same::<Health>(
            json!({"cluster": "c", "interval": 1, "maxBytes": 2, "staleAfter": 3, "minHealthy": {"endpoints": 1, "percent": 2}}),
        );
        assert_same::<ShareKey>(json!({"attribute": "a", "stickyCookie": {
            "name": "n", "path": "/", "domain": "d", "maxAge": 1, "secure": true, "httpOnly": false, "sameSite": "Lax",
        }}));
    }
}
