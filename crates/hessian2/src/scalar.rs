//! What a path can find.

use crate::Text;

/// A value without parts of its own, or a short list of such values.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar<'a> {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A 32-bit integer; also a byte or short of Java.
    Int(i32),
    /// A 64-bit integer.
    Long(i64),
    /// A double, also Java's float.
    Double(f64),
    /// Milliseconds since 1970-01-01 00:00 UTC.
    Date(i64),
    /// A text; also the name of a Java enum constant and the digits of a `BigDecimal`.
    Text(Text<'a>),
    /// A list of at most [`MAX_LIST`] scalars, none of them a list.
    List(Vec<Scalar<'a>>),
}

/// How many elements a list may have to be found as [`Scalar::List`]. Of a longer one nothing is found, because
/// a part of it would answer "is x not in the list?" wrongly.
pub const MAX_LIST: usize = 64;
