//! Reading parts of a body again: what a back reference stands for.

use super::Decoder;
use super::head::Head;
use super::walk::{Flow, Visitor};
use crate::{Invalid, InvalidKind};

impl<'a> Decoder<'a> {
    /// Reads, from an offset on, what has been read before. Nothing is given when that leads to bytes
    /// that have not been read yet: out of a map that was entered and not left.
    pub(super) fn replay<T>(
        &mut self,
        offset: usize,
        read: impl FnOnce(&mut Self) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Invalid> {
        let here = self.reader;
        self.reader = here.before(offset);
        self.replaying = true;
        let result = read(self);
        self.replaying = false;
        self.reader = here;
        match result {
            Ok(value) => Ok(Some(value)),
            Err(invalid) if invalid.kind == InvalidKind::TooMuchWork => Err(invalid),
            Err(_) => Ok(None),
        }
    }

    /// Where the lists, maps and objects with these numbers begin. The numbers are in ascending order. What is
    /// kept for this while a body is read is nothing: few bodies have back references, and few of those
    /// are on the way to something that is looked for.
    pub(super) fn locate(&mut self, numbers: &[u32]) -> Result<Vec<(u32, usize)>, Invalid> {
        let mut locate = Locate {
            numbers,
            next: 0,
            found: Vec::new(),
        };
        if numbers.is_empty() {
            return Ok(locate.found);
        }
        self.replay(0, |decoder| {
            while locate.goes_on().is_continue() {
                let (at, head) = decoder.head()?;
                decoder.walk(at, head, 0, &mut locate)?;
            }
            Ok(())
        })?;
        Ok(locate.found)
    }
}

/// Counts lists, maps and objects and keeps where the wanted ones are.
struct Locate<'n> {
    numbers: &'n [u32],
    /// The number of the next one.
    next: u32,
    found: Vec<(u32, usize)>,
}

impl Locate<'_> {
    fn goes_on(&self) -> Flow {
        if self.found.len() < self.numbers.len() {
            Flow::Continue(())
        } else {
            Flow::Break(())
        }
    }
}

impl<'a> Visitor<'a> for Locate<'_> {
    const SKIPS: bool = true;

    fn leaf(&mut self, decoder: &mut Decoder<'a>, at: usize, head: Head) -> Result<(), Invalid> {
        match head {
            Head::Text(tag) => decoder.skip_text(at, tag),
            Head::Binary(tag) => decoder.skip_binary(at, tag),
            _ => Ok(()),
        }
    }

    fn open(&mut self, _: &mut Decoder<'a>, at: usize, _: Head) -> Result<Flow, Invalid> {
        if self.numbers.get(self.found.len()) == Some(&self.next) {
            self.found.push((self.next, at));
        }
        self.next = self.next.saturating_add(1);
        Ok(self.goes_on())
    }

    fn close(&mut self) {}
}
