use crate::abi;

/// The value of a key.
pub fn value(key: &str) -> Option<Vec<u8>> {
    abi::shared_data(key).map(|(value, _)| value)
}

/// The value of a key with its version, for [`compare_and_swap`].
pub fn versioned(key: &str) -> (Option<Vec<u8>>, Version) {
    match abi::shared_data(key) {
        Some((value, version)) => (Some(value), Version(version)),
        None => (None, Version(0)),
    }
}

/// Writes a value if the key is still at a version; tells whether it did. The first value of a key is written whatever others
/// do at the same time.
pub fn compare_and_swap(key: &str, value: &[u8], version: Version) -> bool {
    abi::set_shared_data(key, value, version.0)
}

/// Writes a value, whatever is there.
pub fn set(key: &str, value: &[u8]) {
    if !abi::set_shared_data(key, value, 0) {
        log::error!("the host would not keep {key}");
    }
}

/// The version of a value; nobody else has written since.
#[derive(Debug, Clone, Copy)]
pub struct Version(u32);

/// Writes a value unless it is there already. Returns whether this call wrote it; of several
/// workers that write the same value at the same time more than one may.
pub fn replace(key: &str, value: &[u8]) -> bool {
    match abi::shared_data(key) {
        Some((found, _)) if found == value => false,
        Some((_, cas)) => abi::set_shared_data(key, value, cas),
        None => abi::set_shared_data(key, value, 0),
    }
}
