//! Header names that only meshlane may write.

use crate::dubbo::is_dubbo_header;

/// Whether a request header of this name (in lower case) is written by meshlane alone.
///
/// Such headers carry what one filter tells the next: `x-meshlane-*` for decisions, the
/// `dubbo-*` names of [`dubbo`](crate::dubbo) for what the Dubbo bridge read from a frame. A client
/// that could send them could choose its own route, so every filter removes them where a request
/// enters, unless the bridge of the same connection, or a filter before it, wrote them.
/// The names of answers (`dubbo-status`, `dubbo-exception`) are reserved in requests as well, so
/// that none is ever taken for the other.
pub fn is_reserved(name: &[u8]) -> bool {
    match name.first() {
        Some(b'x') => is_decision_header(name),
        Some(b'd') => is_dubbo_header(name),
        _ => false,
    }
}

/// Whether a header of this name carries what a filter decided.
pub(crate) fn is_decision_header(name: &[u8]) -> bool {
    name.starts_with(b"x-meshlane-")
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn only_our_own_names_are_reserved() {
        for name in [
            "x-meshlane-route",
            "x-meshlane-",
            "dubbo-interface",
            "dubbo-param-types",
            "dubbo-attachment-user",
            "dubbo-arg-0.user.id",
            "dubbo-carriers",
            "dubbo-status",
        ] {
            assert!(is_reserved(name.as_bytes()), "{name}");
        }
        for name in [
            "",
            "x-meshlane",
            "x-mse-tag",
            "dubbo-tag",
            "dubbo.tag",
            "dubbo-",
            "dubbo-methods",
            "d",
        ] {
            assert!(!is_reserved(name.as_bytes()), "{name}");
        }
    }
}
