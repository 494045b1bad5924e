//! The host calls that can be measured.

use proxy_wasm::hostcalls;
use proxy_wasm::types::{MapType, Status};
use std::hint::black_box;
use std::rc::Rc;

/// One host call, with arguments like those of the real filters.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    Headers,
    HeaderPresent,
    HeaderAbsent,
    SetHeader,
    RemoveHeader,
    SetProperty,
    SourceAddress,
    Principal,
    JwtClaims,
    IncrementMetric,
    ClearRouteCache,
    LogLevel,
}

/// The id of a counter that [`Call::IncrementMetric`] counts up.
#[derive(Clone, Copy, Default)]
pub(crate) struct Metric(pub(crate) u32);

impl Call {
    /// Reads `name=times` words; `None` when one is not understood.
    pub(crate) fn parse_all(words: &str) -> Option<Rc<[Self]>> {
        let mut calls = Vec::new();
        for word in words.split_ascii_whitespace() {
            let (name, times) = word.split_once('=')?;
            let call = Self::from_name(name)?;
            calls.extend(std::iter::repeat_n(call, times.parse().ok()?));
        }
        Some(calls.into())
    }

    /// Makes the call and throws the answer away.
    pub(crate) fn make(self, metric: Metric) -> Result<(), Status> {
        match self {
            Self::Headers => hostcalls::get_map_bytes(REQUEST).map(discard),
            Self::HeaderPresent => {
                hostcalls::get_map_value_bytes(REQUEST, "user-agent").map(discard)
            }
            Self::HeaderAbsent => hostcalls::get_map_value_bytes(REQUEST, "x-absent").map(discard),
            Self::SetHeader => hostcalls::set_map_value(REQUEST, "x-mse-tag", Some("gray")),
            Self::RemoveHeader => hostcalls::set_map_value(REQUEST, "x-absent", None),
            Self::SetProperty => hostcalls::set_property(vec!["meshlane.traffic-tag"], Some(STATE)),
            Self::SourceAddress => hostcalls::get_property(vec!["source", "address"]).map(discard),
            Self::Principal => {
                hostcalls::get_property(vec!["connection", "uri_san_peer_certificate"]).map(discard)
            }
            Self::JwtClaims => hostcalls::get_property(vec![
                "metadata",
                "filter_metadata",
                "envoy.filters.http.jwt_authn",
                "payload",
            ])
            .map(discard),
            Self::IncrementMetric => hostcalls::increment_metric(metric.0, 1),
            Self::ClearRouteCache => {
                hostcalls::call_foreign_function("clear_route_cache", None).map(discard)
            }
            Self::LogLevel => hostcalls::get_log_level().map(discard),
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "headers" => Self::Headers,
            "header-present" => Self::HeaderPresent,
            "header-absent" => Self::HeaderAbsent,
            "set-header" => Self::SetHeader,
            "remove-header" => Self::RemoveHeader,
            "set-property" => Self::SetProperty,
            "source-address" => Self::SourceAddress,
            "principal" => Self::Principal,
            "jwt-claims" => Self::JwtClaims,
            "increment-metric" => Self::IncrementMetric,
            "clear-route-cache" => Self::ClearRouteCache,
            "log-level" => Self::LogLevel,
            _ => return None,
        })
    }
}

/// Keeps the optimiser from leaving out work whose result nobody uses.
fn discard<T>(value: T) {
    drop(black_box(value));
}

const REQUEST: MapType = MapType::HttpRequestHeaders;
const STATE: &[u8] = b"x-mse-tag=gray;rule=r10;reason=tag-rule-matched";
