//! Connections that are to be closed once their last bytes are out.
//!
//! Envoy drops what a callback writes when the same callback closes the connection. So the
//! close follows later: with the next bytes, or with the next tick.

use std::cell::RefCell;

use meshlane_host::connection;

thread_local! {
    static LINGERING: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// Closes the connection of a stream context with the next tick.
pub(crate) fn close_soon(context: u32) {
    with(|lingering| lingering.push(context));
}

/// The connection is gone: its context's number may be given to another one.
pub(crate) fn forget(context: u32) {
    with(|lingering| lingering.retain(|known| *known != context));
}

/// Closes them all.
pub(crate) fn close_all() {
    for context in with(std::mem::take).unwrap_or_default() {
        connection::close_context(context);
    }
}

fn with<T>(action: impl FnOnce(&mut Vec<u32>) -> T) -> Option<T> {
    LINGERING.with(|lingering| {
        lingering
            .try_borrow_mut()
            .ok()
            .map(|mut list| action(&mut list))
    })
}
