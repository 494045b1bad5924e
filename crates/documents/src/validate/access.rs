//! Who may call what.

use std::collections::BTreeMap;

use meshlane_bridge::config::Expose;
use meshlane_diagnostics::{Place, Problem, Violations};
use meshlane_lane_group::is_name;

use super::dubbo_service::is_interface;
use crate::config::AccessConfig;
use crate::dubbo_service::Access;

/// What rules are written for.
pub(super) struct Scope<'a> {
    pub(super) namespace: Option<&'a str>,
    pub(super) interfaces: &'a [String],
    pub(super) expose: &'a Expose,
}

pub(super) fn rules(
    given: Vec<AccessConfig>,
    scope: &Scope<'_>,
    place: &Place<'_>,
    violations: &mut Violations,
) -> Vec<Access> {
    let rules = given.into_iter().enumerate();
    rules
        .map(|(index, rule)| scope.rule(rule, &place.index(index), violations))
        .collect()
}

impl Scope<'_> {
    fn rule(&self, rule: AccessConfig, place: &Place<'_>, violations: &mut Violations) -> Access {
        if rule.service_accounts.is_empty() && rule.namespaces.is_empty() {
            let what = "callers, by `serviceAccounts` or `namespaces`";
            violations.push(place, Problem::Empty { what });
        }
        let at = place.key("namespaces");
        for (index, namespace) in rule.namespaces.iter().enumerate() {
            if !is_name(namespace, 63) {
                violations.invalid(&at.index(index), namespace, "a namespace");
            }
        }
        self.interfaces(&rule.interfaces, &place.key("interfaces"), violations);
        let at = place.key("methods");
        let interfaces = match rule.interfaces.as_slice() {
            [] => self.interfaces,
            given => given,
        };
        if !rule.methods.is_empty() && interfaces.iter().any(|name| name.ends_with('*')) {
            let (key, with) = (
                "methods",
                "an interface that ends with `*`: a path has one `*`",
            );
            violations.push(&at, Problem::Incompatible { key, with });
        }
        for (index, method) in rule.methods.iter().enumerate() {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$');
            if method.is_empty() || !method.bytes().all(allowed) {
                violations.invalid(&at.index(index), method, "a Java method's name");
            }
        }
        exposed(
            &rule.arguments,
            self.expose.arguments.as_deref(),
            &place.key("arguments"),
            violations,
        );
        exposed(
            &rule.attachments,
            self.expose.attachments.as_deref(),
            &place.key("attachments"),
            violations,
        );
        let accounts = place.key("serviceAccounts");
        Access {
            service_accounts: self.accounts(&rule.service_accounts, &accounts, violations),
            namespaces: rule.namespaces,
            interfaces: match rule.interfaces.is_empty() {
                true => self.interfaces.to_vec(),
                false => rule.interfaces,
            },
            methods: rule.methods,
            arguments: rule.arguments,
            attachments: rule.attachments,
        }
    }

    fn accounts(
        &self,
        given: &[String],
        place: &Place<'_>,
        violations: &mut Violations,
    ) -> Vec<(String, String)> {
        let mut accounts = Vec::with_capacity(given.len());
        for (index, account) in given.iter().enumerate() {
            let (namespace, name) = match account.split_once('/') {
                Some((namespace, name)) => (namespace, name),
                None => (self.namespace.unwrap_or("default"), account.as_str()),
            };
            if !(is_name(namespace, 63) && is_name(name, 63)) {
                let expected = "a service account: `web`, or `shop/web` with its namespace";
                violations.invalid(&place.index(index), account, expected);
            }
            accounts.push((namespace.to_owned(), name.to_owned()));
        }
        accounts
    }

    /// They are among those of the service.
    fn interfaces(&self, given: &[String], place: &Place<'_>, violations: &mut Violations) {
        for (index, interface) in given.iter().enumerate() {
            let covers = |own: &String| match own.strip_suffix('*') {
                Some(start) => interface.starts_with(start),
                None => own == interface,
            };
            let place = place.index(index);
            if !is_interface(interface) {
                let expected = "a Java name, or its beginning followed by `*`";
                violations.invalid(&place, interface, expected);
            } else if !self.interfaces.iter().any(covers) {
                let problem = Problem::UnknownName {
                    kind: "interface",
                    found: interface.clone(),
                    known: self.interfaces.to_vec(),
                };
                violations.push(&place, problem);
            }
        }
    }
}

/// A policy can judge only what the bridge shows.
fn exposed(
    given: &BTreeMap<String, Vec<String>>,
    known: Option<&[String]>,
    place: &Place<'_>,
    violations: &mut Violations,
) {
    let known = known.unwrap_or_default();
    for (name, values) in given {
        let place = place.key(name);
        if !known.contains(name) {
            let problem = Problem::UnknownName {
                kind: "exposed value",
                found: name.clone(),
                known: known.to_vec(),
            };
            violations.push(&place, problem);
        }
        if values.is_empty() {
            let what = "values";
            violations.push(&place, Problem::Empty { what });
        }
    }
}
