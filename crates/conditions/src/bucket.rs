//! Sticky shares: the same key always falls into the same part.

use std::hash::Hasher;

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};
use meshlane_diagnostics::{Place, Problem, Violations};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh64::Xxh64;

use crate::config::HashAlgorithm;

/// Where a key falls on a line from 0 to `of`, by its hash.
///
/// Whoever is below 10 of 100 is below 20 of 100 too: raising a share only adds keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Sticky {
    algorithm: HashAlgorithm,
    salt: String,
    of: f64,
}

impl Sticky {
    /// Validates how keys are hashed.
    pub fn new(
        algorithm: Option<HashAlgorithm>,
        salt: Option<&str>,
        of: Option<f64>,
        place: &Place<'_>,
        violations: &mut Violations,
    ) -> Option<Self> {
        let algorithm = algorithm.unwrap_or_default();
        let of_value = of.unwrap_or(100.0);
        let before = violations.len();
        let mut invalid_of = |expected| {
            let found = of_value.to_string();
            violations.push(&place.key("of"), Problem::InvalidValue { found, expected });
        };
        match algorithm {
            HashAlgorithm::Xxh64 if !(of_value > 0.0 && of_value <= MAX_OF) => {
                invalid_of("a number above 0, at most 1000000000");
            }
            HashAlgorithm::Sha256Mod100 | HashAlgorithm::Crc32Mod100 if of_value != 100.0 => {
                invalid_of("100, as the algorithm divides by it");
            }
            HashAlgorithm::Fnv1a | HashAlgorithm::Fnv1a32
                if !((1.0..=MAX_OF).contains(&of_value) && of_value.fract() == 0.0) =>
            {
                invalid_of("an integer from 1 to 1000000000, as the algorithm divides by it");
            }
            _ => {}
        }
        if salt.is_some() && algorithm != HashAlgorithm::Xxh64 {
            violations.push(
                &place.key("salt"),
                Problem::Incompatible {
                    key: "salt",
                    with: "an algorithm for migration, which hashes nothing but the value",
                },
            );
        }
        (violations.len() == before).then(|| Self {
            algorithm,
            salt: salt.unwrap_or_default().to_owned(),
            of: of_value,
        })
    }

    /// Whether a share of this size can be had: the algorithms for migration know whole parts only.
    pub fn can_divide_at(&self, share: f64) -> bool {
        self.algorithm == HashAlgorithm::Xxh64 || share.fract() == 0.0
    }

    /// Whether the outcome for a key cannot be computed without this configuration.
    pub fn is_secret(&self) -> bool {
        !self.salt.is_empty()
    }

    /// What shares are shares of.
    pub fn of(&self) -> f64 {
        self.of
    }

    /// Where the key falls: from 0, below [`of`](Self::of).
    ///
    /// * `xxh64`: XXH64 with seed 0 over the salt, a zero byte and the key; the upper 53 bits
    ///   as a fraction of `of` ([XXH64](https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md)).
    /// * `sha256-mod100`: the first 8 bytes of SHA-256 of the key, big-endian, modulo 100
    ///   (Higress traffic-tag `percentage`).
    /// * `crc32-mod100`: CRC-32 (IEEE 802.3) of the key modulo 100 (Higress frontend-gray weight).
    /// * `fnv1a`, `fnv1a32`: 64-bit and 32-bit FNV-1a of the key modulo `of`
    ///   ([FNV](http://www.isthe.com/chongo/tech/comp/fnv/)).
    pub fn position(&self, key: &[u8]) -> f64 {
        match self.algorithm {
            HashAlgorithm::Xxh64 => {
                let mut hasher = Xxh64::new(0);
                hasher.write(self.salt.as_bytes());
                hasher.write(&[0]);
                hasher.write(key);
                (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64 * self.of
            }
            HashAlgorithm::Sha256Mod100 => {
                let digest = Sha256::digest(key);
                let first = digest.first_chunk::<8>().copied().unwrap_or_default();
                (u64::from_be_bytes(first) % 100) as f64
            }
            HashAlgorithm::Crc32Mod100 => f64::from(CRC32.checksum(key) % 100),
            HashAlgorithm::Fnv1a => (fnv1a_64(key) % (self.of as u64).max(1)) as f64,
            HashAlgorithm::Fnv1a32 => (u64::from(fnv1a_32(key)) % (self.of as u64).max(1)) as f64,
        }
    }
}

/// A source of random bytes.
pub type RandomBytes<'a> = &'a mut dyn FnMut() -> [u8; 16];

/// A number from 0, below 1, from random bytes.
pub fn fraction(random: [u8; 16]) -> f64 {
    let bits = random
        .first_chunk::<8>()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes));
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// The table that others compute at start would cost more bytes than it saves time here.
const CRC32: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

