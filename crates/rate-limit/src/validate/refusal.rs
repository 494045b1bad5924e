//! How requests are refused.

use std::collections::BTreeMap;

use meshlane_attributes::{HeaderName, is_reserved};
use meshlane_diagnostics::{Place, Problem, Violations};

use crate::config;
use crate::refusal::Refusal;

/// What is not given is as in `otherwise`.
pub(super) fn refusal(
    given: &config::Refusal,
    otherwise: &Refusal,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Refusal {
    let is_status = |status: &f64| (400.0..=599.0).contains(status) && status.fract() == 0.0;
    if let Some(status) = given.status.filter(|status| !is_status(status)) {
        let expected = "an HTTP status from 400 to 599";
        violations.invalid(&place.key("status"), status, expected);
    }
    for (key, text) in [("body", &given.body), ("json", &given.json)] {
        let length = text.as_ref().map_or(0, String::len);
        if length > MAX_BODY {
            let problem = Problem::TooMany {
                what: "bytes",
                found: length,
                limit: MAX_BODY,
            };
            violations.push(&place.key(key), problem);
        }
    }
    let is_json = |text: &&String| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if let Some(text) = given.json.as_ref().filter(|text| !is_json(text)) {
        violations.invalid(&place.key("json"), text, "a JSON document");
    }
    let headers = given.headers.as_ref();
    Refusal {
        status: given
            .status
            .map(|status| status as u32)
            .or(otherwise.status),
        body: given.body.clone().or_else(|| otherwise.body.clone()),
        json: given.json.clone().or_else(|| otherwise.json.clone()),
        headers: match headers {
            Some(given) => headers_of(given, &place.key("headers"), violations),
            None => otherwise.headers.clone(),
        },
        rate_limit_headers: given
            .rate_limit_headers
            .unwrap_or(otherwise.rate_limit_headers),
    }
}

fn headers_of(
    given: &BTreeMap<String, String>,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Vec<(String, String)> {
    if given.len() > MAX_HEADERS {
        let problem = Problem::TooMany {
            what: "headers",
            found: given.len(),
            limit: MAX_HEADERS,
        };
        violations.push(place, problem);
        return Vec::new();
    }
    let mut headers = Vec::with_capacity(given.len());
    for (name, value) in given {
        let place = place.key(name);
        let is_text = value.len() <= MAX_VALUE
            && value
                .bytes()
                .all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
        if !is_text {
            violations.invalid(&place, value, "printable ASCII, at most 1024 characters");
        }
        match HeaderName::parse(name) {
            Ok(name) if !is_reserved(name.as_str().as_bytes()) => {
                headers.push((name.as_str().to_owned(), value.clone()));
            }
            _ => violations.invalid(
                &place,
                name,
                "the name of a header that is not reserved for meshlane",
            ),
        }
    }
    headers
}

const MAX_BODY: usize = 16 * 1024;
const MAX_HEADERS: usize = 32;
const MAX_VALUE: usize = 1_024;
