//! Who holds how many places: VMs, which give them back, or of which nothing is heard any more.
//!
//! State: for each holder 8 bytes, who it is, 8 bytes, when it was last heard of, in nanoseconds since 1970, and 4 bytes, how many
//! it has; all little-endian.

use std::time::Duration;

/// How many places are taken, and by whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Holders(Vec<Holder>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Holder {
    id: u64,
    seen: u64,
    count: u32,
}

impl Holders {
    /// Those of which something was heard within the lease.
    pub(super) fn alive(mut self, now: Duration, lease: Duration) -> Self {
        let (now, lease) = (nanoseconds(now), nanoseconds(lease));
        self.0.retain(|holder| now.abs_diff(holder.seen) < lease);
        self
    }

    pub(super) fn sum(&self) -> u64 {
        self.0.iter().map(|holder| u64::from(holder.count)).sum()
    }

    /// Takes a place; tells whether there was a line left for the holder.
    pub(super) fn add(&mut self, id: u64, now: Duration) -> bool {
        let seen = nanoseconds(now);
        if let Some(holder) = self.0.iter_mut().find(|holder| holder.id == id) {
            holder.count = holder.count.saturating_add(1);
            holder.seen = holder.seen.max(seen);
            return true;
        }
        let has_room = self.0.len() < MAX_HOLDERS;
        if has_room {
            self.0.push(Holder { id, seen, count: 1 });
        }
        has_room
    }

    pub(super) fn remove(&mut self, id: u64) {
        if let Some(holder) = self.0.iter_mut().find(|holder| holder.id == id) {
            holder.count = holder.count.saturating_sub(1);
        }
        self.0.retain(|holder| holder.count > 0);
    }

    pub(super) fn renew(&mut self, id: u64, now: Duration) {
        if let Some(holder) = self.0.iter_mut().find(|holder| holder.id == id) {
            holder.seen = nanoseconds(now);
        }
    }

    pub(super) fn decode(state: &[u8]) -> Self {
        let mut rest = state;
        let mut holders = Vec::new();
        while let Some(holder) = Holder::decode(&mut rest) {
            if holders.len() < MAX_HOLDERS {
                holders.push(holder);
            }
        }
        Self(holders)
    }

    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        for Holder { id, seen, count } in &self.0 {
            bytes.extend_from_slice(&id.to_le_bytes());
            bytes.extend_from_slice(&seen.to_le_bytes());
            bytes.extend_from_slice(&count.to_le_bytes());
        }
    }
}

impl Holder {
    fn decode(rest: &mut &[u8]) -> Option<Self> {
        let (id, behind) = rest.split_first_chunk()?;
        let (seen, behind) = behind.split_first_chunk()?;
        let (count, behind) = behind.split_first_chunk()?;
        *rest = behind;
        Some(Self {
            id: u64::from_le_bytes(*id),
            seen: u64::from_le_bytes(*seen),
            count: u32::from_le_bytes(*count),
        })
    }
}

pub(super) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// More VMs than a proxy has workers, old and new ones together.
const MAX_HOLDERS: usize = 512;
