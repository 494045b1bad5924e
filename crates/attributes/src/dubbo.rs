//! A Dubbo2 call as an HTTP/2 request: what each part of it is called there.
//!
//! The bridge writes these names, HTTP filters and the bridge at the other end read them. A name
//! depends on nothing but the attribute, because the readers never see the writer's configuration.
//!
//! ```text
//!  POST /org.example.Order/create                 interface and method: encode_path
//!  content-type: application/dubbo2
//!  dubbo-group: blue                              texts: encode_text
//!  dubbo-attachment-user_49d: 7                   attachment userId: attachment_header
//!  dubbo-arg-0.user.level: 3                      argument 0, its field user, of that the field level
//!  dubbo.tag: gray                                a carrier, under its own name and as it is
//!  dubbo-carriers: dubbo.tag                      the carriers that the call came with
//! ```
//!
//! - **Names**: in what follows `dubbo-attachment-` and `dubbo-arg-`, each byte outside of
//!   `[a-z0-9.-]` is written `_hh`, with two lower-case hexadecimal digits. No two names are
//!   written the same.
//! - **Values**: texts in UTF-8. Control characters, `%`, spaces at the ends and `[` at the beginning
//!   are written `%HH`. A list of scalars is `[a,b]`; in its elements `,`, `[` and `]` are written
//!   `%HH` as well.
//! - **Carriers** (tags and trace context) are plain headers of their own lower-case name, so that
//!   everything which knows such a header works on Dubbo calls too.
//! - **Limits**: what is longer than [`MAX_VALUE_LENGTH`], [`MAX_NAME_LENGTH`] or
//!   [`MAX_CARRIER_LENGTH`] has no header. The call itself is not changed by that.

mod carrier;
mod name;
mod path;
mod trust;
mod value;

pub use carrier::{
    DEFAULT_CARRIERS, MAX_CARRIER_LENGTH, carrier_names, encode_carriers, is_carrier_value,
    is_default_carrier,
};
pub use name::{
    ARGUMENT_PREFIX, ATTACHMENT_PREFIX, MAX_NAME_LENGTH, argument_header, attachment_header,
    attribute_of, header_name,
};
pub use path::{MAX_PATH_LENGTH, Path, UNREADABLE_PATH, decode_path, encode_path};
pub use trust::DubboHeaders;
pub use value::{MAX_VALUE_LENGTH, decode_value, encode_text, encode_value};

/// The content type of a bridged call and of its answer: a whole Dubbo frame.
pub const CONTENT_TYPE: &str = "application/dubbo2";

/// The interface, where the path cannot say it.
pub const INTERFACE: &str = "dubbo-interface";
/// The method (of a generic call, the real one), where the path cannot say it.
pub const METHOD: &str = "dubbo-method";
/// The service group; absent when the call has none.
pub const GROUP: &str = "dubbo-group";
/// The service version as the frame has it.
pub const VERSION: &str = "dubbo-version";
/// The serialization of the frame: `hessian2`, `fastjson2`, `java` …, or its number.
pub const SERIALIZATION: &str = "dubbo-serialization";
/// The descriptor of the parameter types (of a generic call, their names).
pub const PARAM_TYPES: &str = "dubbo-param-types";
/// The attachment `generic`: present on generic calls only.
pub const GENERIC: &str = "dubbo-generic";
/// `true` when the caller waits for no answer.
pub const ONE_WAY: &str = "dubbo-one-way";
/// The carriers that the call came with, see [`encode_carriers`].
pub const CARRIERS: &str = "dubbo-carriers";
/// Of an answer: the status in the frame's header, a number.
pub const STATUS: &str = "dubbo-status";
/// Of an answer: the class of the exception that the method threw.
pub const EXCEPTION: &str = "dubbo-exception";

/// What all of these names begin with, and few others.
pub const PREFIX: &str = "dubbo-";

/// Whether a header of this name (in lower case) tells of a bridged call: only the bridge writes such.
///
/// `dubbo-tag` is not one of them: Dubbo's own Spring integration reads it.
pub fn is_dubbo_header(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX.as_bytes()) else {
        return false;
    };
    FIXED.contains(&rest) || rest.starts_with(b"attachment-") || rest.starts_with(b"arg-")
}

/// The fixed names, after `dubbo-`.
const FIXED: [&[u8]; 11] = [
    b"interface",
    b"method",
    b"group",
    b"version",
    b"serialization",
    b"param-types",
    b"generic",
    b"one-way",
    b"carriers",
    b"status",
    b"exception",
];

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_name_of_the_contract_is_known() {
        for name in [
            INTERFACE,
            METHOD,
            GROUP,
            VERSION,
            SERIALIZATION,
            PARAM_TYPES,
            GENERIC,
            ONE_WAY,
            CARRIERS,
            STATUS,
            EXCEPTION,
            "dubbo-attachment-user_49d",
            "dubbo-arg-0.user.id",
        ] {
            assert!(is_dubbo_header(name.as_bytes()), "{name}");
        }
        for name in ["", "dubbo-", "dubbo-tag", "dubbo.tag", "dubbo-methods"] {
            assert!(!is_dubbo_header(name.as_bytes()), "{name}");
        }
    }
}
