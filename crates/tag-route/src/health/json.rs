//! JSON as a stream: what is wanted is read, all else is passed over.

use std::io::{self, BufRead};

/// Why a text cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidJson {
    /// It is not JSON, or not what is to stand there.
    #[error("byte {offset}: expected {expected}")]
    Unexpected {
        /// Where, from the beginning.
        offset: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// It ends before it is complete.
    #[error("it ends at byte {offset}")]
    End {
        /// Where.
        offset: usize,
    },
    /// It cannot be had.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads a text from its beginning to its end and keeps none of it.
///
/// What is passed over is looked at for quotes and brackets alone: it need not be JSON otherwise.
pub(super) struct Reader<R> {
    source: R,
    /// How much was taken from the source.
    offset: usize,
}

/// Is given the key of a member, as it is written, and reads or passes over its value.
type Member<'m, R> = &'m mut dyn FnMut(&mut R, &[u8]) -> Result<(), InvalidJson>;

impl<R: BufRead> Reader<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, offset: 0 }
    }

    /// What the next value begins with.
    pub(super) fn peek(&mut self) -> Result<u8, InvalidJson> {
        self.until(None, |byte| !byte.is_ascii_whitespace())
    }

    /// Fails unless nothing but space is left.
    pub(super) fn end(&mut self) -> Result<(), InvalidJson> {
        match self.peek() {
            Err(InvalidJson::End { .. }) => Ok(()),
            Ok(_) => self.expected("the end"),
            Err(error) => Err(error),
        }
    }

    /// Reads an object.
    pub(super) fn object(&mut self, member: Member<'_, Self>) -> Result<(), InvalidJson> {
        let mut key = Vec::new();
        self.list(b"{}", "an object", &mut |reader| {
            key.clear();
            reader.raw_string(Some(&mut key))?;
            match reader.peek()? {
                b':' => reader.consume(1),
                _ => return reader.expected("`:`"),
            }
            member(reader, &key)
        })
    }

    /// Reads an array. `item` reads or passes over each value.
    pub(super) fn array(
        &mut self,
        item: &mut dyn FnMut(&mut Self) -> Result<(), InvalidJson>,
    ) -> Result<(), InvalidJson> {
        self.list(b"[]", "an array", item)
    }

    /// Reads `true` or `false`.
    pub(super) fn boolean(&mut self) -> Result<bool, InvalidJson> {
        let value = self.peek()? == b't';
        let word: &[u8] = if value { b"true" } else { b"false" };
        for byte in word {
            if self.byte()? != *byte {
                return self.expected("`true` or `false`");
            }
        }
        Ok(value)
    }

    /// Reads a string.
    pub(super) fn string(&mut self) -> Result<String, InvalidJson> {
        let mut raw = b"\"".to_vec();
        self.raw_string(Some(&mut raw))?;
        raw.push(b'"');
        match serde_json::from_slice(&raw) {
            Ok(string) => Ok(string),
            Err(_) => self.expected("a string before"),
        }
    }

    /// Passes over a value.
    pub(super) fn skip(&mut self) -> Result<(), InvalidJson> {
        match self.peek()? {
            b'"' => self.raw_string(None),
            b'{' | b'[' => self.skip_nested(),
            b'-' | b'0'..=b'9' | b'a'..=b'z' => {
                let ends = |byte: u8| matches!(byte, b',' | b'}' | b']');
                self.until(None, |byte| ends(byte) || byte.is_ascii_whitespace())?;
                Ok(())
            }
            _ => self.expected("a value"),
        }
    }

    /// Passes over what stands between two brackets.
    fn skip_nested(&mut self) -> Result<(), InvalidJson> {
        let mut depth = 0_usize;
        loop {
            // `[` and `{` differ by a bit, and so do `]` and `}`.
            let is_nesting = |byte: u8| matches!(byte | 0x20, b'{' | b'}');
            let next = self.until(None, |byte| byte == b'"' || is_nesting(byte))?;
            match next | 0x20 {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {
                    self.raw_string(None)?;
                    continue;
                }
            }
            self.consume(1);
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Reads what stands between two brackets, with commas between.
    fn list(
        &mut self,
        [open, close]: &[u8; 2],
        expected: &'static str,
        item: &mut dyn FnMut(&mut Self) -> Result<(), InvalidJson>,
    ) -> Result<(), InvalidJson> {
        if self.peek()? != *open {
            return self.expected(expected);
        }
        self.consume(1);
        if self.peek()? == *close {
            self.consume(1);
            return Ok(());
        }
        loop {
            item(self)?;
            let next = self.peek()?;
            if next != b',' && next != *close {
                return self.expected("`,` or a closing bracket");
            }
            self.consume(1);
            if next == *close {
                return Ok(());
            }
        }
    }

    /// Reads a string and keeps what stands between its quotes, as it is written.
    fn raw_string(&mut self, mut keep: Option<&mut Vec<u8>>) -> Result<(), InvalidJson> {
        if self.peek()? != b'"' {
            return self.expected("a string");
        }
        self.consume(1);
        loop {
            let is_end = |byte: u8| matches!(byte, b'"' | b'\\');
            let end = self.until(keep.as_deref_mut(), is_end)?;
            self.consume(1);
            if end == b'"' {
                return Ok(());
            }
            // What is escaped is no end.
            let escaped = self.byte()?;
            if let Some(keep) = &mut keep {
                keep.extend_from_slice(&[end, escaped]);
            }
        }
    }

    fn byte(&mut self) -> Result<u8, InvalidJson> {
        let byte = self.until(None, |_| true)?;
        self.consume(1);
        Ok(byte)
    }

    /// Takes what is before a byte at which to stop, and returns that byte.
    fn until(
        &mut self,
        mut keep: Option<&mut Vec<u8>>,
        stop: impl Fn(u8) -> bool,
    ) -> Result<u8, InvalidJson> {
        loop {
            let there = self.source.fill_buf()?;
            if there.is_empty() {
                return Err(InvalidJson::End {
                    offset: self.offset,
                });
            }
            let found = there.iter().position(|byte| stop(*byte));
            let length = found.unwrap_or(there.len());
            let next = there.get(length).copied();
            if let Some(keep) = &mut keep {
                keep.extend_from_slice(there.get(..length).unwrap_or_default());
            }
            self.consume(length);
            if let Some(byte) = next {
                return Ok(byte);
            }
        }
    }

    fn consume(&mut self, length: usize) {
        self.source.consume(length);
        self.offset += length;
    }

    fn expected<T>(&self, expected: &'static str) -> Result<T, InvalidJson> {
        Err(InvalidJson::Unexpected {
            offset: self.offset,
            expected,
        })
    }
}
