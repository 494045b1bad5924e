//! Going through a value without recursion.

use std::ops::ControlFlow;

use super::Decoder;
use super::head::Head;
use crate::{Invalid, InvalidKind};

/// What is done with the parts of a value on the way through it.
pub(super) trait Visitor<'a> {
    /// Whether numbers and short texts need not be shown.
    const SKIPS: bool;
    /// A value without parts. The content of a text or binary must be read.
    fn leaf(&mut self, decoder: &mut Decoder<'a>, at: usize, head: Head) -> Result<(), Invalid>;
    /// A list, map or object begins. The walk may end here.
    fn open(&mut self, decoder: &mut Decoder<'a>, at: usize, head: Head) -> Result<Flow, Invalid>;
    /// The one that was opened last ends.
    fn close(&mut self);
}

/// Whether to go on.
pub(super) type Flow = ControlFlow<()>;

/// Where in a list, map or object we are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// So many values are still to come.
    Counted(u32),
    /// Elements until the end mark.
    Open,
    /// A key or the end mark.
    Key,
    /// The value of a key.
    Value,
}

impl Place {
    /// The place at the begin of a list, map or object; nothing for other values.
    pub(super) fn first(head: Head) -> Option<Self> {
        match head {
            Head::List { length, .. } => Some(length.map_or(Self::Open, Self::Counted)),
            Head::Map { .. } => Some(Self::Key),
            Head::Object { fields, .. } => Some(Self::Counted(fields)),
            _ => None,
        }
    }
}

impl<'a> Decoder<'a> {
    /// Passes over a value that has `depth` lists, maps and objects around it.
    pub(super) fn skip(&mut self, depth: usize) -> Result<(), Invalid> {
        if self.pass_small() {
            return Ok(());
        }
        let (at, head) = self.head()?;
        self.skip_from(at, head, depth)
    }

    /// Passes over the rest of a value whose begin has been read.
    pub(super) fn skip_from(&mut self, at: usize, head: Head, depth: usize) -> Result<(), Invalid> {
        self.walk(at, head, depth, &mut Skip)
    }

    /// Goes through a value whose begin has been read.
    pub(super) fn walk<V: Visitor<'a>>(
        &mut self,
        mut at: usize,
        mut head: Head,
        depth: usize,
        visitor: &mut V,
    ) -> Result<(), Invalid> {
        let mut places = Vec::new();
        loop {
            if let Some(place) = Place::first(head) {
                self.check_depth(at, depth + places.len())?;
                if visitor.open(self, at, head)?.is_break() {
                    return Ok(());
                }
                places.push(place);
            } else {
                visitor.leaf(self, at, head)?;
            }
            loop {
                let Some(place) = places.last_mut() else {
                    return Ok(());
                };
                if self.advance(place)? {
                    if V::SKIPS && self.pass_small() {
                        continue;
                    }
                    break;
                }
                places.pop();
                visitor.close();
            }
            (at, head) = self.head()?;
        }
    }

    /// Passes over a value of one step whose extent its tag tells, if one comes next: what a body consists of
    /// mostly. False when it is something else or not in order; then nothing has been read.
    fn pass_small(&mut self) -> bool {
        let rest = self.reader.rest();
        let (Some((tag, content)), Some(work)) = (rest.split_first(), self.work.checked_sub(1))
        else {
            return false;
        };
        let length = match tag {
            0x00..=0x2f if self.limits.length < 0x20 => return false,
            0x00..=0x1f => {
                let length = usize::from(*tag);
                match content.get(..length) {
                    Some(text) if text.is_ascii() => length,
                    _ => return false,
                }
            }
            0x20..=0x2f => usize::from(tag & 0x0f),
            b'F' | b'N' | b'T' | 0x5b | 0x5c | 0x80..=0xbf | 0xd8..=0xef => 0,
            0x5d | 0xc0..=0xcf | 0xf0..=0xff => 1,
            0x38..=0x3f | 0x5e | 0xd0..=0xd7 => 2,
            b'I' | b'K' | b'Y' | 0x5f => 4,
            b'D' | b'J' | b'L' => 8,
            _ => return false,
        };
        let passed = length <= content.len() && self.reader.take(1 + length).is_ok();
        if passed {
            self.work = work;
        }
        passed
    }

    /// Goes on within a list, map or object: whether there is another value.
    pub(super) fn advance(&mut self, place: &mut Place) -> Result<bool, Invalid> {
        match place {
            Place::Counted(0) => Ok(false),
            Place::Counted(left) => {
                *left -= 1;
                Ok(true)
            }
            Place::Open => Ok(!self.reader.eat(b'Z')?),
            Place::Key => {
                *place = Place::Value;
                Ok(!self.reader.eat(b'Z')?)
            }
            Place::Value => {
                *place = Place::Key;
                Ok(true)
            }
        }
    }

    /// Refuses a list, map or object with too many around it.
    pub(super) fn check_depth(&self, at: usize, around: usize) -> Result<(), Invalid> {
        let fits = u32::try_from(around).is_ok_and(|around| around < self.limits.depth);
        fits.then_some(())
            .ok_or(Invalid::new(at, InvalidKind::TooDeep))
    }
}

/// Nothing is done with the parts.
struct Skip;

impl<'a> Visitor<'a> for Skip {
    const SKIPS: bool = true;

    #[inline]
    fn leaf(&mut self, decoder: &mut Decoder<'a>, at: usize, head: Head) -> Result<(), Invalid> {
        match head {
            Head::Text(tag) => decoder.skip_text(at, tag),
            Head::Binary(tag) => decoder.skip_binary(at, tag),
            _ => Ok(()),
        }
    }

    #[inline]
    fn open(&mut self, _: &mut Decoder<'a>, _: usize, _: Head) -> Result<Flow, Invalid> {
        Ok(Flow::Continue(()))
    }

    #[inline]
    fn close(&mut self) {}
}
