//! Which requests a configuration in `matchRules` is for.

use meshlane_conditions::config::Condition;

use crate::migrate::condition::{all, any, not, one_of, prefix, suffix};

/// The requests that a configuration is for: those of some hosts and of none of others.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope(Vec<Condition>);

impl Scope {
    /// `own` are its hosts, all when there are none; `earlier` are those of configurations that go before it.
    pub(super) fn new(own: Option<Condition>, earlier: &[Condition]) -> Self {
        let others = any(earlier.to_vec()).map(not);
        Self(own.into_iter().chain(others).collect())
    }

    /// The requests for which this holds as well.
    pub(super) fn and(&self, more: impl IntoIterator<Item = Condition>) -> Option<Condition> {
        all(self.0.iter().cloned().chain(more).collect())
    }
}

/// Hosts as Higress writes them: `shop.example`, `*.example`, `shop.*`, `*`.
pub(super) fn hosts(domains: &[String]) -> Option<Condition> {
    let is_pattern = |domain: &&String| domain.contains('*');
    let words: Vec<_> = domains
        .iter()
        .filter(|domain| !is_pattern(domain))
        .collect();
    let patterns = domains.iter().filter(is_pattern);
    let patterns = patterns.map(|domain| match domain.strip_prefix('*') {
        Some(end) => suffix("host", end),
        None => prefix("host", domain.trim_end_matches('*')),
    });
    let words = (!words.is_empty()).then(|| one_of("host", words));
    any(words.into_iter().chain(patterns).collect())
}
