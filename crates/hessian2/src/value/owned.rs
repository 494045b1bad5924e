//! Values that borrow nothing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::Node;
use crate::{Class, Text};

/// Copies nodes. What several of them share stays shared: classes and type names are found again by where they are.
#[derive(Default)]
pub(super) struct Owned {
    classes: HashMap<usize, Arc<Class<'static>>>,
    types: HashMap<usize, Arc<Text<'static>>>,
}

impl Owned {
    pub(super) fn node(&mut self, node: Node<'_>) -> Node<'static> {
        match node {
            Node::Null => Node::Null,
            Node::Bool(value) => Node::Bool(value),
            Node::Int(value) => Node::Int(value),
            Node::Long(value) => Node::Long(value),
            Node::Double(value) => Node::Double(value),
            Node::Date(value) => Node::Date(value),
            Node::Text(text) => Node::Text(text.into_owned()),
            Node::Binary(bytes) => Node::Binary(Cow::Owned(bytes.into_owned())),
            Node::List { type_name, fixed } => Node::List {
                type_name: type_name.map(|name| self.type_name(&name)),
                fixed,
            },
            Node::Map { type_name } => Node::Map {
                type_name: type_name.map(|name| self.type_name(&name)),
            },
            Node::Object { class } => Node::Object {
                class: self.class(&class),
            },
            Node::Reference(number) => Node::Reference(number),
        }
    }

    fn type_name(&mut self, name: &Arc<Text<'_>>) -> Arc<Text<'static>> {
        let copy = || Arc::new((**name).clone().into_owned());
        let place = Arc::as_ptr(name).addr();
        Arc::clone(self.types.entry(place).or_insert_with(copy))
    }

    fn class(&mut self, class: &Arc<Class<'_>>) -> Arc<Class<'static>> {
        let copy = || Arc::new((**class).clone().into_owned());
        let place = Arc::as_ptr(class).addr();
        Arc::clone(self.classes.entry(place).or_insert_with(copy))
    }
}
