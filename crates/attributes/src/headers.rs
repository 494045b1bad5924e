//! A snapshot of the request headers.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::dubbo::{CONTENT_TYPE, DubboHeaders, is_dubbo_header};
use crate::reserved::{is_decision_header, is_reserved};

/// The request headers as a filter received them, pseudo headers (`:path` …) included.
///
/// The names are as Envoy has them: in lower case. Values are bytes; nothing says
/// that they are UTF-8. All of them lie in one buffer.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    buffer: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    name: Span,
    value: Span,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    length: u32,
}

/// The buffer is not a list of header pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("header pairs end at byte {0} already")]
pub struct InvalidHeaderPairs(usize);

impl Headers {
    /// Reads the serialized form in which a Wasm host hands over a header map
    /// ([Proxy-Wasm ABI 0.2.1](https://github.com/proxy-wasm/spec), `proxy_get_header_map_pairs`):
    /// a 32-bit little-endian count; for each header the length of its name and of its value,
    /// 32 bits each; then names and values, each followed by a zero byte.
    ///
    /// # Errors
    /// The buffer ends before all that it announces.
    pub fn from_pairs(buffer: Vec<u8>) -> Result<Self, InvalidHeaderPairs> {
        let end = InvalidHeaderPairs(buffer.len());
        let count = read_u32(&buffer, 0).ok_or(end)?;
        let lengths = u64::from(count) * 8 + 4;
        if lengths > buffer.len() as u64 {
            return Err(end);
        }
        let mut entries = Vec::with_capacity(count as usize);
        let mut position = lengths as usize;
        for entry in 0..count as usize {
            let name = read_u32(&buffer, 4 + entry * 8).ok_or(end)?;
            let value = read_u32(&buffer, 8 + entry * 8).ok_or(end)?;
            let name = take(&buffer, &mut position, name).ok_or(end)?;
            let value = take(&buffer, &mut position, value).ok_or(end)?;
            entries.push(Entry { name, value });
        }
        Ok(Self { buffer, entries })
    }

    /// All headers, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries
            .iter()
            .map(|entry| (self.bytes(entry.name), self.bytes(entry.value)))
    }

    /// The lines of one header, in their order.
    pub fn lines<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
        self.iter()
            .filter(move |(found, _)| *found == name.as_bytes())
            .map(|(_, value)| value)
    }

    /// The first line of a header.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.iter()
            .find(|(found, _)| *found == name.as_bytes())
            .map(|(_, value)| value)
    }

    /// A header as one value: several lines are joined by `,`
    /// ([RFC 9110 §5.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.2)), those of
    /// `cookie` by `; ` ([RFC 9113 §8.2.3](https://www.rfc-editor.org/rfc/rfc9113#section-8.2.3)).
    pub fn joined(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let mut lines = self
            .entries
            .iter()
            .filter(|entry| self.bytes(entry.name) == name.as_bytes())
            .map(|entry| self.bytes(entry.value));
        let first = lines.next()?;
        let Some(second) = lines.next() else {
            return Some(Cow::Borrowed(first));
        };
        let separator: &[u8] = if name == "cookie" { b"; " } else { b"," };
        let mut joined = first.to_vec();
        for line in std::iter::once(second).chain(lines) {
            joined.extend_from_slice(separator);
            joined.extend_from_slice(line);
        }
        Some(Cow::Owned(joined))
    }

    /// Whether any header's name begins so.
    pub fn any_with_prefix(&self, prefix: &str) -> bool {
        self.iter()
            .any(|(name, _)| name.starts_with(prefix.as_bytes()))
    }

    /// Whether the request is a Dubbo2 call that some bridge made a request of: by its content
    /// type, which every sender can set.
    pub fn is_bridged_call(&self) -> bool {
        self.first("content-type") == Some(CONTENT_TYPE.as_bytes())
    }

    /// Forgets the headers whose names are [reserved](is_reserved); returns these names, each once.
    pub fn take_reserved(&mut self) -> BTreeSet<String> {
        self.take(is_reserved)
    }

    /// Forgets the headers whose names are [reserved](is_reserved), but keeps what a bridge that is
    /// `believed` says of a Dubbo call; returns the names that are forgotten, each once.
    ///
    /// `is_from_bridge` tells whether the bridge in front of this very connection manager sends the
    /// request, `is_decided` whether a filter of ours has seen it already: that has removed what the
    /// request came with, and what is there now it wrote itself. Each is asked only when something
    /// depends on it.
    pub fn take_unproven(
        &mut self,
        believed: DubboHeaders,
        is_from_bridge: impl FnOnce() -> bool,
        is_decided: impl FnOnce() -> bool,
    ) -> BTreeSet<String> {
        let keeps_call = self.is_bridged_call()
            && self.iter().any(|(name, _)| is_dubbo_header(name))
            && (believed == DubboHeaders::Peer || is_from_bridge());
        let keeps_decision = self.iter().any(|(name, _)| is_decision_header(name)) && is_decided();
        self.take(|name| {
            (is_dubbo_header(name) && !keeps_call) || (is_decision_header(name) && !keeps_decision)
        })
    }

    fn take(&mut self, is_taken: impl Fn(&[u8]) -> bool) -> BTreeSet<String> {
        let Self { buffer, entries } = self;
        let mut taken = BTreeSet::new();
        entries.retain(|entry| {
            let name = slice(buffer, entry.name);
            let keep = !is_taken(name);
            if !keep {
                taken.insert(String::from_utf8_lossy(name).into_owned());
            }
            keep
        });
        taken
    }

    fn bytes(&self, span: Span) -> &[u8] {
        slice(&self.buffer, span)
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    /// Headers from pairs; what lies beyond 4 GiB is left out.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut headers = Self::default();
        for (name, value) in pairs {
            let (Some(name), Some(value)) = (
                append(&mut headers.buffer, name.as_ref()),
                append(&mut headers.buffer, value.as_ref()),
            ) else {
                break;
            };
            headers.entries.push(Entry { name, value });
        }
        headers
    }
}