const MAX_OF: f64 = 1_000_000_000.0;

fn fnv1a_64(key: &[u8]) -> u64 {
    key.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn fnv1a_32(key: &[u8]) -> u32 {
    key.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn sticky(algorithm: HashAlgorithm, salt: Option<&str>, of: f64) -> Sticky {
        let mut violations = Violations::default();
        let sticky = Sticky::new(
            Some(algorithm),
            salt,
            Some(of),
            &Place::root(),
            &mut violations,
        );
        sticky.unwrap_or_else(|| panic!("{violations}"))
    }

    /// Computed by programs of other languages, see `testdata/hashes/README.md`.
    #[derive(Deserialize)]
    struct Vector {
        key: String,
        sha256_mod100: f64,
        crc32_mod100: f64,
        fnv1a_mod1000: f64,
        fnv1a32_mod1000: f64,
        xxh64_exp7_of_100: f64,
    }

    #[test]
    fn agrees_with_other_implementations() {
        let vectors: Vec<Vector> =
            serde_json::from_str(include_str!("../../../testdata/hashes/vectors.json")).unwrap();
        assert!(vectors.len() >= 20);
        for vector in vectors {
            let key = vector.key.as_bytes();
            let at = |algorithm, of| sticky(algorithm, None, of).position(key);
            assert_eq!(
                at(HashAlgorithm::Sha256Mod100, 100.0),
                vector.sha256_mod100,
                "{}",
                vector.key
            );
            assert_eq!(
                at(HashAlgorithm::Crc32Mod100, 100.0),
                vector.crc32_mod100,
                "{}",
                vector.key
            );
            assert_eq!(
                at(HashAlgorithm::Fnv1a, 1000.0),
                vector.fnv1a_mod1000,
                "{}",
                vector.key
            );
            assert_eq!(
                at(HashAlgorithm::Fnv1a32, 1000.0),
                vector.fnv1a32_mod1000,
                "{}",
                vector.key
            );
            let default = sticky(HashAlgorithm::Xxh64, Some("exp-7"), 100.0).position(key);
            assert!(
                (default - vector.xxh64_exp7_of_100).abs() < 1e-9,
                "{}",
                vector.key
            );
        }
    }

    #[test]
    fn shares_are_as_large_as_they_say() {
        let sticky = sticky(HashAlgorithm::Xxh64, Some("exp-7"), 100.0);
        let below = |share: f64| {
            (0..100_000)
                .filter(|id| sticky.position(format!("user-{id}").as_bytes()) < share)
                .count() as f64
        };
        for share in [0.5, 2.5, 10.0, 50.0] {
            let p: f64 = share / 100.0;
            let sigma = (100_000.0 * p * (1.0 - p)).sqrt();
            assert!(
                (below(share) - 100_000.0 * p).abs() < 5.0 * sigma,
                "{share}"
            );
        }
    }

    #[test]
    fn two_salts_are_independent() {
        let (one, two) = (
            sticky(HashAlgorithm::Xxh64, Some("one"), 100.0),
            sticky(HashAlgorithm::Xxh64, Some("two"), 100.0),
        );
        let both = (0..100_000)
            .map(|id| format!("user-{id}"))
            .filter(|id| one.position(id.as_bytes()) < 10.0 && two.position(id.as_bytes()) < 10.0)
            .count() as f64;
        let sigma = (100_000.0_f64 * 0.01 * 0.99).sqrt();
        assert!((both - 1_000.0).abs() < 5.0 * sigma, "{both}");
    }

    #[test]
    fn what_an_algorithm_cannot_do_is_refused() {
        let refused = |algorithm, salt, of| {
            let mut violations = Violations::default();
            let sticky = Sticky::new(
                Some(algorithm),
                salt,
                Some(of),
                &Place::root(),
                &mut violations,
            );
            sticky.is_none() && !violations.is_empty()
        };
        assert!(refused(HashAlgorithm::Sha256Mod100, None, 1000.0));
        assert!(refused(HashAlgorithm::Crc32Mod100, Some("s"), 100.0));
        assert!(refused(HashAlgorithm::Fnv1a, None, 0.5));
        assert!(refused(HashAlgorithm::Xxh64, None, 0.0));
        assert!(refused(HashAlgorithm::Xxh64, None, f64::NAN));
    }
}
