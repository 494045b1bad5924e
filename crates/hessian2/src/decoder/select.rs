//! Finding scalars on the way through a value.
//!
//! The value is passed once. Where a path goes on, the list, map or object is opened and its parts are looked at
//! one by one; everything else is skipped. What cannot be answered on the way is noted and looked up when the value
//! has been passed: back references, because they may lead to something that was not complete yet, and the lists
//! and objects at the end of a path.

use super::Decoder;
use super::head::Head;
use super::walk::Place;
use crate::{Invalid, Path, Scalar, Step};

mod lookup;

use lookup::{Lookup, Target, Then};

/// What has been found so far.
pub(super) struct Selection<'p, 'a> {
    paths: &'p [Path],
    found: Vec<Option<Scalar<'a>>>,
    lookups: Vec<Lookup>,
}

impl<'a> Selection<'_, 'a> {
    fn steps(&self, path: usize) -> &[Step] {
        self.paths.get(path).map_or(&[], Path::steps)
    }

    fn is_at_end(&self, live: Live) -> bool {
        live.step >= self.steps(live.path).len()
    }

    fn find(&mut self, path: usize, scalar: Scalar<'a>) {
        if let Some(found) = self.found.get_mut(path) {
            *found = Some(scalar);
        }
    }

    /// Forgets what was found on a path: it goes on somewhere else.
    fn forget(&mut self, path: usize) {
        if let Some(found) = self.found.get_mut(path) {
            *found = None;
        }
        self.lookups.retain(|lookup| lookup.path != path);
    }
}

/// A path that has come to a value, so many steps inside.
#[derive(Debug, Clone, Copy)]
struct Live {
    path: usize,
    step: usize,
}

/// A path that goes into a list, map or object.
#[derive(Debug, Clone, Copy)]
struct Branch {
    live: Live,
    /// Which of the parts it goes to. In a map this depends on the keys.
    position: Option<u32>,
}

/// A list, map or object that paths go into.
struct Level {
    place: Place,
    /// The number of the next part.
    position: u32,
    is_map: bool,
    branches: Vec<Branch>,
}

