//! Numbers in their shortest form.

// A number's upper bytes are those of its sign wherever the ranges below leave them out.
pub(super) fn int(out: &mut Vec<u8>, value: i32) {
    let [_, b2, b1, b0] = value.to_be_bytes();
    match value {
        -0x10..=0x2f => out.push(0x90_u8.wrapping_add(b0)),
        -0x800..=0x7ff => out.extend([0xc8_u8.wrapping_add(b1), b0]),
        -0x4_0000..=0x3_ffff => out.extend([0xd4_u8.wrapping_add(b2), b1, b0]),
        _ => {
            out.push(b'I');
            out.extend(value.to_be_bytes());
        }
    }
}

pub(super) fn long(out: &mut Vec<u8>, value: i64) {
    let [.., b3, b2, b1, b0] = value.to_be_bytes();
    match value {
        -0x08..=0x0f => out.push(0xe0_u8.wrapping_add(b0)),
        -0x800..=0x7ff => out.extend([0xf8_u8.wrapping_add(b1), b0]),
        -0x4_0000..=0x3_ffff => out.extend([0x3c_u8.wrapping_add(b2), b1, b0]),
        -0x8000_0000..=0x7fff_ffff => out.extend([b'Y', b3, b2, b1, b0]),
        _ => {
            out.push(b'L');
            out.extend(value.to_be_bytes());
        }
    }
}

/// Doubles are written short only where the very same bits come back: not -0.0, which Java turns into 0.0.
pub(super) fn double(out: &mut Vec<u8>, value: f64) {
    let same = |other: f64| other.to_bits() == value.to_bits();
    // Saturates, and is 0 for what is no number; neither is the same then.
    let whole = value as i32;
    let thousandths = (value * 1000.0) as i32;
    if same(0.0) {
        out.push(0x5b);
    } else if same(1.0) {
        out.push(0x5c);
    } else if let (true, Ok(byte)) = (same(f64::from(whole)), i8::try_from(whole)) {
        out.push(0x5d);
        out.extend(byte.to_be_bytes());
    } else if let (true, Ok(short)) = (same(f64::from(whole)), i16::try_from(whole)) {
        out.push(0x5e);
        out.extend(short.to_be_bytes());
    } else if same(0.001 * f64::from(thousandths)) {
        out.push(0x5f);
        out.extend(thousandths.to_be_bytes());
    } else {
        out.push(b'D');
        out.extend(value.to_be_bytes());
    }
}

pub(super) fn date(out: &mut Vec<u8>, milliseconds: i64) {
    let minutes = i32::try_from(milliseconds / 60_000);
    match (milliseconds % 60_000, minutes) {
        (0, Ok(minutes)) => {
            out.push(b'K');
            out.extend(minutes.to_be_bytes());
        }
        _ => {
            out.push(b'J');
            out.extend(milliseconds.to_be_bytes());
        }
    }
}
