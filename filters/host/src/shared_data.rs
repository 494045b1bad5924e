use meshlane_shared_data::{SharedData, Version};

use crate::abi;

/// Envoy's shared data: one store for all workers, VMs and modules that have the same `vm_id`.
#[derive(Debug, Clone, Copy)]
pub struct HostData;

impl SharedData for HostData {
    fn get(&self, key: &str) -> (Option<Vec<u8>>, Version) {
        match abi::shared_data(key) {
            Some((value, version)) => (Some(value), Version::new(version)),
            None => (None, Version::NONE),
        }
    }

    fn compare_and_swap(&self, key: &str, value: &[u8], version: Version) -> bool {
        abi::set_shared_data(key, value, version.number())
    }

    fn set(&self, key: &str, value: &[u8]) {
        if !abi::set_shared_data(key, value, 0) {
            log::error!("the host would not keep {key}");
        }
    }
}

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
