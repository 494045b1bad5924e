//! Changes attachments in a body and leaves every other byte as it is.

mod fastjson2;
mod hessian2;

use std::ops::Range;

use crate::{InvalidBody, InvalidBodyKind, Limits, Serialization, Unreadable};

/// A change of one attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'c> {
    /// The exact name.
    pub name: &'c str,
    /// The new value; `None` removes the attachment.
    pub value: Option<&'c str>,
}

/// Bytes that take the place of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced, in the body as it was.
    pub range: Range<usize>,
    /// What comes there.
    pub replacement: Vec<u8>,
}

/// What to replace in a body so that its attachments change.
///
/// The edits are in order and apart from each other; none are needed where the attachments
/// are already as wanted. Nothing is re-encoded: strings take part neither in Hessian's
/// reference table nor in JSONB's paths, so pairs of strings come and go freely. A value that
/// is a list, a map or an object stays, and a pair behind it takes its place: the last one wins.
/// Of two changes of one name the last counts.
///
/// `attachments` is [`Call::attachments_range`](crate::Call::attachments_range) of the same body.
pub fn splice(
    serialization: Serialization,
    body: &[u8],
    attachments: Range<usize>,
    changes: &[Change<'_>],
    limits: &Limits,
) -> Result<Vec<Edit>, Unreadable> {
    if attachments.is_empty() || body.get(attachments.clone()).is_none() {
        return Err(InvalidBodyKind::Attachments.at(attachments.start).into());
    }
    let edits = match serialization {
        Serialization::HESSIAN2 => hessian2::splice(body, attachments, changes, limits),
        Serialization::FASTJSON2 => fastjson2::splice(body, attachments, changes, limits),
        _ => return Err(Unreadable::Serialization(serialization)),
    };
    Ok(edits?)
}

/// The length of a body after the edits.
pub fn spliced_length(body_length: usize, edits: &[Edit]) -> usize {
    let added: usize = edits.iter().map(|edit| edit.replacement.len()).sum();
    let removed: usize = edits.iter().map(|edit| edit.range.len()).sum();
    (body_length + added).saturating_sub(removed)
}

/// The body after the edits.
pub fn apply(body: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut spliced = Vec::with_capacity(spliced_length(body.len(), edits));
    let mut kept = 0;
    for Edit { range, replacement } in edits {
        spliced.extend_from_slice(body.get(kept..range.start).unwrap_or_default());
        spliced.extend_from_slice(replacement);
        kept = range.end;
    }
    spliced.extend_from_slice(body.get(kept..).unwrap_or_default());
    spliced
}

/// A pair in the map of attachments, by its places in the body.
#[derive(Debug, Clone)]
struct Pair {
    start: usize,
    value_start: usize,
    end: usize,
    /// Whether the value may be replaced: a scalar.
    replaceable: bool,
    /// Whether the whole pair may go away.
    removable: bool,
    /// Whether the value is the wanted one already.
    same: bool,
}

/// How a serialization writes what changes.
struct Notation {
    text: fn(&mut Vec<u8>, &str),
    null: u8,
    /// What is around the pairs of a map.
    map: [u8; 2],
}

/// The pairs of each change as they were found, and where further pairs can be inserted.
struct Plan<'p> {
    changes: &'p [Change<'p>],
    pairs: Vec<Vec<Pair>>,
}

impl<'p> Plan<'p> {
    fn new(changes: &'p [Change<'p>]) -> Self {
        Self {
            changes,
            pairs: vec![Vec::new(); changes.len()],
        }
    }

    /// The change that counts for a name.
    fn change(&self, name: &str) -> Option<(usize, Change<'p>)> {
        let mut changes = self.changes.iter().enumerate().rev();
        changes
            .find(|(_, change)| change.name == name)
            .map(|(place, change)| (place, *change))
    }

    /// A pair that one of the changes is about.
    fn found(&mut self, place: usize, pair: Pair) {
        if let Some(pairs) = self.pairs.get_mut(place) {
            pairs.push(pair);
        }
    }

    /// The edits in order. Pairs that are new come last in the map, at `end`; where there is none because `attachments`
    /// are null, a map takes their place.
    fn edits(
        &self,
        notation: &Notation,
        attachments: Range<usize>,
        end: Option<usize>,
    ) -> Vec<Edit> {
        let mut edits = Vec::new();
        let mut behind = Vec::new();
        for (place, change) in self.changes.iter().enumerate() {
            if self.change(change.name).map(|(counts, _)| counts) != Some(place) {
                continue;
            }
            let pairs = self.pairs.get(place).map(Vec::as_slice).unwrap_or_default();
            match change.value {
                Some(value) => set(notation, *change, value, pairs, &mut edits, &mut behind),
                None => remove(notation, *change, pairs, &mut edits, &mut behind),
            }
        }
        edits.sort_by_key(|edit| edit.range.start);
        if !behind.is_empty() {
            let [open, close] = notation.map;
            edits.push(match end {
                Some(end) => Edit {
                    range: end..end,
                    replacement: behind,
                },
                None => Edit {
                    range: attachments,
                    replacement: [&[open][..], &behind, &[close]].concat(),
                },
            });
        }
        edits
    }
}

/// The last pair takes the value, the others go; without one that can, a pair comes behind.
fn set(
    notation: &Notation,
    change: Change<'_>,
    value: &str,
    pairs: &[Pair],
    edits: &mut Vec<Edit>,
    behind: &mut Vec<u8>,
) {
    let last = pairs.last().filter(|pair| pair.replaceable);
    if last.is_none() {
        (notation.text)(behind, change.name);
        (notation.text)(behind, value);
    }
    for pair in pairs {
        let is_last = last.is_some_and(|last| last.start == pair.start);
        if is_last && !pair.same {
            edits.push(Edit {
                range: pair.value_start..pair.end,
                replacement: encoded(notation.text, value),
            });
        } else if !is_last && pair.removable {
            edits.push(cut(pair));
        }
    }
}

/// All pairs go; where one cannot, null overwrites it.
fn remove(
    notation: &Notation,
    change: Change<'_>,
    pairs: &[Pair],
    edits: &mut Vec<Edit>,
    behind: &mut Vec<u8>,
) {
    if pairs.iter().all(|pair| pair.removable) {
        edits.extend(pairs.iter().map(cut));
    } else if pairs.last().is_some_and(|last| !last.same) {
        (notation.text)(behind, change.name);
        behind.push(notation.null);
    }
}

fn cut(pair: &Pair) -> Edit {
    Edit {
        range: pair.start..pair.end,
        replacement: Vec::new(),
    }
}

fn encoded(write: fn(&mut Vec<u8>, &str), text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + 6);
    write(&mut bytes, text);
    bytes
}

/// Why a splice fails: a body that [`Call::read`](crate::Call::read) accepted never does.
type Spliced = Result<Vec<Edit>, InvalidBody>;

#[cfg(test)]
mod tests;
