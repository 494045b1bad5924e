//! Writing a body.

use std::collections::HashMap;
use std::sync::Arc;

use crate::{Class, Node, Text, Value};

mod number;
mod run;
#[cfg(test)]
mod tests;

/// Writes the values of one body, in the forms that Java's `Hessian2Output` uses: the shortest ones, texts and
/// binaries in chunks of 32 Ki, classes and types once and then by number.
#[derive(Debug, Clone, Default)]
pub struct Encoder {
    out: Vec<u8>,
    /// The numbers of the classes, by their definitions as they were written.
    classes: HashMap<Vec<u8>, i32>,
    /// The numbers of the types, by their names as they were written.
    types: HashMap<Vec<u8>, i32>,
}

impl Encoder {
    /// An empty body.
    pub fn new() -> Self {
        Self::default()
    }

    /// What has been written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.out
    }

    /// The body.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Writes null.
    pub fn write_null(&mut self) {
        self.out.push(b'N');
    }

    /// Writes a boolean.
    pub fn write_bool(&mut self, value: bool) {
        self.out.push(if value { b'T' } else { b'F' });
    }

    /// Writes a 32-bit integer.
    pub fn write_int(&mut self, value: i32) {
        number::int(&mut self.out, value);
    }

    /// Writes a 64-bit integer.
    pub fn write_long(&mut self, value: i64) {
        number::long(&mut self.out, value);
    }

    /// Writes a double.
    pub fn write_double(&mut self, value: f64) {
        number::double(&mut self.out, value);
    }

    /// Writes a date: milliseconds since 1970-01-01 00:00 UTC.
    pub fn write_date(&mut self, milliseconds: i64) {
        number::date(&mut self.out, milliseconds);
    }

    /// Writes a text.
    pub fn write_str(&mut self, text: &str) {
        run::str(&mut self.out, text);
    }

    /// Writes a text that may hold lone surrogates.
    pub fn write_text(&mut self, text: &Text<'_>) {
        run::text(&mut self.out, text);
    }

    /// Writes bytes.
    pub fn write_binary(&mut self, bytes: &[u8]) {
        run::binary(&mut self.out, bytes);
    }

    /// Writes the begin of a list with `length` elements, which are to be written next. There is no end to write.
    /// (Java has no lists of more than 2^31 - 1 elements.)
    pub fn begin_list(&mut self, type_name: Option<&Text<'_>>, length: u32) {
        let direct = u8::try_from(length).ok().filter(|length| *length <= 7);
        match (direct, type_name) {
            (Some(length), Some(name)) => self.tag_and_type(0x70 | length, name),
            (Some(length), None) => self.out.push(0x78 | length),
            (None, Some(name)) => self.tag_and_type(b'V', name),
            (None, None) => self.out.push(b'X'),
        }
        if direct.is_none() {
            self.write_int(i32::try_from(length).unwrap_or(i32::MAX));
        }
    }

    /// Writes the begin of a list that [`end`](Self::end) ends.
    pub fn begin_variable_list(&mut self, type_name: Option<&Text<'_>>) {
        match type_name {
            Some(name) => self.tag_and_type(b'U', name),
            None => self.out.push(b'W'),
        }
    }

    /// Writes the begin of a map: keys and values are to be written next, then [`end`](Self::end).
    pub fn begin_map(&mut self, type_name: Option<&Text<'_>>) {
        match type_name {
            Some(name) => self.tag_and_type(b'M', name),
            None => self.out.push(b'H'),
        }
    }

    /// Writes the begin of an object, with the definition of its class when it is the first of it. The values of
    /// all fields are to be written next. There is no end to write.
    pub fn begin_object(&mut self, class: &Arc<Class<'_>>) {
        let mut definition = vec![b'C'];
        run::text(&mut definition, &class.name);
        let fields = i32::try_from(class.fields.len()).unwrap_or(i32::MAX);
        number::int(&mut definition, fields);
        for field in &class.fields {
            run::text(&mut definition, field);
        }
        let number = match self.classes.get(&definition) {
            Some(number) => *number,
            None => {
                self.out.extend_from_slice(&definition);
                let number = next_number(&self.classes);
                self.classes.insert(definition, number);
                number
            }
        };
        match u8::try_from(number) {
            Ok(number @ 0..=0x0f) => self.out.push(0x60 | number),
            _ => {
                self.out.push(b'O');
                self.write_int(number);
            }
        }
    }

    /// Ends a map or a list that began without length.
    pub fn end(&mut self) {
        self.out.push(b'Z');
    }

    /// Writes a back reference to the n-th list, map or object of the body, counted from 0.
    pub fn write_reference(&mut self, number: u32) {
        self.out.push(b'Q');
        self.write_int(i32::try_from(number).unwrap_or(i32::MAX));
    }

    /// Writes a value with everything inside it. The back references in it keep their numbers, so what they refer
    /// to must have been written as before: the values of a body, from the first on, in the same order.
    pub fn write_value(&mut self, value: &Value<'_>) {
        // How many values are left of each list, map and object around, and whether an end mark follows.
        let mut open: Vec<(u32, bool)> = Vec::new();
        for (node, children) in value.nodes() {
            if let Some((left, _)) = open.last_mut() {
                *left -= 1;
            }
            let marked = self.write_node(node, children);
            open.push((children, marked));
            while let Some((0, marked)) = open.last() {
                if *marked {
                    self.end();
                }
                open.pop();
            }
        }
    }

    /// Writes a value without what is inside it, and gives whether an end mark must follow that.
    fn write_node(&mut self, node: &Node<'_>, children: u32) -> bool {
        match node {
            Node::Null => self.write_null(),
            Node::Bool(value) => self.write_bool(*value),
            Node::Int(value) => self.write_int(*value),
            Node::Long(value) => self.write_long(*value),
            Node::Double(value) => self.write_double(*value),
            Node::Date(value) => self.write_date(*value),
            Node::Text(text) => self.write_text(text),
            Node::Binary(bytes) => self.write_binary(bytes),
            Node::List { type_name, fixed } => {
                match fixed {
                    true => self.begin_list(type_name.as_deref(), children),
                    false => self.begin_variable_list(type_name.as_deref()),
                }
                return !fixed;
            }
            Node::Map { type_name } => {
                self.begin_map(type_name.as_deref());
                return true;
            }
            Node::Object { class } => self.begin_object(class),
            Node::Reference(number) => self.write_reference(*number),
        }
        false
    }

    fn tag_and_type(&mut self, tag: u8, name: &Text<'_>) {
        self.out.push(tag);
        let mut written = Vec::new();
        run::text(&mut written, name);
        match self.types.get(&written) {
            Some(number) => number::int(&mut self.out, *number),
            None => {
                self.out.extend_from_slice(&written);
                let number = next_number(&self.types);
                self.types.insert(written, number);
            }
        }
    }
}

fn next_number(table: &HashMap<Vec<u8>, i32>) -> i32 {
    i32::try_from(table.len()).unwrap_or(i32::MAX)
}