impl<'a> Decoder<'a> {
    /// Passes over a value; for every path what is there.
    pub(super) fn select(&mut self, paths: &[Path]) -> Result<Vec<Option<Scalar<'a>>>, Invalid> {
        let mut selection = Selection {
            paths,
            found: vec![None; paths.len()],
            lookups: Vec::new(),
        };
        let live = (0..paths.len()).map(|path| Live { path, step: 0 });
        self.select_from(&mut selection, live.collect())?;
        self.look_up(&mut selection)?;
        Ok(selection.found)
    }

    /// Passes over a value to which these paths have come.
    fn select_from(
        &mut self,
        selection: &mut Selection<'_, 'a>,
        mut live: Vec<Live>,
    ) -> Result<(), Invalid> {
        let mut levels = Vec::new();
        loop {
            if live.is_empty() {
                self.skip(levels.len())?;
            } else if let Some(level) = self.arrive(selection, &live, levels.len())? {
                levels.push(level);
            }
            loop {
                let around = levels.len();
                let Some(level) = levels.last_mut() else {
                    return Ok(());
                };
                live.clear();
                if self.next_part(selection, level, around, &mut live)? {
                    break;
                }
                levels.pop();
            }
        }
    }

    /// Reads a value to which paths have come; when some go on inside, only its begin.
    fn arrive(
        &mut self,
        selection: &mut Selection<'_, 'a>,
        live: &[Live],
        around: usize,
    ) -> Result<Option<Level>, Invalid> {
        let (at, head) = self.head()?;
        let Some(place) = Place::first(head) else {
            self.arrive_at_leaf(selection, live, at, head)?;
            return Ok(None);
        };
        self.check_depth(at, around)?;
        for live in live {
            if selection.is_at_end(*live) {
                selection.lookups.push(Lookup {
                    path: live.path,
                    then: Then::GoOn(live.step),
                    target: Target::Offset(at),
                });
            }
        }
        let branches = self.branches(selection, live, head)?;
        if branches.is_empty() {
            self.skip_from(at, head, around)?;
            return Ok(None);
        }
        Ok(Some(Level {
            place,
            position: 0,
            is_map: matches!(head, Head::Map { .. }),
            branches,
        }))
    }

    fn arrive_at_leaf(
        &mut self,
        selection: &mut Selection<'_, 'a>,
        live: &[Live],
        at: usize,
        head: Head,
    ) -> Result<(), Invalid> {
        if let Head::Reference(number) = head {
            let lookups = live.iter().map(|live| Lookup {
                path: live.path,
                then: Then::GoOn(live.step),
                target: Target::Reference(number),
            });
            selection.lookups.extend(lookups);
            return Ok(());
        }
        if !live.iter().any(|live| selection.is_at_end(*live)) {
            return self.skip_from(at, head, 0);
        }
        let Some(scalar) = self.scalar(at, head)? else {
            return self.skip_from(at, head, 0);
        };
        for live in live {
            if selection.is_at_end(*live) {
                selection.find(live.path, scalar.clone());
            }
        }
        Ok(())
    }

    /// The scalar that a head begins; a binary and what has parts of its own is none.
    fn scalar(&mut self, at: usize, head: Head) -> Result<Option<Scalar<'a>>, Invalid> {
        Ok(Some(match head {
            Head::Null => Scalar::Null,
            Head::Bool(value) => Scalar::Bool(value),
            Head::Int(value) => Scalar::Int(value),
            Head::Long(value) => Scalar::Long(value),
            Head::Double(value) => Scalar::Double(value),
            Head::Date(value) => Scalar::Date(value),
            Head::Text(tag) => Scalar::Text(self.text(at, tag)?),
            _ => return Ok(None),
        }))
    }

    /// The paths that go into a list, map or object.
    fn branches(
        &mut self,
        selection: &Selection<'_, 'a>,
        live: &[Live],
        head: Head,
    ) -> Result<Vec<Branch>, Invalid> {
        let mut branches = Vec::new();
        for live in live {
            let position = match (head, selection.steps(live.path).get(live.step)) {
                (Head::List { .. }, Some(Step::Element(index))) => Some(*index),
                (Head::Map { .. } | Head::Object { .. }, Some(Step::Field(_))) => None,
                _ => continue,
            };
            let live = Live {
                path: live.path,
                step: live.step + 1,
            };
            branches.push(Branch { live, position });
        }
        if let (Head::Object { class, .. }, false) = (head, branches.is_empty()) {
            self.each_field(class, |index, field| {
                for branch in &mut branches {
                    if is_step(selection, *branch, field.as_str()) {
                        branch.position = Some(index);
                    }
                }
            })?;
            branches.retain(|branch| branch.position.is_some());
        }
        Ok(branches)
    }

    /// Goes to the next part of a list, map or object, and gives the paths that go there. Of a map this reads the
    /// key.
    fn next_part(
        &mut self,
        selection: &mut Selection<'_, 'a>,
        level: &mut Level,
        around: usize,
        live: &mut Vec<Live>,
    ) -> Result<bool, Invalid> {
        if !self.advance(&mut level.place)? {
            return Ok(false);
        }
        if !level.is_map {
            let next = Some(level.position);
            let branches = level.branches.iter();
            let here = branches.filter(|branch| branch.position == next);
            live.extend(here.map(|branch| branch.live));
            level.position = level.position.saturating_add(1);
            return Ok(true);
        }
        let (at, head) = self.head()?;
        if let Head::Text(tag) = head {
            let key = self.text(at, tag)?;
            for branch in &level.branches {
                if is_step(selection, *branch, key.as_str()) {
                    // An earlier entry with this key does not count any more.
                    selection.forget(branch.live.path);
                    live.push(branch.live);
                }
            }
        } else {
            self.skip_from(at, head, around)?;
        }
        self.advance(&mut level.place)
    }
}

/// Whether a path went into a map or object by this name.
fn is_step(selection: &Selection<'_, '_>, branch: Branch, name: Option<&str>) -> bool {
    let taken = branch.live.step.checked_sub(1);
    let step = taken.and_then(|taken| selection.steps(branch.live.path).get(taken));
    matches!((step, name), (Some(Step::Field(field)), Some(name)) if field == name)
}
