//! From what is written to what is meant: everything that is wrong is found at once.

use std::collections::BTreeMap;

use meshlane_attributes::{Attribute, AttributeTable, HeaderName, ProxyKind, is_reserved};
use meshlane_conditions::{AttributeScope, Condition, Sticky};
use meshlane_diagnostics::{JsonPath, Place, Problem, Violations};

use crate::carrier::Carrier;
use crate::config::{self, OnIncoming, SameSite, TrafficTagConfig};
use crate::policy::{Policy, Rule, Tag, ValueSource};
use crate::split::{Split, SplitKey, StickyCookie};
use crate::tag_value::TagValue;

impl Policy {
    /// Validates a configuration for a kind of proxy.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn new(config: &TrafficTagConfig, proxy: ProxyKind) -> Result<Self, Violations> {
        let mut violations = Violations::default();
        let root = Place::root();
        if let Some(name) = &config.name {
            identifier(name, &root.key("name"), &mut violations);
        }
        let mut table = AttributeTable::default();
        source_ip(config, &mut table, &root, &mut violations);
        jwt(config, &mut table, &root, &mut violations);
        let tags = Tags {
            config,
            proxy,
            table: &mut table,
            violations: &mut violations,
        }
        .validate(&root.key("tags"));
        violations.into_result(Self { table, tags })
    }
}

fn source_ip(
    config: &TrafficTagConfig,
    table: &mut AttributeTable,
    root: &Place<'_>,
    violations: &mut Violations,
) {
    let hops = config
        .source_ip
        .as_ref()
        .and_then(|source_ip| source_ip.trusted_hops);
    let Some(hops) = hops else { return };
    if (0.0..=MAX_TRUSTED_HOPS).contains(&hops) && hops.fract() == 0.0 {
        table.settings.trusted_hops = hops as u32;
    } else {
        let place = root.key("sourceIp");
        let found = hops.to_string();
        let expected = "an integer from 0 to 32";
        violations.push(
            &place.key("trustedHops"),
            Problem::InvalidValue { found, expected },
        );
    }
}

fn jwt(
    config: &TrafficTagConfig,
    table: &mut AttributeTable,
    root: &Place<'_>,
    violations: &mut Violations,
) {
    let Some(jwt) = &config.jwt else { return };
    let place = root.key("jwt");
    let settings = &mut table.settings;
    for (key, given, target) in [
        ("filter", &jwt.filter, &mut settings.jwt_filter),
        (
            "payloadKey",
            &jwt.payload_key,
            &mut settings.jwt_payload_key,
        ),
    ] {
        let Some(name) = given else { continue };
        if (1..=MAX_NAME).contains(&name.len()) {
            target.clone_from(name);
        } else {
            let found = name.clone();
            let expected = "a name of 1 to 128 characters";
            violations.push(&place.key(key), Problem::InvalidValue { found, expected });
        }
    }
}

/// The tags of a document while they are validated.
struct Tags<'a> {
    config: &'a TrafficTagConfig,
    proxy: ProxyKind,
    table: &'a mut AttributeTable,
    violations: &'a mut Violations,
}

