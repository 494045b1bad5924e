//! Values as an indented tree.

use std::collections::BTreeSet;
use std::fmt::Write;

use meshlane_hessian2::{Children, Item, Node, Text};

/// Prints the values of one body; those that others refer to get their numbers.
pub(super) struct Tree {
    referred: BTreeSet<u32>,
    /// The number of the first list, map or object of each value that is printed.
    next: std::cell::Cell<u32>,
}

impl Tree {
    /// For the values of one body, in order. They must be printed in this order, too.
    pub(super) fn new<'v, 'a: 'v>(roots: impl Iterator<Item = Item<'v, 'a>>) -> Self {
        let mut referred = BTreeSet::new();
        let mut left: Vec<Item<'_, '_>> = roots.collect();
        while let Some(item) = left.pop() {
            if let Node::Reference(number) = item.node() {
                referred.insert(*number);
            }
            left.extend(item.children());
        }
        Self {
            referred,
            next: std::cell::Cell::new(0),
        }
    }

    /// Appends a value: its own line behind the label, its parts on indented lines.
    pub(super) fn write(&self, out: &mut String, indent: usize, label: &str, root: Item<'_, '_>) {
        let mut open: Vec<Open<'_, '_>> = Vec::new();
        self.line(out, indent, label, root);
        open.extend(Open::new(root));
        loop {
            let inside = open_indent(indent, open.len());
            let Some(innermost) = open.last_mut() else {
                return;
            };
            match innermost.next() {
                Some((label, child)) => {
                    self.line(out, inside, &label, child);
                    open.extend(Open::new(child));
                }
                None => {
                    open.pop();
                }
            }
        }
    }

    fn line(&self, out: &mut String, indent: usize, label: &str, item: Item<'_, '_>) {
        let number = if is_container(item.node()) {
            let number = self.next.get();
            self.next.set(number.saturating_add(1));
            Some(number).filter(|number| self.referred.contains(number))
        } else {
            None
        };
        let _ = write!(out, "{:indent$}{label}", "");
        match in_one_line(item) {
            Some(text) => out.push_str(&text),
            None => write_node(out, item),
        }
        if let Some(message) = message_of(item) {
            let _ = write!(out, ": {message}");
        }
        if let Some(number) = number {
            let _ = write!(out, " (#{number})");
        }
        out.push('\n');
    }
}

/// A text in quotes, escaped, and shortened when it is long.
pub(super) fn quoted(text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST);
    match text.get(..end) {
        Some(begin) if begin.len() < text.len() => {
            format!("{begin:?}… ({} characters)", text.chars().count())
        }
        _ => format!("{text:?}"),
    }
}

/// An object as one line, where that says it all.
fn in_one_line(item: Item<'_, '_>) -> Option<String> {
    let Node::Object { class } = item.node() else {
        return None;
    };
    if item.children().any(|part| is_container(part.node())) {
        return None;
    }
    let field = |name| {
        let mut text = String::new();
        match item.field(name)?.node() {
            Node::Text(found) => text.push_str(&name_text(found)),
            _ => write_node(&mut text, item.field(name)?),
        }
        Some(text)
    };
    if class.name == "java.lang.StackTraceElement" {
        let [class, method] = [field("declaringClass")?, field("methodName")?];
        let [file, line] = [field("fileName")?, field("lineNumber")?];
        return Some(format!("at {class}.{method}({file}:{line})"));
    }
    // Enums, BigDecimal, wrappers: one field that is a scalar.
    let mut parts = item.children();
    match (parts.next(), parts.next(), class.fields.first()) {
        (Some(part), None, Some(name)) => {
            let mut text = format!("{} {{{}: ", name_text(&class.name), name_text(name));
            write_node(&mut text, part);
            Some(text + "}")
        }
        _ => None,
    }
}

/// The message of an exception.
fn message_of(item: Item<'_, '_>) -> Option<String> {
    item.field("stackTrace")?;
    match item.field("detailMessage")?.node() {
        Node::Text(message) => Some(quoted(&message.clone().into_str_lossy())),
        _ => None,
    }
}

/// A container whose parts are being printed.
struct Open<'v, 'a> {
    node: &'v Node<'a>,
    children: Children<'v, 'a>,
    place: usize,
}

