use super::Invalid;

/// Reads an integer (RFC 7541 §5.1) whose first octet, `first`, has already been taken from `rest`.
///
/// At most four more octets are read: values up to 2^28 + 254 are far above every length and size that is accepted
/// elsewhere. h2 and nghttp2 draw the line at about the same place.
pub(super) fn decode(first: u8, prefix: u32, rest: &mut &[u8]) -> Result<usize, Invalid> {
    let mask = (1u32 << prefix) - 1;
    let mut value = u32::from(first) & mask;
    if value < mask {
        return Ok(value as usize);
    }
    for shift in [0, 7, 14, 21] {
        let (&octet, after) = rest.split_first().ok_or(Invalid::Truncated)?;
        *rest = after;
        value += u32::from(octet & 0x7f) << shift;
        if octet & 0x80 == 0 {
            return Ok(value as usize);
        }
    }
    Err(Invalid::Integer)
}

/// Writes an integer behind the bits of `first`.
pub(super) fn encode(first: u8, prefix: u32, value: usize, to: &mut bytes::BytesMut) {
    use bytes::BufMut;
    let mask = (1usize << prefix) - 1;
    if value < mask {
        to.put_u8(first | low(value));
        return;
    }
    to.put_u8(first | low(mask));
    let mut rest = value - mask;
    while rest >= 0x80 {
        to.put_u8(low(rest) | 0x80);
        rest >>= 7;
    }
    to.put_u8(low(rest));
}

fn low(value: usize) -> u8 {
    value.to_le_bytes()[0]
}
