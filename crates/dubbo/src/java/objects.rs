//! Objects in a Java stream: passed over, except for texts and the map of attachments.
//!
//! The stream describes its own classes, so nothing need be known about them.
//! Source: Java Object Serialization Specification, 6.4 "Stream Elements".

mod classes;
mod map;

use std::borrow::Cow;

use super::text;
use crate::reader::Reader;
use crate::{InvalidBody, InvalidBodyKind, Limits};

use classes::{Class, ClassId, Classes};

/// What other objects of one stream may refer to.
#[derive(Debug, Default)]
pub(crate) struct Objects<'a> {
    handles: Vec<Handle<'a>>,
    classes: Classes<'a>,
    /// What is left to be read, the next last.
    tasks: Vec<Task>,
    /// Classes that were read and not yet used.
    found: Vec<Option<ClassId>>,
    steps: usize,
}

/// An object, as far as somebody wants to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Object<'a> {
    Null,
    Text(Cow<'a, str>),
    /// Something else, and its class in modified UTF-8 where that is known.
    Other(&'a [u8]),
}

/// What a number stands for.
#[derive(Debug, Clone, Copy)]
enum Handle<'a> {
    Class(ClassId),
    Text(RawText<'a>),
    Other,
}

/// A text in modified UTF-8.
#[derive(Debug, Clone, Copy)]
struct RawText<'a> {
    bytes: &'a [u8],
    offset: usize,
}

/// Something that is to be read.
#[derive(Debug, Clone, Copy)]
enum Task {
    /// An object, an array, a text, null, a reference.
    Object,
    /// The description of a class.
    ClassDescription,
    /// The class whose superclass was found.
    ClassIsComplete(ClassId),
    /// The data of the object whose class was found.
    ObjectData,
    /// Length and elements of the array whose class was found.
    ArrayData,
    /// The name of the constant of the enum that was found.
    EnumConstant,
    /// Nothing more: the object is the class that was found.
    ClassObject,
    /// The class that was found is of no interest.
    Drop,
    /// What a class adds to an object.
    ClassData(ClassId),
    /// Fields of an object, from the one with this place on.
    Fields(ClassId, usize),
    /// Whatever a class wrote itself, until its end.
    Annotation,
    /// So many objects.
    Elements(u32),
}

