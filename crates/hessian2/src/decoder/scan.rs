//! How many bytes some UTF-16 units take on the wire.

use crate::InvalidKind;

/// The extent of a run of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) bytes: usize,
    /// Whether there are surrogates in three bytes each, alone or in pairs.
    pub(crate) surrogates: bool,
}

/// Measures text: so many UTF-16 units from the begin of `bytes`. A character beyond U+FFFF is two units, whether
/// it is written in four bytes or, as Java does, as two surrogates of three bytes each. Everything else is as in
/// UTF-8: in the shortest form only. The error is the offset of the character and what is wrong with it.
pub(crate) fn scan(bytes: &[u8], units: usize) -> Result<Extent, (usize, InvalidKind)> {
    let mut left = units;
    let mut at = 0;
    let mut surrogates = false;
    while left > 0 {
        let rest = bytes.get(at..).unwrap_or_default();
        let block = rest.get(..left.min(BLOCK)).unwrap_or(rest);
        if !block.is_empty() && block.is_ascii() {
            at += block.len();
            left -= block.len();
            continue;
        }
        // A block that is not all ASCII, character by character.
        let end = at + block.len().max(1);
        while at < end && left > 0 {
            let char = character(bytes.get(at..).unwrap_or_default()).map_err(|kind| (at, kind))?;
            // Half a character cannot be in this run and half in the next.
            left = left
                .checked_sub(char.units)
                .ok_or((at, InvalidKind::MalformedText))?;
            at += char.bytes;
            surrogates |= char.surrogate;
        }
    }
    Ok(Extent {
        bytes: at,
        surrogates,
    })
}

/// ASCII is looked at in blocks of so many bytes.
const BLOCK: usize = 256;

struct Character {
    bytes: usize,
    units: usize,
    surrogate: bool,
}

fn character(rest: &[u8]) -> Result<Character, InvalidKind> {
    let (bytes, units, surrogate) = match rest {
        [0..=0x7f, ..] => (1, 1, false),
        [0xe1..=0xec | 0xee | 0xef, 0x80..=0xbf, 0x80..=0xbf, ..]
        | [0xe0, 0xa0..=0xbf, 0x80..=0xbf, ..]
        | [0xed, 0x80..=0x9f, 0x80..=0xbf, ..] => (3, 1, false),
        [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => (3, 1, true),
        [0xc2..=0xdf, 0x80..=0xbf, ..] => (2, 1, false),
        [0xf1..=0xf3, 0x80..=0xbf, 0x80..=0xbf, 0x80..=0xbf, ..]
        | [0xf0, 0x90..=0xbf, 0x80..=0xbf, 0x80..=0xbf, ..]
        | [0xf4, 0x80..=0x8f, 0x80..=0xbf, 0x80..=0xbf, ..] => (4, 2, false),
        _ if is_cut(rest) => return Err(InvalidKind::Truncated),
        _ => return Err(InvalidKind::MalformedText),
    };
    Ok(Character {
        bytes,
        units,
        surrogate,
    })
}

/// Whether more bytes could make a character of what is no whole one.
fn is_cut(rest: &[u8]) -> bool {
    matches!(
        rest,
        [] | [0xc2..=0xf4]
            | [0xe1..=0xef | 0xf1..=0xf3, 0x80..=0xbf]
            | [0xe0, 0xa0..=0xbf]
            | [0xf0, 0x90..=0xbf]
            | [0xf4, 0x80..=0x8f]
            | [0xf1..=0xf3, 0x80..=0xbf, 0x80..=0xbf]
            | [0xf0, 0x90..=0xbf, 0x80..=0xbf]
            | [0xf4, 0x80..=0x8f, 0x80..=0xbf]
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn extent(bytes: &[u8], units: usize) -> Result<(usize, bool), (usize, InvalidKind)> {
        scan(bytes, units).map(|extent| (extent.bytes, extent.surrogates))
    }

    #[test]
    fn units_are_counted_as_java_counts_them() {
        assert_eq!(extent(b"", 0), Ok((0, false)));
        assert_eq!(extent(b"abc", 2), Ok((2, false)));
        assert_eq!(extent("é中x".as_bytes(), 2), Ok((5, false)));
        assert_eq!(extent("😀x".as_bytes(), 2), Ok((4, false)));
        assert_eq!(
            extent(b"\xed\xa0\xbd\xed\xb8\x80", 2),
            Ok((6, true)),
            "a pair"
        );
        assert_eq!(extent(b"\xed\xa0\xbd", 1), Ok((3, true)), "a lone one");
        assert_eq!(
            extent("\u{d7ff}".as_bytes(), 1),
            Ok((3, false)),
            "before them"
        );
    }

    #[test]
    fn long_texts_are_measured_across_blocks() {
        for before in [0, 1, 7, 255, 256, 257, 1000] {
            let text = format!("{}中😀{}", "a".repeat(before), "b".repeat(before));
            let units = text.encode_utf16().count();
            assert_eq!(extent(text.as_bytes(), units), Ok((text.len(), false)));
            assert_eq!(
                extent(text.as_bytes(), units + 1),
                Err((text.len(), InvalidKind::Truncated))
            );
        }
    }

    #[test]
    fn what_is_no_text_is_refused_where_it_is() {
        for bytes in [
            &b"a\x80"[..],
            b"a\xc0\x80",
            b"a\xc1\xbf",
            b"a\xe0\x9f\xbf",
            b"a\xe4\x41",
            b"a\xe4\xb8\x41",
            b"a\xf0\x8f\xbf\xbf",
            b"a\xf4\x90\x80\x80",
            b"a\xf5\x80\x80\x80",
            b"a\xff",
        ] {
            let refused = Err((1, InvalidKind::MalformedText));
            assert_eq!(extent(bytes, 3), refused, "{bytes:x?}");
        }
        let halved = extent("😀".as_bytes(), 1);
        assert_eq!(halved, Err((0, InvalidKind::MalformedText)));
        for bytes in [&b"a"[..], b"a\xe4", b"a\xe4\xb8", b"a\xf0\x9f\x98"] {
            let cut = Err((1, InvalidKind::Truncated));
            assert_eq!(extent(bytes, 3), cut, "{bytes:x?}");
        }
    }
}
