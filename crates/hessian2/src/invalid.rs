//! Why bytes are refused.

use thiserror::Error;

/// Bytes that are no Hessian 2.0, or more of it than the limits allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{} at byte {offset}", kind.code())]
pub struct Invalid {
    /// Where: the first byte of what cannot be read, counted from the begin of the body.
    pub offset: usize,
    /// What is wrong there.
    pub kind: InvalidKind,
}

impl Invalid {
    pub(crate) fn new(offset: usize, kind: InvalidKind) -> Self {
        Self { offset, kind }
    }
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvalidKind {
    /// The body ends within a value, or claims more than is left of it.
    Truncated,
    /// A byte that begins no value.
    UnknownTag,
    /// A value of another kind than must stand here.
    UnexpectedTag,
    /// A length or count below zero.
    NegativeLength,
    /// Text that is neither UTF-8 nor CESU-8.
    MalformedText,
    /// A back reference to a list, map or object that has not begun.
    BadReference,
    /// An object of a class that has not been defined.
    BadClass,
    /// The number of a type that has not been named.
    BadType,
    /// Lists, maps and objects within each other beyond [`Limits::depth`](crate::Limits::depth).
    TooDeep,
    /// More values than [`Limits::values`](crate::Limits::values).
    TooManyValues,
    /// More class definitions than [`Limits::classes`](crate::Limits::classes).
    TooManyClasses,
    /// More fields in a class than [`Limits::fields`](crate::Limits::fields).
    TooManyFields,
    /// More type names than [`Limits::types`](crate::Limits::types).
    TooManyTypes,
    /// A text or binary longer than [`Limits::length`](crate::Limits::length).
    TooLong,
    /// More steps than [`Limits::work`](crate::Limits::work).
    TooMuchWork,
}

impl InvalidKind {
    /// All kinds.
    pub const ALL: [Self; 15] = [
        Self::Truncated,
        Self::UnknownTag,
        Self::UnexpectedTag,
        Self::NegativeLength,
        Self::MalformedText,
        Self::BadReference,
        Self::BadClass,
        Self::BadType,
        Self::TooDeep,
        Self::TooManyValues,
        Self::TooManyClasses,
        Self::TooManyFields,
        Self::TooManyTypes,
        Self::TooLong,
        Self::TooMuchWork,
    ];

    /// The stable name, for counters and logs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::UnknownTag => "unknown-tag",
            Self::UnexpectedTag => "unexpected-tag",
            Self::NegativeLength => "negative-length",
            Self::MalformedText => "malformed-text",
            Self::BadReference => "bad-reference",
            Self::BadClass => "bad-class",
            Self::BadType => "bad-type",
            Self::TooDeep => "too-deep",
            Self::TooManyValues => "too-many-values",
            Self::TooManyClasses => "too-many-classes",
            Self::TooManyFields => "too-many-fields",
            Self::TooManyTypes => "too-many-types",
            Self::TooLong => "too-long",
            Self::TooMuchWork => "too-much-work",
        }
    }
}
