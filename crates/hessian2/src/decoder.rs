//! Reading a body.

use crate::{Invalid, InvalidKind, Limits, Path, Scalar, Text, Value};

mod build;
mod chunks;
mod head;
mod reader;
mod replay;
mod scan;
mod select;
mod tables;
#[cfg(test)]
mod tests;
mod walk;

use reader::Reader;
use tables::Tables;

/// Reads the values of one body, one after the other. Back references, class definitions and type names hold for
/// the whole body, so one decoder must read all of it. After an error the decoder is of no further use.
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    reader: Reader<'a>,
    limits: Limits,
    tables: Tables<'a>,
    /// How many lists, maps and objects have begun.
    references: u32,
    /// How many steps may still be taken.
    work: u64,
    /// How many values and fields of classes have been built.
    built: u32,
    /// Whether this part of the body has been read before, so that nothing in it is to be counted or kept again.
    replaying: bool,
}

/// What kind of value comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Null.
    Null,
    /// A boolean.
    Bool,
    /// A 32-bit integer.
    Int,
    /// A 64-bit integer.
    Long,
    /// A double.
    Double,
    /// A date.
    Date,
    /// A text.
    Text,
    /// Bytes.
    Binary,
    /// A list.
    List,
    /// A map.
    Map,
    /// An object, or a class definition, which comes before the first object of the class.
    Object,
    /// A back reference to a list, map or object.
    Reference,
}

impl<'a> Decoder<'a> {
    /// A decoder at the begin of a body.
    pub fn new(body: &'a [u8], limits: &Limits) -> Self {
        // A usize fits a u64 wherever this runs.
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let proportional = length.saturating_mul(8).saturating_add(16 << 10);
        Self {
            reader: Reader::new(body),
            limits: *limits,
            tables: Tables::default(),
            references: 0,
            work: limits.work.min(proportional),
            built: 0,
            replaying: false,
        }
    }

    /// How many bytes have been read.
    pub fn offset(&self) -> usize {
        self.reader.offset()
    }

    /// Whether the whole body has been read.
    pub fn is_at_end(&self) -> bool {
        self.reader.remaining() == 0
    }

    /// What kind of value comes next. Nothing is read.
    pub fn peek(&self) -> Result<Kind, Invalid> {
        let tag = self.reader.peek()?;
        head::kind(tag).ok_or(Invalid::new(self.offset(), InvalidKind::UnknownTag))
    }

    /// Reads a value with everything inside it.
    pub fn read_value(&mut self) -> Result<Value<'a>, Invalid> {
        self.build()
    }

    /// Passes over a value. It is checked as strictly as when it is read, without building anything.
    pub fn skip_value(&mut self) -> Result<(), Invalid> {
        self.skip(0)
    }

    /// Passes over a value and reports the scalars at the given paths: each path at most once, in the order of the
    /// paths, as index of the path and scalar.
    ///
    /// Back references are followed. When a map has a key twice, the last entry counts, as in Java. An object with
    /// one field, called `name` or `value` and holding a text, is found as that text: this is how enum constants,
    /// `BigDecimal`, `UUID` and the like are written.
    pub fn select_value(
        &mut self,
        paths: &[Path],
        found: &mut dyn FnMut(usize, Scalar<'a>),
    ) -> Result<(), Invalid> {
        for (index, scalar) in self.select(paths)?.into_iter().enumerate() {
            if let Some(scalar) = scalar {
                found(index, scalar);
            }
        }
        Ok(())
    }

    /// Reads a value when it is a scalar in the sense of [`select_value`](Self::select_value), else passes over it.
    pub fn read_scalar(&mut self) -> Result<Option<Scalar<'a>>, Invalid> {
        let found = self.select(&[Path::default()])?;
        Ok(found.into_iter().next().flatten())
    }

    /// Reads a text.
    pub fn read_text(&mut self) -> Result<Text<'a>, Invalid> {
        self.spend(1)?;
        let at = self.offset();
        let tag = self.reader.byte()?;
        self.text(at, tag)
    }

    /// Reads a text or null.
    pub fn read_optional_text(&mut self) -> Result<Option<Text<'a>>, Invalid> {
        if self.reader.eat(b'N')? {
            return Ok(None);
        }
        self.read_text().map(Some)
    }

    /// Reads a 32-bit integer.
    pub fn read_int(&mut self) -> Result<i32, Invalid> {
        self.spend(1)?;
        self.int()
    }

    /// The class of the object, or the type of the list or map, that comes next. Class definitions before the
    /// object are read; the object itself comes next still.
    pub fn next_type_name(&mut self) -> Result<Option<Text<'a>>, Invalid> {
        while self.reader.peek()? == b'C' {
            self.spend(1)?;
            self.reader.byte()?;
            self.class_definition()?;
        }
        if matches!(self.peek()?, Kind::List | Kind::Map | Kind::Object) {
            self.clone().type_name()
        } else {
            Ok(None)
        }
    }

    /// Reads the begin of a map, so that its keys and values are the next values, until
    /// [`leave_map`](Self::leave_map) says so; or null: then there is no map.
    pub fn enter_map(&mut self) -> Result<bool, Invalid> {
        match self.head()? {
            (_, head::Head::Map { .. }) => Ok(true),
            (_, head::Head::Null) => Ok(false),
            (at, _) => Err(Invalid::new(at, InvalidKind::UnexpectedTag)),
        }
    }

    /// Reads the end of a map, if it comes next. To be asked before each key.
    pub fn leave_map(&mut self) -> Result<bool, Invalid> {
        self.reader.eat(b'Z')
    }

    /// Takes steps from the budget.
    fn spend(&mut self, steps: u64) -> Result<(), Invalid> {
        let too_much = Invalid::new(self.reader.offset(), InvalidKind::TooMuchWork);
        self.work = self.work.checked_sub(steps).ok_or(too_much)?;
        Ok(())
    }
}
