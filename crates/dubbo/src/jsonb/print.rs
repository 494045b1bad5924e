//! Scalars that JSON has no form for, as Java prints them.

use super::Tokens;
use crate::reader::Reader;

/// The text of a char, a local time or a large number, given with its tag.
pub(super) fn print(scalar: &[u8]) -> String {
    let mut tokens = Tokens::new(scalar, 1..scalar.len());
    let tag = scalar.first().copied().unwrap_or_default();
    let bytes = scalar.get(1..).unwrap_or_default();
    let printed = match tag {
        0x90 => tokens.next_integer().ok().and_then(char_text),
        0xa7 => local_time(bytes),
        0xa8 | 0xaa => local_date_time(bytes),
        0xa9 => local_date(bytes),
        0xae => tokens
            .next_integer()
            .ok()
            .map(|seconds| format!("{seconds} s since 1970")),
        0xb9 => tokens.next_integer().ok().and_then(|scale| {
            let at = tokens.offset();
            let unscaled = match scalar.get(at)? {
                0xbb => big_integer(scalar, at + 1)?,
                0xba => Tokens::new(scalar, at + 1..scalar.len())
                    .next_integer()
                    .ok()?
                    .into(),
                _ => tokens.next_integer().ok()?.into(),
            };
            Some(decimal(unscaled, scale))
        }),
        0xbb => big_integer(scalar, 1).map(|number| number.to_string()),
        _ => None,
    };
    printed.unwrap_or_else(|| {
        let hex: String = scalar.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("0x{hex}")
    })
}

fn char_text(unit: i64) -> Option<String> {
    let unit = u16::try_from(unit).ok()?;
    Some(String::from_utf16_lossy(&[unit]))
}

fn local_date(bytes: &[u8]) -> Option<String> {
    let [high, low, month, day] = Reader::new(bytes).array().ok()?;
    let year = i16::from_be_bytes([high, low]);
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

fn local_time(bytes: &[u8]) -> Option<String> {
    let [hour, minute, second] = Reader::new(bytes).array().ok()?;
    let nanos = Tokens::new(bytes, 3..bytes.len()).next_integer().ok()?;
    Some(if nanos == 0 {
        format!("{hour:02}:{minute:02}:{second:02}")
    } else {
        format!("{hour:02}:{minute:02}:{second:02}.{nanos:09}")
    })
}

fn local_date_time(bytes: &[u8]) -> Option<String> {
    let (date, time) = bytes.split_at_checked(4)?;
    Some(format!("{}T{}", local_date(date)?, local_time(time)?))
}

/// Numbers of up to 16 bytes.
fn big_integer(scalar: &[u8], at: usize) -> Option<i128> {
    let mut tokens = Tokens::new(scalar, at..scalar.len());
    tokens.next_integer().ok()?;
    let bytes = scalar.get(tokens.offset()..)?;
    let first = bytes.first().copied().unwrap_or_default();
    let mut number = [if first < 0x80 { 0 } else { 0xff }; 16];
    let start = number.len().checked_sub(bytes.len())?;
    number.get_mut(start..)?.copy_from_slice(bytes);
    Some(i128::from_be_bytes(number))
}

fn decimal(unscaled: i128, scale: i64) -> String {
    match usize::try_from(scale) {
        Ok(0) => unscaled.to_string(),
        Ok(places) if places <= MOST_PLACES => {
            let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = places + 1);
            let (whole, fraction) = digits.split_at(digits.len() - places);
            let sign = if unscaled < 0 { "-" } else { "" };
            format!("{sign}{whole}.{fraction}")
        }
        _ => format!("{unscaled}E{}", scale.saturating_neg()),
    }
}

/// More places are written with an exponent.
const MOST_PLACES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn scalars() {
        for (scalar, expected) in [
            (&[0x90, 0x38, 0x41][..], "A"),
            (&[0xa7, 23, 59, 1, 0x38, 100], "23:59:01.000000100"),
            (&[0xa8, 7, 0xe8, 2, 29, 23, 59, 1, 0], "2024-02-29T23:59:01"),
            (&[0xa9, 7, 0xe8, 1, 2], "2024-01-02"),
            (
                &[0xaa, 7, 0xe8, 1, 2, 3, 4, 5, 0, 0x4a, b'Z'],
                "2024-01-02T03:04:05",
            ),
            (&[0xae, 0x05, 0x06], "5 s since 1970"),
            (&[0xb9, 0x02, 0x05], "0.05"),
            (&[0xb9, 0x02, 0xf0], "-0.16"),
            (&[0xb9, 0x00, 0x2f], "47"),
            (&[0xb9, 0xff, 0x2f], "47E1"),
            (&[0xb9, 0x01, 0xbb, 0x02, 1, 0], "25.6"),
            (&[0xb9, 0x01, 0xba, 0xd8], "-0.8"),
            (&[0xbb, 0x02, 0xff, 0], "-256"),
            (&[0xbb, 0x00], "0"),
        ] {
            assert_eq!(print(scalar), expected);
        }
        let long = [&[0xbb, 0x11][..], &[1; 17]].concat();
        assert_eq!(print(&long), format!("0xbb11{}", "01".repeat(17)));
    }
}
