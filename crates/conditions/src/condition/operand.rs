//! Operators and their operands.

use std::net::IpAddr;

use ipnet::IpNet;
use meshlane_diagnostics::{Place, Problem, Violations};

use super::Condition;
use crate::bucket::Sticky;
use crate::config;
use crate::operator::{Kind, Operator};
use crate::pattern::Pattern;
use crate::scalar::{LARGEST_EXACT, Scalar};

impl config::Condition {
    /// The one operator that is there, validated.
    pub(super) fn operator(
        &self,
        place: &Place<'_>,
        violations: &mut Violations,
    ) -> Option<Operator> {
        let kind = if let Some(scalar) = &self.exact {
            exact_scalar(scalar, place, violations).map(Kind::Exact)
        } else if let Some(text) = &self.prefix {
            Some(Kind::Prefix(text.clone()))
        } else if let Some(text) = &self.suffix {
            Some(Kind::Suffix(text.clone()))
        } else if let Some(text) = &self.contains {
            Some(Kind::Contains(text.clone()))
        } else if let Some(pattern) = &self.regex {
            regex(pattern, place, violations).map(Kind::Regex)
        } else if let Some(list) = &self.one_of {
            scalars(list, place, violations).map(Kind::In)
        } else if let Some(list) = &self.not_in {
            scalars(list, place, violations).map(Kind::NotIn)
        } else if let Some(present) = self.present {
            Some(Kind::Present(present))
        } else if let Some(range) = &self.range {
            numbers(range, place, violations)
        } else if let Some(networks) = &self.cidr {
            cidr(networks, place, violations).map(Kind::Cidr)
        } else if let Some(modulo) = &self.modulo {
            remainders(modulo, place, violations)
        } else {
            share(self.bucket.as_ref()?, place, violations)
        };
        kind.map(Operator)
    }
}

fn exact_scalar(scalar: &Scalar, place: &Place<'_>, violations: &mut Violations) -> Option<Scalar> {
    if scalar.is_inexact() {
        let found = scalar.to_string();
        violations.push(place, Problem::InexactNumber { found });
        return None;
    }
    Some(scalar.clone())
}

fn scalars(list: &[Scalar], place: &Place<'_>, violations: &mut Violations) -> Option<Vec<Scalar>> {
    if !violations.bounded(place, "values", list, Condition::MAX_LIST) {
        return None;
    }
    let validated: Vec<_> = list
        .iter()
        .enumerate()
        .map(|(index, scalar)| exact_scalar(scalar, &place.index(index), violations))
        .collect();
    validated.into_iter().collect()
}

fn regex(written: &str, place: &Place<'_>, violations: &mut Violations) -> Option<Pattern> {
    Pattern::compile(written)
        .map_err(|error| {
            let (pattern, detail) = (written.to_owned(), error.to_string());
            violations.push(place, Problem::InvalidRegex { pattern, detail });
        })
        .ok()
}

fn numbers(range: &config::Range, place: &Place<'_>, violations: &mut Violations) -> Option<Kind> {
    let (min, max) = (
        range.min.unwrap_or(f64::NEG_INFINITY),
        range.max.unwrap_or(f64::INFINITY),
    );
    if range.min.is_none() && range.max.is_none() {
        let of = &["min", "max"];
        violations.push(place, Problem::NotExactlyOne { found: vec![], of });
        return None;
    }
    if min > max {
        violations.invalid(&place.key("min"), min, "a number that is not above `max`");
        return None;
    }
    Some(Kind::Range { min, max })
}

fn cidr(list: &[String], place: &Place<'_>, violations: &mut Violations) -> Option<Vec<IpNet>> {
    if !violations.bounded(place, "networks", list, Condition::MAX_LIST) {
        return None;
    }
    let validated: Vec<_> = list
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let network = network(text);
            if network.is_none() {
                violations.invalid(
                    &place.index(index),
                    text,
                    "a network like `10.0.0.0/8` or `2001:db8::/32`, or an address",
                );
            }
            network
        })
        .collect();
    validated.into_iter().collect()
}

/// A network, or an address as the network of it alone. Addresses are compared in their plain
/// form, so a network of IPv4 in IPv6 is the IPv4 network.
fn network(text: &str) -> Option<IpNet> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    let network = text.parse::<IpNet>().ok().or_else(address)?.trunc();
    let mapped = match network {
        IpNet::V6(network) => network
            .addr()
            .to_ipv4_mapped()
            .zip(network.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    match mapped {
        Some((address, length)) => IpNet::new(address.into(), length).ok(),
        None => Some(network),
    }
}

fn remainders(
    modulo: &config::Modulo,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Option<Kind> {
    let divisor = modulo.divisor;
    if !((1.0..=LARGEST_EXACT).contains(&divisor) && divisor.fract() == 0.0) {
        violations.invalid(&place.key("divisor"), divisor, "a positive integer");
        return None;
    }
    let place = place.key("in");
    if !violations.bounded(
        &place,
        "remainders",
        &modulo.remainders,
        Condition::MAX_LIST,
    ) {
        return None;
    }
    let before = violations.len();
    for (index, remainder) in modulo.remainders.iter().enumerate() {
        if !((0.0..divisor).contains(remainder) && remainder.fract() == 0.0) {
            violations.invalid(
                &place.index(index),
                remainder,
                "an integer from 0 to below the divisor",
            );
        }
    }
    (violations.len() == before).then(|| Kind::Mod {
        divisor: divisor as i128,
        remainders: modulo
            .remainders
            .iter()
            .map(|number| *number as i128)
            .collect(),
    })
}

fn share(bucket: &config::Bucket, place: &Place<'_>, violations: &mut Violations) -> Option<Kind> {
    let salt = bucket.salt.as_deref();
    let sticky = Sticky::new(bucket.algorithm, salt, bucket.of, place, violations)?;
    let below = bucket.below;
    if !(0.0..=sticky.of()).contains(&below) {
        violations.invalid(
            &place.key("below"),
            below,
            "a number from 0 to `of` (100 when not given)",
        );
        return None;
    }
    if !sticky.can_divide_at(below) {
        violations.invalid(
            &place.key("below"),
            below,
            "a whole number, as the algorithm knows whole parts only",
        );
        return None;
    }
    Some(Kind::Bucket { below, sticky })
}
