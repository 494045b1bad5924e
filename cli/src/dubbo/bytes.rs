//! Files of raw bytes or of hexadecimal digits.

use std::borrow::Cow;

use meshlane_dubbo::MAGIC;

/// The bytes that a file stands for, or the place of what is no digit.
///
/// A frame begins with a byte that is no ASCII, so no file can be read in both ways.
pub(super) fn bytes(file: &[u8]) -> Result<Cow<'_, [u8]>, usize> {
    let text = file.trim_ascii_start();
    let digits = text.strip_prefix(b"0x").unwrap_or(text);
    let looks_like_hex = !file.starts_with(&MAGIC)
        && digits.iter().any(|byte| !is_between(*byte))
        && digits
            .iter()
            .all(|byte| byte.is_ascii_hexdigit() || is_between(*byte));
    if !looks_like_hex {
        return Ok(Cow::Borrowed(file));
    }
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    let mut high: Option<u8> = None;
    for byte in digits {
        let Some(digit) = char::from(*byte).to_digit(16) else {
            continue;
        };
        let digit = u8::try_from(digit).unwrap_or_default();
        match high.take() {
            None => high = Some(digit << 4),
            Some(high) => bytes.push(high | digit),
        }
    }
    match high {
        None => Ok(Cow::Owned(bytes)),
        Some(_odd) => Err(bytes.len()),
    }
}

fn is_between(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b':'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_in_any_layout() {
        for text in [
            "dabb c2 00",
            "DABBC200\n",
            "da:bb:c2:00",
            " 0xdabbc200",
            "da\r\nbb\tc2 0 0",
        ] {
            let expected: &[u8] = &[0xda, 0xbb, 0xc2, 0];
            assert_eq!(bytes(text.as_bytes()).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn everything_else_is_bytes() {
        for file in [&b"\xda\xbb12"[..], b"", b" \n", b"GET / HTTP/1.1", b"dabbx"] {
            assert_eq!(bytes(file).as_deref(), Ok(file));
        }
    }

    #[test]
    fn half_a_byte_is_missing() {
        assert_eq!(bytes(b"dabbc"), Err(2));
    }
}
