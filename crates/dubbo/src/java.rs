//! Java serialization, as far as a call needs it: the head, texts, and the map of attachments.
//!
//! The head is primitive data, which the protocol writes in blocks of at most 1024 bytes;
//! a text may begin in one block and end in the next.
//! Source: Java Object Serialization Specification, 6 "Object Serialization Stream Protocol";
//! Dubbo's `JavaObjectInput` and `NativeJavaObjectInput`.

mod objects;
mod text;

use std::borrow::Cow;

pub(crate) use objects::{Object, Objects};

use crate::reader::Reader;
use crate::{InvalidBody, InvalidBodyKind, Serialization};

/// How Dubbo writes texts and objects into the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// A text behind its length or -1 for null, an object behind 1 or 0 for null.
    Dubbo,
    /// As Java itself does it.
    Native,
}

impl Dialect {
    /// The dialect of a serialization, if it is a Java stream.
    pub(crate) const fn of(serialization: Serialization) -> Option<Self> {
        match serialization {
            Serialization::JAVA | Serialization::COMPACTED_JAVA => Some(Self::Dubbo),
            Serialization::NATIVE_JAVA => Some(Self::Native),
            _ => None,
        }
    }
}

/// Primitive data of a Java stream.
#[derive(Debug, Clone)]
pub(crate) struct Blocks<'a> {
    reader: Reader<'a>,
    dialect: Dialect,
    /// How many bytes of the block at hand are left.
    left: usize,
}

impl<'a> Blocks<'a> {
    /// A stream from its beginning.
    pub(crate) fn new(body: &'a [u8], dialect: Dialect) -> Result<Self, InvalidBody> {
        let mut reader = Reader::new(body);
        if reader.array()? != STREAM_HEADER {
            return Err(InvalidBodyKind::JavaHeader.at(0));
        }
        Ok(Self {
            reader,
            dialect,
            left: 0,
        })
    }

    /// Where the next byte is.
    pub(crate) const fn offset(&self) -> usize {
        self.reader.offset()
    }

    /// The reader for the next object; nothing if the object is null by its marker.
    pub(crate) fn objects(&mut self) -> Result<Option<&mut Reader<'a>>, InvalidBody> {
        if self.dialect == Dialect::Dubbo && self.u8()? == 0 {
            return Ok(None);
        }
        if self.left == 0 {
            Ok(Some(&mut self.reader))
        } else {
            Err(InvalidBodyKind::UnknownTag.at(self.reader.offset()))
        }
    }

    /// One byte.
    pub(crate) fn u8(&mut self) -> Result<u8, InvalidBody> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// A text as Dubbo writes it, or null.
    pub(crate) fn text(&mut self, max_text: usize) -> Result<Option<Cow<'a, str>>, InvalidBody> {
        if self.dialect == Dialect::Dubbo && i32::from_be_bytes(self.array()?) < 0 {
            return Ok(None);
        }
        // The length in bytes counts; Dubbo reads of the other one only whether it is negative.
        let length = usize::from(u16::from_be_bytes(self.array()?));
        let at = self.offset();
        if length > max_text {
            return Err(InvalidBodyKind::TextTooLong.at(at));
        }
        let bytes = self.take(length)?;
        text::decode(bytes)
            .map(Some)
            .ok_or(InvalidBodyKind::Encoding.at(at))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], InvalidBody> {
        let mut array = [0; N];
        for byte in &mut array {
            self.refill()?;
            *byte = self.reader.u8()?;
            self.left -= 1;
        }
        Ok(array)
    }

    fn take(&mut self, length: usize) -> Result<Cow<'a, [u8]>, InvalidBody> {
        if length <= self.left {
            self.left -= length;
            return self.reader.take(length).map(Cow::Borrowed);
        }
        let mut bytes = Vec::new();
        while bytes.len() < length {
            self.refill()?;
            let piece = self.left.min(length - bytes.len());
            bytes.extend_from_slice(self.reader.take(piece)?);
            self.left -= piece;
        }
        Ok(Cow::Owned(bytes))
    }

    /// Begins the next block when this one is used up.
    fn refill(&mut self) -> Result<(), InvalidBody> {
        while self.left == 0 {
            let at = self.offset();
            self.left = match self.reader.u8()? {
                BLOCK => usize::from(self.reader.u8()?),
                LONG_BLOCK => {
                    let length = i32::from_be_bytes(self.reader.array()?);
                    usize::try_from(length).map_err(|_| InvalidBodyKind::Length.at(at))?
                }
                _ => return Err(InvalidBodyKind::NotText.at(at)),
            };
        }
        Ok(())
    }
}

