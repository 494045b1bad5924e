use crate::abi;

/// The value of a key.
pub fn value(key: &str) -> Option<Vec<u8>> {
    abi::shared_data(key).map(|(value, _)| value)
}

/// Writes a value unless it is there already. Returns whether this call wrote it; of several
/// workers that write the same value at the same time more than one may.
pub fn replace(key: &str, value: &[u8]) -> bool {
    match abi::shared_data(key) {
        Some((found, _)) if found == value => false,
        Some((_, cas)) => abi::set_shared_data(key, value, cas),
        None => abi::set_shared_data(key, value, 0),
    }
}