fn append(buffer: &mut Vec<u8>, bytes: &[u8]) -> Option<Span> {
    let span = Span {
        start: u32::try_from(buffer.len()).ok()?,
        length: u32::try_from(bytes.len()).ok()?,
    };
    buffer.extend_from_slice(bytes);
    Some(span)
}

fn slice(buffer: &[u8], span: Span) -> &[u8] {
    let start = span.start as usize;
    buffer
        .get(start..start.saturating_add(span.length as usize))
        .unwrap_or_default()
}

/// The next `length` bytes and the zero byte after them.
fn take(buffer: &[u8], position: &mut usize, length: u32) -> Option<Span> {
    let start = *position;
    let end = start.checked_add(length as usize)?;
    if end >= buffer.len() {
        return None;
    }
    *position = end + 1;
    Some(Span {
        start: u32::try_from(start).ok()?,
        length,
    })
}

fn read_u32(buffer: &[u8], at: usize) -> Option<u32> {
    let bytes = buffer.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// The serialized form of a header map, as a host writes it.
    fn pairs(headers: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = (headers.len() as u32).to_le_bytes().to_vec();
        for (name, value) in headers {
            bytes.extend((name.len() as u32).to_le_bytes());
            bytes.extend((value.len() as u32).to_le_bytes());
        }
        for (name, value) in headers {
            bytes.extend(name.as_bytes());
            bytes.push(0);
            bytes.extend(*value);
            bytes.push(0);
        }
        bytes
    }

    #[test]
    fn reads_what_a_host_serializes() {
        let headers =
            Headers::from_pairs(pairs(&[(":path", b"/"), ("x-a", b""), ("x-b", b"\xff\0")]))
                .unwrap();
        assert_eq!(headers.iter().count(), 3);
        assert_eq!(headers.first(":path"), Some(&b"/"[..]));
        assert_eq!(headers.first("x-a"), Some(&b""[..]));
        assert_eq!(headers.first("x-b"), Some(&b"\xff\0"[..]));
        assert_eq!(headers.first("x-c"), None);
    }

    #[test]
    fn every_truncation_is_an_error() {
        let whole = pairs(&[(":path", b"/"), ("x-a", b"value")]);
        for length in 0..whole.len() {
            assert!(
                Headers::from_pairs(whole[..length].to_vec()).is_err(),
                "{length}"
            );
        }
    }

    #[test]
    fn a_count_that_lies_costs_no_memory() {
        assert!(Headers::from_pairs(u32::MAX.to_le_bytes().to_vec()).is_err());
    }

    #[test]
    fn several_lines_are_one_value() {
        let headers: Headers = [
            ("x-a", "1"),
            ("cookie", "a=1"),
            ("x-a", "2"),
            ("cookie", "b=2"),
        ]
        .into_iter()
        .collect();
        assert_eq!(headers.joined("x-a").unwrap(), &b"1,2"[..]);
        assert_eq!(headers.joined("cookie").unwrap(), &b"a=1; b=2"[..]);
        assert_eq!(headers.joined("x-b"), None);
    }

    #[test]
    fn reserved_names_are_taken_out_once_each() {
        let mut headers: Headers = [
            ("x-meshlane-route", "gray"),
            ("x-user", "a"),
            ("x-meshlane-route", "base"),
            ("dubbo-arg-0", "1"),
        ]
        .into_iter()
        .collect();
        let taken = headers.take_reserved();
        assert!(taken.iter().eq(["dubbo-arg-0", "x-meshlane-route"]));
        assert_eq!(headers.iter().count(), 1);
        assert_eq!(headers.first("x-meshlane-route"), None);
    }

    #[test]
    fn only_proven_words_on_a_dubbo_call_are_kept() {
        use DubboHeaders::{Bridge, Peer};
        let call = ("content-type", "application/dubbo2");
        for (content_type, believed, is_from_bridge, is_kept) in [
            (call, Bridge, true, true),
            (call, Bridge, false, false),
            (call, Peer, true, true),
            (call, Peer, false, true),
            (("content-type", "application/json"), Bridge, true, false),
            (("content-type", "application/dubbo2;x"), Peer, true, false),
            (("accept", "application/dubbo2"), Peer, true, false),
        ] {
            let mut headers: Headers = [
                content_type,
                ("x-meshlane-route", "gray"),
                ("dubbo-arg-0", "1"),
            ]
            .into_iter()
            .collect();
            let taken = headers.take_unproven(believed, || is_from_bridge, || false);
            assert!(taken.contains("x-meshlane-route"));
            assert_eq!(taken.contains("dubbo-arg-0"), !is_kept);
            assert_eq!(headers.first("dubbo-arg-0").is_some(), is_kept);
        }
    }

    #[test]
    fn the_origin_is_asked_for_only_when_something_depends_on_it() {
        let ask = |headers: &[(&str, &str)], believed| {
            let mut headers: Headers = headers.iter().copied().collect();
            let (mut bridge, mut filters) = (false, false);
            headers.take_unproven(
                believed,
                || {
                    bridge = true;
                    true
                },
                || {
                    filters = true;
                    true
                },
            );
            (bridge, filters)
        };
        let call = ("content-type", "application/dubbo2");
        let argument = ("dubbo-arg-0", "1");
        let route = ("x-meshlane-route", "gray");
        assert_eq!(ask(&[call, argument], DubboHeaders::Bridge), (true, false));
        assert_eq!(ask(&[call, argument], DubboHeaders::Peer), (false, false));
        assert_eq!(
            ask(&[call, ("x-user", "1")], DubboHeaders::Bridge),
            (false, false)
        );
        assert_eq!(ask(&[argument], DubboHeaders::Bridge), (false, false));
        assert_eq!(ask(&[route], DubboHeaders::Bridge), (false, true));
    }

    #[test]
    fn what_a_filter_before_this_one_wrote_is_kept() {
        for is_decided in [true, false] {
            let headers = [("x-meshlane-route", "gray"), ("dubbo-arg-0", "1")];
            let mut headers: Headers = headers.into_iter().collect();
            let taken = headers.take_unproven(DubboHeaders::Bridge, || true, || is_decided);
            assert_eq!(taken.contains("x-meshlane-route"), !is_decided);
            // It vouches for its own words alone.
            assert!(taken.contains("dubbo-arg-0"));
        }
    }
}
