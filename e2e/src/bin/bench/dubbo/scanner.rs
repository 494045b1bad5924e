//! Cuts a stream into frames without keeping their bodies.

use anyhow::Result;

/// Where the frames of a protocol begin and end.
pub(crate) struct Layout {
    /// How long the header is.
    pub(crate) header: usize,
    /// How long the payload behind this header is.
    pub(crate) payload: fn(&[u8]) -> usize,
    /// How much of the payload behind this header is wanted.
    pub(crate) wanted: fn(&[u8]) -> usize,
}

/// The part of a stream that has come so far.
pub(crate) struct Scanner {
    layout: &'static Layout,
    /// The header, and what is wanted of the payload.
    kept: Vec<u8>,
    /// The whole length of the payload.
    payload: usize,
    /// How much of it is still to come.
    missing: usize,
}

impl Scanner {
    pub(crate) fn new(layout: &'static Layout) -> Self {
        Self {
            layout,
            kept: Vec::new(),
            payload: 0,
            missing: 0,
        }
    }

    /// Takes bytes, and hands out each frame that is complete with them: its header, what is wanted of its payload, and
    /// how long the payload is.
    pub(crate) fn scan(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(&[u8], &[u8], usize) -> Result<()>,
    ) -> Result<()> {
        let header = self.layout.header;
        while !bytes.is_empty() {
            if self.kept.len() < header {
                bytes = self.keep(bytes, header - self.kept.len());
                if self.kept.len() < header {
                    return Ok(());
                }
                self.payload = (self.layout.payload)(&self.kept);
                self.missing = self.payload;
            }
            let wanted = header + (self.layout.wanted)(&self.kept);
            let room = wanted.saturating_sub(self.kept.len()).min(self.missing);
            let before = bytes.len();
            let rest = self.keep(bytes, room);
            let skipped = (self.missing - (before - rest.len())).min(rest.len());
            self.missing -= before - rest.len() + skipped;
            bytes = rest.get(skipped..).unwrap_or_default();
            if self.missing > 0 {
                return Ok(());
            }
            let (header, wanted) = self.kept.split_at(header);
            take(header, wanted, self.payload)?;
            self.kept.clear();
        }
        Ok(())
    }

    fn keep<'a>(&mut self, bytes: &'a [u8], at_most: usize) -> &'a [u8] {
        let (kept, rest) = bytes.split_at(at_most.min(bytes.len()));
        self.kept.extend_from_slice(kept);
        rest
    }
}

/// A number of a few bytes, the highest first.
pub(crate) fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_wherever_the_stream_is_cut() {
        const LAYOUT: Layout = Layout {
            header: 2,
            payload: |header| number(header),
            wanted: |_| 3,
        };
        let stream = b"\0\x02ab\0\0\0\x05cdefg";
        for size in 1..=stream.len() {
            let mut scanner = Scanner::new(&LAYOUT);
            let mut found = Vec::new();
            for part in stream.chunks(size) {
                scanner
                    .scan(part, |_, wanted, length| {
                        found.push((String::from_utf8_lossy(wanted).into_owned(), length));
                        Ok(())
                    })
                    .unwrap();
            }
            let expected = [("ab", 2), ("", 0), ("cde", 5)];
            assert_eq!(
                found,
                expected.map(|(text, length)| (text.to_owned(), length))
            );
        }
    }
}
