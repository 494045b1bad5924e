//! Attachments that travel under their own names: tags and trace context.

use std::borrow::Cow;

use crate::header_name::HeaderName;

/// The attachments that are carriers unless a configuration says otherwise, in lower case: the tags
/// of Dubbo, MSE and ASM, and the trace context of W3C, Zipkin, Envoy, Jaeger, SkyWalking, Datadog,
/// Google and EagleEye.
pub const DEFAULT_CARRIERS: &[&str] = &[
    "dubbo.tag",
    "x-mse-tag",
    "x-asm-prefer-tag",
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-flags",
    "x-request-id",
    "uber-trace-id",
    "sw8",
    "x-datadog-trace-id",
    "x-cloud-trace-context",
    "eagleeye-traceid",
];

/// The longest carrier: as long as `baggage` may be
/// ([W3C Baggage §3.3.2](https://www.w3.org/TR/baggage/#limits)).
pub const MAX_CARRIER_LENGTH: usize = 8192;

/// Whether an attachment of this name, in any case, is a carrier by default.
pub fn is_default_carrier(name: &str) -> bool {
    DEFAULT_CARRIERS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a text can be a header value as it is. A carrier that cannot stays an attachment and
/// nothing else.
pub fn is_carrier_value(text: &str) -> bool {
    text.len() <= MAX_CARRIER_LENGTH
        && !text.bytes().any(|byte| byte.is_ascii_control())
        && !text.starts_with(' ')
        && !text.ends_with(' ')
}

/// The header `dubbo-carriers`: the names of the carriers that a call came with, in the spelling of
/// its attachments, joined by `,`. Names that are no header names do not count. Nothing when there are none.
pub fn encode_carriers<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let mut header = String::new();
    for name in names {
        if HeaderName::parse(name).is_err() {
            continue;
        }
        if !header.is_empty() {
            header.push(',');
        }
        header.push_str(name);
    }
    (!header.is_empty()).then_some(header)
}

/// The names that a header `dubbo-carriers` lists, in the spelling of the attachments.
pub fn carrier_names(header: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    header
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|name| !name.is_empty())
        .map(String::from_utf8_lossy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::is_reserved;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn default_carriers_are_headers_that_are_free() {
        for name in DEFAULT_CARRIERS {
            assert_eq!(HeaderName::parse(name).unwrap().as_str(), *name);
            assert!(!is_reserved(name.as_bytes()), "{name}");
        }
        assert!(is_default_carrier("EagleEye-TraceID"));
        assert!(!is_default_carrier("dubbo-tag"));
    }

    #[test]
    fn carriers_are_written_as_they_are() {
        for text in ["", "gray", "k=%E7%81%B0,l=1;p", "灰", "a b"] {
            assert!(is_carrier_value(text), "{text:?}");
        }
        for text in ["a\r\nb", "a\0", " a", "a ", "\ta"] {
            assert!(!is_carrier_value(text), "{text:?}");
        }
        assert!(is_carrier_value(&"a".repeat(MAX_CARRIER_LENGTH)));
        assert!(!is_carrier_value(&"a".repeat(MAX_CARRIER_LENGTH + 1)));
    }

    #[test]
    fn the_list_keeps_the_spelling_of_attachments() {
        let names = ["dubbo.tag", "EagleEye-TraceID", "no name"];
        let header = encode_carriers(names).unwrap();
        assert_eq!(header, "dubbo.tag,EagleEye-TraceID");
        assert!(carrier_names(header.as_bytes()).eq(["dubbo.tag", "EagleEye-TraceID"]));
        assert!(carrier_names(b" a , ,b").eq(["a", "b"]));
        assert_eq!(encode_carriers([]), None);
        assert_eq!(carrier_names(b"").count(), 0);
    }
}
