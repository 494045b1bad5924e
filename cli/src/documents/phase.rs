//! Where plugins stand in Istio's chain of filters.

use meshlane_attributes::{Attribute, ProxyKind};

use super::Kind;
use crate::policy::Policy;
use crate::source::Span;

/// The place of a plugin among Istio's own filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// The phase as written; nothing when it is not.
    pub written: Option<String>,
    /// The plugins of a phase run in the order of their priorities, the highest first.
    pub priority: i64,
    /// Where the phase is, or would be, written.
    pub place: Span,
}

impl Phase {
    /// Where a plugin of meshlane belongs, by its kind and configuration: behind what it goes by, in front of what goes by it.
    ///
    /// `traffic-tag` gives tags, `gray-release` carries them on, `rate-limit` counts what these and Istio's own policies let
    /// through, `tag-route` chooses a destination. Istio verifies tokens between `AUTHN` and `AUTHZ`.
    pub fn of(kind: Kind, config: &[u8], place: Span) -> Self {
        let policy = Policy::parse(kind, config, ProxyKind::Sidecar);
        let policy = policy.ok().flatten();
        let asks = |is_it: &dyn Fn(&Attribute) -> bool| {
            let policy = policy.as_ref();
            policy.is_some_and(|policy| policy.attributes().any(is_it))
        };
        let asks_jwt = asks(&|attribute| matches!(attribute, Attribute::Jwt(_)));
        let goes_by_routes = asks(
            &|attribute| matches!(attribute, Attribute::Header(name) if is_route(name.as_str())),
        );
        let (written, priority) = match kind {
            Kind::TrafficTag if asks_jwt => ("AUTHZ", 200),
            Kind::TrafficTag => ("AUTHN", 200),
            Kind::GrayRelease if asks_jwt => ("AUTHZ", 100),
            Kind::GrayRelease => ("AUTHN", 100),
            Kind::RateLimit if goes_by_routes => ("UNSPECIFIED_PHASE", 50),
            Kind::RateLimit => ("STATS", 50),
            Kind::TagRoute => ("UNSPECIFIED_PHASE", 100),
            Kind::Dubbo => ("UNSPECIFIED_PHASE", 100),
        };
        Self {
            written: Some(written.to_owned()),
            priority,
            place,
        }
    }

    /// Whether it runs behind jwt_authn, which stands between AUTHN and AUTHZ; so does what says that it has no phase.
    pub fn sees_jwt(&self) -> bool {
        let written = self.written.as_deref();
        matches!(
            written,
            Some("AUTHZ" | "STATS" | "UNSPECIFIED" | "UNSPECIFIED_PHASE")
        )
    }

    /// The place of the plugin in the chain of filters, to be compared with those of others.
    pub fn order(&self) -> (usize, i64) {
        let written = self.written.as_deref().unwrap_or_default();
        let phases = ["AUTHN", "AUTHZ", "STATS"];
        let phase = phases.iter().position(|phase| *phase == written);
        (phase.unwrap_or(phases.len()), -self.priority)
    }
}

/// Whether `tag-route` writes a header.
fn is_route(header: &str) -> bool {
    header == meshlane_gray_release::REROUTE_HEADER
}
