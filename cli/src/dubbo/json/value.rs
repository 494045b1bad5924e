//! Values in JSON, with marks for what JSON does not have.

use std::fmt::Write;

use meshlane_hessian2::{Children, Item, Node, Text};
use sha2::{Digest, Sha256};

/// Appends a value.
///
/// | value | written |
/// |---|---|
/// | null, boolean, 32-bit integer, text | as it is |
/// | 64-bit integer, double, date | `{"$long": "1"}` `{"$double": "1.5"}` `{"$date": 1700000000000}` |
/// | bytes | `{"$bin": "00ff"}`, over 64 bytes `{"$bin_sha256": "…", "len": 65}` |
/// | text over 4096 UTF-16 units | `{"$str_sha256": "…", "utf16_len": 5000, "prefix": "…"}` |
/// | text with a lone surrogate | `{"$utf16": [56320]}` |
/// | list, map, object | `{"$list": […], "type", "var"}` `{"$map": [[k, v], …], "type"}` `{"$obj": "class", "fields": [[name, v], …]}` |
/// | reference | `{"$ref": 0}` |
pub(super) fn write_value(out: &mut String, root: Item<'_, '_>) {
    let mut open = Vec::new();
    open.extend(begin(out, root));
    while let Some(innermost) = open.last_mut() {
        match innermost.children.next() {
            Some(child) => {
                innermost.before_child(out);
                open.extend(begin(out, child));
            }
            None => {
                innermost.end(out);
                open.pop();
            }
        }
    }
}

/// Appends a text in quotes.
pub(super) fn write_text(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// A list, a map or an object whose parts are being written.
struct Open<'v, 'a> {
    node: &'v Node<'a>,
    children: Children<'v, 'a>,
    written: usize,
}

impl Open<'_, '_> {
    /// What stands between the part before and the next one.
    fn before_child(&mut self, out: &mut String) {
        let place = self.written;
        self.written += 1;
        match self.node {
            Node::Object { class } => {
                out.push_str(if place == 0 { "[" } else { "],[" });
                match class.fields.get(place) {
                    Some(name) => write_java_text(out, name),
                    None => out.push_str("null"),
                }
                out.push(',');
            }
            Node::Map { .. } => out.push_str(match (place, place % 2) {
                (0, _) => "[",
                (_, 0) => "],[",
                _ => ",",
            }),
            _ if place > 0 => out.push(','),
            _ => {}
        }
    }

    fn end(&self, out: &mut String) {
        match self.node {
            Node::List { type_name, fixed } => {
                out.push_str("],\"type\":");
                write_type(out, type_name.as_deref());
                out.push_str(if *fixed {
                    ",\"var\":false}"
                } else {
                    ",\"var\":true}"
                });
            }
            Node::Map { type_name } => {
                out.push_str(if self.written > 0 { "]]" } else { "]" });
                out.push_str(",\"type\":");
                write_type(out, type_name.as_deref());
                out.push('}');
            }
            _ => out.push_str(if self.written > 0 { "]]}" } else { "]}" }),
        }
    }
}

/// Writes a value that has no parts, or the beginning of one that has.
fn begin<'v, 'a>(out: &mut String, item: Item<'v, 'a>) -> Option<Open<'v, 'a>> {
    let node = item.node();
    match node {
        Node::List { .. } => out.push_str("{\"$list\":["),
        Node::Map { .. } => out.push_str("{\"$map\":["),
        Node::Object { class } => {
            out.push_str("{\"$obj\":");
            write_java_text(out, &class.name);
            out.push_str(",\"fields\":[");
        }
        scalar => {
            write_scalar(out, scalar);
            return None;
        }
    }
    Some(Open {
        node,
        children: item.children(),
        written: 0,
    })
}

fn write_scalar(out: &mut String, node: &Node<'_>) {
    // Writing to a string does not fail.
    let _ = match node {
        Node::Bool(bool) => write!(out, "{bool}"),
        Node::Int(number) => write!(out, "{number}"),
        Node::Long(number) => write!(out, "{{\"$long\":\"{number}\"}}"),
        Node::Double(number) if number.is_nan() => write!(out, "{{\"$double\":\"nan\"}}"),
        Node::Double(number) => write!(out, "{{\"$double\":\"{number:?}\"}}"),
        Node::Date(milliseconds) => write!(out, "{{\"$date\":{milliseconds}}}"),
        Node::Reference(number) => write!(out, "{{\"$ref\":{number}}}"),
        Node::Binary(bytes) if bytes.len() <= MAX_BYTES => {
            write!(out, "{{\"$bin\":\"{}\"}}", hex(bytes))
        }
        Node::Binary(bytes) => write!(
            out,
            "{{\"$bin_sha256\":\"{}\",\"len\":{}}}",
            hex(&Sha256::digest(bytes)),
            bytes.len()
        ),
        Node::Text(text) => {
            write_java_text(out, text);
            Ok(())
        }
        _ => write!(out, "null"),
    };
}

fn write_type(out: &mut String, name: Option<&Text<'_>>) {
    match name {
        Some(name) => write_java_text(out, name),
        None => out.push_str("null"),
    }
}

/// A text of UTF-16 units.
fn write_java_text(out: &mut String, text: &Text<'_>) {
    let _ = match text.as_str() {
        Some(short) if short.len() <= MAX_UNITS => {
            write_text(out, short);
            Ok(())
        }
        unicode => {
            let units: Vec<u16> = text.units().collect();
            match unicode {
                Some(text) if units.len() <= MAX_UNITS => {
                    write_text(out, text);
                    Ok(())
                }
                None if units.len() <= MAX_UNITS => write!(out, "{{\"$utf16\":{units:?}}}"),
                _ => {
                    let prefix: String = char::decode_utf16(units.iter().copied())
                        .take(PREFIX)
                        .map(|char| char.unwrap_or('?'))
                        .collect();
                    let hash = hex(&Sha256::digest(generalized_utf8(&units)));
                    let length = units.len();
                    let prefix = serde_json::Value::from(prefix);
                    write!(
                        out,
                        "{{\"$str_sha256\":\"{hash}\",\"utf16_len\":{length},\"prefix\":{prefix}}}"
                    )
                }
            }
        }
    };
}

/// UTF-8 in which lone surrogates take three bytes.
fn generalized_utf8(units: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(units.len());
    for char in char::decode_utf16(units.iter().copied()) {
        match char {
            Ok(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => {
                let [high, low] = lone.unpaired_surrogate().to_be_bytes();
                bytes.extend_from_slice(&[
                    0xe0 | high >> 4,
                    0x80 | (high & 0xf) << 2 | low >> 6,
                    0x80 | low & 0x3f,
                ]);
            }
        }
    }
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Longer bytes are written as their hash.
const MAX_BYTES: usize = 64;
/// Longer texts are written as their hash.
const MAX_UNITS: usize = 4096;
/// So many characters of a long text are written beside its hash.
const PREFIX: usize = 32;
