//! Waiting for what needs time, with a deadline instead of a fixed sleep.

use std::time::Duration;

use anyhow::{Result, bail};

/// How long [`until`] waits at most.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// Repeats an attempt until it succeeds; the error of the last one is returned when [`DEADLINE`] passes.
pub async fn until<T>(what: &str, mut attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let mut last = None;
    let waited = tokio::time::timeout(DEADLINE, async {
        loop {
            match attempt().await {
                Ok(value) => return value,
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
    match (waited, last) {
        (Ok(value), _) => Ok(value),
        (Err(_), Some(error)) => Err(error.context(format!("not within {DEADLINE:?}: {what}"))),
        (Err(_), None) => {
            bail!("not within {DEADLINE:?}, and not one attempt came to an end: {what}")
        }
    }
}
