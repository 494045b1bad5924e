//! Decoded values.

use std::borrow::Cow;
use std::sync::Arc;

use crate::{Class, Text};

mod builder;
mod owned;

pub use builder::ValueBuilder;

/// A value with everything inside it. The parts are kept in one row, each before its own parts, so that no depth
/// costs stack: not when it is built, compared, printed or dropped.
#[derive(Debug, Clone, PartialEq)]
pub struct Value<'a> {
    /// At least one.
    entries: Vec<Entry<'a>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Entry<'a> {
    node: Node<'a>,
    /// The number of entries of this value: itself and everything inside it.
    size: u32,
    /// The number of values directly inside.
    children: u32,
}

/// One value without what is inside it.
#[derive(Debug, Clone)]
pub enum Node<'a> {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A 32-bit integer.
    Int(i32),
    /// A 64-bit integer.
    Long(i64),
    /// A double. Here two of them are equal when their bits are.
    Double(f64),
    /// Milliseconds since 1970-01-01 00:00 UTC.
    Date(i64),
    /// A text.
    Text(Text<'a>),
    /// Bytes.
    Binary(Cow<'a, [u8]>),
    /// A list; its children are the elements.
    List {
        /// The type, if one is given: `[int`, `java.util.LinkedList`.
        type_name: Option<Arc<Text<'a>>>,
        /// Whether the length came before the elements.
        fixed: bool,
    },
    /// A map; its children are key, value, key, value and so on.
    Map {
        /// The type, if one is given.
        type_name: Option<Arc<Text<'a>>>,
    },
    /// An object; its children are the values of the fields of its class.
    Object {
        /// The class.
        class: Arc<Class<'a>>,
    },
    /// The list, map or object that began as the n-th of the body, counted from 0.
    Reference(u32),
}

impl<'a> Value<'a> {
    /// The value itself, to look into it.
    pub fn root(&self) -> Item<'_, 'a> {
        match self.entries.split_first() {
            Some((first, inside)) => Item {
                node: &first.node,
                inside,
            },
            None => Item {
                node: &Node::Null,
                inside: &[],
            },
        }
    }

    /// All values, each before what is inside it, with the number of its children.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (&Node<'a>, u32)> {
        let entries = self.entries.iter();
        entries.map(|entry| (&entry.node, entry.children))
    }

    /// A copy that borrows nothing.
    pub fn into_owned(self) -> Value<'static> {
        let mut owned = owned::Owned::default();
        let entries = self.entries.into_iter().map(|entry| Entry {
            node: owned.node(entry.node),
            size: entry.size,
            children: entry.children,
        });
        Value {
            entries: entries.collect(),
        }
    }
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Long(a), Self::Long(b)) | (Self::Date(a), Self::Date(b)) => a == b,
            (Self::Double(a), Self::Double(b)) => a.to_bits() == b.to_bits(),
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Binary(a), Self::Binary(b)) => a == b,
            (
                Self::List {
                    type_name: a,
                    fixed: a_fixed,
                },
                Self::List {
                    type_name: b,
                    fixed: b_fixed,
                },
            ) => a == b && a_fixed == b_fixed,
            (Self::Map { type_name: a }, Self::Map { type_name: b }) => a == b,
            (Self::Object { class: a }, Self::Object { class: b }) => a == b,
            (Self::Reference(a), Self::Reference(b)) => a == b,
            _ => false,
        }
    }
}

/// A value within a [`Value`].
#[derive(Debug, Clone, Copy)]
pub struct Item<'v, 'a> {
    node: &'v Node<'a>,
    /// Everything inside it.
    inside: &'v [Entry<'a>],
}

impl<'v, 'a> Item<'v, 'a> {
    /// What it is.
    pub fn node(&self) -> &'v Node<'a> {
        self.node
    }

    /// The values inside it, in order.
    pub fn children(&self) -> Children<'v, 'a> {
        Children {
            entries: self.inside,
        }
    }

    /// The value of an object's field, or of a map's entry with this text as key. The last one counts.
    pub fn field(&self, name: &str) -> Option<Item<'v, 'a>> {
        let mut children = self.children();
        match self.node {
            Node::Object { class } => {
                let fields = class.fields.iter().zip(children);
                let found = fields.filter(|(field, _)| **field == name);
                found.last().map(|(_, item)| item)
            }
            Node::Map { .. } => {
                let mut found = None;
                while let Some(key) = children.next() {
                    let value = children.next();
                    if matches!(key.node, Node::Text(key) if *key == name) {
                        found = value;
                    }
                }
                found
            }
            _ => None,
        }
    }
}

/// The values inside a value.
#[derive(Debug, Clone)]
pub struct Children<'v, 'a> {
    entries: &'v [Entry<'a>],
}

impl<'v, 'a> Iterator for Children<'v, 'a> {
    type Item = Item<'v, 'a>;

    fn next(&mut self) -> Option<Item<'v, 'a>> {
        let (first, rest) = self.entries.split_first()?;
        let size = usize::try_from(first.size).ok()?.checked_sub(1)?;
        let (inside, rest) = rest.split_at_checked(size)?;
        self.entries = rest;
        Some(Item {
            node: &first.node,
            inside,
        })
    }
}

#[cfg(test)]
mod tests;
