//! What is most likely not meant in a configuration of `rate-limit`.

use meshlane_diagnostics::{JsonPath, Place};
use meshlane_rate_limit::config::{Limit, RateLimitConfig, TokenBucket, Window};

use crate::diagnostic::Diagnostic;
use crate::documents::Plugin;
use crate::source::Node;

/// Warnings about a plugin's configuration. One whose structure is wrong has other troubles.
pub(super) fn about(plugin: &Plugin, node: &Node) -> Vec<Diagnostic> {
    let Ok(config) = serde_json::from_value::<RateLimitConfig>(node.to_json()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    found.extend(nothing_to_limit(plugin, &config));
    let limits = config.limits.iter().enumerate();
    for (index, limit) in limits.filter(|(_, limit)| limit.enabled != Some(false)) {
        let earlier = config.limits.iter().take(index);
        found.extend(nobody_refused(index, limit, node));
        found.extend(nobody_left(index, limit, earlier, node));
    }
    found
}

fn nothing_to_limit(plugin: &Plugin, config: &RateLimitConfig) -> Option<Diagnostic> {
    let message = "without `limits` no request is one too many";
    config.limits.is_empty().then(|| {
        Diagnostic::warning("config-empty", plugin.place.clone(), message).at(JsonPath::default())
    })
}

/// Whoever only wants to count says so by `shadow`, and finds it under a code of its own.
fn nobody_refused(index: usize, limit: &Limit, node: &Node) -> Option<Diagnostic> {
    let is_idle = limit.enforce == Some(0.0) && limit.shadow != Some(true);
    let path = path(index, "enforce");
    let message = format!("`{}` refuses nobody: `enforce` is 0", limit.name);
    is_idle.then(|| {
        Diagnostic::warning("never-refuses", node.locate_value(&path), message)
            .expected("`shadow: true` to count only, a share to refuse otherwise")
            .at(path)
    })
}

/// A limit that has room for everything that an earlier one lets through.
fn nobody_left<'l>(
    index: usize,
    limit: &Limit,
    earlier: impl Iterator<Item = &'l Limit>,
    node: &Node,
) -> Option<Diagnostic> {
    let mut earlier = earlier.enumerate();
    let (first, other) = earlier.find(|(_, other)| leaves_nothing_to(other, limit))?;
    let path = path(index, "name");
    let (name, other) = (&limit.name, &other.name);
    let message = format!(
        "`{name}` refuses nobody: `{other}` before it is for the same requests, and has no more room"
    );
    let related = node.locate_value(&self::path(first, "name"));
    Some(
        Diagnostic::warning("never-refuses", node.locate_value(&path), message)
            .related(related, "this limit refuses first")
            .at(path),
    )
}

/// Whether a limit refuses every request that a later one would. Only what is plain is told.
fn leaves_nothing_to(first: &Limit, later: &Limit) -> bool {
    let is_whole = first.enforce.is_none_or(|percent| percent >= 100.0);
    let is_plain = |limit: &Limit| limit.shadow != Some(true) && limit.exceptions.is_empty();
    let counts = |limit: &Limit| (limit.capacity, limit.on_overflow, limit.on_contention);
    (first.enabled != Some(false) && is_whole)
        && (is_plain(first) && is_plain(later))
        && counts(first) == counts(later)
        && (&first.key, &first.when) == (&later.key, &later.when)
        && has_no_more_room(first, later)
}

/// Whether both are of one kind, and the first has no larger numbers.
fn has_no_more_room(first: &Limit, later: &Limit) -> bool {
    if let (Some(first), Some(later)) = (&first.token_bucket, &later.token_bucket) {
        return is_bucket_within(first, later);
    }
    if let (Some(first), Some(later)) = (&first.sliding_window, &later.sliding_window) {
        let is_covered = |later: &Window| first.iter().any(|first| is_window_within(first, later));
        return later.iter().all(is_covered);
    }
    if let (Some(first), Some(later)) = (&first.concurrency, &later.concurrency) {
        return first.requests <= later.requests;
    }
    first.warm_up.is_some() && first.warm_up == later.warm_up
}

fn is_bucket_within(first: &TokenBucket, later: &TokenBucket) -> bool {
    let rate = |bucket: &TokenBucket| bucket.requests / bucket.per.unwrap_or(1.0);
    let burst = |bucket: &TokenBucket| bucket.burst.unwrap_or(bucket.requests);
    rate(first) <= rate(later) && burst(first) <= burst(later)
}

fn is_window_within(first: &Window, later: &Window) -> bool {
    let per = |window: &Window| window.per.unwrap_or(1.0);
    per(first) == per(later) && first.requests <= later.requests
}

fn path(limit: usize, key: &str) -> JsonPath {
    let root = Place::root();
    let limits = root.key("limits");
    limits.index(limit).key(key).to_path()
}
