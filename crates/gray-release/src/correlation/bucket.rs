//! The bytes of a bucket: its entries, the oldest first. Of each
//!
//! | bytes | |
//! |---|---|
//! | 8 | the time, in nanoseconds since 1970, little-endian |
//! | 1 | the length of the key |
//! | | the key |
//! | 1 | the number of tags |
//! | for each 1 | the length of its name |
//! | | the name |
//! | 1 | the length of its value; 0 when the request did not have it |
//! | | the value |

use std::time::Duration;

use meshlane_tags::TagValue;

use crate::correlation::{Correlations, Remembered};
use crate::identifier::CorrelationKey;

/// The entries of a bucket.
pub(crate) const WAYS: usize = 8;

/// Entries that have a hash in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bucket<'b> {
    entries: Vec<Entry<'b>>,
}

/// A request and its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry<'b> {
    time: Duration,
    key: &'b str,
    /// Name and value; an empty value is none.
    tags: Vec<(&'b str, &'b str)>,
}

impl<'b> Bucket<'b> {
    /// Reads a bucket. What is behind the first byte that makes no sense is nothing.
    pub(crate) fn decode(bytes: &'b [u8]) -> Self {
        let mut rest = bytes;
        let mut bucket = Self::default();
        while !rest.is_empty() && bucket.entries.len() < WAYS {
            let Some(entry) = Entry::decode(&mut rest) else {
                break;
            };
            bucket.entries.push(entry);
        }
        bucket
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in &self.entries {
            entry.encode(&mut bytes);
        }
        bytes
    }

    /// Takes the entry of a key out.
    pub(crate) fn take(&mut self, key: &str) -> Option<Entry<'b>> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(at))
    }

    pub(crate) fn forget(&mut self, is_forgotten: impl Fn(&Entry<'_>) -> bool) {
        self.entries.retain(|entry| !is_forgotten(entry));
    }

    /// Lets the oldest entry go when there is no room for another one; tells whether it did.
    pub(crate) fn make_room(&mut self) -> bool {
        let is_full = self.entries.len() >= WAYS;
        if is_full {
            self.entries.remove(0);
        }
        is_full
    }

    pub(crate) fn push(&mut self, entry: Entry<'b>) {
        self.entries.push(entry);
    }
}

impl<'b> Entry<'b> {
    /// An entry with `tags`, and with those that only the `known` one of the same key has.
    pub(crate) fn new(
        time: Duration,
        key: &'b CorrelationKey,
        tags: &'b Remembered,
        known: Option<&Self>,
    ) -> Self {
        let own = tags.tags().map(|(name, value)| (name, text(value)));
        let others = known.into_iter().flat_map(|known| &known.tags);
        let others = others.filter(|(name, _)| tags.tag(name).is_none()).copied();
        Self {
            time,
            key: key.as_str(),
            tags: own.chain(others).take(Correlations::MAX_TAGS).collect(),
        }
    }

    /// Whether the entry is younger than a lifetime. The clock of a machine may be set back: what lies far ahead is old.
    pub(crate) fn is_alive(&self, now: Duration, lifetime: Duration) -> bool {
        match now.checked_sub(self.time) {
            Some(age) => age < lifetime,
            None => self.time - now < lifetime,
        }
    }

    /// Whether the entry has another value of one of the tags.
    pub(crate) fn differs(&self, tags: &Remembered) -> bool {
        tags.tags().any(|(name, value)| {
            let known = self.tag(name);
            known.is_some_and(|known| known != text(value))
        })
    }

    /// Whether the entry has all the tags, and no other value of one.
    pub(crate) fn has(&self, tags: &Remembered) -> bool {
        tags.tags()
            .all(|(name, value)| self.tag(name) == Some(text(value)))
    }

    pub(crate) fn remembered(&self) -> Remembered {
        let tags = self.tags.iter();
        tags.map(|(name, value)| {
            let value = TagValue::parse((*value).to_owned().into()).ok();
            ((*name).to_owned(), value)
        })
        .collect()
    }

    fn tag(&self, name: &str) -> Option<&'b str> {
        let mut tags = self.tags.iter();
        tags.find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }

    fn decode(rest: &mut &'b [u8]) -> Option<Self> {
        let (time, behind) = rest.split_first_chunk()?;
        *rest = behind;
        let key = short_text(rest)?;
        let count = take_byte(rest)?;
        let mut tags = Vec::with_capacity(usize::from(count).min(Correlations::MAX_TAGS));
        for _ in 0..count {
            tags.push((short_text(rest)?, short_text(rest)?));
        }
        Some(Self {
            time: Duration::from_nanos(u64::from_le_bytes(*time)),
            key,
            tags,
        })
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        let time = u64::try_from(self.time.as_nanos()).unwrap_or(u64::MAX);
        bytes.extend_from_slice(&time.to_le_bytes());
        put_short_text(self.key, bytes);
        // At most `MAX_TAGS`.
        bytes.push(self.tags.len() as u8);
        for (name, value) in &self.tags {
            put_short_text(name, bytes);
            put_short_text(value, bytes);
        }
    }
}

fn text<'v>(value: Option<&'v TagValue<'_>>) -> &'v str {
    value.map_or("", TagValue::as_str)
}

fn take_byte(rest: &mut &[u8]) -> Option<u8> {
    let (byte, behind) = rest.split_first()?;
    *rest = behind;
    Some(*byte)
}

fn short_text<'b>(rest: &mut &'b [u8]) -> Option<&'b str> {
    let length = take_byte(rest)?;
    let (text, behind) = rest.split_at_checked(length.into())?;
    *rest = behind;
    std::str::from_utf8(text).ok()
}

/// Keys, names and values are shorter than 256 bytes.
fn put_short_text(text: &str, bytes: &mut Vec<u8>) {
    bytes.push(text.len() as u8);
    bytes.extend_from_slice(text.as_bytes());
}

const _: () = assert!(CorrelationKey::MAX_LENGTH < 256 && TagValue::MAX_LENGTH < 256);

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn bucket() -> Bucket<'static> {
        let entry = |key, tags: &[(&'static str, &'static str)]| Entry {
            time: Duration::from_nanos(7),
            key,
            tags: tags.to_vec(),
        };
        Bucket {
            entries: vec![
                entry("trace:1", &[("x-mse-tag", "gray"), ("lane", "")]),
                entry("request:a b", &[]),
            ],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let bucket = bucket();
        let bytes = bucket.encode();
        assert_eq!(Bucket::decode(&bytes), bucket);
    }

    #[test]
    fn every_truncation_and_every_flip_is_read_as_something() {
        let bytes = bucket().encode();
        for length in 0..bytes.len() {
            let entries = Bucket::decode(&bytes[..length]).entries.len();
            assert!(entries <= 1, "{length}");
        }
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 0x80;
            assert!(Bucket::decode(&other).encode().len() <= bytes.len());
        }
    }

    #[test]
    fn no_more_entries_are_read_than_there_can_be() {
        let bytes = bucket().encode().repeat(100);
        assert_eq!(Bucket::decode(&bytes).entries.len(), WAYS);
    }
}
