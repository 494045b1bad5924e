//! Waiting for what needs time, with a deadline instead of a fixed sleep.

use std::time::Duration;

use anyhow::{Result, bail};

/// How long [`until`] waits at most.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// Repeats an attempt until it succeeds; the error of the last one is returned when [`DEADLINE`] passes.
pub async fn until<T>(what: &str, attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    within(DEADLINE, what, attempt).await
}

/// The same with five times the patience: for what starts once, on a machine that may be busy.
pub async fn patiently<T>(what: &str, attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    within(5 * DEADLINE, what, attempt).await
}

async fn within<T>(
    deadline: Duration,
    what: &str,
    mut attempt: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let mut last = None;
    let waited = tokio::time::timeout(deadline, async {
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
        (Err(_), Some(error)) => Err(error.context(format!("not within {deadline:?}: {what}"))),
        (Err(_), None) => {
            bail!("not within {deadline:?}, and not one attempt came to an end: {what}")
        }
    }
}
