use std::cell::Cell;
use std::rc::Rc;

use crate::policy::Limits;

/// How many bytes the connections of one VM may hold together.
///
/// A network filter cannot stop its upstream from sending, so what has to wait for a window or
/// for the rest of a frame is held in the VM. Each connection reports how much that is; what
/// would go over the limit is refused.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    held: Rc<Cell<usize>>,
}

impl Budget {
    /// A budget of which nothing is taken yet. Clones share it.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes all connections hold, as they last reported.
    pub fn held(&self) -> usize {
        self.held.get()
    }
}

/// The part of a [`Budget`] that one connection holds; given back when it ends.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Budget,
    held: usize,
}

impl Share {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, held: 0 }
    }

    /// Reports what the connection holds now.
    pub(crate) fn report(&mut self, held: usize) {
        let others = self.budget.held.get().saturating_sub(self.held);
        self.budget.held.set(others.saturating_add(held));
        self.held = held;
    }

    /// Whether the connection may hold as much as this, by its own limit and that of the VM.
    pub(crate) fn allows(&self, held: usize, limits: &Limits) -> bool {
        let others = self.budget.held.get().saturating_sub(self.held);
        held <= limits.max_buffered_bytes
            && others.saturating_add(held) <= limits.max_buffered_bytes_per_vm
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.report(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn connections_share_the_limit_and_give_back_what_they_held() {
        let limits = Limits {
            max_buffered_bytes: 80,
            max_buffered_bytes_per_vm: 100,
            ..Limits::default()
        };
        let budget = Budget::new();
        let mut one = Share::new(budget.clone());
        let two = Share::new(budget.clone());
        assert!(one.allows(60, &limits));
        one.report(60);
        assert!(two.allows(40, &limits));
        assert!(!two.allows(41, &limits), "the VM's limit");
        assert!(!one.allows(81, &limits), "its own limit");
        assert!(one.allows(80, &limits), "what it holds already counts once");
        drop(one);
        assert_eq!(budget.held(), 0);
    }
}
