use std::collections::VecDeque;

use bytes::Bytes;

use crate::HeaderBlock;

/// The streams that are open in at least one direction.
///
/// Numbers only grow, so the index is sorted by appending and searched by halves: no hashing for one stream, and little
/// to do for thousands. Slots keep their queue's memory for the next stream.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// Number and slot, by number.
    index: Vec<(u32, u32)>,
    slots: Vec<Stream>,
    free: Vec<u32>,
}

impl Streams {
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn get(&self, id: u32) -> Option<&Stream> {
        self.slots.get(self.slot(id)?)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Stream> {
        let slot = self.slot(id)?;
        self.slots.get_mut(slot)
    }

    /// Opens a stream; its number must be above all before.
    pub(super) fn open(&mut self, id: u32, remote: Remote) -> Option<&mut Stream> {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Stream::default());
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        self.index.push((id, slot));
        let stream = self.slots.get_mut(slot as usize)?;
        stream.remote = remote;
        Some(stream)
    }

    /// Forgets a stream. Returns what was queued on it, and whether it waited for its turn.
    pub(super) fn remove(&mut self, id: u32) -> Option<(usize, bool)> {
        let at = self.position(id)?;
        let (_, slot) = self.index.remove(at);
        let stream = self.slots.get_mut(slot as usize)?;
        let left = (stream.queued, stream.scheduled);
        stream.recycle();
        self.free.push(slot);
        if self.index.is_empty() && self.slots.len() > KEPT_SLOTS {
            self.slots = Vec::new();
            self.free = Vec::new();
        }
        Some(left)
    }

    pub(super) fn remove_all(&mut self) {
        *self = Self::default();
    }

    /// The highest stream above `last`.
    pub(super) fn highest_above(&self, last: u32) -> Option<u32> {
        self.index.last().map(|(id, _)| *id).filter(|id| *id > last)
    }

    pub(super) fn for_each(&mut self, mut visit: impl FnMut(u32, &mut Stream)) {
        for &(id, slot) in &self.index {
            if let Some(stream) = self.slots.get_mut(slot as usize) {
                visit(id, stream);
            }
        }
    }

    fn slot(&self, id: u32) -> Option<usize> {
        let (_, slot) = *self.index.get(self.position(id)?)?;
        Some(slot as usize)
    }

    fn position(&self, id: u32) -> Option<usize> {
        self.index.binary_search_by_key(&id, |(id, _)| *id).ok()
    }
}

/// One stream. Windows are kept as the difference to the initial window, so that SETTINGS change them all at once.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Granted minus received.
    pub(super) received: i64,
    /// Granted, but not yet told by WINDOW_UPDATE.
    pub(super) untold: u32,
    /// WINDOW_UPDATE of the peer minus sent.
    pub(super) sent: i64,
    pub(super) remote: Remote,
    pub(super) local: Local,
    /// What the body may still have by its `content-length`.
    pub(super) content_length: Option<u64>,
    pub(super) queue: VecDeque<Item>,
    /// Body bytes in the queue.
    pub(super) queued: usize,
    /// In one of the lists of the scheduler.
    pub(super) scheduled: bool,
}

impl Stream {
    fn recycle(&mut self) {
        let mut queue = std::mem::take(&mut self.queue);
        queue.clear();
        *self = Self::default();
        if queue.capacity() <= KEPT_QUEUE {
            self.queue = queue;
        }
    }
}

/// What the peer may still send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Remote {
    /// A response, after any number of informational ones.
    Head,
    #[default]
    Body,
    Closed,
}

/// What this side may still send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Local {
    #[default]
    Open,
    /// The end is queued.
    Ending,
    Closed,
}

#[derive(Debug)]
pub(super) enum Item {
    Data(Bytes, bool),
    Headers(HeaderBlock, bool),
}

/// Slots to keep when no stream is open.
const KEPT_SLOTS: usize = 64;

/// Entries of a queue to keep for the next stream.
const KEPT_QUEUE: usize = 16;
