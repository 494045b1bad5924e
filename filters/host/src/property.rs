use crate::abi;

/// A property as Envoy serializes it
/// ([attributes](https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes)).
pub fn bytes(path: &[&str]) -> Option<Vec<u8>> {
    abi::property(path.join("\0").as_bytes())
}

/// A property that is a text; nothing when it is absent or empty.
pub fn text(path: &[&str]) -> Option<String> {
    let bytes = bytes(path)?;
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.is_empty())
}

/// A property that is an integer.
pub fn integer(path: &[&str]) -> Option<i64> {
    let bytes = bytes(path)?;
    Some(i64::from_le_bytes(*bytes.first_chunk()?))
}

/// Leaves a text for the filters behind and for access logs.
pub(crate) fn set(name: &str, value: &str) {
    abi::set_property(name.as_bytes(), value.as_bytes());
}
