//! Classes as a stream describes them.

use super::{Handle, Objects, PROXY_CLASS_DESCRIPTION, REFERENCE, Task, primitive_length};
use crate::java::{CLASS_DESCRIPTION, NULL};
use crate::reader::Reader;
use crate::{InvalidBody, InvalidBodyKind};

/// The place of a class in the order of appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClassId(usize);

/// The classes of a stream.
#[derive(Debug, Default)]
pub(super) struct Classes<'a>(Vec<Class<'a>>);

/// A class.
#[derive(Debug)]
pub(super) struct Class<'a> {
    /// In modified UTF-8; empty for a proxy.
    pub(super) name: &'a [u8],
    flags: u8,
    /// The types of the fields: primitive types, `L` and `[`.
    pub(super) fields: Vec<u8>,
    pub(super) superclass: Option<ClassId>,
}

impl Class<'_> {
    pub(super) const fn has_annotation(&self) -> bool {
        self.flags & WRITE_METHOD != 0
    }

    pub(super) const fn is_serializable(&self) -> bool {
        self.flags & SERIALIZABLE != 0
    }

    pub(super) const fn is_externalizable(&self) -> bool {
        self.flags & EXTERNALIZABLE != 0
    }

    pub(super) const fn writes_blocks(&self) -> bool {
        self.flags & BLOCK_DATA != 0
    }
}

impl<'a> Classes<'a> {
    pub(super) fn class(&self, id: ClassId) -> Option<&Class<'a>> {
        self.0.get(id.0)
    }

    pub(super) fn set_superclass(&mut self, id: ClassId, superclass: Option<ClassId>) {
        if let Some(class) = self.0.get_mut(id.0) {
            class.superclass = superclass;
        }
    }

    fn push(&mut self, class: Class<'a>) -> ClassId {
        self.0.push(class);
        ClassId(self.0.len() - 1)
    }
}

impl<'a> Objects<'a> {
    /// Reads a class up to its annotation and its superclass, which are tasks.
    pub(super) fn class_description(&mut self, reader: &mut Reader<'a>) -> Result<(), InvalidBody> {
        let at = reader.offset();
        let class = match reader.u8()? {
            NULL => {
                self.found.push(None);
                return Ok(());
            }
            REFERENCE => {
                let Handle::Class(class) = self.referred_by(at, reader)? else {
                    return Err(InvalidBodyKind::BadReference.at(at));
                };
                self.found.push(Some(class));
                return Ok(());
            }
            CLASS_DESCRIPTION => self.described_class(reader)?,
            PROXY_CLASS_DESCRIPTION => self.proxy(reader)?,
            _ => return Err(InvalidBodyKind::UnknownTag.at(at)),
        };
        self.tasks.extend([
            Task::ClassIsComplete(class),
            Task::ClassDescription,
            Task::Annotation,
        ]);
        Ok(())
    }

    /// Name, version, flags and fields.
    fn described_class(&mut self, reader: &mut Reader<'a>) -> Result<ClassId, InvalidBody> {
        let name = utf(reader)?;
        reader.array::<8>()?;
        let id = self.classes.push(Class {
            name,
            flags: 0,
            fields: Vec::new(),
            superclass: None,
        });
        self.handles.push(Handle::Class(id));
        let flags = reader.u8()?;
        let count = u16::from_be_bytes(reader.array()?);
        let mut fields = Vec::new();
        for _ in 0..count {
            let at = reader.offset();
            let code = reader.u8()?;
            utf(reader)?;
            match code {
                b'L' | b'[' => self.expect_text(reader)?,
                _ if primitive_length(code).is_some() => {}
                _ => return Err(InvalidBodyKind::UnknownTag.at(at)),
            }
            fields.push(code);
        }
        if let Some(class) = self.classes.0.get_mut(id.0) {
            class.flags = flags;
            class.fields = fields;
        }
        Ok(id)
    }

    /// The interfaces; a proxy's data are those of its superclass.
    fn proxy(&mut self, reader: &mut Reader<'a>) -> Result<ClassId, InvalidBody> {
        let id = self.classes.push(Class {
            name: &[],
            flags: SERIALIZABLE,
            fields: Vec::new(),
            superclass: None,
        });
        self.handles.push(Handle::Class(id));
        for _ in 0..u32::from_be_bytes(reader.array()?) {
            utf(reader)?;
        }
        Ok(id)
    }
}

/// A text behind its length in two bytes.
fn utf<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], InvalidBody> {
    let length = u16::from_be_bytes(reader.array()?);
    reader.take(length.into())
}

/// `SC_WRITE_METHOD`
const WRITE_METHOD: u8 = 0x01;
/// `SC_SERIALIZABLE`
const SERIALIZABLE: u8 = 0x02;
/// `SC_EXTERNALIZABLE`
const EXTERNALIZABLE: u8 = 0x04;
/// `SC_BLOCK_DATA`
const BLOCK_DATA: u8 = 0x08;
