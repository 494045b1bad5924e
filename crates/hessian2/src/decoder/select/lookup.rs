//! What a selection looks up in the part of the body that has been read.

use super::{Live, Selection};
use crate::decoder::Decoder;
use crate::decoder::head::Head;
use crate::decoder::walk::Place;
use crate::{Invalid, MAX_LIST, Scalar, Text};

/// Something to look up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lookup {
    pub(super) path: usize,
    pub(super) then: Then,
    pub(super) target: Target,
}

/// Where it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    /// The list, map or object that begins here.
    Offset(usize),
    /// The list, map or object of this number.
    Reference(u32),
}

/// What is wanted of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Then {
    /// The path goes on here with this step, or ends.
    GoOn(usize),
    /// It is this element of the list that was found on the path.
    Element(usize),
}

impl<'a> Decoder<'a> {
    /// Looks everything up. This ends, whatever refers to what: each round takes at least one step on each path,
    /// because a back reference leads to a list, map or object and never to another back reference.
    pub(super) fn look_up(&mut self, selection: &mut Selection<'_, 'a>) -> Result<(), Invalid> {
        while !selection.lookups.is_empty() {
            let round = std::mem::take(&mut selection.lookups);
            let mut numbers: Vec<u32> = round.iter().filter_map(Lookup::number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            let located = self.locate(&numbers)?;
            let mut placed: Vec<(usize, Lookup)> = round
                .into_iter()
                .filter_map(|lookup| Some((lookup.offset(&located)?, lookup)))
                .collect();
            placed.sort_by_key(|(offset, _)| *offset);
            for group in placed.chunk_by(|(one, _), (other, _)| one == other) {
                self.look_up_at(selection, group)?;
            }
        }
        Ok(())
    }

    /// Looks up everything that is at one offset. The paths that go on there do so together.
    fn look_up_at(
        &mut self,
        selection: &mut Selection<'_, 'a>,
        group: &[(usize, Lookup)],
    ) -> Result<(), Invalid> {
        let mut going_on = Vec::new();
        for (offset, Lookup { path, then, .. }) in group {
            let (offset, path) = (*offset, *path);
            match then {
                Then::Element(index) => {
                    let text = self.replay(offset, Self::text_object)?.flatten();
                    selection.find_element(path, *index, text);
                }
                Then::GoOn(step) => {
                    let live = Live { path, step: *step };
                    if selection.is_at_end(live) {
                        self.replay(offset, |decoder| decoder.capture(selection, path))?;
                    } else {
                        going_on.push(live);
                    }
                }
            }
        }
        let (Some((offset, _)), false) = (group.first(), going_on.is_empty()) else {
            return Ok(());
        };
        let live = going_on.clone();
        let read = self.replay(*offset, |decoder| decoder.select_from(selection, live))?;
        if read.is_none() {
            for live in going_on {
                selection.forget(live.path);
            }
        }
        Ok(())
    }

    /// Takes the list or object at the end of a path for a scalar, if it can be.
    fn capture(&mut self, selection: &mut Selection<'_, 'a>, path: usize) -> Result<(), Invalid> {
        let (_, head) = self.head()?;
        match head {
            Head::List { .. } => self.capture_list(selection, path, head),
            Head::Object { class, fields } => {
                if let Some(text) = self.text_of_object(class, fields)? {
                    selection.find(path, Scalar::Text(text));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn capture_list(
        &mut self,
        selection: &mut Selection<'_, 'a>,
        path: usize,
        head: Head,
    ) -> Result<(), Invalid> {
        let Some(mut place) = Place::first(head) else {
            return Ok(());
        };
        let mut elements = Vec::new();
        let mut lookups = Vec::new();
        while self.advance(&mut place)? {
            if elements.len() == MAX_LIST {
                return Ok(());
            }
            let (at, head) = self.head()?;
            let element = match head {
                Head::Object { class, fields } => {
                    self.text_of_object(class, fields)?.map(Scalar::Text)
                }
                Head::Reference(number) => {
                    lookups.push(Lookup {
                        path,
                        then: Then::Element(elements.len()),
                        target: Target::Reference(number),
                    });
                    Some(Scalar::Null)
                }
                _ => self.scalar(at, head)?,
            };
            let Some(element) = element else {
                return Ok(());
            };
            elements.push(element);
        }
        selection.find(path, Scalar::List(elements));
        selection.lookups.extend(lookups);
        Ok(())
    }

    /// The text that the object or list here stands for.
    fn text_object(&mut self) -> Result<Option<Text<'a>>, Invalid> {
        match self.head()?.1 {
            Head::Object { class, fields } => self.text_of_object(class, fields),
            _ => Ok(None),
        }
    }

    /// The text that an object stands for whose begin has been read: a Java enum constant is an object with the
    /// field `name`, a `BigDecimal`, `UUID` and others that Java writes as their text one with the field `value`.
    fn text_of_object(&mut self, class: u32, fields: u32) -> Result<Option<Text<'a>>, Invalid> {
        let mut is_text = fields == 1;
        if is_text {
            self.each_field(class, |_, field| {
                is_text = field == "name" || field == "value"
            })?;
        }
        if !is_text {
            return Ok(None);
        }
        match self.head()? {
            (at, Head::Text(tag)) => self.text(at, tag).map(Some),
            _ => Ok(None),
        }
    }
}

impl Lookup {
    fn number(&self) -> Option<u32> {
        match self.target {
            Target::Offset(_) => None,
            Target::Reference(number) => Some(number),
        }
    }

    /// Where it is, given where the numbers of this round are.
    fn offset(&self, located: &[(u32, usize)]) -> Option<usize> {
        match self.target {
            Target::Offset(offset) => Some(offset),
            Target::Reference(number) => {
                let found = located.binary_search_by_key(&number, |(number, _)| *number);
                located.get(found.ok()?).map(|(_, offset)| *offset)
            }
        }
    }
}

impl<'a> Selection<'_, 'a> {
    /// Sets an element of the list that was found on a path. Without a text the list is none of scalars.
    fn find_element(&mut self, path: usize, index: usize, text: Option<Text<'a>>) {
        let Some(found) = self.found.get_mut(path) else {
            return;
        };
        match (found.as_mut(), text) {
            (Some(Scalar::List(elements)), Some(text)) => {
                if let Some(element) = elements.get_mut(index) {
                    *element = Scalar::Text(text);
                }
            }
            _ => *found = None,
        }
    }
}
