//! How many healthy endpoints each cluster has, at some time.

use std::collections::BTreeMap;
use std::time::Duration;

/// How many healthy endpoints each cluster has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<String, ClusterHealth>);

/// The endpoints of a cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClusterHealth {
    /// How many are healthy.
    pub healthy: u32,
    /// How many there are.
    pub total: u32,
}

impl Snapshot {
    /// The most clusters in a snapshot.
    pub const MAX_CLUSTERS: usize = 50_000;

    /// What is known of a cluster; one that is not there has no endpoints.
    pub fn get(&self, cluster: &str) -> ClusterHealth {
        self.0.get(cluster).copied().unwrap_or_default()
    }

    /// How many clusters there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a cluster, unless there are too many; tells whether it did.
    pub(crate) fn insert(&mut self, cluster: String, health: ClusterHealth) -> bool {
        let fits = self.0.len() < Self::MAX_CLUSTERS || self.0.contains_key(&cluster);
        if fits {
            self.0.insert(cluster, health);
        }
        fits
    }

    /// The form in which a proxy shares it: `time` (since 1970, 8 bytes of nanoseconds), then for each cluster the length
    /// of its name (2 bytes), healthy and all endpoints (4 bytes each) and the name. Numbers are little-endian.
    ///
    /// Clusters whose names are longer than 65,535 bytes, which Envoy has none of, are left out.
    pub fn encode(&self, time: Duration) -> Vec<u8> {
        let names: usize = self.0.keys().map(|name| HEAD + name.len()).sum();
        let mut bytes = Vec::with_capacity(size_of::<u64>() + names);
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        bytes.extend_from_slice(&nanoseconds.to_le_bytes());
        for (name, health) in &self.0 {
            let Ok(length) = u16::try_from(name.len()) else {
                continue;
            };
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&health.healthy.to_le_bytes());
            bytes.extend_from_slice(&health.total.to_le_bytes());
            bytes.extend_from_slice(name.as_bytes());
        }
        bytes
    }

    /// When an encoded snapshot was made; nothing for other bytes.
    pub fn time(bytes: &[u8]) -> Option<Duration> {
        let (time, _) = bytes.split_first_chunk()?;
        Some(Duration::from_nanos(u64::from_le_bytes(*time)))
    }

    /// Reads what [`encode`](Self::encode) wrote; nothing for other bytes.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (_, mut rest) = bytes.split_first_chunk::<{ size_of::<u64>() }>()?;
        let mut snapshot = Self::default();
        while !rest.is_empty() {
            let (length, after) = rest.split_first_chunk()?;
            let (healthy, after) = after.split_first_chunk()?;
            let (total, after) = after.split_first_chunk()?;
            let length = u16::from_le_bytes(*length);
            let (name, after) = after.split_at_checked(usize::from(length))?;
            let health = ClusterHealth {
                healthy: u32::from_le_bytes(*healthy),
                total: u32::from_le_bytes(*total),
            };
            let name = std::str::from_utf8(name).ok()?;
            snapshot.0.insert(name.to_owned(), health);
            rest = after;
        }
        Some(snapshot)
    }
}

impl<'n> FromIterator<(&'n str, ClusterHealth)> for Snapshot {
    fn from_iter<I: IntoIterator<Item = (&'n str, ClusterHealth)>>(clusters: I) -> Self {
        let clusters = clusters.into_iter();
        Self(
            clusters
                .map(|(name, health)| (name.to_owned(), health))
                .collect(),
        )
    }
}

/// What stands before a name.
const HEAD: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn what_is_encoded_is_decoded() {
        let health = |healthy, total| ClusterHealth { healthy, total };
        let snapshot: Snapshot = [
            ("outbound|80||a.shop", health(1, 2)),
            ("", health(0, 0)),
            ("ä", health(70_000, u32::MAX)),
        ]
        .into_iter()
        .collect();
        let time = Duration::new(1_700_000_000, 7);
        let bytes = snapshot.encode(time);
        assert_eq!(Snapshot::time(&bytes), Some(time));
        assert_eq!(Snapshot::decode(&bytes), Some(snapshot));
        for end in 9..bytes.len() {
            // Cut between two clusters it is a shorter snapshot, cut anywhere else none.
            let cut = Snapshot::decode(&bytes[..end]);
            assert!(cut.is_none_or(|cut| cut.len() < 3), "{end}");
        }
        assert_eq!(Snapshot::decode(b"short"), None);
    }
}
