//! Request cookies ([RFC 6265 §4.2](https://www.rfc-editor.org/rfc/rfc6265#section-4.2)).

/// The first cookie `name` in a `cookie` header, without the quotes that may surround a value.
pub fn cookie_value<'h>(header: &'h [u8], name: &str) -> Option<&'h [u8]> {
    cookie_values(header, name).next()
}

/// The values of every cookie `name`, see [`cookie_value`].
pub fn cookie_values<'h>(header: &'h [u8], name: &str) -> impl Iterator<Item = &'h [u8]> {
    pairs(header)
        .filter(move |(found, _)| *found == name.as_bytes())
        .map(|(_, value)| unquoted(value))
}

/// The `cookie` header with cookie `name` set to `value`, or removed when there is none.
///
/// Every cookie of that name is replaced; the other cookies stay as they are, byte for byte.
/// Returns nothing when no cookie is left.
pub fn with_cookie(header: &[u8], name: &str, value: Option<&str>) -> Option<Vec<u8>> {
    let mut result = Vec::with_capacity(header.len() + 32);
    let others = header
        .split(|byte| *byte == b';')
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty() && split(pair).0 != name.as_bytes());
    for pair in others {
        join(&mut result, pair);
    }
    if let Some(value) = value {
        join(&mut result, format!("{name}={value}").as_bytes());
    }
    (!result.is_empty()).then_some(result)
}

fn join(header: &mut Vec<u8>, pair: &[u8]) {
    if !header.is_empty() {
        header.extend_from_slice(b"; ");
    }
    header.extend_from_slice(pair);
}

fn pairs(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    header
        .split(|byte| *byte == b';')
        .map(|pair| split(pair.trim_ascii()))
}

fn split(pair: &[u8]) -> (&[u8], &[u8]) {
    match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => {
            let (name, value) = pair.split_at_checked(at).unwrap_or((pair, b"="));
            (
                name.trim_ascii(),
                value.get(1..).unwrap_or_default().trim_ascii(),
            )
        }
        None => (pair, b""),
    }
}

fn unquoted(value: &[u8]) -> &[u8] {
    value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn finds_the_first_of_its_name() {
        let header = b"a=1; uid=\"u7\";empty=; b = 2 ;uid=other; flag";
        assert_eq!(cookie_value(header, "a"), Some(&b"1"[..]));
        assert_eq!(cookie_value(header, "uid"), Some(&b"u7"[..]));
        assert_eq!(cookie_value(header, "empty"), Some(&b""[..]));
        assert_eq!(cookie_value(header, "b"), Some(&b"2"[..]));
        assert_eq!(cookie_value(header, "flag"), Some(&b""[..]));
        assert_eq!(cookie_value(header, "id"), None);
        assert_eq!(cookie_value(b"", "a"), None);
        assert_eq!(cookie_value(b"a=\"", "a"), Some(&b"\""[..]));
    }

    #[test]
    fn sets_one_cookie_and_keeps_the_others() {
        let set = |header: &[u8], value| {
            with_cookie(header, "tag", value)
                .map(|header| String::from_utf8_lossy(&header).into_owned())
        };
        assert_eq!(set(b"", Some("gray")).unwrap(), "tag=gray");
        assert_eq!(set(b"a=1", Some("gray")).unwrap(), "a=1; tag=gray");
        assert_eq!(
            set(b"tag=x; a=\"1\";tag=y", Some("gray")).unwrap(),
            "a=\"1\"; tag=gray"
        );
        assert_eq!(set(b"tag=x; a=1", None).unwrap(), "a=1");
        assert_eq!(set(b"tag=x", None), None);
    }
}
