//! Why a request goes where it goes.

use meshlane_conditions::Truth;
use meshlane_diagnostics::Reason;
use meshlane_tag_route::{RouterExplanation, RuleExplanation};

use super::{Page, with_meaning};
use crate::explain::Routed;

impl Page {
    pub(super) fn routed(&mut self, routed: &Routed) {
        let explanation = &routed.explanation;
        self.gap();
        let destination = explanation.destination.as_deref().unwrap_or("(none)");
        let service = explanation.service.as_deref();
        let title = match service {
            Some(service) => format!("service {service} → {destination}"),
            None => "no service".to_owned(),
        };
        self.line(1, &title);
        self.line(
            2,
            &format!("because   {}", with_meaning(explanation.reason)),
        );
        if service.is_none() {
            return;
        }
        self.health(routed);
        self.line(2, &format!("begin     {}", list(&explanation.considered)));
        let chain = explanation.chain.as_deref().unwrap_or("(none)");
        self.line(2, &format!("chain     {chain}"));
        for (index, router) in explanation.routers.iter().enumerate() {
            self.router(index + 1, router);
        }
        self.end(routed);
    }

    fn health(&mut self, routed: &Routed) {
        let explanation = &routed.explanation;
        if let Some(health) = explanation.health {
            self.line(2, &format!("health    {}", with_meaning(health)));
        }
        if !explanation.unhealthy.is_empty() {
            let unhealthy = explanation.unhealthy.iter().map(|name| {
                let endpoints = routed.endpoints.get(name);
                let endpoints =
                    endpoints.map(|known| format!(" ({} of {})", known.healthy, known.total));
                format!("{name}{}", endpoints.unwrap_or_default())
            });
            let unhealthy: Vec<_> = unhealthy.collect();
            self.line(2, &format!("unhealthy {}", list(&unhealthy)));
        }
    }

    fn router(&mut self, number: usize, router: &RouterExplanation) {
        let value = match &router.value {
            Some(value) => format!(" {value}"),
            None => String::new(),
        };
        let title = format!("{number}. {} ({}){value}", router.name, router.kind);
        self.line(3, &title);
        self.line(5, &with_meaning(router.reason));
        let is_asked = !PASSED_BY
            .iter()
            .any(|reason| reason.as_str() == router.reason);
        if is_asked {
            self.line(5, &change(&router.before, &router.after));
        }
        let deciding = router.rules.iter().position(holds);
        for (index, rule) in router.rules.iter().enumerate() {
            let sign = match deciding {
                _ if !is_asked => '·',
                Some(deciding) if index == deciding => '✓',
                Some(deciding) if index > deciding => '·',
                _ => '✗',
            };
            self.rule_of_router(sign, rule);
        }
    }

    fn rule_of_router(&mut self, sign: char, rule: &RuleExplanation) {
        let state = if rule.enabled { "" } else { ", switched off" };
        self.line(4, &format!("{sign} {}{state}", rule.name));
        if let Some(from) = &rule.from {
            self.condition(from, "", "");
        }
    }

    fn end(&mut self, routed: &Routed) {
        let explanation = &routed.explanation;
        let left_nothing = Reason::RouterLeftNothing.as_str();
        let mut routers = explanation.routers.iter();
        if routers.any(|router| router.reason == left_nothing) {
            let last_resort = routed.last_resort.unwrap_or_default();
            self.line(2, &format!("resort    lastResort: {last_resort}"));
        }
        let Some(destination) = &explanation.destination else {
            return;
        };
        let cluster = match &explanation.cluster {
            Some(cluster) => format!(", cluster {cluster}"),
            None => String::new(),
        };
        self.line(2, &format!("end       {destination}{cluster}"));
    }
}

/// Whether a rule is for the request.
fn holds(rule: &RuleExplanation) -> bool {
    let from = rule.from.as_ref();
    rule.enabled && from.is_none_or(|from| from.truth() == Truth::True)
}

fn change(before: &[String], after: &[String]) -> String {
    match after {
        after if after == before => format!("all kept: {}", list(after)),
        [] => format!("{} → nothing", list(before)),
        after => format!("{} → {}", list(before), list(after)),
    }
}

/// Names, the first of them when there are very many.
fn list(names: &[String]) -> String {
    match names.split_at_checked(MAX_NAMES) {
        Some((first, more)) if !more.is_empty() => {
            format!("{} and {} more", first.join(", "), more.len())
        }
        _ => names.join(", "),
    }
}

/// Nobody asked the router.
const PASSED_BY: [Reason; 2] = [Reason::RouterNotReached, Reason::RouterDisabled];

const MAX_NAMES: usize = 12;
