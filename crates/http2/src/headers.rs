use std::fmt;

use crate::hpack::{Fields, OVERHEAD};

/// A decoded header list.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// Names and values, one after the other.
    bytes: Vec<u8>,
    /// Where each name and each value ends.
    ends: Vec<(u32, u32)>,
}

impl Headers {
    /// The first field of this name; `name` is in lower case, pseudo header fields begin with a colon.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value)
    }

    /// All fields in the order of the peer, pseudo header fields first.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = self.bytes.as_slice();
        let mut start = 0;
        self.ends.iter().map_while(move |&(name_end, end)| {
            let (name, after) = rest.split_at_checked((name_end - start) as usize)?;
            let (value, after) = after.split_at_checked((end - name_end) as usize)?;
            rest = after;
            start = end;
            Some((name, value))
        })
    }

    /// `:method` of a request.
    #[must_use]
    pub fn method(&self) -> Option<&[u8]> {
        self.get(b":method")
    }

    /// `:path` of a request.
    #[must_use]
    pub fn path(&self) -> Option<&[u8]> {
        self.get(b":path")
    }

    /// `:authority` of a request.
    #[must_use]
    pub fn authority(&self) -> Option<&[u8]> {
        self.get(b":authority")
    }

    /// `:status` of a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        std::str::from_utf8(self.get(b":status")?)
            .ok()?
            .parse()
            .ok()
    }

    /// The number of fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Without fields, as trailers may be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The size of the list as RFC 9113 §6.5.2 counts it: names, values, and 32 for each field.
    #[must_use]
    pub fn list_size(&self) -> usize {
        self.bytes.len() + self.ends.len() * OVERHEAD
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.iter()
                    .map(|(n, v)| (n.escape_ascii().to_string(), v.escape_ascii().to_string())),
            )
            .finish()
    }
}

/// Collects a list up to a size; beyond it nothing more is kept, however many references to a long entry follow.
#[derive(Debug)]
pub(crate) struct Collector {
    headers: Headers,
    room: usize,
    too_long: bool,
}

impl Collector {
    pub(crate) fn new(limit: usize, block: usize) -> Self {
        // Enough for most: references are about as many bytes as huffman coding saves.
        let headers = Headers {
            bytes: Vec::with_capacity((block * 2).min(limit)),
            ends: Vec::with_capacity(16),
        };
        Self {
            headers,
            room: limit,
            too_long: false,
        }
    }

    /// The list, or `None` when it is longer than the limit.
    pub(crate) fn finish(self) -> Option<Headers> {
        (!self.too_long).then_some(self.headers)
    }
}

impl Fields for Collector {
    fn push(&mut self, name: &[u8], value: &[u8]) {
        let size = name.len() + value.len() + OVERHEAD;
        let Some(room) = self.room.checked_sub(size) else {
            self.too_long = true;
            self.room = 0;
            self.headers = Headers::default();
            return;
        };
        self.room = room;
        let Headers { bytes, ends } = &mut self.headers;
        bytes.extend_from_slice(name);
        let name_end = position(bytes);
        bytes.extend_from_slice(value);
        ends.push((name_end, position(bytes)));
    }
}

/// The limit of a list is a `u32`.
fn position(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
