//! Reading a value with everything inside it.

use super::Decoder;
use super::head::Head;
use super::walk::{Flow, Visitor};
use crate::{Invalid, InvalidKind, Node, Value, ValueBuilder};

impl<'a> Decoder<'a> {
    pub(super) fn build(&mut self) -> Result<Value<'a>, Invalid> {
        let mut builder = ValueBuilder::new();
        let (at, head) = self.head()?;
        self.walk(at, head, 0, &mut builder)?;
        // The walk ends what it begins.
        let incomplete = Invalid::new(self.offset(), InvalidKind::Truncated);
        builder.finish().ok_or(incomplete)
    }

    /// Counts what takes memory.
    pub(super) fn count_built(&mut self, count: u32) -> Result<(), Invalid> {
        self.built = self.built.saturating_add(count);
        if self.built > self.limits.values {
            let at = self.reader.offset();
            return Err(Invalid::new(at, InvalidKind::TooManyValues));
        }
        Ok(())
    }
}

impl<'a> Visitor<'a> for ValueBuilder<'a> {
    const SKIPS: bool = false;

    fn leaf(&mut self, decoder: &mut Decoder<'a>, at: usize, head: Head) -> Result<(), Invalid> {
        decoder.count_built(1)?;
        let node = match head {
            Head::Null => Node::Null,
            Head::Bool(value) => Node::Bool(value),
            Head::Int(value) => Node::Int(value),
            Head::Long(value) => Node::Long(value),
            Head::Double(value) => Node::Double(value),
            Head::Date(value) => Node::Date(value),
            Head::Text(tag) => Node::Text(decoder.text(at, tag)?),
            Head::Binary(tag) => Node::Binary(decoder.binary(at, tag)?),
            Head::Reference(number) => Node::Reference(number),
            Head::List { .. } | Head::Map { .. } | Head::Object { .. } => return Ok(()),
        };
        self.push(node);
        Ok(())
    }

    fn open(&mut self, decoder: &mut Decoder<'a>, _: usize, head: Head) -> Result<Flow, Invalid> {
        decoder.count_built(1)?;
        let node = match head {
            Head::List { type_name, length } => Node::List {
                type_name: type_name
                    .map(|number| decoder.type_text_shared(number))
                    .transpose()?,
                fixed: length.is_some(),
            },
            Head::Map { type_name } => Node::Map {
                type_name: type_name
                    .map(|number| decoder.type_text_shared(number))
                    .transpose()?,
            },
            Head::Object { class, .. } => Node::Object {
                class: decoder.class(class)?,
            },
            _ => return Ok(Flow::Continue(())),
        };
        self.push(node);
        Ok(Flow::Continue(()))
    }

    fn close(&mut self) {
        self.end();
    }
}
