//! What makes a header list malformed (RFC 9113 §8.1.1, §8.2 and §8.3).

use crate::{Headers, StreamErrorKind};

/// What a header list is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Request,
    Response,
    Trailers,
}

/// What else was learned on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    /// Of a response.
    pub(crate) status: u16,
    pub(crate) content_length: Option<u64>,
}

pub(crate) fn check(headers: &Headers, purpose: Purpose) -> Result<Checked, StreamErrorKind> {
    let mut checked = Checked::default();
    let mut pseudo = Pseudo::default();
    let mut fields = false;
    for (name, value) in headers.iter() {
        if !value_is_valid(value) {
            return Err(StreamErrorKind::FieldValue);
        }
        if let Some(name) = name.strip_prefix(b":") {
            // "All pseudo-header fields MUST appear before regular ones" (§8.3).
            if fields || purpose == Purpose::Trailers {
                return Err(StreamErrorKind::PseudoHeader);
            }
            pseudo.take(name, value, purpose)?;
        } else {
            fields = true;
            field(name, value, &mut checked)?;
        }
    }
    pseudo.check(purpose)?;
    checked.status = pseudo.status;
    Ok(checked)
}

#[derive(Default)]
struct Pseudo {
    method: bool,
    connect: bool,
    scheme: bool,
    path: bool,
    authority: bool,
    status: u16,
}

impl Pseudo {
    fn take(&mut self, name: &[u8], value: &[u8], purpose: Purpose) -> Result<(), StreamErrorKind> {
        let seen = match (name, purpose) {
            (b"method", Purpose::Request) => {
                self.connect = value == b"CONNECT";
                std::mem::replace(&mut self.method, true) || value.is_empty()
            }
            (b"scheme", Purpose::Request) => std::mem::replace(&mut self.scheme, true),
            // "This pseudo-header field MUST NOT be empty for http or https URIs" (§8.3.1).
            (b"path", Purpose::Request) => {
                std::mem::replace(&mut self.path, true) || value.is_empty()
            }
            (b"authority", Purpose::Request) => std::mem::replace(&mut self.authority, true),
            (b"status", Purpose::Response) => {
                let seen = self.status != 0;
                self.status = status(value).ok_or(StreamErrorKind::PseudoHeader)?;
                seen
            }
            // Also :protocol, as extended CONNECT (RFC 8441) is not offered.
            _ => true,
        };
        if seen {
            Err(StreamErrorKind::PseudoHeader)
        } else {
            Ok(())
        }
    }

    fn check(&self, purpose: Purpose) -> Result<(), StreamErrorKind> {
        let complete = match purpose {
            Purpose::Trailers => true,
            Purpose::Response => self.status != 0,
            // ":scheme" and ":path" MUST be omitted (§8.5).
            Purpose::Request if self.connect => self.authority && !self.scheme && !self.path,
            Purpose::Request => self.method && self.scheme && self.path,
        };
        if complete {
            Ok(())
        } else {
            Err(StreamErrorKind::PseudoHeader)
        }
    }
}

fn field(name: &[u8], value: &[u8], checked: &mut Checked) -> Result<(), StreamErrorKind> {
    if name.is_empty() || !name.iter().all(|&b| is_name_byte(b)) {
        return Err(StreamErrorKind::FieldName);
    }
    match name {
        b"connection" | b"proxy-connection" | b"keep-alive" | b"transfer-encoding" | b"upgrade" => {
            Err(StreamErrorKind::ConnectionHeader)
        }
        b"te" if value != b"trailers" => Err(StreamErrorKind::ConnectionHeader),
        b"content-length" => {
            let length = number(value).ok_or(StreamErrorKind::ContentLength)?;
            match checked.content_length.replace(length) {
                Some(other) if other != length => Err(StreamErrorKind::ContentLength),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Visible ASCII without upper case and colon (§8.2.1).
fn is_name_byte(byte: u8) -> bool {
    matches!(byte, 0x21..=0x39 | 0x3b..=0x40 | 0x5b..=0x7e)
}

/// No NUL, CR, LF; no white space at either end (§8.2.1).
fn value_is_valid(value: &[u8]) -> bool {
    let space = |b: Option<&u8>| matches!(b, Some(b' ' | b'\t'));
    !space(value.first())
        && !space(value.last())
        && !value.iter().any(|b| matches!(b, 0 | b'\r' | b'\n'))
}

fn status(value: &[u8]) -> Option<u16> {
    let status = number(value).filter(|_| value.len() == 3)?;
    u16::try_from(status).ok().filter(|status| *status >= 100)
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}
