//! From what is written of tags and their carriers to what is meant.

use std::collections::BTreeMap;

use meshlane_attributes::{HeaderName, is_reserved};
use meshlane_diagnostics::{JsonPath, Place, Violations};

use crate::carrier::Carrier;
use crate::config;
use crate::value::TagValue;

/// The most carriers of a tag.
pub const MAX_CARRIERS: usize = 16;

/// The carriers of the tag at `place`: those that are given, or the one that follows from its name. `written` are the places of
/// carriers that the document has already, as no two may share one.
pub fn carriers(
    given: Option<&[config::Carrier]>,
    name: Option<&HeaderName>,
    place: &Place<'_>,
    written: &mut BTreeMap<String, JsonPath>,
    violations: &mut Violations,
) -> Vec<Carrier> {
    let Some(given) = given else {
        let carrier = name.map(default_carrier);
        if let Some(carrier) = &carrier {
            let (name, slot) = (carrier.to_string(), carrier.slot());
            violations.unique(&place.key("name"), &name, slot, written);
        }
        return carrier.into_iter().collect();
    };
    let place = place.key("carriers");
    let mut validated = Vec::new();
    if !violations.bounded(&place, "carriers", given, MAX_CARRIERS) {
        return validated;
    }
    for (index, carrier) in given.iter().enumerate() {
        let place = place.index(index);
        if let Some(carrier) = self::carrier(carrier, &place, violations) {
            let (name, slot) = (carrier.to_string(), carrier.slot());
            violations.unique(&place, &name, slot, written);
            validated.push(carrier);
        }
    }
    validated
}

/// A tag's value.
pub fn tag_value(
    text: &str,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Option<TagValue<'static>> {
    TagValue::parse(text.to_owned().into())
        .map_err(|_| {
            violations.invalid(place, text, TagValue::EXPECTED);
        })
        .ok()
}

/// A header of the tag's name; for the tag that Dubbo's own router reads, its attachment.
fn default_carrier(name: &HeaderName) -> Carrier {
    match name.as_str() {
        "dubbo.tag" => Carrier::Attachment(name.clone()),
        _ => Carrier::Header(name.clone()),
    }
}

fn carrier(
    carrier: &config::Carrier,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Option<Carrier> {
    match (
        &carrier.header,
        &carrier.baggage,
        &carrier.cookie,
        &carrier.attachment,
    ) {
        (Some(name), None, None, None) => {
            tag_header(name, &place.key("header"), violations).map(Carrier::Header)
        }
        (None, Some(key), None, None) => {
            token(key, &place.key("baggage"), violations).map(Carrier::Baggage)
        }
        (None, None, Some(name), None) => {
            token(name, &place.key("cookie"), violations).map(Carrier::Cookie)
        }
        (None, None, None, Some(name)) => {
            tag_header(name, &place.key("attachment"), violations).map(Carrier::Attachment)
        }
        _ => {
            let of = &["header", "baggage", "cookie", "attachment"];
            let there = [
                carrier.header.is_some(),
                carrier.baggage.is_some(),
                carrier.cookie.is_some(),
                carrier.attachment.is_some(),
            ];
            violations.not_exactly_one(place, of, &there);
            None
        }
    }
}

/// A header that a tag may be written to.
pub fn tag_header(
    name: &str,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Option<HeaderName> {
    let expected = match HeaderName::parse(name) {
        Ok(name) if is_reserved(name.as_str().as_bytes()) => {
            "a header name that is not reserved for meshlane (`x-meshlane-*`, `dubbo-interface` …)"
        }
        Ok(name) if UNTOUCHABLE.contains(&name.as_str()) => {
            "a header name that does not belong to HTTP itself"
        }
        Ok(name) => return Some(name),
        Err(_) => "a header name: letters, digits and `-._~!#$%&'*+^|` and `` ` ``",
    };
    violations.invalid(place, name, expected);
    None
}

/// A cookie name or a baggage key: a token, whose case counts.
pub fn token(text: &str, place: &Place<'_>, violations: &mut Violations) -> Option<String> {
    if HeaderName::parse(text).is_ok() {
        return Some(text.to_owned());
    }
    violations.invalid(
        place,
        text,
        "1 to 128 letters, digits and `-._~!#$%&'*+^|` and `` ` ``",
    );
    None
}

/// Headers that HTTP or Envoy itself lives by, and those that are carriers of another kind.
const UNTOUCHABLE: &[&str] = &[
    "host",
    "connection",
    "content-length",
    "content-type",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "proxy-connection",
    "cookie",
    "baggage",
    "authorization",
    "x-forwarded-for",
    "x-request-id",
    "traceparent",
    "tracestate",
];
