//! Header names that only meshlane may write.

/// Whether a request header of this name (in lower case) is written by meshlane alone.
///
/// Such headers carry what one filter tells the next: `x-meshlane-*` for decisions, the
/// `dubbo-*` names for what the Dubbo bridge read from a frame. A client that could send
/// them could choose its own route, so every filter removes them where a request enters.
/// `dubbo-tag` is not among them: Dubbo's own Spring integration reads it.
pub fn is_reserved(name: &[u8]) -> bool {
    match name.first() {
        Some(b'x') => name.starts_with(b"x-meshlane-"),
        Some(b'd') => match name.strip_prefix(b"dubbo-") {
            Some(rest) => {
                RESERVED_DUBBO.contains(&rest)
                    || rest.starts_with(b"attachment-")
                    || rest.starts_with(b"arg-")
            }
            None => false,
        },
        _ => false,
    }
}

/// What the bridge tells about a Dubbo call, after `dubbo-`.
const RESERVED_DUBBO: [&[u8]; 7] = [
    b"interface",
    b"method",
    b"group",
    b"version",
    b"serialization",
    b"param-types",
    b"generic",
];

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
