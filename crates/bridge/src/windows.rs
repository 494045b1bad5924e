use meshlane_http2::{Config, Connection};

use crate::policy::Policy;

/// How much a peer may send on a stream before its turn has come.
///
/// What is sent ahead is held in memory. So the more streams are open, the less each may send:
/// 64 × 256 KiB, then 192 × 64 KiB, then 768 × 16 KiB, and 4 KiB beyond, in all about 40 MiB for
/// 1,000 streams and a peer that uses every byte of every window.
#[derive(Debug)]
pub(crate) struct Windows {
    step: usize,
}

/// Up to how many open streams which initial window holds.
const STEPS: [(usize, u32); 4] = [
    (64, 256 * 1024),
    (256, 64 * 1024),
    (1024, 16 * 1024),
    (usize::MAX, 4 * 1024),
];

/// The window that a connection begins with.
pub(crate) const FIRST_WINDOW: u32 = 256 * 1024;

/// What this side of an HTTP/2 connection advertises.
pub(crate) fn http2_config(policy: &Policy) -> Config {
    let streams = policy.limits.max_concurrent_calls;
    Config {
        initial_window_size: FIRST_WINDOW,
        max_concurrent_streams: u32::try_from(streams).unwrap_or(u32::MAX),
        ..Config::default()
    }
}

impl Windows {
    pub(crate) fn new() -> Self {
        Self { step: 0 }
    }

    /// Brings the window in line with the number of open streams.
    ///
    /// It shrinks at once and grows late, so that a number that swings around a step does not
    /// send a SETTINGS frame each time.
    pub(crate) fn follow(&mut self, http: &mut Connection) {
        let open = http.open_streams();
        let step = step_for(open);
        let grows = step < self.step && step_for(open.saturating_mul(2)) < self.step;
        if (step > self.step || grows)
            && let Some((_, window)) = STEPS.get(step)
        {
            self.step = step;
            http.set_initial_window(*window);
        }
    }
}

fn step_for(open: usize) -> usize {
    STEPS.iter().take_while(|(up_to, _)| open > *up_to).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_more_streams_the_smaller_the_window() {
        let window = |open| STEPS[step_for(open)].1;
        assert_eq!(window(0), FIRST_WINDOW);
        assert_eq!(window(64), 256 * 1024);
        assert_eq!(window(65), 64 * 1024);
        assert_eq!(window(1024), 16 * 1024);
        assert_eq!(window(1_000_000), 4 * 1024);
    }
}