/// The name of the class of the object at the beginning of these bytes.
///
/// A compacted stream (serialization 4) writes classes of the class path by name only:
/// there the marker 1 stands before the name, and 0 before a whole description.
pub(crate) fn class_of_object<'a>(
    reader: &mut Reader<'a>,
    compacted: bool,
    max_text: usize,
) -> Result<Option<Cow<'a, str>>, InvalidBody> {
    if reader.array()? != [OBJECT, CLASS_DESCRIPTION] {
        return Ok(None);
    }
    if compacted {
        reader.u8()?;
    }
    let length = usize::from(u16::from_be_bytes(reader.array()?));
    let at = reader.offset();
    if length > max_text {
        return Err(InvalidBodyKind::TextTooLong.at(at));
    }
    let name = text::decode(Cow::Borrowed(reader.take(length)?));
    name.map(Some).ok_or(InvalidBodyKind::Encoding.at(at))
}

/// A body of one text, as Dubbo reads it.
pub(crate) fn text_body(dialect: Dialect, text: &str) -> Vec<u8> {
    let mut encoded = text::encode(text);
    // The length has two bytes; callers cut texts much shorter.
    encoded.truncate(usize::from(u16::MAX));
    let mut data = Vec::with_capacity(encoded.len() + 6);
    if dialect == Dialect::Dubbo {
        let units = i32::try_from(text.encode_utf16().count()).unwrap_or(i32::MAX);
        data.extend_from_slice(&units.to_be_bytes());
    }
    data.extend_from_slice(
        &u16::try_from(encoded.len())
            .unwrap_or(u16::MAX)
            .to_be_bytes(),
    );
    data.append(&mut encoded);
    let mut body = STREAM_HEADER.to_vec();
    for block in data.chunks(MAX_BLOCK) {
        match u8::try_from(block.len()) {
            Ok(length) => body.extend_from_slice(&[BLOCK, length]),
            Err(_longer) => {
                let length = u32::try_from(block.len()).unwrap_or(u32::MAX);
                body.push(LONG_BLOCK);
                body.extend_from_slice(&length.to_be_bytes());
            }
        }
        body.extend_from_slice(block);
    }
    body
}

/// A body of one object that is null or a short text.
pub(crate) fn event_body(dialect: Dialect, event: Option<u8>) -> Vec<u8> {
    let mut body = STREAM_HEADER.to_vec();
    if dialect == Dialect::Dubbo {
        body.extend_from_slice(&[BLOCK, 1, u8::from(event.is_some())]);
    }
    match event {
        Some(letter) => body.extend_from_slice(&[STRING, 0, 1, letter]),
        None if dialect == Dialect::Native => body.push(NULL),
        None => {}
    }
    body
}

/// `STREAM_MAGIC` and `STREAM_VERSION`.
const STREAM_HEADER: [u8; 4] = [0xac, 0xed, 0, 5];
/// `TC_NULL`
const NULL: u8 = 0x70;
/// `TC_CLASSDESC`
const CLASS_DESCRIPTION: u8 = 0x72;
/// `TC_OBJECT`
const OBJECT: u8 = 0x73;
/// `TC_STRING`
const STRING: u8 = 0x74;
/// `TC_BLOCKDATA`
const BLOCK: u8 = 0x77;
/// `TC_BLOCKDATALONG`
const LONG_BLOCK: u8 = 0x7a;
/// Java writes no longer blocks.
const MAX_BLOCK: usize = 1024;

#[cfg(test)]
mod tests;
