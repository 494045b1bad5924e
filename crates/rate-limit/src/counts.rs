//! Where limits keep their counts: in shared data, for all workers, listeners and modules of a proxy.
//!
//! A limit of all requests has one value. One with a key has a fixed number of buckets of a few entries each; a key has one bucket
//! that it may be in, by its hash. Where a bucket is full of entries that count something, a new key finds no room: nobody who
//! invents keys drives out one that is counted.
//!
//! Several workers write by compare-and-swap: who was slower reads again. All values are there before the first request, as the
//! first write of a key would not be compared with anything.

mod bucket;

use std::time::Duration;

use meshlane_conditions::RandomBytes;
use meshlane_shared_data::{SharedData, prepare};
use xxhash_rust::xxh64::xxh64;

use crate::algorithm::{Answer, Ask};
use crate::config::OnOverflow;
use crate::limit::{Limit, Variant};
use crate::policy::Policy;
use bucket::Bucket;
pub(crate) use bucket::Hash;

/// The counts of a policy's limits.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// In the order of the policy's limits.
    homes: Vec<Home>,
    seeds: [u64; 2],
}

/// Where the counts of a limit are.
#[derive(Debug, Clone)]
struct Home {
    prefix: String,
    /// None: one value for all requests.
    buckets: Option<u32>,
}

/// Where a request is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    /// Which limit of the policy.
    pub(crate) limit: usize,
    pub(crate) variant: Variant,
    address: String,
    /// Which entry of the bucket at the address.
    hash: Option<Hash>,
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The limit answered; where the request is counted if it was admitted.
    Answered(Answer, Spot),
    /// The same, but the key found no room and shares that of all that found none.
    Shared(Answer, Spot),
    /// The key found no room, and the limit says what happens then.
    NoRoom,
    /// Others wrote at the same time so often that it was given up.
    Contended,
}

impl Counts {
    /// The fewest keys that a limit can be told to count.
    pub const MIN_CAPACITY: usize = 64;
    /// The most.
    pub const MAX_CAPACITY: usize = 131_072;

    /// The counts in `data`, made ready where nobody has yet.
    ///
    /// The seeds that spread keys over buckets are drawn by the first who comes, as nobody from outside shall be able to choose keys
    /// that meet in one.
    pub fn open(policy: &Policy, data: &dyn SharedData, random: RandomBytes<'_>) -> Self {
        let known = data.get(SEEDS).0.and_then(|seeds| seeds.try_into().ok());
        let seeds: [u8; 16] = known.unwrap_or_else(|| {
            let drawn = random();
            data.set(SEEDS, &drawn);
            drawn
        });
        let half = |at: usize| {
            let bytes = seeds.get(at..).and_then(|bytes| bytes.first_chunk());
            u64::from_le_bytes(bytes.copied().unwrap_or_default())
        };
        let homes = policy.limits.iter().map(|limit| Home::open(limit, data));
        Self {
            homes: homes.collect(),
            seeds: [half(0), half(8)],
        }
    }

    /// Asks a limit for room for a request with this key.
    pub(crate) fn ask(
        &self,
        data: &dyn SharedData,
        (index, limit): (usize, &Limit),
        key: &[String],
        ask: &Ask,
    ) -> Asked {
        let variant = limit.variant(key);
        let Some((home, algorithm)) = self.homes.get(index).zip(limit.algorithm(variant)) else {
            return Asked::NoRoom;
        };
        let hash = (home.buckets.is_some()).then(|| self.hash(key));
        let address = home.address(hash);
        let spot = |hash| Spot {
            limit: index,
            variant,
            address: address.clone(),
            hash,
        };
        for _ in 0..ATTEMPTS {
            let (bytes, version) = data.get(&address);
            let bytes = bytes.unwrap_or_default();
            let (written, asked) = match hash {
                None => {
                    let mut state = bytes.clone();
                    let answer = algorithm.take(&mut state, ask);
                    (state, Asked::Answered(answer, spot(None)))
                }
                Some(hash) => {
                    let mut bucket = Bucket::decode(&bytes);
                    let mut at = hash;
                    if !bucket.has(hash) {
                        bucket.forget(|variant, state| limit.is_idle(variant, state, ask.now));
                        if bucket.is_full() {
                            if limit.on_overflow != OnOverflow::Share {
                                return Asked::NoRoom;
                            }
                            at = Hash::OTHERS;
                        }
                    }
                    let answer = algorithm.take(bucket.entry(at, variant), ask);
                    let spot = spot(Some(at));
                    let asked = match at == hash {
                        true => Asked::Answered(answer, spot),
                        false => Asked::Shared(answer, spot),
                    };
                    (bucket.encode(), asked)
                }
            };
            if written == bytes || data.compare_and_swap(&address, &written, version) {
                return asked;
            }
        }
        Asked::Contended
    }

