//! The frames of a file, as far as they can be read.

use std::borrow::Cow;

use meshlane_dubbo::content::Content;
use meshlane_dubbo::{
    Frame, FrameLimits, HEADER_LENGTH, Header, InvalidBodyKind, InvalidFrameKind, Limits, Progress,
};
use meshlane_hessian2::InvalidKind;

use super::bytes::bytes;

/// What a file holds, one after the other.
#[derive(Debug)]
pub enum Entry<'a> {
    /// A frame.
    Frame(Box<FrameEntry<'a>>),
    /// What is no frame; nothing behind it can be read.
    Broken(Broken),
}

/// A frame in a file.
#[derive(Debug)]
pub struct FrameEntry<'a> {
    /// Where it begins in the file.
    pub offset: usize,
    /// Its header.
    pub header: Header,
    /// What its body says. The frames behind a broken body can be read.
    pub content: Result<Content<'a>, Broken>,
}

/// Something that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Where, in the bytes of the file.
    pub offset: usize,
    /// A stable code in kebab-case.
    pub kind: &'static str,
    /// What is wrong.
    pub text: Cow<'static, str>,
}

/// The bytes of a file that may hold hexadecimal digits.
pub fn raw_bytes(file: &[u8]) -> Result<Cow<'_, [u8]>, Broken> {
    bytes(file).map_err(|offset| Broken {
        offset,
        kind: "odd-digits",
        text: "the last byte has one hexadecimal digit only".into(),
    })
}

/// The frames in some bytes, and last, perhaps, what is no frame.
#[derive(Debug)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Frames<'a> {
    /// From the first byte on.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Nothing is left to be read.
    fn end(&mut self, broken: Broken) -> Entry<'a> {
        self.offset = self.bytes.len();
        Entry::Broken(broken)
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let offset = self.offset;
        let rest = self.bytes.get(offset..).filter(|rest| !rest.is_empty())?;
        let frame = match Frame::decode(rest, &FRAME_LIMITS) {
            Progress::Complete(frame) => frame,
            Progress::NeedMore(missing) => {
                let text = format!(
                    "the frame at byte {offset} is cut off: at least {missing} more bytes belong to it"
                );
                let broken = Broken {
                    offset: self.bytes.len(),
                    kind: "truncated",
                    text: text.into(),
                };
                return Some(self.end(broken));
            }
            Progress::Invalid(invalid) => {
                let broken = Broken {
                    offset: offset + invalid.offset,
                    kind: invalid.kind.code(),
                    text: frame_text(invalid.kind).into(),
                };
                return Some(self.end(broken));
            }
        };
        self.offset += frame.length();
        let content = Content::read(&frame.header, frame.body, &limits());
        Some(Entry::Frame(Box::new(FrameEntry {
            offset,
            header: frame.header,
            content: content.map_err(|invalid| Broken {
                offset: offset + HEADER_LENGTH + invalid.offset,
                kind: invalid.kind.code(),
                text: body_text(invalid.kind),
            }),
        })))
    }
}

/// A file holds its frames already: nothing is gained by refusing long ones.
const FRAME_LIMITS: FrameLimits = FrameLimits {
    max_body: i32::MAX.unsigned_abs(),
};

fn limits() -> Limits {
    let mut limits = Limits {
        max_text: usize::MAX,
        max_attachments: usize::MAX - 1,
        ..Limits::default()
    };
    limits.values.values = u32::MAX;
    limits.values.length = u32::MAX;
    limits.values.work = u64::MAX;
    limits
}

fn frame_text(kind: InvalidFrameKind) -> &'static str {
    match kind {
        InvalidFrameKind::Magic => "no frame begins here: expected the bytes da bb",
        InvalidFrameKind::BodyTooLong => "the body is too long",
        InvalidFrameKind::NegativeLength => "the length of the body is negative",
    }
}

fn body_text(kind: InvalidBodyKind) -> Cow<'static, str> {
    let text = match kind {
        InvalidBodyKind::Truncated => "the body ends too early",
        InvalidBodyKind::NotText => "expected a text",
        InvalidBodyKind::Null => "expected a text, found null",
        InvalidBodyKind::TextTooLong => "the text is too long",
        InvalidBodyKind::Encoding => "the text is not in its encoding",
        InvalidBodyKind::Descriptor => "the parameter types are no descriptor",
        InvalidBodyKind::TooManyParameters => "no method can have so many parameters",
        InvalidBodyKind::Attachments => "expected the map of attachments",
        InvalidBodyKind::ResultKind => "there is no such kind of result",
        InvalidBodyKind::JavaHeader => "a Java stream begins with ac ed 00 05",
        InvalidBodyKind::Length => "a length does not fit",
        InvalidBodyKind::UnknownTag => "no value begins with this byte",
        InvalidBodyKind::TooDeep => "values lie in each other too deeply",
        InvalidBodyKind::BadReference => "refers to what is not there",
        InvalidBodyKind::Hessian2(kind) => return hessian2_text(kind),
        other => return other.code().into(),
    };
    text.into()
}

fn hessian2_text(kind: InvalidKind) -> Cow<'static, str> {
    let text = match kind {
        InvalidKind::Truncated => "the value ends behind the body",
        InvalidKind::UnknownTag => "no value begins with this byte",
        InvalidKind::UnexpectedTag => "another kind of value must stand here",
        InvalidKind::NegativeLength => "a length is negative",
        InvalidKind::MalformedText => "the text is neither UTF-8 nor CESU-8",
        InvalidKind::BadReference => "refers to a value that has not begun",
        InvalidKind::BadClass => "an object of a class that is not defined",
        InvalidKind::BadType => "the number of a type that is not named",
        InvalidKind::TooDeep => "values lie in each other too deeply",
        other => return other.code().into(),
    };
    text.into()
}
