//! Text as Java has it: sequences of UTF-16 units, not all of which are characters.

use std::borrow::Cow;
use std::fmt;

/// A text. Java strings may hold surrogates without their other half, which are no Unicode and no `str`; nothing of
/// them is lost here. Two texts are equal when their UTF-16 units are, however they were written.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text<'a>(Repr<'a>);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr<'a> {
    Unicode(Cow<'a, str>),
    /// WTF-8: UTF-8 with every lone surrogate in three bytes. There is at least one.
    Wtf8(Cow<'a, [u8]>),
}

impl<'a> Text<'a> {
    /// The text from its UTF-16 units.
    pub fn from_units(units: impl IntoIterator<Item = u16>) -> Self {
        let mut bytes = Vec::new();
        for unit in char::decode_utf16(units) {
            match unit {
                Ok(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
                Err(lone) => bytes.extend_from_slice(&three_bytes(lone.unpaired_surrogate())),
            }
        }
        Self::from_wtf8(Cow::Owned(bytes))
    }

    /// The text as it is on the wire, scanned before: UTF-8 in which characters beyond U+FFFF may be written as
    /// two surrogates of three bytes each (CESU-8).
    pub(crate) fn from_wire(bytes: Cow<'a, [u8]>, surrogates: bool) -> Self {
        if surrogates {
            Self::from_wtf8(combined(bytes))
        } else {
            Self::from_wtf8(bytes)
        }
    }

    fn from_wtf8(bytes: Cow<'a, [u8]>) -> Self {
        Self(match bytes {
            Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Repr::Unicode(Cow::Borrowed(text)),
                Err(_) => Repr::Wtf8(Cow::Borrowed(bytes)),
            },
            Cow::Owned(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Repr::Unicode(Cow::Owned(text)),
                Err(error) => Repr::Wtf8(Cow::Owned(error.into_bytes())),
            },
        })
    }

    /// The text, unless there is a lone surrogate in it.
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Repr::Unicode(text) => Some(text),
            Repr::Wtf8(_) => None,
        }
    }

    /// The text, borrowed from the body where that is possible, unless there is a lone surrogate in it.
    pub fn into_str(self) -> Option<Cow<'a, str>> {
        match self.0 {
            Repr::Unicode(text) => Some(text),
            Repr::Wtf8(_) => None,
        }
    }

    /// The text with U+FFFD for lone surrogates.
    pub fn into_str_lossy(self) -> Cow<'a, str> {
        match self.0 {
            Repr::Unicode(text) => text,
            Repr::Wtf8(bytes) => char::decode_utf16(Units::new(&bytes))
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect(),
        }
    }

    /// The UTF-16 units.
    pub fn units(&self) -> impl Iterator<Item = u16> + '_ {
        Units::new(self.bytes())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    /// A copy that borrows nothing.
    pub fn into_owned(self) -> Text<'static> {
        Text(match self.0 {
            Repr::Unicode(text) => Repr::Unicode(Cow::Owned(text.into_owned())),
            Repr::Wtf8(bytes) => Repr::Wtf8(Cow::Owned(bytes.into_owned())),
        })
    }

    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Unicode(text) => text.as_bytes(),
            Repr::Wtf8(bytes) => bytes,
        }
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Repr::Unicode(Cow::Borrowed(text)))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Repr::Unicode(Cow::Owned(text)))
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self(Repr::Unicode(text))
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Unicode(text) => text.fmt(f),
            Repr::Wtf8(bytes) => f.debug_list().entries(Units::new(bytes)).finish(),
        }
    }
}

/// The UTF-16 units of WTF-8.
struct Units<'t> {
    rest: &'t [u8],
    low: Option<u16>,
}

impl<'t> Units<'t> {
    fn new(bytes: &'t [u8]) -> Self {
        Self {
            rest: bytes,
            low: None,
        }
    }
}

impl Iterator for Units<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if let Some(low) = self.low.take() {
            return Some(low);
        }
        let bits = |byte: u8| u32::from(byte & 0x3f);
        let (code, rest) = match self.rest {
            [a @ 0..0x80, rest @ ..] => (u32::from(*a), rest),
            [a @ 0..0xe0, b, rest @ ..] => (u32::from(a & 0x1f) << 6 | bits(*b), rest),
            [a @ 0..0xf0, b, c, rest @ ..] => {
                (u32::from(a & 0x0f) << 12 | bits(*b) << 6 | bits(*c), rest)
            }
            [a, b, c, d, rest @ ..] => (
                u32::from(a & 0x07) << 18 | bits(*b) << 12 | bits(*c) << 6 | bits(*d),
                rest,
            ),
            _ => return None,
        };
        self.rest = rest;
        if let Ok(unit) = u16::try_from(code) {
            return Some(unit);
        }
        let mut pair = [0; 2];
        char::from_u32(code)?.encode_utf16(&mut pair);
        let [high, low] = pair;
        self.low = Some(low);
        Some(high)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (
            self.rest.len() / 3,
            Some(self.rest.len() + usize::from(self.low.is_some())),
        )
    }
}

/// A unit from U+0800 on, alone.
pub(crate) fn three_bytes(unit: u16) -> [u8; 3] {
    let [high, low] = unit.to_be_bytes();
    [
        0xe0 | high >> 4,
        0x80 | (high & 0x0f) << 2 | low >> 6,
        0x80 | low & 0x3f,
    ]
}

/// Every pair of surrogates in one character of four bytes, which makes WTF-8 of CESU-8.
fn combined(bytes: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let mut out: Vec<u8> = Vec::new();
    let mut copied = 0;
    let mut rest = bytes.as_ref();
    // 0xed leads the three bytes of U+D000 to U+DFFF and continues nothing.
    while let Some(ed) = rest.iter().position(|byte| *byte == 0xed) {
        rest = rest.get(ed..).unwrap_or_default();
        let [_, a, b, tail @ ..] = rest else { break };
        if let (0xa0..0xb0, [0xed, c @ 0xb0..0xc0, d, after @ ..]) = (*a, tail) {
            let high = u32::from(a & 0x0f) << 6 | u32::from(b & 0x3f);
            let low = u32::from(c & 0x0f) << 6 | u32::from(d & 0x3f);
            let at = bytes.len() - rest.len();
            out.extend_from_slice(bytes.get(copied..at).unwrap_or_default());
            if let Some(char) = char::from_u32(0x10000 + (high << 10 | low)) {
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            }
            copied = at + 6;
            rest = after;
        } else {
            rest = tail;
        }
    }
    if copied == 0 {
        return bytes;
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
