//! Places in a JSON document.

use std::fmt;

/// One step from a JSON value to a value inside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// The member of an object.
    Key(String),
    /// The element of an array, counted from 0.
    Index(usize),
}

/// The place of a value in a JSON document, written `tags[0].rules[2].when.exact`.
///
/// Keys that are not plain words are quoted: `["a.b"]`. The root is written `.`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct JsonPath(Vec<Segment>);

impl JsonPath {
    /// The steps from the root of the document.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// This place with one more step.
    pub fn join(mut self, segment: Segment) -> Self {
        self.0.push(segment);
        self
    }
}

impl FromIterator<Segment> for JsonPath {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if !is_word(key) => write!(f, "[{key:?}]")?,
                Segment::Key(key) if position == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// A place on the way down through a document: a linked list on the stack, so that
/// a validation that finds nothing wrong allocates nothing for paths.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> Place<'a> {
    /// The root of a document.
    pub fn root() -> Self {
        Self {
            parent: None,
            step: Step::Root,
        }
    }

    /// The member `key` of the object at this place.
    pub fn key(&'a self, key: &'a str) -> Place<'a> {
        Place {
            parent: Some(self),
            step: Step::Key(key),
        }
    }

    /// The element `index` of the array at this place.
    pub fn index(&'a self, index: usize) -> Place<'a> {
        Place {
            parent: Some(self),
            step: Step::Index(index),
        }
    }

    /// The place as a value of its own.
    pub fn to_path(&self) -> JsonPath {
        let mut segments = Vec::new();
        let mut place = Some(self);
        while let Some(here) = place {
            match here.step {
                Step::Root => {}
                Step::Key(key) => segments.push(Segment::Key(key.to_owned())),
                Step::Index(index) => segments.push(Segment::Index(index)),
            }
            place = here.parent;
        }
        segments.into_iter().rev().collect()
    }
}

fn is_word(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn is_written_as_people_would() {
        let root = Place::root();
        assert_eq!(root.to_path().to_string(), ".");
        let tags = root.key("tags");
        let first = tags.index(0);
        assert_eq!(first.key("name").to_path().to_string(), "tags[0].name");
        assert_eq!(first.key("a.b").to_path().to_string(), "tags[0][\"a.b\"]");
    }
}