impl<'v, 'a> Open<'v, 'a> {
    fn new(item: Item<'v, 'a>) -> Option<Self> {
        let parts = is_container(item.node()) && in_one_line(item).is_none();
        parts.then(|| Self {
            node: item.node(),
            children: item.children(),
            place: 0,
        })
    }

    /// The next part and what stands before it.
    fn next(&mut self) -> Option<(String, Item<'v, 'a>)> {
        let part = self.children.next()?;
        let place = self.place;
        self.place += 1;
        Some(match self.node {
            Node::Object { class } => match class.fields.get(place) {
                Some(name) => (format!("{}: ", name_text(name)), part),
                None => ("?: ".to_owned(), part),
            },
            Node::Map { .. } => match (part.node(), place % 2) {
                // A short key stands on the line of its value.
                (key, 0) if !is_container(key) => {
                    let mut label = match key {
                        Node::Text(text) => name_text(text),
                        _ => {
                            let mut label = String::new();
                            write_node(&mut label, part);
                            label
                        }
                    };
                    label.push_str(": ");
                    self.place += 1;
                    (label, self.children.next()?)
                }
                (_, 0) => ("key: ".to_owned(), part),
                _ => ("value: ".to_owned(), part),
            },
            _ => (format!("[{place}] "), part),
        })
    }
}

fn write_node(out: &mut String, item: Item<'_, '_>) {
    let _ = match item.node() {
        Node::Null => write!(out, "null"),
        Node::Bool(bool) => write!(out, "{bool}"),
        Node::Int(number) => write!(out, "{number}"),
        Node::Long(number) => write!(out, "{number}L"),
        Node::Double(number) => write!(out, "{number:?}"),
        Node::Date(milliseconds) => write!(out, "date {}", date(*milliseconds)),
        Node::Text(text) => write!(out, "{}", quoted(&text.clone().into_str_lossy())),
        Node::Binary(bytes) => {
            let begin: String = bytes.iter().take(16).fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
            let more = if bytes.len() > 16 { "…" } else { "" };
            write!(out, "{} bytes {begin}{more}", bytes.len())
        }
        Node::List { type_name, .. } => {
            let name = type_name.as_deref().map_or("list".to_owned(), name_text);
            write!(out, "{name} of {}", item.children().count())
        }
        Node::Map { type_name } => {
            let name = type_name.as_deref().map_or("map".to_owned(), name_text);
            write!(out, "{name} of {}", item.children().count() / 2)
        }
        Node::Object { class } => write!(out, "{}", name_text(&class.name)),
        Node::Reference(number) => write!(out, "-> #{number}"),
    };
}

/// A name as it is, unless that would be misleading.
fn name_text(name: &Text<'_>) -> String {
    let name = name.clone().into_str_lossy();
    let plain = !name.is_empty()
        && name.len() <= LONGEST
        && name
            .chars()
            .all(|char| !char.is_control() && !char.is_whitespace() && char != ':');
    if plain {
        name.into_owned()
    } else {
        quoted(&name)
    }
}

/// A point in time in UTC, as in ISO 8601.
fn date(milliseconds: i64) -> String {
    let (days, of_day) = (milliseconds.div_euclid(DAY), milliseconds.rem_euclid(DAY));
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (
        of_day / 3_600_000,
        of_day / 60_000 % 60,
        of_day / 1_000 % 60,
    );
    let milli = of_day % 1_000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

const fn is_container(node: &Node<'_>) -> bool {
    matches!(
        node,
        Node::List { .. } | Node::Map { .. } | Node::Object { .. }
    )
}

/// Beyond some depth the lines stay where they are.
fn open_indent(indent: usize, depth: usize) -> usize {
    indent + 2 * depth.min(DEEPEST)
}

/// Texts are printed up to so many bytes.
const LONGEST: usize = 200;
/// So many levels are indented.
const DEEPEST: usize = 40;
/// Milliseconds.
const DAY: i64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (milliseconds, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_700_000_000_000, "2023-11-14T22:13:20.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(date(milliseconds), expected);
        }
        assert!(date(i64::MAX).starts_with("292278994-08-17"));
        assert!(date(i64::MIN).ends_with("-05-16T16:47:04.192Z"));
    }
}
