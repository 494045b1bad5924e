//! What all plugins of a VM have in common: who it is, which requests wait, and what requests hold.
//!
//! Requests of a plugin go on when another one has taken its place, so their time does not depend on whose tick it is.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

use meshlane_host::stream;
use meshlane_rate_limit::{Held, Holding};

use crate::Plugin;

/// A request that waits for its turn.
pub(crate) struct Turn {
    pub(crate) plugin: Rc<Plugin>,
    /// Its place in the queue.
    pub(crate) held: Vec<Held>,
    pub(crate) since: Duration,
}

#[derive(Default)]
struct Vm {
    holder: Cell<Option<u64>>,
    plugins: RefCell<Vec<(Weak<Plugin>, Holding)>>,
    /// By the time at which they go on, and their context.
    waiting: RefCell<BTreeMap<(Duration, u32), Turn>>,
    renewed: Cell<Duration>,
}

thread_local! {
    static VM: Vm = Vm::default();
}

/// A number that no other VM has.
pub(crate) fn holder() -> u64 {
    VM.with(|vm| {
        vm.holder.get().unwrap_or_else(|| {
            let random = meshlane_host::random_bytes();
            let holder = u64::from_le_bytes(random.first_chunk().copied().unwrap_or_default());
            vm.holder.set(Some(holder));
            holder
        })
    })
}

/// A plugin has a configuration.
pub(crate) fn take_in(plugin: &Rc<Plugin>) {
    VM.with(|vm| {
        if let Ok(mut plugins) = vm.plugins.try_borrow_mut() {
            plugins.retain(|(plugin, _)| plugin.strong_count() > 0);
            plugins.push((Rc::downgrade(plugin), Holding::default()));
        }
        vm.schedule(meshlane_host::now());
    });
}

/// A request of the plugin's holds this.
pub(crate) fn hold(plugin: &Rc<Plugin>, held: &[Held]) {
    change(plugin, held, Holding::add);
}

/// A request of the plugin's holds this no more.
pub(crate) fn give_up(plugin: &Rc<Plugin>, held: &[Held]) {
    change(plugin, held, Holding::remove);
}

/// The request of a context goes on at a time.
pub(crate) fn wait(now: Duration, time: Duration, context: u32, turn: Turn) {
    hold(&turn.plugin, &turn.held);
    VM.with(|vm| {
        if let Ok(mut waiting) = vm.waiting.try_borrow_mut() {
            waiting.insert((time, context), turn);
        }
        vm.schedule(now);
    });
}

/// The request of a context is at its end, which was to go on at a time. If it still waits it went away.
pub(crate) fn forget(time: Duration, context: u32) {
    let turn = VM.with(|vm| {
        let mut waiting = vm.waiting.try_borrow_mut().ok()?;
        waiting.remove(&(time, context))
    });
    let Some(turn) = turn else { return };
    for held in &turn.held {
        turn.plugin.cancel(held);
    }
    give_up(&turn.plugin, &turn.held);
}

/// Lets those go on whose time has come, and gives a sign of life of what requests hold.
pub(crate) fn on_tick(now: Duration) {
    VM.with(|vm| {
        while let Some((context, turn)) = vm.next(now) {
            for held in &turn.held {
                turn.plugin.release(held, None);
            }
            give_up(&turn.plugin, &turn.held);
            turn.plugin.metrics.waited(now.saturating_sub(turn.since));
            stream::resume_request(context);
        }
        vm.renew(now);
        vm.schedule(now);
    });
}

impl Vm {
    /// The next request whose time has come.
    fn next(&self, now: Duration) -> Option<(u32, Turn)> {
        let mut waiting = self.waiting.try_borrow_mut().ok()?;
        let first = waiting.first_entry()?;
        let (time, context) = *first.key();
        (time <= now).then(|| (context, first.remove()))
    }

    fn renew(&self, now: Duration) {
        let Ok(plugins) = self.plugins.try_borrow() else {
            return;
        };
        let alive = plugins
            .iter()
            .filter_map(|(plugin, holding)| Some((plugin.upgrade()?, holding)));
        let alive: Vec<_> = alive.collect();
        let period = alive.iter().filter_map(|(plugin, _)| plugin.renewal).min();
        if period.is_none_or(|period| now.saturating_sub(self.renewed.get()) < period) {
            return;
        }
        self.renewed.set(now);
        for (plugin, holding) in alive {
            for held in holding.iter() {
                plugin.renew(held, now);
            }
        }
    }

    /// Has the next tick come when the next request is to go on.
    fn schedule(&self, now: Duration) {
        let Ok(waiting) = self.waiting.try_borrow() else {
            return;
        };
        let next = waiting
            .keys()
            .next()
            .map(|(time, _)| time.saturating_sub(now));
        meshlane_host::tick_every(next.unwrap_or(Duration::MAX));
    }
}

fn change(plugin: &Rc<Plugin>, held: &[Held], change: fn(&mut Holding, &Held)) {
    if held.is_empty() {
        return;
    }
    VM.with(|vm| {
        let Ok(mut plugins) = vm.plugins.try_borrow_mut() else {
            return;
        };
        let own = Rc::downgrade(plugin);
        let mut plugins = plugins.iter_mut();
        if let Some((_, holding)) = plugins.find(|(known, _)| known.ptr_eq(&own)) {
            for held in held {
                change(holding, held);
            }
        }
    });
}
