//! Class definitions.

use crate::Text;

/// The name and the fields that objects of a class are written with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Class<'a> {
    /// The class name, as the peer's language spells it: `java.math.BigDecimal`.
    pub name: Text<'a>,
    /// The names of the fields, in the order in which objects give their values.
    pub fields: Vec<Text<'a>>,
}

impl Class<'_> {
    /// A copy that borrows nothing.
    pub fn into_owned(self) -> Class<'static> {
        Class {
            name: self.name.into_owned(),
            fields: self.fields.into_iter().map(Text::into_owned).collect(),
        }
    }
}
