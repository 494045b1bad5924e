//! The host calls that can be measured.

use meshlane_host::metric::Counter;
use meshlane_host::shared_data::HostData;
use meshlane_host::{access_log, headers, property};
use meshlane_shared_data::SharedData;
use proxy_wasm::hostcalls;
use proxy_wasm::types::MapType;
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
    IncrementCounter,
    SetProperty,
    SourceAddress,
    Principal,
    Metadata,
    ClearRouteCache,
    LogLevel,
    Time,
    SharedData,
}

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

    /// Makes the call and throws the answer away; `None` when there is no answer that can be told from a failure.
    pub(crate) fn make(self, counter: Counter) -> Option<()> {
        match self {
            Self::Headers => headers::request().map(discard)?,
            Self::HeaderPresent => hostcalls::get_map_value_bytes(REQUEST, "user-agent")
                .ok()?
                .map(discard)?,
            Self::HeaderAbsent => hostcalls::get_map_value_bytes(REQUEST, "x-absent")
                .ok()
                .map(discard)?,
            Self::SetHeader => headers::set_request("x-mse-tag", b"gray"),
            Self::RemoveHeader => headers::remove_request("x-absent"),
            Self::IncrementCounter => counter.add(1),
            Self::SetProperty => access_log::leave(access_log::TRAFFIC_TAG, DECISION),
            Self::SourceAddress => property::text(&["source", "address"]).map(discard)?,
            // Both are absent without TLS and without a filter that leaves metadata.
            Self::Principal => discard(property::text(&["connection", "uri_san_peer_certificate"])),
            Self::Metadata => discard(property::bytes(&["metadata"])),
            Self::ClearRouteCache => hostcalls::call_foreign_function("clear_route_cache", None)
                .ok()
                .map(discard)?,
            Self::LogLevel => hostcalls::get_log_level().ok().map(discard)?,
            Self::Time => discard(meshlane_host::now()),
            Self::SharedData => {
                let (value, version) = HostData.get(COUNT);
                let value = value.unwrap_or_else(|| vec![0; 16]);
                discard(HostData.compare_and_swap(COUNT, &value, version));
            }
        }
        Some(())
    }

    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "headers" => Self::Headers,
            "header-present" => Self::HeaderPresent,
            "header-absent" => Self::HeaderAbsent,
            "set-header" => Self::SetHeader,
            "remove-header" => Self::RemoveHeader,
            "increment-counter" => Self::IncrementCounter,
            "set-property" => Self::SetProperty,
            "source-address" => Self::SourceAddress,
            "principal" => Self::Principal,
            "metadata" => Self::Metadata,
            "clear-route-cache" => Self::ClearRouteCache,
            "log-level" => Self::LogLevel,
            "time" => Self::Time,
            "shared-data" => Self::SharedData,
            _ => return None,
        })
    }
}

/// Keeps the optimiser from leaving out work whose result nobody uses.
fn discard<T>(value: T) {
    drop(black_box(value));
}

const REQUEST: MapType = MapType::HttpRequestHeaders;
const DECISION: &str = "x-mse-tag=gray;rule=r10;reason=tag-rule-matched";
/// A value that is read and written as a count is.
const COUNT: &str = "meshlane/1/probe";
