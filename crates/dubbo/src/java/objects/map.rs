//! The map of attachments: a `java.util.HashMap`, or something that extends it.

use super::{END_BLOCK_DATA, Handle, Object, Objects, Task};
use crate::java::{BLOCK, NULL, OBJECT};
use crate::reader::Reader;
use crate::{InvalidBody, InvalidBodyKind, Limits};

impl<'a> Objects<'a> {
    /// Walks through a map. Gives names and values, and where the value begins; nothing for null.
    ///
    /// `HashMap.writeObject`: two fields, then number of buckets and of pairs in one block, then
    /// the pairs.
    pub(crate) fn map(
        &mut self,
        reader: &mut Reader<'a>,
        limits: &Limits,
        mut pair: impl FnMut(Object<'a>, Object<'a>, usize) -> Result<(), InvalidBody>,
    ) -> Result<(), InvalidBody> {
        let at = reader.offset();
        match reader.u8()? {
            NULL => return Ok(()),
            OBJECT => {}
            _ => return Err(InvalidBodyKind::Attachments.at(at)),
        }
        self.run(Task::ClassDescription, reader, limits)?;
        let class = self.found_class(reader)?;
        self.handles.push(Handle::Other);
        self.tasks.clear();
        self.object_data(class, reader)?;
        // The last task is the first class: that of the map.
        let mut classes = std::mem::take(&mut self.tasks).into_iter().rev();
        let Some(Task::ClassData(map)) = classes.next() else {
            return Err(InvalidBodyKind::Attachments.at(at));
        };
        if self.class(map, at)?.name != b"java.util.HashMap"
            || !self.class(map, at)?.has_annotation()
        {
            return Err(InvalidBodyKind::Attachments.at(at));
        }
        self.run(Task::Fields(map, 0), reader, limits)?;
        let block = reader.offset();
        let [tag, length, _, _, _, _, c0, c1, c2, c3] = reader.array()?;
        let count = u32::from_be_bytes([c0, c1, c2, c3]);
        if [tag, length] != [BLOCK, 8] {
            return Err(InvalidBodyKind::Attachments.at(block));
        }
        if usize::try_from(count).map_or(true, |count| count > limits.max_attachments) {
            return Err(InvalidBodyKind::TooManyAttachments.at(block));
        }
        for _ in 0..count {
            let name = self.object(reader, limits)?;
            let value_at = reader.offset();
            let value = self.object(reader, limits)?;
            pair(name, value, value_at)?;
        }
        let end = reader.offset();
        if reader.u8()? != END_BLOCK_DATA {
            return Err(InvalidBodyKind::Attachments.at(end));
        }
        for class in classes {
            self.run(class, reader, limits)?;
        }
        Ok(())
    }
}
