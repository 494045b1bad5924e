//! What several fuzz targets do.

/// A header line: name and value, by the first `: ` after the name's first byte.
pub fn header(line: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let colon = 1 + line.get(1..)?.windows(2).position(|pair| pair == b": ")?;
    let (name, value) = line.split_at(colon);
    Some((name.to_ascii_lowercase(), value[2..].to_vec()))
}