impl Tags<'_> {
    fn validate(&mut self, place: &Place<'_>) -> Vec<Tag> {
        let tags = &self.config.tags;
        if tags.len() > Policy::MAX_TAGS {
            let problem = Problem::TooMany {
                what: "tags",
                found: tags.len(),
                limit: Policy::MAX_TAGS,
            };
            self.violations.push(place, problem);
            return Vec::new();
        }
        let mut names = BTreeMap::new();
        let mut carriers = BTreeMap::new();
        let validated: Vec<_> = tags
            .iter()
            .enumerate()
            .map(|(index, tag)| {
                self.tag(index, tag, &place.index(index), &mut names, &mut carriers)
            })
            .collect();
        validated.into_iter().flatten().collect()
    }

    fn tag(
        &mut self,
        index: usize,
        tag: &config::Tag,
        place: &Place<'_>,
        names: &mut BTreeMap<String, JsonPath>,
        written: &mut BTreeMap<String, JsonPath>,
    ) -> Option<Tag> {
        let name = tag_header(&tag.name, &place.key("name"), self.violations);
        if let Some(name) = &name {
            // Metrics write dots as `_`.
            let spelling = name.as_str().replace('.', "_");
            unique(
                name.as_str(),
                spelling,
                &place.key("name"),
                names,
                self.violations,
            );
        }
        let on_incoming = self.on_incoming(tag, place);
        let carriers = self.carriers(tag, name.as_ref(), place, written);
        let rules = self.rules(index, tag, &place.key("rules"));
        let default = match &tag.default {
            Some(text) => Some(tag_value(text, &place.key("default"), self.violations)?),
            None => None,
        };
        let name = name?;
        Some(Tag {
            attribute: self.table.intern(Attribute::Tag(name.as_str().to_owned())),
            name: name.as_str().to_owned(),
            on_incoming: on_incoming?,
            carriers,
            rules,
            default,
        })
    }

    fn on_incoming(&mut self, tag: &config::Tag, place: &Place<'_>) -> Option<OnIncoming> {
        match (tag.on_incoming, self.proxy) {
            (Some(given), _) => Some(given),
            (None, ProxyKind::Gateway) => Some(OnIncoming::Strip),
            (None, ProxyKind::Sidecar | ProxyKind::Waypoint) => Some(OnIncoming::Keep),
            (None, ProxyKind::Bare) => {
                let key = "onIncoming";
                self.violations.push(place, Problem::MissingKey { key });
                None
            }
        }
    }

    fn carriers(
        &mut self,
        tag: &config::Tag,
        name: Option<&HeaderName>,
        place: &Place<'_>,
        written: &mut BTreeMap<String, JsonPath>,
    ) -> Vec<Carrier> {
        let Some(carriers) = &tag.carriers else {
            let carrier = name.map(default_carrier);
            if let Some(carrier) = &carrier {
                unique(
                    &carrier.to_string(),
                    carrier.slot(),
                    &place.key("name"),
                    written,
                    self.violations,
                );
            }
            return carrier.into_iter().collect();
        };
        let place = place.key("carriers");
        let mut validated = Vec::new();
        if !bounded(
            carriers,
            "carriers",
            Policy::MAX_CARRIERS,
            &place,
            self.violations,
        ) {
            return validated;
        }
        for (index, carrier) in carriers.iter().enumerate() {
            let place = place.index(index);
            if let Some(carrier) = self::carrier(carrier, &place, self.violations) {
                unique(
                    &carrier.to_string(),
                    carrier.slot(),
                    &place,
                    written,
                    self.violations,
                );
                validated.push(carrier);
            }
        }
        validated
    }

    fn rules(&mut self, tag: usize, config: &config::Tag, place: &Place<'_>) -> Vec<Rule> {
        if config.rules.len() > Policy::MAX_RULES {
            let problem = Problem::TooMany {
                what: "rules",
                found: config.rules.len(),
                limit: Policy::MAX_RULES,
            };
            self.violations.push(place, problem);
            return Vec::new();
        }
        let earlier = |attribute: &Attribute| earlier_tag(&self.config.tags, tag, attribute);
        let mut scope = AttributeScope {
            table: self.table,
            violations: self.violations,
            accepts: &earlier,
        };
        let mut names = BTreeMap::new();
        let mut validated = Vec::new();
        for (index, rule) in config.rules.iter().enumerate() {
            let place = place.index(index);
            let name = rule
                .name
                .clone()
                .unwrap_or_else(|| format!("rule-{}", index + 1));
            let name_place = place.key("name");
            let name_place = if rule.name.is_some() {
                &name_place
            } else {
                &place
            };
            identifier(&name, name_place, scope.violations);
            unique(
                &name,
                name.clone(),
                name_place,
                &mut names,
                scope.violations,
            );
            validated.extend(self::rule(name, rule, &place, &mut scope));
        }
        validated
    }
}

/// A header of the tag's name; for the tag that Dubbo's own router reads, its attachment.
fn default_carrier(name: &HeaderName) -> Carrier {
    match name.as_str() {
        "dubbo.tag" => Carrier::Attachment(name.clone()),
        _ => Carrier::Header(name.clone()),
    }
}

/// A `tag.NAME` may only be asked for once it is decided.
fn earlier_tag(tags: &[config::Tag], tag: usize, attribute: &Attribute) -> Result<(), Problem> {
    let Attribute::Tag(name) = attribute else {
        return Ok(());
    };
    let is_it = |tag: &config::Tag| tag.name.eq_ignore_ascii_case(name);
    match tags.iter().position(is_it) {
        Some(position) if position < tag => Ok(()),
        Some(position) => Err(Problem::UsedBeforeDecided {
            name: format!("tag.{name}"),
            defined: Place::root().key("tags").index(position).to_path(),
        }),
        None => Err(Problem::UnknownName {
            kind: "tag",
            found: name.clone(),
            known: tags.iter().take(tag).map(|tag| tag.name.clone()).collect(),
        }),
    }
}