    /// Changes what is counted at a spot, if anything is. Nothing when others wrote at the same time so often that it was given up.
    pub(crate) fn change<T: Default>(
        &self,
        data: &dyn SharedData,
        spot: &Spot,
        change: impl Fn(&mut Vec<u8>) -> T,
    ) -> Option<T> {
        self.write(data, spot, false, change)
    }

    /// The same, and notes it at a spot at which nothing is yet.
    pub(crate) fn note<T: Default>(
        &self,
        data: &dyn SharedData,
        spot: &Spot,
        change: impl Fn(&mut Vec<u8>) -> T,
    ) -> Option<T> {
        self.write(data, spot, true, change)
    }

    fn write<T: Default>(
        &self,
        data: &dyn SharedData,
        spot: &Spot,
        creates: bool,
        change: impl Fn(&mut Vec<u8>) -> T,
    ) -> Option<T> {
        for _ in 0..ATTEMPTS {
            let (bytes, version) = data.get(&spot.address);
            let mut bytes = bytes.unwrap_or_default();
            let result = match spot.hash {
                None => change(&mut bytes),
                Some(hash) => {
                    let mut bucket = Bucket::decode(&bytes);
                    let is_there = bucket.has(hash);
                    if !is_there && (!creates || bucket.is_full()) {
                        return Some(T::default());
                    }
                    let result = change(bucket.entry(hash, spot.variant));
                    bytes = bucket.encode();
                    result
                }
            };
            if data.compare_and_swap(&spot.address, &bytes, version) {
                return Some(result);
            }
        }
        None
    }

    /// 128 bits that nobody from outside can foresee: no two keys in use have the same ones.
    fn hash(&self, key: &[String]) -> Hash {
        let mut bytes = Vec::with_capacity(key.iter().map(|part| part.len() + 4).sum());
        for part in key {
            bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        Hash::new(self.seeds.map(|seed| xxh64(&bytes, seed)))
    }
}

impl Home {
    fn open(limit: &Limit, data: &dyn SharedData) -> Self {
        let home = Self {
            prefix: format!("meshlane/1/limit/{}/{}", limit.kind(), limit.name()),
            buckets: limit.buckets(),
        };
        let (ready, wanted) = (format!("{}/ready", home.prefix), home.buckets.unwrap_or(1));
        prepare(data, &ready, wanted, |bucket| home.at(bucket));
        home
    }

    fn address(&self, hash: Option<Hash>) -> String {
        let bucket = hash.zip(self.buckets);
        let bucket = bucket.map_or(0, |(hash, buckets)| hash.bucket(buckets));
        self.at(bucket)
    }

    fn at(&self, bucket: u32) -> String {
        format!("{}/{bucket}", self.prefix)
    }
}

/// How many buckets have room for so many keys.
pub(crate) fn buckets(capacity: usize) -> u32 {
    capacity.div_ceil(bucket::WAYS) as u32
}

const SEEDS: &str = "meshlane/1/limit-seeds";

/// How often a write is tried. Each time that it fails another one succeeded.
const ATTEMPTS: usize = 64;

/// How often what is held must be renewed: so often that one missed time does no harm.
pub(crate) fn renewal(lease: Duration) -> Duration {
    lease / 3
}
