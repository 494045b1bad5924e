//! State that outlives a request, and that all workers of a proxy see.
//!
//! Its shape is that of Proxy-Wasm's shared data: a value for each key, written whole, and a version by which a writer learns
//! that somebody else was faster. Whoever needs it takes a [`SharedData`]: filters pass Envoy's, tests and tools a
//! [`MapData`].
//!
//! ```
//! use meshlane_shared_data::{MapData, SharedData};
//!
//! let data = MapData::default();
//! data.set("a", b"1");
//! let (value, version) = data.get("a");
//! assert_eq!(value.as_deref(), Some(&b"1"[..]));
//! data.set("a", b"2");
//! assert!(!data.compare_and_swap("a", b"3", version), "somebody else has written");
//! ```

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A store that all workers of a proxy share.
pub trait SharedData {
    /// The value of a key with its version, for [`compare_and_swap`](Self::compare_and_swap).
    fn get(&self, key: &str) -> (Option<Vec<u8>>, Version);

    /// Writes a value if the key is still at a version; tells whether it did. The first value of a key is written whatever others
    /// do at the same time.
    fn compare_and_swap(&self, key: &str, value: &[u8], version: Version) -> bool;

    /// Writes a value, whatever is there.
    fn set(&self, key: &str, value: &[u8]);
}

/// Sees to it that so many values are there, each at its address, before anybody compares: the first write of a key would not be
/// compared with anything. What is there already stays. Under the key `ready` lies how many there are.
pub fn prepare(data: &dyn SharedData, ready: &str, wanted: u32, address: impl Fn(u32) -> String) {
    let known = data.get(ready).0;
    let known = known.and_then(|bytes| Some(u32::from_le_bytes(*bytes.first_chunk()?)));
    let known = known.unwrap_or_default();
    if known < wanted {
        for number in known..wanted {
            data.set(&address(number), b"");
        }
        data.set(ready, &wanted.to_le_bytes());
    }
}

/// The version of a value. It changes whenever somebody writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(u32);

impl Version {
    /// Of a key that has no value.
    pub const NONE: Self = Self(0);

    /// A version as the host counts them, from 1.
    pub fn new(number: u32) -> Self {
        Self(number)
    }

    /// The host's number; 0 of a key that has no value.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// A store in this process.
#[derive(Debug, Default)]
pub struct MapData {
    values: Mutex<BTreeMap<String, (Vec<u8>, u32)>>,
}

impl MapData {
    /// How many bytes all keys and values have.
    pub fn size(&self) -> usize {
        let values = self.lock();
        values
            .iter()
            .map(|(key, (value, _))| key.len() + value.len())
            .sum()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (Vec<u8>, u32)>> {
        // A writer that panicked has written or not, nothing in between.
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SharedData for MapData {
    fn get(&self, key: &str) -> (Option<Vec<u8>>, Version) {
        match self.lock().get(key) {
            Some((value, version)) => (Some(value.clone()), Version(*version)),
            None => (None, Version::NONE),
        }
    }

    fn compare_and_swap(&self, key: &str, value: &[u8], version: Version) -> bool {
        let mut values = self.lock();
        let current = values.entry(key.to_owned()).or_default();
        // As Envoy has it: version 0 is written whatever is there.
        if version != Version::NONE && current.1 != version.0 {
            return false;
        }
        *current = (value.to_vec(), current.1 + 1);
        true
    }

    fn set(&self, key: &str, value: &[u8]) {
        self.compare_and_swap(key, value, Version::NONE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn who_is_slower_learns_it() {
        let data = MapData::default();
        assert_eq!(data.get("a"), (None, Version::NONE));
        assert!(data.compare_and_swap("a", b"1", Version::NONE));
        let (_, version) = data.get("a");
        assert!(data.compare_and_swap("a", b"2", version));
        assert!(!data.compare_and_swap("a", b"3", version));
        assert_eq!(data.get("a").0.as_deref(), Some(&b"2"[..]));
        assert_eq!(data.size(), 2);
    }

    #[test]
    fn what_is_prepared_once_stays() {
        let data = MapData::default();
        let address = |number| format!("a/{number}");
        prepare(&data, "ready", 2, address);
        data.set("a/0", b"1");
        prepare(&data, "ready", 1, address);
        prepare(&data, "ready", 3, address);
        let value = |number| data.get(&address(number)).0;
        let (empty, none) = (Some(Vec::new()), None);
        assert_eq!([value(0), value(1)], [Some(b"1".to_vec()), empty.clone()]);
        assert_eq!([value(2), value(3)], [empty, none]);
    }
}
