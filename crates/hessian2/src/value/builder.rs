//! Building values from the outside in.

use super::{Entry, Node, Value};

/// Builds a [`Value`] from the outside in.
#[derive(Debug, Clone, Default)]
pub struct ValueBuilder<'a> {
    entries: Vec<Entry<'a>>,
    /// Where the lists, maps and objects begin that have not ended, and how many values have been added to each.
    open: Vec<(usize, u32)>,
    /// Whether something was added or ended that makes no value.
    broken: bool,
}

impl<'a> ValueBuilder<'a> {
    /// Nothing built.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value. A list, map or object stays open for the values that are added next, until [`end`](Self::end).
    pub fn push(&mut self, node: Node<'a>) -> &mut Self {
        match self.open.last_mut() {
            Some((_, children)) => *children += 1,
            None => self.broken |= !self.entries.is_empty(),
        }
        if matches!(
            node,
            Node::List { .. } | Node::Map { .. } | Node::Object { .. }
        ) {
            self.open.push((self.entries.len(), 0));
        }
        self.entries.push(Entry {
            node,
            size: 1,
            children: 0,
        });
        self
    }

    /// Ends the list, map or object that was opened last.
    pub fn end(&mut self) -> &mut Self {
        let end = self.entries.len();
        let Some((begin, children)) = self.open.pop() else {
            self.broken = true;
            return self;
        };
        let Some(entry) = self.entries.get_mut(begin) else {
            self.broken = true;
            return self;
        };
        self.broken |= match &entry.node {
            Node::Map { .. } => children % 2 != 0,
            Node::Object { class } => u32::try_from(class.fields.len()) != Ok(children),
            _ => false,
        };
        entry.children = children;
        match u32::try_from(end - begin) {
            Ok(size) => entry.size = size,
            Err(_) => self.broken = true,
        }
        self
    }

    /// The value; nothing unless there is exactly one and it is whole: all ended, no map with a key without value,
    /// every object with as many values as its class has fields.
    pub fn finish(self) -> Option<Value<'a>> {
        let whole = !self.broken && self.open.is_empty() && !self.entries.is_empty();
        whole.then_some(Value {
            entries: self.entries,
        })
    }
}
