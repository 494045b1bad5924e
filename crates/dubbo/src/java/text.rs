//! Java's modified UTF-8.
//!
//! Each UTF-16 unit is written on its own, so a character outside of the basic plane takes
//! two surrogates of three bytes; U+0000 takes two bytes. Source: `java.io.DataInput`.

use std::borrow::Cow;

/// The text, or nothing when it is not in this encoding. Lone surrogates become U+FFFD.
pub(crate) fn decode(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    // Java accepts a plain zero byte too.
    match bytes {
        Cow::Borrowed(bytes) if bytes.is_ascii() => str::from_utf8(bytes).ok().map(Cow::Borrowed),
        bytes => units(&bytes).map(|units| Cow::Owned(String::from_utf16_lossy(&units))),
    }
}

fn units(bytes: &[u8]) -> Option<Vec<u16>> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut bytes = bytes.iter().map(|byte| u16::from(*byte));
    let continuation = |bytes: &mut dyn Iterator<Item = u16>| {
        let byte = bytes.next()?;
        (byte & 0xc0 == 0x80).then_some(byte & 0x3f)
    };
    while let Some(first) = bytes.next() {
        units.push(match first {
            0..=0x7f => first,
            0xc0..=0xdf => (first & 0x1f) << 6 | continuation(&mut bytes)?,
            0xe0..=0xef => {
                let middle = continuation(&mut bytes)?;
                (first & 0xf) << 12 | middle << 6 | continuation(&mut bytes)?
            }
            _ => return None,
        });
    }
    Some(units)
}

/// The text in this encoding.
pub(crate) fn encode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for unit in text.encode_utf16() {
        let [high, low] = unit.to_be_bytes();
        match unit {
            1..=0x7f => bytes.push(low),
            0 | 0x80..=0x7ff => {
                bytes.extend_from_slice(&[0xc0 | high << 2 | low >> 6, 0x80 | low & 0x3f]);
            }
            0x800.. => bytes.extend_from_slice(&[
                0xe0 | high >> 4,
                0x80 | (high & 0xf) << 2 | low >> 6,
                0x80 | low & 0x3f,
            ]),
        }
    }
    bytes
}
