//! What a request and the calls that it causes have in common.

use std::borrow::Cow;

use meshlane_attributes::Headers;

/// A header by which calls are recognised that a request causes. Applications forward such headers, or derive one from another.
///
/// | header | what counts of it | source |
/// |---|---|---|
/// | `traceparent` | the trace id | [W3C Trace Context](https://www.w3.org/TR/trace-context/#traceparent-header) |
/// | `b3`, `x-b3-traceid` | the trace id | [B3 propagation](https://github.com/openzipkin/b3-propagation) |
/// | `uber-trace-id` | the trace id | [Jaeger](https://www.jaegertracing.io/sdk-migration/#propagation-format) |
/// | `x-datadog-trace-id` | the number, in hexadecimal | [Datadog](https://docs.datadoghq.com/tracing/trace_collection/trace_context_propagation/) |
/// | `x-cloud-trace-context` | the trace id | [Google Cloud](https://cloud.google.com/trace/docs/trace-context#legacy-http-header) |
/// | `sw8` | the trace id | [SkyWalking 8](https://skywalking.apache.org/docs/main/latest/en/api/x-process-propagation-headers-v3/) |
/// | `x-request-id` | all of it but character 14 of a UUID, where Envoy notes why it traces | [Envoy](https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-request-id) |
/// | `eagleeye-traceid` and any other | all of it | |
///
/// Trace ids that are hexadecimal are one space, without leading zeros: an application that is called with `traceparent` and
/// calls with `b3` is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identifier {
    header: String,
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Traceparent,
    B3,
    B3TraceId,
    Uber,
    Datadog,
    CloudTrace,
    SkyWalking,
    RequestId,
    Opaque,
}

/// What identifies a request: comparable, and of bounded length.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CorrelationKey(String);

impl CorrelationKey {
    /// The longest key, in bytes. What is longer identifies nothing.
    pub const MAX_LENGTH: usize = 192;

    /// What identifies a request by one of its headers, whose name is in lower case.
    pub fn of(header: &str, headers: &Headers) -> Option<Self> {
        Identifier::of(header).key(headers)
    }

    /// The key: what kind it is, a colon, the normalised value.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn new(kind: &str, value: &str) -> Option<Self> {
        let is_valid = !value.is_empty()
            && kind.len() + 1 + value.len() <= Self::MAX_LENGTH
            && value
                .bytes()
                .all(|byte| byte.is_ascii_graphic() || byte == b' ');
        is_valid.then(|| Self(format!("{kind}:{value}")))
    }

    /// Of a trace id in hexadecimal digits of a length.
    fn trace(id: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<Self> {
        let is_hex = id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || !lengths.contains(&id.len()) {
            return None;
        }
        // A trace id of zeros is none.
        Self::new("trace", &id.trim_start_matches('0').to_ascii_lowercase())
    }
}

impl Identifier {
    /// Those that are looked for when a document does not say. What tells one request from another comes before what several
    /// may share.
    pub(crate) const DEFAULT: &'static [&'static str] = &[
        "x-request-id",
        "traceparent",
        "b3",
        "x-b3-traceid",
        "sw8",
        "uber-trace-id",
        "x-datadog-trace-id",
        "x-cloud-trace-context",
        "eagleeye-traceid",
    ];

    /// The identifier in a header, by its name in lower case.
    pub(crate) fn of(header: &str) -> Self {
        let format = match header {
            "traceparent" => Format::Traceparent,
            "b3" => Format::B3,
            "x-b3-traceid" => Format::B3TraceId,
            "uber-trace-id" => Format::Uber,
            "x-datadog-trace-id" => Format::Datadog,
            "x-cloud-trace-context" => Format::CloudTrace,
            "sw8" => Format::SkyWalking,
            "x-request-id" => Format::RequestId,
            _ => Format::Opaque,
        };
        Self {
            header: header.to_owned(),
            format,
        }
    }

    /// The header's name.
    pub(crate) fn header(&self) -> &str {
        &self.header
    }

    /// The key of a request, when it has the header in its format.
    pub(crate) fn key(&self, headers: &Headers) -> Option<CorrelationKey> {
        let value = headers.joined(&self.header)?;
        let value = std::str::from_utf8(value.trim_ascii()).ok()?;
        let part = |separator: char, at: usize| value.split(separator).nth(at);
        match self.format {
            Format::Traceparent => traceparent(value),
            // A b3 of one character tells about sampling alone.
            Format::B3 => CorrelationKey::trace(part('-', 0)?, 16..=32),
            Format::B3TraceId => CorrelationKey::trace(value, 16..=32),
            Format::Uber => {
                // Clients write the colons as they are or percent-encoded.
                let decoded = match value.contains('%') {
                    true => Cow::Owned(value.replace("%3A", ":").replace("%3a", ":")),
                    false => Cow::Borrowed(value),
                };
                CorrelationKey::trace(decoded.split(':').next()?, 1..=32)
            }
            Format::Datadog => {
                let number: u64 = value.parse().ok()?;
                CorrelationKey::trace(&format!("{number:x}"), 1..=16)
            }
            Format::CloudTrace => CorrelationKey::trace(part('/', 0)?, 32..=32),
            Format::SkyWalking => match part('-', 0)? {
                "0" | "1" => CorrelationKey::new("sw8", part('-', 1)?),
                _ => None,
            },
            Format::RequestId => request_id(value),
            Format::Opaque => CorrelationKey::new(&self.header, value),
        }
    }
}

/// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`; a later version may have more behind it.
fn traceparent(value: &str) -> Option<CorrelationKey> {
    let mut parts = value.split('-');
    let (version, id) = (parts.next()?, parts.next()?);
    let is_version = version.len() == 2 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_version || version.eq_ignore_ascii_case("ff") || parts.next()?.len() != 16 {
        return None;
    }
    CorrelationKey::trace(id, 32..=32)
}

/// Envoy writes into character 14 of a UUID (the version's digit) whether and why it traces the request.
fn request_id(value: &str) -> Option<CorrelationKey> {
    const LENGTH: usize = 36;
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    const TRACE_REASON: usize = 14;
    let is_uuid = value.len() == LENGTH
        && value.bytes().enumerate().all(|(at, byte)| match byte {
            b'-' => DASHES.contains(&at),
            _ => byte.is_ascii_hexdigit() && !DASHES.contains(&at),
        });
    if !is_uuid {
        return CorrelationKey::new("request", value);
    }
    let masked = value.char_indices().map(|(at, digit)| match at {
        TRACE_REASON => '-',
        _ => digit.to_ascii_lowercase(),
    });
    CorrelationKey::new("request", &masked.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn key(header: &str, value: &str) -> Option<String> {
        let headers: Headers = [(header, value)].into_iter().collect();
        Identifier::of(header).key(&headers).map(|key| key.0)
    }

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn trace_ids_are_one_space() {
        let whole = Some(format!("trace:{TRACE}"));
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        assert_eq!(key("traceparent", &parent), whole);
        assert_eq!(
            key(
                "b3",
                &format!("{TRACE}-00f067aa0ba902b7-1-05e3ac9a4f6e3b90")
            ),
            whole
        );
        assert_eq!(key("x-b3-traceid", TRACE), whole);
        assert_eq!(key("uber-trace-id", &format!("{TRACE}:1:0:1")), whole);
        assert_eq!(key("uber-trace-id", &format!("{TRACE}%3A1%3a0%3A1")), whole);
        assert_eq!(
            key("x-cloud-trace-context", &format!("{TRACE}/1;o=1")),
            whole
        );
        let short = Some("trace:a3ce929d0e0e4736".to_owned());
        assert_eq!(key("b3", "a3ce929d0e0e4736-1"), short);
        assert_eq!(
            key("x-b3-traceid", "0000000000000000A3CE929D0E0E4736"),
            short
        );
        assert_eq!(key("x-datadog-trace-id", "11803532876627986230"), short);
        assert_eq!(key("uber-trace-id", "a3ce929d0e0e4736:1:0:1"), short);
    }

    #[test]
    fn what_is_no_trace_id_identifies_nothing() {
        for (header, value) in [
            ("traceparent", ""),
            ("traceparent", TRACE),
            (
                "traceparent",
                "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            ),
            (
                "traceparent",
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            ),
            (
                "traceparent",
                "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            ),
            (
                "traceparent",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa-01",
            ),
            ("b3", "0"),
            ("b3", "d"),
            ("x-b3-traceid", "0000000000000000"),
            ("uber-trace-id", "0:0:0:0"),
            ("x-datadog-trace-id", "-1"),
            ("x-datadog-trace-id", "18446744073709551616"),
            (
                "x-cloud-trace-context",
                "105445aa7843bc8bf206b12000100000x/1",
            ),
            ("sw8", "2-a-b"),
            ("sw8", "1--b"),
            ("x-request-id", ""),
            ("x-request-id", "a\u{e4}b"),
        ] {
            assert_eq!(key(header, value), None, "{header}: {value}");
        }
        assert_eq!(key("x-call", &"a".repeat(193)), None);
        assert_eq!(key("x-call", &"a".repeat(100)).unwrap().len(), 107);
    }

    #[test]
    fn sky_walking_ids_stay_as_they_are() {
        let value = "1-TRACEID=-SEGMENT=-3-a-b-c-d";
        assert_eq!(key("sw8", value).as_deref(), Some("sw8:TRACEID="));
    }

    #[test]
    fn a_request_id_is_the_same_whatever_envoy_wrote_into_it() {
        let sampled = key("x-request-id", "c6f2ae4b-2b4c-9d0e-8b1a-3f2a1b0c9d8e");
        let not = key("x-request-id", "C6F2AE4B-2b4c-4d0e-8b1a-3f2a1b0c9d8e");
        assert_eq!(sampled, not);
        assert_eq!(
            sampled.as_deref(),
            Some("request:c6f2ae4b-2b4c--d0e-8b1a-3f2a1b0c9d8e")
        );
        // Only UUIDs: what an application makes up is left alone.
        assert_ne!(
            key("x-request-id", "order-0000000001"),
            key("x-request-id", "order-0000000002")
        );
        assert_ne!(
            key("x-request-id", "c6f2ae4b-2b4c-9d0e-8b1a-3f2a1b0c9d8"),
            key("x-request-id", "c6f2ae4b-2b4c-4d0e-8b1a-3f2a1b0c9d8")
        );
    }

    #[test]
    fn any_other_header_counts_whole() {
        assert_eq!(key("x-call", " a b ").as_deref(), Some("x-call:a b"));
        assert_eq!(
            key("eagleeye-traceid", "ea1bff8d15343423").as_deref(),
            Some("eagleeye-traceid:ea1bff8d15343423")
        );
    }
}
