//! What a module is, by its name.

use super::Kind;
use crate::source::Node;

/// A module of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Module {
    /// It is one filter.
    Of(Kind),
    /// It is any HTTP filter: the one that the plugin's name says.
    Suite,
}

impl Module {
    /// The module behind a URL or a path; nothing for those of others.
    pub(super) fn of(url: &str) -> Option<Self> {
        let name = module_name(url);
        let name = name.strip_prefix("meshlane-").unwrap_or(name);
        if name == SUITE {
            return Some(Self::Suite);
        }
        let kind = Kind::ALL.iter().find(|kind| kind.as_str() == name)?;
        Some(Self::Of(*kind))
    }

    /// The module in the `vm_config` of a Wasm filter.
    pub(super) fn of_filter(config: &Node) -> Option<Self> {
        let code = config.get_any(&["vm_config", "vmConfig"])?.get("code")?;
        let local = code.descend(&["local", "filename"]);
        let remote = code
            .get("remote")
            .and_then(|remote| remote.get_any(&["http_uri", "httpUri"])?.get("uri"));
        Self::of(local.or(remote)?.text()?)
    }

    /// Whether the filter is in the module.
    pub(super) fn has(self, kind: Kind) -> bool {
        match self {
            Self::Of(only) => only == kind,
            Self::Suite => !kind.is_network(),
        }
    }

    /// The kinds of filter in the module.
    pub(super) fn kinds(self) -> Vec<&'static str> {
        let kinds = Kind::ALL.iter().filter(|kind| self.has(**kind));
        kinds.map(|kind| kind.as_str()).collect()
    }
}

/// `…/traffic-tag:1.2@sha256:…`, `…/traffic-tag.wasm` → `traffic-tag`
pub(crate) fn module_name(url: &str) -> &str {
    let last = url.rsplit('/').next().unwrap_or_default();
    last.split(['@', ':', '?'])
        .next()
        .map(|name| name.trim_end_matches(".wasm"))
        .unwrap_or_default()
}

/// The module with every HTTP filter in it.
const SUITE: &str = "suite";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_known_by_their_names() {
        for (url, module) in [
            (
                "oci://r.example/meshlane/traffic-tag:1.2@sha256:ab",
                Some(Module::Of(Kind::TrafficTag)),
            ),
            (
                "/etc/envoy/tag-route.wasm",
                Some(Module::Of(Kind::TagRoute)),
            ),
            (
                "oci://r.example/meshlane-gray-release:1",
                Some(Module::Of(Kind::GrayRelease)),
            ),
            ("oci://r.example/meshlane-suite:1", Some(Module::Suite)),
            ("https://r.example/suite.wasm?v=1", Some(Module::Suite)),
            ("oci://r.example/meshlane/coraza:1", None),
            ("", None),
        ] {
            assert_eq!(Module::of(url), module, "{url}");
        }
    }

    #[test]
    fn the_suite_has_no_network_filter() {
        assert_eq!(
            Module::Suite.kinds(),
            ["gray-release", "rate-limit", "tag-route", "traffic-tag"]
        );
    }
}
