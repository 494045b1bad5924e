//! What limits count of the requests that come to a proxy one after the other.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use meshlane_attributes::{StaticFacts, Workload};
use meshlane_conditions::RandomBytes;
use meshlane_rate_limit::{Counts, Explanation, Held, Now, Policy};
use meshlane_shared_data::MapData;

/// What the limits of a proxy have counted; nothing before its first request.
#[derive(Debug, Default)]
pub struct Counted {
    data: MapData,
    waiting: RefCell<Vec<Waiting>>,
}

/// A place in a queue that a request has until its turn comes.
#[derive(Debug)]
struct Waiting {
    until: Duration,
    held: Held,
    policy: Rc<Policy>,
}

impl Counted {
    /// Decides about a request and tells why. It is counted, also for those that come later.
    pub(super) fn explain(
        &self,
        policy: &Rc<Policy>,
        facts: &StaticFacts,
        workload: &Workload,
        random: RandomBytes<'_>,
    ) -> Explanation {
        let time = facts.time.unwrap_or_default();
        self.let_go(time);
        let holder = 1;
        let now = Now { time, holder };
        let counts = self.counts(policy);
        let explanation = policy.explain(&counts, &self.data, facts, workload, now, random);
        self.wait(policy, time, &explanation);
        explanation
    }

    /// The requests whose turn has come wait no more.
    fn let_go(&self, time: Duration) {
        self.waiting.borrow_mut().retain(|waiting| {
            let has_turn = waiting.until <= time;
            if has_turn {
                let Waiting { held, policy, .. } = waiting;
                let counts = self.counts(policy);
                counts.release(policy, &self.data, held, (waiting.until, None));
            }
            !has_turn
        });
    }

    fn wait(&self, policy: &Rc<Policy>, time: Duration, explanation: &Explanation) {
        let wait = Duration::try_from_secs_f64(explanation.wait).unwrap_or_default();
        let held = explanation.held.iter().filter(|held| held.is_waiting());
        let waiting = held.map(|held| Waiting {
            until: time + wait,
            held: held.clone(),
            policy: Rc::clone(policy),
        });
        self.waiting.borrow_mut().extend(waiting);
    }

    /// The counts of a policy. Keys need not be spread in a way that nobody foresees.
    fn counts(&self, policy: &Policy) -> Counts {
        Counts::open(policy, &self.data, &mut || [0; 16])
    }
}
