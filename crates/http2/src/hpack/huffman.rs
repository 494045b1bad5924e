//! The Huffman code of RFC 7541, Appendix B. It is canonical: the lengths of the codes are the whole table.

use super::Invalid;

/// Decodes `input` and appends it to `output`. Nothing is longer than 8/5 of its code.
pub(super) fn decode(input: &[u8], output: &mut Vec<u8>) -> Result<(), Invalid> {
    output.reserve(input.len() * 8 / 5);
    let mut bits: u64 = 0; // left-aligned
    let mut have: u32 = 0;
    let mut input = input.iter();
    loop {
        while have <= 56 {
            let Some(&octet) = input.next() else { break };
            bits |= u64::from(octet) << (56 - have);
            have += 8;
        }
        let [top, ..] = bits.to_be_bytes();
        let (symbol, length) = SHORT.get(usize::from(top)).copied().unwrap_or_default();
        if length != 0 && u32::from(length) <= have {
            output.push(symbol);
            bits <<= length;
            have -= u32::from(length);
            continue;
        }
        match long(bits, have)? {
            Some((symbol, length)) => {
                output.push(symbol);
                bits <<= length;
                have -= length;
            }
            None => return padding(bits, have),
        }
    }
}

/// A code of nine and more bits; `None` when the bits end before the code does.
fn long(bits: u64, have: u32) -> Result<Option<(u8, u32)>, Invalid> {
    for (length, row) in (0..).zip(&CODES).skip(5) {
        if length > have {
            return Ok(None);
        }
        let code = (bits >> (64 - length)) as u32;
        let nth = code.wrapping_sub(row.first);
        if code >= row.first && nth < row.count {
            // The last code is EOS, which must not occur.
            let symbol = SYMBOLS
                .get((row.offset + nth) as usize)
                .copied()
                .ok_or(Invalid::Huffman)?;
            return match u8::try_from(symbol) {
                Ok(symbol) => Ok(Some((symbol, length))),
                Err(_) => Err(Invalid::Huffman),
            };
        }
    }
    Err(Invalid::Huffman)
}

/// "A padding strictly longer than 7 bits MUST be treated as a decoding error", as must one that is not the beginning
/// of EOS, which is all ones (RFC 7541 §5.2).
fn padding(bits: u64, have: u32) -> Result<(), Invalid> {
    if have < 8 && (have == 0 || (!bits) >> (64 - have) == 0) {
        Ok(())
    } else {
        Err(Invalid::Huffman)
    }
}

/// The codes of one length: consecutive numbers, in the order of their symbols.
#[derive(Clone, Copy)]
struct Row {
    first: u32,
    count: u32,
    /// Where the symbols of this length begin in [`SYMBOLS`].
    offset: u32,
}

const LONGEST: u32 = 30;

/// The length of the code of each symbol, 256 being EOS.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
     6, 10, 10, 12, 13,  6,  8, 11, 10, 10,  8, 11,  8,  6,  6,  6,
     5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8, 15,  6, 12, 10,
    13,  6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,
     7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8, 13, 19, 13, 14,  6,
    15,  5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,
     6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Symbols in the order of their codes.
static SYMBOLS: [u16; 257] = symbols();

/// Codes by length.
static CODES: [Row; LONGEST as usize + 1] = rows();

/// The symbol whose code, of at most eight bits, begins the index, and the length of the code; length 0: it is longer.
static SHORT: [(u8, u8); 256] = short();

#[allow(
    clippy::indexing_slicing,
    reason = "run by the compiler, which refuses what is out of bounds"
)]
const fn symbols() -> [u16; 257] {
    let mut symbols = [0; 257];
    let mut at = 0;
    let mut length = 0;
    while length <= LONGEST {
        let mut symbol = 0;
        while symbol < 257 {
            if LENGTHS[symbol] as u32 == length {
                symbols[at] = symbol as u16;
                at += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    symbols
}

#[allow(
    clippy::indexing_slicing,
    reason = "run by the compiler, which refuses what is out of bounds"
)]
const fn rows() -> [Row; LONGEST as usize + 1] {
    let mut rows = [Row {
        first: 0,
        count: 0,
        offset: 0,
    }; LONGEST as usize + 1];
    let mut code = 0;
    let mut offset = 0;
    let mut length = 1;
    while length <= LONGEST as usize {
        code <<= 1;
        let mut count = 0;
        let mut symbol = 0;
        while symbol < 257 {
            if LENGTHS[symbol] as usize == length {
                count += 1;
            }
            symbol += 1;
        }
        rows[length] = Row {
            first: code,
            count,
            offset,
        };
        code += count;
        offset += count;
        length += 1;
    }
    rows
}

#[allow(
    clippy::indexing_slicing,
    reason = "run by the compiler, which refuses what is out of bounds"
)]
const fn short() -> [(u8, u8); 256] {
    let rows = rows();
    let symbols = symbols();
    let mut short = [(0, 0); 256];
    let mut length = 1;
    while length <= 8 {
        let row = rows[length];
        let mut nth = 0;
        while nth < row.count {
            let from = ((row.first + nth) << (8 - length)) as usize;
            let mut index = from;
            while index < from + (1 << (8 - length)) {
                short[index] = (symbols[(row.offset + nth) as usize] as u8, length as u8);
                index += 1;
            }
            nth += 1;
        }
        length += 1;
    }
    short
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::{CODES, Invalid, LENGTHS, SYMBOLS, decode};

    /// Codes, one behind the other, padded with ones.
    fn encode(symbols: &[u16]) -> Vec<u8> {
        let mut bits = Vec::new();
        for symbol in symbols {
            let at = SYMBOLS.iter().position(|other| other == symbol).unwrap() as u32;
            let length = LENGTHS[usize::from(*symbol)];
            let row = CODES[usize::from(length)];
            let code = row.first + (at - row.offset);
            bits.extend((0..length).rev().map(|bit| code >> bit & 1 == 1));
        }
        bits.resize(bits.len().next_multiple_of(8), true);
        bits.chunks(8)
            .map(|octet| {
                octet
                    .iter()
                    .fold(0, |octet, bit| octet << 1 | u8::from(*bit))
            })
            .collect()
    }

    #[test]
    fn the_code_is_complete() {
        let sum: u64 = LENGTHS.iter().map(|length| 1u64 << (40 - length)).sum();
        assert_eq!(sum, 1 << 40);
    }

    #[test]
    fn every_octet_behind_every_alignment() {
        for symbol in 0..=255u16 {
            for before in 0..9 {
                // '0' has five bits: all alignments.
                let mut symbols = vec![u16::from(b'0'); before];
                symbols.extend([symbol, symbol, u16::from(b'x')]);
                let mut out = Vec::new();
                decode(&encode(&symbols), &mut out).unwrap();
                assert!(out.iter().map(|b| u16::from(*b)).eq(symbols));
            }
        }
    }

    #[test]
    fn the_end_symbol_is_refused() {
        for before in 0..9 {
            let mut symbols = vec![u16::from(b'0'); before];
            symbols.extend([256, u16::from(b'0')]);
            assert_eq!(
                decode(&encode(&symbols), &mut Vec::new()),
                Err(Invalid::Huffman)
            );
        }
    }

    #[test]
    fn nothing_grows_beyond_the_reserved_bytes() {
        let mut out = Vec::new();
        decode(&encode(&[u16::from(b'0'); 8_000]), &mut out).unwrap();
        assert_eq!((out.len(), out.capacity()), (8_000, 8_000));
    }
}
