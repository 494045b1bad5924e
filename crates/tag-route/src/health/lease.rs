//! Which VM of a proxy polls.

use std::time::Duration;

/// The right to poll, until it expires. The bytes lie where all VMs of the proxy see them, and are written by
/// compare-and-swap: of several that want an expired lease one gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Who has it: a random number of the VM's.
    pub holder: u64,
    /// Until when, since 1970.
    pub expires: Duration,
}

impl Lease {
    /// The lease that `holder` may write at the time `now`: its own is renewed, an expired one is taken over. Nothing while
    /// somebody else has it.
    ///
    /// It lasts two intervals and a half: a VM that is gone is followed by another after two polls were missed.
    pub fn claim(
        current: Option<&[u8]>,
        holder: u64,
        now: Duration,
        interval: Duration,
    ) -> Option<Self> {
        let current = current.and_then(Self::decode);
        // The clock of a machine may be set back: what lies far ahead is no lease.
        let longest = Self::length(interval);
        let is_held = |lease: &Self| {
            lease.holder != holder && lease.expires > now && lease.expires <= now + longest * 2
        };
        (!current.as_ref().is_some_and(is_held)).then(|| Self {
            holder,
            expires: now + longest,
        })
    }

    /// The form in which it is shared: 8 bytes of the holder, 8 bytes of nanoseconds, little-endian.
    pub fn encode(&self) -> [u8; 16] {
        let expires = u64::try_from(self.expires.as_nanos()).unwrap_or(u64::MAX);
        let mut bytes = [0; 16];
        let (holder, time) = bytes.split_at_mut(8);
        holder.copy_from_slice(&self.holder.to_le_bytes());
        time.copy_from_slice(&expires.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (holder, rest) = bytes.split_first_chunk()?;
        let (expires, _) = rest.split_first_chunk()?;
        Some(Self {
            holder: u64::from_le_bytes(*holder),
            expires: Duration::from_nanos(u64::from_le_bytes(*expires)),
        })
    }

    fn length(interval: Duration) -> Duration {
        interval * 5 / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const INTERVAL: Duration = Duration::from_secs(2);

    fn claim(current: Option<&Lease>, holder: u64, now: u64) -> Option<Lease> {
        let bytes = current.map(Lease::encode);
        let bytes = bytes.as_ref().map(<[u8; 16]>::as_slice);
        Lease::claim(bytes, holder, Duration::from_secs(now), INTERVAL)
    }

    #[test]
    fn one_holds_it_until_it_expires() {
        let first = claim(None, 1, 100).unwrap();
        assert_eq!(first.expires, Duration::from_secs(105));
        assert_eq!(claim(Some(&first), 2, 104), None);
        let renewed = claim(Some(&first), 1, 102).unwrap();
        assert_eq!(renewed.expires, Duration::from_secs(107));
        assert_eq!(claim(Some(&renewed), 2, 106), None);
        let second = claim(Some(&renewed), 2, 107).unwrap();
        assert_eq!(claim(Some(&second), 1, 108), None);
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let ahead = claim(None, 1, 1_000).unwrap();
        assert!(claim(Some(&ahead), 2, 10).is_some());
    }

    #[test]
    fn bytes_of_others_are_no_lease() {
        assert!(Lease::claim(Some(b"x"), 1, INTERVAL, INTERVAL).is_some());
    }
}
