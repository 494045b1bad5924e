//! Header names of attachments and arguments.

use std::borrow::Cow;

use super::{GROUP, INTERFACE, METHOD, PARAM_TYPES, VERSION};
use crate::attribute::{ArgumentPath, Attribute};

/// What the header of an attachment begins with.
pub const ATTACHMENT_PREFIX: &str = "dubbo-attachment-";
/// What the header of an argument, or of a value inside one, begins with.
pub const ARGUMENT_PREFIX: &str = "dubbo-arg-";
/// The longest header name, prefix included; what would need a longer one has no header.
pub const MAX_NAME_LENGTH: usize = 1024;

/// The header of an attachment; nothing when the name is empty or too long.
pub fn attachment_header(name: &str) -> Option<String> {
    escaped(ATTACHMENT_PREFIX, name)
}

/// The header of an argument or of a value inside one.
pub fn argument_header(path: &ArgumentPath) -> Option<String> {
    escaped(ARGUMENT_PREFIX, &path.to_string())
}

/// The header of a `dubbo.*` attribute; nothing for other attributes.
pub fn header_name(attribute: &Attribute) -> Option<Cow<'static, str>> {
    let fixed = match attribute {
        Attribute::DubboInterface => INTERFACE,
        Attribute::DubboMethod => METHOD,
        Attribute::DubboGroup => GROUP,
        Attribute::DubboVersion => VERSION,
        Attribute::DubboParamTypes => PARAM_TYPES,
        Attribute::DubboArgument(path) => return argument_header(path).map(Cow::Owned),
        Attribute::DubboAttachment(name) => return attachment_header(name).map(Cow::Owned),
        _ => return None,
    };
    Some(Cow::Borrowed(fixed))
}

/// The attribute that a header tells: the inverse of [`header_name`]. Nothing for a name that
/// `header_name` does not give.
pub fn attribute_of(header: &[u8]) -> Option<Attribute> {
    let header = std::str::from_utf8(header).ok()?;
    let attribute = match header {
        INTERFACE => Attribute::DubboInterface,
        METHOD => Attribute::DubboMethod,
        GROUP => Attribute::DubboGroup,
        VERSION => Attribute::DubboVersion,
        PARAM_TYPES => Attribute::DubboParamTypes,
        _ => match header.strip_prefix(ATTACHMENT_PREFIX) {
            Some(name) => Attribute::DubboAttachment(unescaped(name)?),
            None => {
                let path = unescaped(header.strip_prefix(ARGUMENT_PREFIX)?)?;
                Attribute::DubboArgument(path.parse().ok()?)
            }
        },
    };
    let is_canonical = header_name(&attribute).is_some_and(|name| name == header);
    is_canonical.then_some(attribute)
}

fn escaped(prefix: &str, name: &str) -> Option<String> {
    if name.is_empty() || name.len() > MAX_NAME_LENGTH {
        return None;
    }
    let mut header = String::with_capacity(prefix.len() + name.len() + 8);
    header.push_str(prefix);
    for byte in name.bytes() {
        if is_plain(byte) {
            header.push(char::from(byte));
        } else {
            header.push('_');
            header.extend([byte >> 4, byte & 15].map(hexadecimal));
        }
    }
    (header.len() <= MAX_NAME_LENGTH).then_some(header)
}

fn unescaped(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'_' => digit(rest.next()?)? << 4 | digit(rest.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hexadecimal(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap_or_default()
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn bytes_that_are_not_plain_are_written_in_hexadecimal() {
        for (attribute, header) in [
            ("dubbo.interface", "dubbo-interface"),
            ("dubbo.method", "dubbo-method"),
            ("dubbo.group", "dubbo-group"),
            ("dubbo.version", "dubbo-version"),
            ("dubbo.paramTypes", "dubbo-param-types"),
            ("dubbo.attachment.user", "dubbo-attachment-user"),
            ("dubbo.attachment.userId", "dubbo-attachment-user_49d"),
            ("dubbo.attachment.a_b c", "dubbo-attachment-a_5fb_20c"),
            ("dubbo.attachment.灰", "dubbo-attachment-_e7_81_b0"),
            ("dubbo.arg.0", "dubbo-arg-0"),
            ("dubbo.arg.0.user.id", "dubbo-arg-0.user.id"),
            ("dubbo.arg.1[0].userId", "dubbo-arg-1_5b0_5d.user_49d"),
        ] {
            let parsed: Attribute = attribute.parse().unwrap();
            assert_eq!(header_name(&parsed).as_deref(), Some(header));
            assert_eq!(attribute_of(header.as_bytes()), Some(parsed));
        }
        assert_eq!(header_name(&Attribute::Path), None);
    }

    #[test]
    fn only_canonical_names_tell_an_attribute() {
        for header in [
            "dubbo-attachment-",
            "dubbo-attachment-userId",
            "dubbo-attachment-_",
            "dubbo-attachment-_4",
            "dubbo-attachment-_4G",
            "dubbo-attachment-_5F",
            "dubbo-attachment-_61",
            "dubbo-attachment-_ff",
            "dubbo-arg-",
            "dubbo-arg-x",
            "dubbo-arg-00",
            "dubbo-arg-0[1]",
            "dubbo-tag",
            "dubbo-serialization",
        ] {
            assert_eq!(attribute_of(header.as_bytes()), None, "{header}");
        }
    }

    #[test]
    fn names_are_bounded() {
        assert_eq!(attachment_header(""), None);
        assert!(attachment_header(&"a".repeat(MAX_NAME_LENGTH - 17)).is_some());
        assert_eq!(attachment_header(&"a".repeat(MAX_NAME_LENGTH - 16)), None);
        assert_eq!(attachment_header(&"A".repeat(MAX_NAME_LENGTH / 2)), None);
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn every_attachment_has_a_header_of_its_own(name in ".{1,64}") {
            let header = attachment_header(&name).unwrap();
            proptest::prop_assert!(crate::HeaderName::parse(&header).is_ok() || header.len() > 128);
            let attribute = Attribute::DubboAttachment(name);
            proptest::prop_assert_eq!(attribute_of(header.as_bytes()), Some(attribute));
        }
    }
}
