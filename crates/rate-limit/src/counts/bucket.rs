//! The bytes of a bucket: its entries. Of each
//!
//! | bytes | |
//! |---|---|
//! | 16 | the hash of the key |
//! | 2 | by which numbers it is counted: 0 the limit's own, from 1 on those of its exceptions; little-endian |
//! | 2 | the length of the state, little-endian |
//! | | the state |

use crate::limit::Variant;

/// The entries of a bucket, beside the one of all keys that found no room.
pub(crate) const WAYS: usize = 8;

/// What stands for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hash([u8; 16]);

/// Entries that have a part of their hash in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    hash: Hash,
    variant: Variant,
    state: Vec<u8>,
}

impl Hash {
    /// Of all keys that found no room.
    pub(crate) const OTHERS: Self = Self([0xff; 16]);

    pub(crate) fn new(halves: [u64; 2]) -> Self {
        let [one, other] = halves.map(u64::to_le_bytes);
        let mut bytes = [0; 16];
        for (byte, from) in bytes.iter_mut().zip(one.into_iter().chain(other)) {
            *byte = from;
        }
        Self(bytes)
    }

    /// Which of so many buckets a key may be in. The upper half of the product: evenly spread without a division.
    pub(crate) fn bucket(self, buckets: u32) -> u32 {
        let half = self.0.first_chunk().copied().unwrap_or_default();
        let product = u128::from(u64::from_le_bytes(half)) * u128::from(buckets);
        (product >> 64) as u32
    }
}

impl Bucket {
    /// Reads a bucket. What is behind the first byte that makes no sense is nothing.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let mut rest = bytes;
        let mut entries = Vec::new();
        while let Some(entry) = Entry::decode(&mut rest) {
            if entries.len() <= WAYS {
                entries.push(entry);
            }
        }
        Self { entries }
    }

    /// The bytes. An entry without a state is none.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let entries = self.entries.iter().filter(|entry| !entry.state.is_empty());
        let size = entries.clone().map(|entry| 20 + entry.state.len());
        let mut bytes = Vec::with_capacity(size.sum());
        for entry in entries {
            bytes.extend_from_slice(&entry.hash.0);
            bytes.extend_from_slice(&entry.variant.number().to_le_bytes());
            // A state has as many bytes as a list of all holders at most.
            bytes.extend_from_slice(&(entry.state.len() as u16).to_le_bytes());
            bytes.extend_from_slice(&entry.state);
        }
        bytes
    }

    pub(crate) fn has(&self, hash: Hash) -> bool {
        self.entries.iter().any(|entry| entry.hash == hash)
    }

    pub(crate) fn forget(&mut self, is_idle: impl Fn(Variant, &[u8]) -> bool) {
        self.entries
            .retain(|entry| !is_idle(entry.variant, &entry.state));
    }

    /// Whether no other key has room.
    pub(crate) fn is_full(&self) -> bool {
        let keys = self
            .entries
            .iter()
            .filter(|entry| entry.hash != Hash::OTHERS);
        keys.count() >= WAYS
    }

    /// The state of a key; an empty one when it had none.
    pub(crate) fn entry(&mut self, hash: Hash, variant: Variant) -> &mut Vec<u8> {
        let at = self.entries.iter().position(|entry| entry.hash == hash);
        let at = at.unwrap_or(self.entries.len());
        if at == self.entries.len() {
            let state = Vec::new();
            self.entries.push(Entry {
                hash,
                variant,
                state,
            });
        }
        // It is there: it was found, or has just been pushed.
        #[allow(clippy::indexing_slicing, reason = "see above")]
        let entry = &mut self.entries[at];
        entry.variant = variant;
        &mut entry.state
    }
}

impl Entry {
    fn decode(rest: &mut &[u8]) -> Option<Self> {
        let (hash, behind) = rest.split_first_chunk()?;
        let (variant, behind) = behind.split_first_chunk()?;
        let (length, behind) = behind.split_first_chunk()?;
        let length = usize::from(u16::from_le_bytes(*length));
        let (state, behind) = behind.split_at_checked(length)?;
        *rest = behind;
        Some(Self {
            hash: Hash(*hash),
            variant: Variant::new(u16::from_le_bytes(*variant)),
            state: state.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn bucket() -> Bucket {
        let mut bucket = Bucket::default();
        for (number, state) in [(1, &b"abc"[..]), (2, b"d")] {
            let hash = Hash::new([number, 7]);
            bucket.entry(hash, Variant::new(3)).extend_from_slice(state);
        }
        bucket
    }

    #[test]
    fn what_is_written_is_read() {
        let bucket = bucket();
        assert_eq!(Bucket::decode(&bucket.encode()), bucket);
    }

    #[test]
    fn every_truncation_and_every_flip_is_read_as_something() {
        let bytes = bucket().encode();
        for length in 0..bytes.len() {
            let read = Bucket::decode(&bytes[..length]);
            assert!(read.entries.len() < 2, "{length}");
        }
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 0x80;
            assert!(Bucket::decode(&other).encode().len() <= bytes.len());
        }
    }

    #[test]
    fn an_entry_without_a_state_is_none() {
        let mut other = bucket();
        other.entry(Hash::new([3, 7]), Variant::new(0));
        assert_eq!(other.encode(), bucket().encode());
    }

    #[test]
    fn others_take_no_room_from_keys() {
        let mut bucket = Bucket::default();
        bucket.entry(Hash::OTHERS, Variant::new(0)).push(1);
        for number in 0..WAYS as u64 {
            assert!(!bucket.is_full());
            bucket
                .entry(Hash::new([number, 0]), Variant::new(0))
                .push(1);
        }
        assert!(bucket.is_full());
        let all = Bucket::decode(&bucket.encode());
        assert_eq!(all.entries.len(), WAYS + 1);
        bucket.forget(|_, _| true);
        assert!(!bucket.is_full());
    }
}
