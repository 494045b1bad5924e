//! Texts and binaries.

use crate::Text;
use crate::text::three_bytes;

pub(super) fn str(out: &mut Vec<u8>, text: &str) {
    if text.is_ascii() {
        let mut rest = text.as_bytes();
        while let Some((chunk, after)) = rest.split_at_checked(CHUNK).filter(|(_, a)| !a.is_empty())
        {
            chunk_head(out, b'R', chunk.len());
            out.extend_from_slice(chunk);
            rest = after;
        }
        last_head(out, rest.len());
        out.extend_from_slice(rest);
    } else {
        units(out, &text.encode_utf16().collect::<Vec<_>>());
    }
}

pub(super) fn text(out: &mut Vec<u8>, text: &Text<'_>) {
    match text.as_str() {
        Some(text) => str(out, text),
        None => units(out, &text.units().collect::<Vec<_>>()),
    }
}

/// Every unit on its own, as Java does: a character beyond U+FFFF takes twice three bytes.
fn units(out: &mut Vec<u8>, mut rest: &[u16]) {
    while rest.len() > CHUNK {
        // A chunk cannot end in the first half of a pair.
        let cut = match rest.get(CHUNK - 1) {
            Some(0xd800..=0xdbff) => CHUNK - 1,
            _ => CHUNK,
        };
        let (chunk, after) = rest.split_at_checked(cut).unwrap_or((rest, &[]));
        chunk_head(out, b'R', chunk.len());
        units_of_chunk(out, chunk);
        rest = after;
    }
    last_head(out, rest.len());
    units_of_chunk(out, rest);
}

fn units_of_chunk(out: &mut Vec<u8>, units: &[u16]) {
    for unit in units {
        let [high, low] = unit.to_be_bytes();
        match unit {
            0..0x80 => out.push(low),
            0x80..0x800 => out.extend([0xc0 | high << 2 | low >> 6, 0x80 | low & 0x3f]),
            _ => out.extend(three_bytes(*unit)),
        }
    }
}

pub(super) fn binary(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some((chunk, after)) = rest.split_at_checked(CHUNK).filter(|(_, a)| !a.is_empty()) {
        chunk_head(out, b'A', chunk.len());
        out.extend_from_slice(chunk);
        rest = after;
    }
    let [.., high, low] = rest.len().to_be_bytes();
    match rest.len() {
        0..=15 => out.push(0x20 | low),
        16..=1023 => out.extend([0x34 | high, low]),
        _ => out.extend([b'B', high, low]),
    }
    out.extend_from_slice(rest);
}

/// The head of the last chunk of a text, in units.
fn last_head(out: &mut Vec<u8>, length: usize) {
    let [.., high, low] = length.to_be_bytes();
    match length {
        0..=31 => out.push(low),
        32..=1023 => out.extend([0x30 | high, low]),
        _ => out.extend([b'S', high, low]),
    }
}

fn chunk_head(out: &mut Vec<u8>, tag: u8, length: usize) {
    // A chunk's length fits two bytes.
    let [.., high, low] = length.to_be_bytes();
    out.extend([tag, high, low]);
}

/// The longest chunk, as in Java.
const CHUNK: usize = 0x8000;
