//! Where the characters of a YAML string stand in the file.

use super::{Span, TextStyle};

/// For every byte of a string (and its end) the byte of the file that it comes from.
#[derive(Debug)]
pub(super) struct Places(Vec<usize>);

impl Places {
    /// The range of the file that a range of the string comes from.
    pub(super) fn span(&self, span: &Span) -> Span {
        let place = |offset: usize| {
            self.0
                .get(offset)
                .or_else(|| self.0.last())
                .copied()
                .unwrap_or_default()
        };
        let start = place(span.start);
        // The end is taken from the last byte inside, so that a range at the end of a
        // line does not run into the indentation of the next.
        let end = match span.end.checked_sub(1) {
            Some(last) if span.end > span.start => {
                let last = place(last);
                let exclusive = place(span.end);
                if exclusive > last && exclusive - last <= MAX_ESCAPE {
                    exclusive
                } else {
                    last + 1
                }
            }
            _ => start,
        };
        start..end.max(start)
    }
}

/// Finds for each character of `decoded` the place in `file` that it was written at.
///
/// YAML folds lines, strips indentation and resolves escapes. Rather than repeat these
/// rules, the two texts are walked side by side: white space may differ in amount,
/// everything else must be found again in the same order.
pub(super) fn align(file: &str, span: &Span, style: TextStyle, decoded: &str) -> Places {
    let quote = match style {
        TextStyle::SingleQuoted | TextStyle::DoubleQuoted => 1,
        TextStyle::Plain | TextStyle::Block => 0,
    };
    let mut cursor = Cursor {
        rest: file.get(span.start + quote..).unwrap_or_default(),
        offset: span.start + quote,
        style,
    };
    let mut places = Vec::with_capacity(decoded.len() + 1);
    for wanted in decoded.chars() {
        let place = cursor.find(wanted);
        places.extend(std::iter::repeat_n(place, wanted.len_utf8()));
    }
    places.push(cursor.offset);
    Places(places)
}

struct Cursor<'f> {
    rest: &'f str,
    offset: usize,
    style: TextStyle,
}

impl Cursor<'_> {
    /// The place of the next `wanted`; the cursor then stands behind it.
    fn find(&mut self, wanted: char) -> usize {
        loop {
            let Some(next) = self.rest.chars().next() else {
                return self.offset;
            };
            if next == '\\' && self.style == TextStyle::DoubleQuoted {
                let length = escape_length(self.rest);
                if self
                    .rest
                    .get(1..)
                    .is_some_and(|r| r.starts_with(['\n', '\r']))
                {
                    self.advance(length);
                    continue;
                }
                return self.take(length);
            }
            if next == wanted {
                let doubled = next == '\'' && self.style == TextStyle::SingleQuoted;
                return self.take(if doubled { 2 } else { next.len_utf8() });
            }
            if next.is_whitespace() {
                self.advance(next.len_utf8());
            } else {
                // White space that stands for the end of a line, already passed.
                return self.offset;
            }
        }
    }

    fn take(&mut self, length: usize) -> usize {
        let place = self.offset;
        self.advance(length);
        place
    }

    fn advance(&mut self, length: usize) {
        let length = length.min(self.rest.len());
        self.rest = self.rest.get(length..).unwrap_or_default();
        self.offset += length;
    }
}

/// The length of an escape sequence of a double-quoted string.
fn escape_length(text: &str) -> usize {
    match text.chars().nth(1) {
        Some('x') => 4,
        Some('u') => 6,
        Some('U') => MAX_ESCAPE,
        Some(other) => 1 + other.len_utf8(),
        None => 1,
    }
}

/// The longest escape sequence: `\U0001f600`.
const MAX_ESCAPE: usize = 10;