impl<'a> Objects<'a> {
    /// Reads the next object.
    pub(crate) fn object(
        &mut self,
        reader: &mut Reader<'a>,
        limits: &Limits,
    ) -> Result<Object<'a>, InvalidBody> {
        let mut lookahead = reader.clone();
        match lookahead.u8()? {
            super::NULL => {
                *reader = lookahead;
                Ok(Object::Null)
            }
            super::STRING | LONG_STRING | REFERENCE => match self.text_or_reference(reader)? {
                Some(text) => text.decode(limits).map(Object::Text),
                None => Ok(Object::Other(&[])),
            },
            super::OBJECT => {
                *reader = lookahead;
                self.run(Task::ClassDescription, reader, limits)?;
                let class = self.found_class(reader)?;
                let name = self.class(class, reader.offset())?.name;
                self.handles.push(Handle::Other);
                self.object_data(class, reader)?;
                self.run_all(reader, limits)?;
                Ok(Object::Other(name))
            }
            _ => {
                self.run(Task::Object, reader, limits)?;
                Ok(Object::Other(&[]))
            }
        }
    }

    /// Does a task with everything that it brings about.
    fn run(
        &mut self,
        task: Task,
        reader: &mut Reader<'a>,
        limits: &Limits,
    ) -> Result<(), InvalidBody> {
        self.tasks.clear();
        self.tasks.push(task);
        self.run_all(reader, limits)
    }

    fn run_all(&mut self, reader: &mut Reader<'a>, limits: &Limits) -> Result<(), InvalidBody> {
        while let Some(task) = self.tasks.pop() {
            self.step(reader)?;
            // An object within another leaves at least one task behind.
            if self.tasks.len() > limits.max_depth.saturating_mul(TASKS_A_LEVEL) {
                return Err(InvalidBodyKind::TooDeep.at(reader.offset()));
            }
            self.perform(task, reader)?;
        }
        Ok(())
    }

    /// Reading a stream once takes a step for each byte at most, but for long chains of
    /// superclasses, which cost every object of the class.
    fn step(&mut self, reader: &Reader<'a>) -> Result<(), InvalidBody> {
        self.steps += 1;
        if self.steps > reader.offset().saturating_mul(8) + 4096 {
            return Err(InvalidBodyKind::TooMuchWork.at(reader.offset()));
        }
        Ok(())
    }

    fn perform(&mut self, task: Task, reader: &mut Reader<'a>) -> Result<(), InvalidBody> {
        match task {
            Task::Object => self.begin_object(reader),
            Task::ClassDescription => self.class_description(reader),
            Task::ClassIsComplete(class) => {
                let superclass = self.found.pop().flatten();
                self.classes.set_superclass(class, superclass);
                self.found.push(Some(class));
                Ok(())
            }
            Task::ObjectData => {
                let class = self.found_class(reader)?;
                self.handles.push(Handle::Other);
                self.object_data(class, reader)
            }
            Task::ArrayData => self.array_data(reader),
            Task::EnumConstant => {
                self.found_class(reader)?;
                self.handles.push(Handle::Other);
                self.expect_text(reader)
            }
            Task::ClassObject => {
                self.found_class(reader)?;
                self.handles.push(Handle::Other);
                Ok(())
            }
            Task::Drop => {
                self.found.pop();
                Ok(())
            }
            Task::ClassData(class) => self.class_data(class, reader),
            Task::Fields(class, place) => self.fields(class, place, reader),
            Task::Annotation => self.annotation(reader),
            Task::Elements(0) => Ok(()),
            Task::Elements(left) => {
                self.tasks.extend([Task::Elements(left - 1), Task::Object]);
                Ok(())
            }
        }
    }

    fn begin_object(&mut self, reader: &mut Reader<'a>) -> Result<(), InvalidBody> {
        let at = reader.offset();
        let mut lookahead = reader.clone();
        let data = match lookahead.u8()? {
            super::NULL => {
                *reader = lookahead;
                return Ok(());
            }
            super::STRING | LONG_STRING => return self.expect_text(reader),
            REFERENCE => {
                *reader = lookahead;
                return self.referred_by(at, reader).map(|_| ());
            }
            super::CLASS_DESCRIPTION | PROXY_CLASS_DESCRIPTION => {
                self.tasks.extend([Task::Drop, Task::ClassDescription]);
                return Ok(());
            }
            super::OBJECT => Task::ObjectData,
            ARRAY => Task::ArrayData,
            ENUM => Task::EnumConstant,
            CLASS => Task::ClassObject,
            _ => return Err(InvalidBodyKind::UnknownTag.at(at)),
        };
        *reader = lookahead;
        self.tasks.extend([data, Task::ClassDescription]);
        Ok(())
    }

    /// Superclasses come first; a class that writes itself (`Externalizable`) comes alone.
    fn object_data(&mut self, class: ClassId, reader: &Reader<'a>) -> Result<(), InvalidBody> {
        let at = reader.offset();
        let mut next = Some(class);
        while let Some(id) = next {
            self.step(reader)?;
            let class = self.class(id, at)?;
            next = class.superclass.filter(|_| !class.is_externalizable());
            self.tasks.push(Task::ClassData(id));
        }
        Ok(())
    }

    fn class_data(&mut self, id: ClassId, reader: &Reader<'a>) -> Result<(), InvalidBody> {
        let at = reader.offset();
        let class = self.class(id, at)?;
        match (class.is_externalizable(), class.is_serializable()) {
            (true, false) if class.writes_blocks() => self.tasks.push(Task::Annotation),
            (false, true) => {
                if class.has_annotation() {
                    self.tasks.push(Task::Annotation);
                }
                self.tasks.push(Task::Fields(id, 0));
            }
            _ => return Err(InvalidBodyKind::UnknownTag.at(at)),
        }
        Ok(())
    }

    fn fields(
        &mut self,
        id: ClassId,
        first: usize,
        reader: &mut Reader<'a>,
    ) -> Result<(), InvalidBody> {
        let class = self.class(id, reader.offset())?;
        for (place, code) in class.fields.iter().enumerate().skip(first) {
            match primitive_length(*code) {
                Some(length) => {
                    reader.take(length)?;
                }
                None => {
                    self.tasks
                        .extend([Task::Fields(id, place + 1), Task::Object]);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn annotation(&mut self, reader: &mut Reader<'a>) -> Result<(), InvalidBody> {
        loop {
            let mut lookahead = reader.clone();
            match lookahead.u8()? {
                END_BLOCK_DATA => {
                    *reader = lookahead;
                    return Ok(());
                }
                super::BLOCK => {
                    let length = lookahead.u8()?;
                    lookahead.take(length.into())?;
                    *reader = lookahead;
                }
                super::LONG_BLOCK => {
                    let at = lookahead.offset();
                    let length = i32::from_be_bytes(lookahead.array()?);
                    let length =
                        usize::try_from(length).map_err(|_| InvalidBodyKind::Length.at(at))?;
                    lookahead.take(length)?;
                    *reader = lookahead;
                }
                _ => {
                    self.tasks.extend([Task::Annotation, Task::Object]);
                    return Ok(());
                }
            }
        }
    }

    fn array_data(&mut self, reader: &mut Reader<'a>) -> Result<(), InvalidBody> {
        let at = reader.offset();
        let class = self.found_class(reader)?;
        self.handles.push(Handle::Other);
        let length = u32::try_from(i32::from_be_bytes(reader.array()?))
            .map_err(|_| InvalidBodyKind::Length.at(at))?;
        let name = self.class(class, at)?.name;
        let [b'[', code, ..] = *name else {
            return Err(InvalidBodyKind::UnknownTag.at(at));
        };
        match primitive_length(code) {
            Some(width) => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                reader.take(length.saturating_mul(width))?;
            }
            None => self.tasks.push(Task::Elements(length)),
        }
        Ok(())
    }

    fn found_class(&mut self, reader: &Reader<'a>) -> Result<ClassId, InvalidBody> {
        let found = self.found.pop().flatten();
        found.ok_or(InvalidBodyKind::UnknownTag.at(reader.offset()))
    }

    fn class(&self, id: ClassId, at: usize) -> Result<&Class<'a>, InvalidBody> {
        let class = self.classes.class(id);
        class.ok_or(InvalidBodyKind::BadReference.at(at))
    }

    /// A text that is written here or was before; it must be one.
    fn expect_text(&mut self, reader: &mut Reader<'a>) -> Result<(), InvalidBody> {
        let at = reader.offset();
        match self.text_or_reference(reader)? {
            Some(_) => Ok(()),
            None => Err(InvalidBodyKind::NotText.at(at)),
        }
    }

    /// A text that is written here or was before; nothing if the reference is to something else.
    fn text_or_reference(
        &mut self,
        reader: &mut Reader<'a>,
    ) -> Result<Option<RawText<'a>>, InvalidBody> {
        let at = reader.offset();
        let length = match reader.u8()? {
            super::STRING => u16::from_be_bytes(reader.array()?).into(),
            LONG_STRING => {
                let length = u64::try_from(i64::from_be_bytes(reader.array()?));
                let length = length.map_err(|_| InvalidBodyKind::Length.at(at))?;
                usize::try_from(length).unwrap_or(usize::MAX)
            }
            REFERENCE => {
                return Ok(match self.referred_by(at, reader)? {
                    Handle::Text(text) => Some(text),
                    _ => None,
                });
            }
            _ => return Err(InvalidBodyKind::NotText.at(at)),
        };
        let offset = reader.offset();
        let bytes = reader.take(length)?;
        let text = RawText { bytes, offset };
        self.handles.push(Handle::Text(text));
        Ok(Some(text))
    }

    /// What the number in the next four bytes stands for.
    fn referred_by(&self, at: usize, reader: &mut Reader<'a>) -> Result<Handle<'a>, InvalidBody> {
        let number = u32::from_be_bytes(reader.array()?);
        let place = number.checked_sub(FIRST_HANDLE);
        let place = place.and_then(|place| usize::try_from(place).ok());
        let handle = place.and_then(|place| self.handles.get(place)).copied();
        handle.ok_or(InvalidBodyKind::BadReference.at(at))
    }
}

impl<'a> RawText<'a> {
    fn decode(&self, limits: &Limits) -> Result<Cow<'a, str>, InvalidBody> {
        if self.bytes.len() > limits.max_text {
            return Err(InvalidBodyKind::TextTooLong.at(self.offset));
        }
        let text = text::decode(Cow::Borrowed(self.bytes));
        text.ok_or(InvalidBodyKind::Encoding.at(self.offset))
    }
}

/// How many bytes a value of this type takes; nothing for objects and arrays.
const fn primitive_length(code: u8) -> Option<usize> {
    match code {
        b'B' | b'Z' => Some(1),
        b'C' | b'S' => Some(2),
        b'F' | b'I' => Some(4),
        b'D' | b'J' => Some(8),
        _ => None,
    }
}

/// `TC_REFERENCE`
const REFERENCE: u8 = 0x71;
/// `TC_ARRAY`
const ARRAY: u8 = 0x75;
/// `TC_CLASS`
const CLASS: u8 = 0x76;
/// `TC_ENDBLOCKDATA`
const END_BLOCK_DATA: u8 = 0x78;
/// `TC_LONGSTRING`
const LONG_STRING: u8 = 0x7c;
/// `TC_PROXYCLASSDESC`
const PROXY_CLASS_DESCRIPTION: u8 = 0x7d;
/// `TC_ENUM`
const ENUM: u8 = 0x7e;
/// `baseWireHandle`
const FIRST_HANDLE: u32 = 0x007e_0000;
/// Tasks that one level of objects leaves behind: the rest of its fields, and its other classes.
const TASKS_A_LEVEL: usize = 8;

#[cfg(test)]
mod tests;
