//! The memory of requests: what tags a request had, by what identifies it.
//!
//! It lies in shared data, so that the calls which a request causes find it from whichever worker and VM. Its size is bounded by
//! construction: there is a fixed number of buckets, each a value of a few entries; a key has one bucket that it may be in. An
//! entry holds its whole key, so that no other key is ever taken for it. Where a bucket is full, the oldest entry goes.
//!
//! Several workers write by compare-and-swap: who was slower reads again. All buckets are there before the first request, as
//! the first write of a key would not be compared with anything.

mod bucket;
#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod model;
#[cfg(test)]
mod tests;

use std::time::Duration;

use meshlane_conditions::RandomBytes;
use meshlane_diagnostics::Reason;
use meshlane_shared_data::{SharedData, prepare};
use meshlane_tags::TagValue;
use xxhash_rust::xxh64::xxh64;

use crate::correlation::bucket::{Bucket, Entry, WAYS};
use crate::identifier::CorrelationKey;

/// What is remembered of a request: for each tag that its sidecar knows the value, or that there was none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered(pub(crate) Vec<(String, Option<TagValue<'static>>)>);

/// The memory of a proxy.
#[derive(Debug, Clone)]
pub struct Correlations {
    buckets: u32,
    lifetime: Duration,
    seed: u64,
}

/// What became of something that was to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is remembered.
    New,
    /// It is remembered, and another entry, younger than its lifetime, had to go for it.
    Evicting,
    /// It was known, and is as young as can be told apart.
    Known,
    /// It was known with another value of a tag, which is forgotten.
    Replacing,
    /// Others wrote at the same time so often that it was given up.
    Lost,
}

impl Stored {
    /// The code by which it is counted.
    pub fn reason(self) -> Reason {
        match self {
            Self::New => Reason::CorrelationStored,
            Self::Evicting => Reason::CorrelationEvicted,
            Self::Known => Reason::CorrelationKnown,
            Self::Replacing => Reason::CorrelationReplaced,
            Self::Lost => Reason::CorrelationLost,
        }
    }
}

impl Remembered {
    /// What is known of a tag: its value, or that there was none; nothing when the request's sidecar did not know the tag.
    pub fn tag(&self, name: &str) -> Option<Option<&TagValue<'static>>> {
        let mut tags = self.0.iter();
        tags.find(|(known, _)| known == name)
            .map(|(_, value)| value.as_ref())
    }

    /// The tags by their names.
    pub fn tags(&self) -> impl Iterator<Item = (&str, Option<&TagValue<'static>>)> {
        let tags = self.0.iter();
        tags.map(|(name, value)| (name.as_str(), value.as_ref()))
    }
}

impl FromIterator<(String, Option<TagValue<'static>>)> for Remembered {
    fn from_iter<I: IntoIterator<Item = (String, Option<TagValue<'static>>)>>(tags: I) -> Self {
        Self(tags.into_iter().collect())
    }
}

impl Correlations {
    /// The fewest entries that can be asked for.
    pub const MIN_CAPACITY: usize = 64;
    /// The most.
    pub const MAX_CAPACITY: usize = 262_144;
    /// The most tags of an entry, whichever plugins they are from.
    pub const MAX_TAGS: usize = 16;

    /// The memory in `data`, made ready when nobody has yet.
    ///
    /// The seed that spreads keys over buckets is drawn by the first who comes, as nobody from outside shall be able to choose
    /// keys that meet in one.
    pub fn open(
        data: &dyn SharedData,
        capacity: usize,
        lifetime: Duration,
        random: RandomBytes<'_>,
    ) -> Self {
        let known = data.get(SEED).0;
        let seed = known.and_then(|bytes| Some(u64::from_le_bytes(*bytes.first_chunk()?)));
        let seed = seed.unwrap_or_else(|| {
            let drawn = random();
            let seed = drawn.first_chunk().copied().unwrap_or_default();
            data.set(SEED, &seed);
            u64::from_le_bytes(seed)
        });
        let capacity = capacity.clamp(Self::MIN_CAPACITY, Self::MAX_CAPACITY);
        let buckets = capacity.div_ceil(WAYS) as u32;
        prepare(data, READY, buckets, address);
        Self {
            buckets,
            lifetime,
            seed,
        }
    }

    /// Remembers the tags of a request at the time `now` (since 1970).
    ///
    /// Of an entry with the same key the tags that `tags` does not name stay: they are of another plugin.
    pub fn remember(
        &self,
        data: &dyn SharedData,
        now: Duration,
        key: &CorrelationKey,
        tags: &Remembered,
    ) -> Stored {
        let address = self.address(key);
        for _ in 0..ATTEMPTS {
            let (bytes, version) = data.get(&address);
            let mut bucket = Bucket::decode(bytes.as_deref().unwrap_or_default());
            let known = bucket.take(key.as_str());
            let known = known.filter(|entry| entry.is_alive(now, self.lifetime));
            let replaces = known.as_ref().is_some_and(|known| known.differs(tags));
            if let Some(known) = &known {
                let is_young = known.is_alive(now, self.lifetime / REFRESHES);
                if is_young && known.has(tags) {
                    return Stored::Known;
                }
            }
            bucket.forget(|entry| !entry.is_alive(now, self.lifetime));
            let evicts = bucket.make_room();
            bucket.push(Entry::new(now, key, tags, known.as_ref()));
            if data.compare_and_swap(&address, &bucket.encode(), version) {
                return match (replaces, evicts) {
                    (true, _) => Stored::Replacing,
                    (false, true) => Stored::Evicting,
                    (false, false) => Stored::New,
                };
            }
        }
        Stored::Lost
    }

    /// What is remembered of a request at the time `now`.
    pub fn recall(
        &self,
        data: &dyn SharedData,
        now: Duration,
        key: &CorrelationKey,
    ) -> Option<Remembered> {
        let bytes = data.get(&self.address(key)).0?;
        let mut bucket = Bucket::decode(&bytes);
        let entry = bucket.take(key.as_str())?;
        entry
            .is_alive(now, self.lifetime)
            .then(|| entry.remembered())
    }

    fn address(&self, key: &CorrelationKey) -> String {
        let hash = xxh64(key.as_str().as_bytes(), self.seed);
        // The upper half of the product: evenly spread without a division.
        let bucket = (u128::from(hash) * u128::from(self.buckets)) >> 64;
        address(bucket as u32)
    }
}

/// All plugins of a proxy may share one key space, strangers' too: hence the prefix.
fn address(bucket: u32) -> String {
    format!("meshlane/1/correlation/{bucket}")
}

const SEED: &str = "meshlane/1/correlation-seed";

/// Under this key lies how many buckets there are.
const READY: &str = "meshlane/1/correlation-ready";

/// How often a write is tried. Each time that it fails another one succeeded.
const ATTEMPTS: usize = 64;

/// An entry that is looked up again is written anew when this part of its lifetime has passed.
const REFRESHES: u32 = 8;