fn rule(
    name: String,
    rule: &config::Rule,
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<Rule> {
    let when_place = place.key("when");
    let when = rule
        .when
        .as_ref()
        .map(|condition| Condition::new(condition, &when_place, scope));
    let source = match (&rule.value, &rule.value_from, &rule.split) {
        (Some(text), None, None) => {
            tag_value(text, &place.key("value"), scope.violations).map(ValueSource::Literal)
        }
        (None, Some(attribute), None) => scope
            .attribute(attribute, &place.key("valueFrom"))
            .map(ValueSource::Attribute),
        (None, None, Some(split)) => {
            self::split(split, &place.key("split"), scope).map(ValueSource::Split)
        }
        _ => {
            let of = &["value", "valueFrom", "split"];
            let there = [
                rule.value.is_some(),
                rule.value_from.is_some(),
                rule.split.is_some(),
            ];
            let found = present(of, &there);
            scope
                .violations
                .push(place, Problem::NotExactlyOne { found, of });
            None
        }
    };
    Some(Rule {
        name,
        enabled: rule.enabled.unwrap_or(true),
        when: match when {
            Some(condition) => Some(condition?),
            None => None,
        },
        source: source?,
    })
}

fn split(
    split: &config::Split,
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<Split> {
    let key = split_key(&split.by, &place.key("by"), scope);
    let salt = split.salt.as_deref();
    let sticky = Sticky::new(split.algorithm, salt, split.of, place, scope.violations);
    let values_place = place.key("values");
    if !bounded(
        &split.values,
        "values",
        Policy::MAX_VALUES,
        &values_place,
        scope.violations,
    ) {
        return None;
    }
    let mut parts = Vec::with_capacity(split.values.len());
    let mut sum = 0.0;
    for (index, weighted) in split.values.iter().enumerate() {
        let place = values_place.index(index);
        let value = tag_value(&weighted.value, &place.key("value"), scope.violations);
        if !(weighted.weight.is_finite() && weighted.weight >= 0.0) {
            let found = weighted.weight.to_string();
            let expected = "a number that is not negative";
            let place = place.key("weight");
            scope
                .violations
                .push(&place, Problem::InvalidValue { found, expected });
            continue;
        }
        sum += weighted.weight;
        parts.extend(value.map(|value| (sum, value)));
    }
    let sticky = sticky?;
    // Weights are decimal fractions: 33.3 + 33.3 + 33.4 may miss 100 by a rounding error.
    if sum > sticky.of() * (1.0 + 1e-9) {
        let (sum, of) = (sum.to_string(), sticky.of().to_string());
        scope
            .violations
            .push(&values_place, Problem::WeightsExceed { sum, of });
        return None;
    }
    for (index, weighted) in split.values.iter().enumerate() {
        if !sticky.can_divide_at(weighted.weight) {
            let found = weighted.weight.to_string();
            let expected = "a whole number, as the algorithm knows whole parts only";
            let place = values_place.index(index);
            let place = place.key("weight");
            scope
                .violations
                .push(&place, Problem::InvalidValue { found, expected });
        }
    }
    let key = key?;
    if matches!(key, SplitKey::Cookie(_)) && !sticky.is_secret() {
        // Anybody could look for an id that falls where he wants to be.
        let found = salt.unwrap_or_default().to_owned();
        let expected = "a text that clients do not know (and the algorithm `xxh64`), as a sticky cookie's id is in their hands";
        scope.violations.push(
            &place.key("salt"),
            Problem::InvalidValue { found, expected },
        );
    }
    Some(Split { key, sticky, parts })
}

fn split_key(
    by: &config::SplitKey,
    place: &Place<'_>,
    scope: &mut AttributeScope<'_>,
) -> Option<SplitKey> {
    match (&by.attribute, &by.sticky_cookie, by.random) {
        (Some(attribute), None, None) => scope
            .attribute(attribute, &place.key("attribute"))
            .map(SplitKey::Attribute),
        (None, Some(cookie), None) => {
            sticky_cookie(cookie, &place.key("stickyCookie"), scope.violations)
                .map(SplitKey::Cookie)
        }
        (None, None, Some(true)) => Some(SplitKey::Random),
        (None, None, Some(false)) => {
            let (found, expected) = ("false".to_owned(), "`true`, or another key");
            let place = place.key("random");
            scope
                .violations
                .push(&place, Problem::InvalidValue { found, expected });
            None
        }
        _ => {
            let of = &["attribute", "stickyCookie", "random"];
            let there = [
                by.attribute.is_some(),
                by.sticky_cookie.is_some(),
                by.random.is_some(),
            ];
            let found = present(of, &there);
            scope
                .violations
                .push(place, Problem::NotExactlyOne { found, of });
            None
        }
    }
}

fn sticky_cookie(
    cookie: &config::StickyCookie,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Option<StickyCookie> {
    let before = violations.len();
    token(&cookie.name, &place.key("name"), violations);
    let path = cookie.path.clone().unwrap_or_else(|| "/".to_owned());
    if !(path.starts_with('/') && is_attribute_text(&path)) {
        let (found, expected) = (path.clone(), "a path that begins with `/`, without `;`");
        violations.push(
            &place.key("path"),
            Problem::InvalidValue { found, expected },
        );
    }
    if let Some(domain) = &cookie.domain
        && (domain.is_empty() || !domain.bytes().all(is_domain_byte))
    {
        let (found, expected) = (domain.clone(), "a domain name");
        violations.push(
            &place.key("domain"),
            Problem::InvalidValue { found, expected },
        );
    }
    let max_age = cookie.max_age.unwrap_or(YEAR);
    if !((0.0..=MAX_AGE).contains(&max_age) && max_age.fract() == 0.0) {
        let (found, expected) = (max_age.to_string(), "whole seconds from 0 to 2147483647");
        violations.push(
            &place.key("maxAge"),
            Problem::InvalidValue { found, expected },
        );
    }
    let secure = cookie.secure.unwrap_or(true);
    let same_site = cookie.same_site.unwrap_or(SameSite::Lax);
    if same_site == SameSite::None && !secure {
        let (key, with) = (
            "sameSite",
            "`secure: false`: browsers refuse `None` without `Secure`",
        );
        violations.push(&place.key("sameSite"), Problem::Incompatible { key, with });
    }
    (violations.len() == before).then(|| StickyCookie {
        name: cookie.name.clone(),
        path,
        domain: cookie.domain.clone(),
        max_age: max_age as u64,
        secure,
        http_only: cookie.http_only.unwrap_or(true),
        same_site,
    })
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
            let found = present(of, &there);
            violations.push(place, Problem::NotExactlyOne { found, of });
            None
        }
    }
}

/// A header that a tag may be written to.
fn tag_header(name: &str, place: &Place<'_>, violations: &mut Violations) -> Option<HeaderName> {
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
    let found = name.to_owned();
    violations.push(place, Problem::InvalidValue { found, expected });
    None
}

fn tag_value(
    text: &str,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Option<TagValue<'static>> {
    TagValue::parse(text.to_owned().into())
        .map_err(|_| {
            let (found, expected) = (text.to_owned(), TagValue::EXPECTED);
            violations.push(place, Problem::InvalidValue { found, expected });
        })
        .ok()
}

/// A cookie name or a baggage key: a token, whose case counts.
fn token(text: &str, place: &Place<'_>, violations: &mut Violations) -> Option<String> {
    if HeaderName::parse(text).is_ok() {
        return Some(text.to_owned());
    }
    let found = text.to_owned();
    let expected = "1 to 128 letters, digits and `-._~!#$%&'*+^|` and `` ` ``";
    violations.push(place, Problem::InvalidValue { found, expected });
    None
}

/// A name that goes into metrics and logs.
fn identifier(text: &str, place: &Place<'_>, violations: &mut Violations) {
    let is_valid = (1..=MAX_IDENTIFIER).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/'));
    if !is_valid {
        let found = text.to_owned();
        let expected = "a name of 1 to 64 letters, digits and `-_/`";
        violations.push(place, Problem::InvalidValue { found, expected });
    }
}

/// Refuses a name whose `key` was used before.
fn unique(
    name: &str,
    key: String,
    place: &Place<'_>,
    names: &mut BTreeMap<String, JsonPath>,
    violations: &mut Violations,
) {
    match names.get(&key) {
        Some(first) => {
            let (value, first) = (name.to_owned(), first.clone());
            violations.push(place, Problem::Duplicate { value, first });
        }
        None => {
            names.insert(key, place.to_path());
        }
    }
}

/// Refuses a list that is empty or too long; tells whether it is neither.
fn bounded<T>(
    list: &[T],
    what: &'static str,
    limit: usize,
    place: &Place<'_>,
    violations: &mut Violations,
) -> bool {
    let problem = match list.len() {
        0 => Problem::Empty { what },
        found if found > limit => Problem::TooMany { what, found, limit },
        _ => return true,
    };
    violations.push(place, problem);
    false
}

fn present(keys: &[&'static str], there: &[bool]) -> Vec<&'static str> {
    let named = keys.iter().zip(there);
    named
        .filter(|(_, there)| **there)
        .map(|(key, _)| *key)
        .collect()
}

fn is_attribute_text(text: &str) -> bool {
    text.len() <= 1024 && text.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b';')
}

fn is_domain_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
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
const MAX_TRUSTED_HOPS: f64 = 32.0;
const MAX_NAME: usize = 128;
const MAX_IDENTIFIER: usize = 64;
const YEAR: f64 = 31_536_000.0;
const MAX_AGE: f64 = 2_147_483_647.0;

#[cfg(test)]
mod tests;
