//! What a body defines once and uses by number: classes and type names.

use std::sync::Arc;

use super::Decoder;
use crate::{Class, Invalid, InvalidKind, Text};

/// The definitions so far. They are kept as offsets: what they say is read when it is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables<'a> {
    classes: Vec<ClassDefinition<'a>>,
    types: Vec<TypeDefinition<'a>>,
}

#[derive(Debug, Clone)]
pub(crate) struct ClassDefinition<'a> {
    /// Where its name is.
    offset: usize,
    /// How many fields it has.
    pub(crate) fields: u32,
    read: Option<Arc<Class<'a>>>,
}

#[derive(Debug, Clone)]
struct TypeDefinition<'a> {
    offset: usize,
    read: Option<Arc<Text<'a>>>,
}

impl<'a> Tables<'a> {
    pub(crate) fn class(&self, number: u32) -> Option<&ClassDefinition<'a>> {
        self.classes.get(usize::try_from(number).ok()?)
    }
}

impl<'a> Decoder<'a> {
    /// Reads a class definition after its tag: the name, the number of fields, their names.
    pub(super) fn class_definition(&mut self) -> Result<(), Invalid> {
        let offset = self.reader.offset();
        if !self.replaying && is_full(self.tables.classes.len(), self.limits.classes) {
            return Err(Invalid::new(offset, InvalidKind::TooManyClasses));
        }
        self.skip_plain_text()?;
        let at = self.reader.offset();
        let fields = self.count()?;
        if fields > self.limits.fields {
            return Err(Invalid::new(at, InvalidKind::TooManyFields));
        }
        self.must_fit(at, fields)?;
        self.spend(u64::from(fields))?;
        for _ in 0..fields {
            self.skip_plain_text()?;
        }
        if !self.replaying {
            self.tables.classes.push(ClassDefinition {
                offset,
                fields,
                read: None,
            });
        }
        Ok(())
    }

    /// Reads the type of a list or map: a text, which gets the next number, or the number of an earlier one.
    pub(super) fn type_number(&mut self) -> Result<u32, Invalid> {
        let offset = self.reader.offset();
        if matches!(self.reader.peek()?, 0x00..=0x1f | 0x30..=0x33 | b'R' | b'S') {
            let number = self.tables.types.len();
            if self.replaying {
                self.skip_plain_text()?;
                return Ok(0);
            }
            if is_full(number, self.limits.types) {
                return Err(Invalid::new(offset, InvalidKind::TooManyTypes));
            }
            self.skip_plain_text()?;
            self.tables
                .types
                .push(TypeDefinition { offset, read: None });
            return u32::try_from(number)
                .map_err(|_| Invalid::new(offset, InvalidKind::TooManyTypes));
        }
        let number = self.int()?;
        let known = usize::try_from(number).is_ok_and(|number| number < self.tables.types.len());
        u32::try_from(number)
            .ok()
            .filter(|_| known)
            .ok_or(Invalid::new(offset, InvalidKind::BadType))
    }

    /// A class in full.
    pub(super) fn class(&mut self, number: u32) -> Result<Arc<Class<'a>>, Invalid> {
        let missing = Invalid::new(self.reader.offset(), InvalidKind::BadClass);
        let definition = self.tables.class(number).ok_or(missing)?;
        if let Some(class) = &definition.read {
            return Ok(Arc::clone(class));
        }
        let (offset, count) = (definition.offset, definition.fields);
        self.count_built(count)?;
        let class = self.elsewhere(offset, |decoder| {
            let name = decoder.plain_text()?;
            decoder.int()?;
            let fields = (0..count).map(|_| decoder.plain_text());
            let fields = fields.collect::<Result<_, _>>()?;
            Ok(Arc::new(Class { name, fields }))
        })?;
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        if let Some(definition) = self.tables.classes.get_mut(index) {
            definition.read = Some(Arc::clone(&class));
        }
        Ok(class)
    }

    /// A type name.
    pub(super) fn type_text_shared(&mut self, number: u32) -> Result<Arc<Text<'a>>, Invalid> {
        let missing = Invalid::new(self.reader.offset(), InvalidKind::BadType);
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let definition = self.tables.types.get(index).ok_or(missing)?;
        if let Some(text) = &definition.read {
            return Ok(Arc::clone(text));
        }
        let offset = definition.offset;
        let text = Arc::new(self.elsewhere(offset, Self::plain_text)?);
        if let Some(definition) = self.tables.types.get_mut(index) {
            definition.read = Some(Arc::clone(&text));
        }
        Ok(text)
    }

    pub(super) fn type_text(&mut self, number: u32) -> Result<Text<'a>, Invalid> {
        Ok((*self.type_text_shared(number)?).clone())
    }

    pub(super) fn class_name(&mut self, number: u32) -> Result<Text<'a>, Invalid> {
        let missing = Invalid::new(self.reader.offset(), InvalidKind::BadClass);
        let offset = self.tables.class(number).ok_or(missing)?.offset;
        self.elsewhere(offset, Self::plain_text)
    }

    /// The names of a class's fields, one after the other, without keeping them.
    pub(super) fn each_field(
        &mut self,
        class: u32,
        mut each: impl FnMut(u32, Text<'a>),
    ) -> Result<(), Invalid> {
        let missing = Invalid::new(self.reader.offset(), InvalidKind::BadClass);
        let definition = self.tables.class(class).ok_or(missing)?;
        let (offset, count) = (definition.offset, definition.fields);
        self.elsewhere(offset, |decoder| {
            decoder.skip_plain_text()?;
            decoder.int()?;
            decoder.spend(u64::from(count))?;
            for index in 0..count {
                each(index, decoder.plain_text()?);
            }
            Ok(())
        })
    }

    /// Reads at another place of the body and comes back.
    fn elsewhere<T>(
        &mut self,
        offset: usize,
        read: impl FnOnce(&mut Self) -> Result<T, Invalid>,
    ) -> Result<T, Invalid> {
        let here = self.reader;
        self.reader = here.at(offset);
        let result = read(self);
        self.reader = here;
        result
    }
}

fn is_full(length: usize, limit: u32) -> bool {
    u32::try_from(length).map_or(true, |length| length >= limit)
}
