//! What is wrong with a body.

use std::fmt;

use crate::Serialization;

/// Why a body cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// This crate cannot read the serialization. Nothing is wrong with the frame.
    #[error("serialization {0} is opaque")]
    Serialization(Serialization),
    /// The body is broken.
    #[error(transparent)]
    Invalid(#[from] InvalidBody),
}

impl Unreadable {
    /// A stable code for counters.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Serialization(_) => "opaque-serialization",
            Self::Invalid(invalid) => invalid.kind.code(),
        }
    }
}

/// A body that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset} of the body")]
pub struct InvalidBody {
    /// Where, from the beginning of the body.
    pub offset: usize,
    /// What is wrong.
    pub kind: InvalidBodyKind,
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvalidBodyKind {
    /// It ends too early.
    Truncated,
    /// A text was expected: a string of the call's head, an error message.
    NotText,
    /// A path or a method that is null.
    Null,
    /// A text is longer than [`Limits::max_text`](crate::Limits::max_text).
    TextTooLong,
    /// A text is not in the encoding that it should be in.
    Encoding,
    /// The descriptor of the parameter types is none.
    Descriptor,
    /// There are more parameters than [`Limits::max_parameters`](crate::Limits::max_parameters).
    TooManyParameters,
    /// The attachments are no map.
    Attachments,
    /// There are more attachments than [`Limits::max_attachments`](crate::Limits::max_attachments).
    TooManyAttachments,
    /// An attachment that says which service is called is not a text.
    ServiceAttachment,
    /// A generic call without the method to call.
    GenericCall,
    /// A result of a kind that there is not.
    ResultKind,
    /// A byte that begins no value here.
    UnknownTag,
    /// A length or a count that cannot be.
    Length,
    /// Values lie in each other too deeply.
    TooDeep,
    /// A reference to what is not there.
    BadReference,
    /// Reading on would be more work than the limits allow.
    TooMuchWork,
    /// Java's stream does not begin with `aced 0005`.
    JavaHeader,
    /// Broken Hessian 2.0.
    Hessian2(meshlane_hessian2::InvalidKind),
}

impl InvalidBodyKind {
    /// A stable code for counters.
    pub fn code(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::NotText => "not-text",
            Self::Null => "null",
            Self::TextTooLong => "text-too-long",
            Self::Encoding => "encoding",
            Self::Descriptor => "descriptor",
            Self::TooManyParameters => "too-many-parameters",
            Self::Attachments => "attachments",
            Self::TooManyAttachments => "too-many-attachments",
            Self::ServiceAttachment => "service-attachment",
            Self::GenericCall => "generic-call",
            Self::ResultKind => "result-kind",
            Self::UnknownTag => "unknown-tag",
            Self::Length => "length",
            Self::TooDeep => "too-deep",
            Self::BadReference => "bad-reference",
            Self::TooMuchWork => "too-much-work",
            Self::JavaHeader => "java-header",
            Self::Hessian2(kind) => kind.code(),
        }
    }

    /// With its place.
    pub(crate) const fn at(self, offset: usize) -> InvalidBody {
        InvalidBody { offset, kind: self }
    }
}

impl fmt::Display for InvalidBodyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl From<meshlane_hessian2::Invalid> for InvalidBody {
    fn from(invalid: meshlane_hessian2::Invalid) -> Self {
        InvalidBodyKind::Hessian2(invalid.kind).at(invalid.offset)
    }
}
