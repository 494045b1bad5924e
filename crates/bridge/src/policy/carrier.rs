//! Attachments that travel under their own names.

use meshlane_attributes::dubbo::DEFAULT_CARRIERS;
use meshlane_attributes::{HeaderName, is_reserved};
use meshlane_dubbo::describes_call;

/// An attachment that goes under its own name as a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    /// The attachment's exact name.
    pub attachment: Box<str>,
    /// The same in lower case, as the header has it.
    pub header: Box<str>,
}

impl Carrier {
    /// The carrier of this name, if an attachment of this name may be one: the name must be that of
    /// a header that means nothing to HTTP, to Envoy or to us, and the attachment none that says
    /// which call it is.
    pub fn new(name: &str) -> Option<Self> {
        let header = HeaderName::parse(name).ok()?;
        let header = header.as_str();
        let is_free = !is_reserved(header.as_bytes())
            && !header.starts_with("x-envoy-")
            && !header.starts_with("x-forwarded-")
            && !HTTP_NAMES.contains(&header)
            && !describes_call(header);
        is_free.then(|| Self::known(name))
    }

    /// The known carriers of tags and of trace context.
    pub(super) fn defaults() -> Vec<Self> {
        let names = DEFAULT_CARRIERS.iter().chain(&OTHER_SPELLINGS);
        names.map(|name| Self::known(name)).collect()
    }

    fn known(name: &str) -> Self {
        Self {
            attachment: name.into(),
            header: name.to_ascii_lowercase().into(),
        }
    }
}

/// How some peers spell them in attachments, whose names have upper and lower case.
const OTHER_SPELLINGS: [&str; 8] = [
    "X-B3-TraceId",
    "X-B3-SpanId",
    "X-B3-ParentSpanId",
    "X-B3-Sampled",
    "X-B3-Flags",
    "X-Cloud-Trace-Context",
    "EagleEye-TraceID",
    "EagleEye-TraceId",
];

/// Headers that say something about the message itself
/// ([RFC 9113 §8.2.2](https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2) and RFC 9110).
const HTTP_NAMES: [&str; 14] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

#[cfg(test)]
mod tests {
    use super::*;
    use meshlane_attributes::dubbo::is_default_carrier;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_spelling_is_one_of_a_known_carrier() {
        for carrier in Carrier::defaults() {
            assert!(is_default_carrier(&carrier.header), "{carrier:?}");
            assert_eq!(*carrier.header, carrier.attachment.to_ascii_lowercase());
            assert_eq!(Carrier::new(&carrier.attachment), Some(carrier));
        }
    }

    #[test]
    fn what_means_something_else_is_no_carrier() {
        for name in ["path", "Group", "sys_callback_arg-0", "dubbo-arg-0", "host"] {
            assert_eq!(Carrier::new(name), None, "{name}");
        }
    }
}
