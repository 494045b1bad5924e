use crate::property;

/// The line of `gray-release`.
pub const GRAY_RELEASE: &str = "meshlane.gray-release";

/// The line of `rate-limit`.
pub const RATE_LIMIT: &str = "meshlane.rate-limit";

/// The line of `tag-route`.
pub const TAG_ROUTE: &str = "meshlane.tag-route";

/// The line of `traffic-tag`.
pub const TRAFFIC_TAG: &str = "meshlane.traffic-tag";

/// Leaves a line of what a filter decided, which access logs read as `%FILTER_STATE(wasm.NAME:PLAIN)%`.
pub fn leave(name: &str, summary: &str) {
    property::set(name, summary);
}

/// Whether a filter of ours has decided about the request at hand. Nothing that a client sends can make it seem so.
pub(crate) fn has_line() -> bool {
    let lines = [GRAY_RELEASE, RATE_LIMIT, TAG_ROUTE, TRAFFIC_TAG];
    lines.iter().any(|name| property::bytes(&[name]).is_some())
}
