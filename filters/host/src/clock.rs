use std::time::Duration;

use crate::abi;

/// The time, since 1970.
pub fn now() -> Duration {
    Duration::from_nanos(abi::now().unwrap_or_default())
}
