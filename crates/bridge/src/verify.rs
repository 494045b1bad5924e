//! What policy judged is what runs: holds the headers of a request against its frame, and finds
//! what changed on the way.

use std::borrow::Cow;

use meshlane_attributes::Attribute;
use meshlane_attributes::dubbo::{
    CARRIERS, INTERFACE, METHOD, PREFIX, UNREADABLE_PATH, attribute_of, carrier_names, encode_path,
    encode_value, is_carrier_value, is_dubbo_header,
};
use meshlane_diagnostics::Reason;
use meshlane_dubbo::{Call, Change, Edit, Header, Wanted};
use meshlane_hessian2::Scalar;
use meshlane_http2::Headers;

use crate::label::{attribute_value, labels, scalar_text};
use crate::note::UNREADABLE;
use crate::plan::{Plan, selector};
use crate::policy::{Carrier, OnUnreadableHead};

/// A request that is what its headers say.
pub(crate) struct Verified<'b> {
    pub(crate) interface: Cow<'b, str>,
    pub(crate) method: Cow<'b, str>,
    /// What has to change in the frame's body, because a carrier changed on the way.
    pub(crate) edits: Vec<Edit>,
    /// Whether a carrier changed that could not be written into this frame.
    pub(crate) is_unwritten: bool,
}

/// Holds the headers of a request against its frame.
///
/// Each header of the bridge's that is there must say what the frame says. One that is not there
/// is no lie: filters on the way may have removed it. Path, interface and method are always there.
pub(crate) fn verify<'b>(
    plan: &Plan,
    headers: &Headers,
    header: &Header,
    body: &'b [u8],
) -> Result<Verified<'b>, Reason> {
    let claims = Claims::of(plan, headers)?;
    let wanted = claims.wanted(plan);
    let wanted = wanted.as_ref().unwrap_or(&plan.wanted);
    let call = match Call::read(header.serialization(), body, wanted, &plan.reading) {
        Ok(call) => call,
        Err(_) => return unreadable(plan, headers, header, &claims),
    };
    if call.callback {
        return Err(Reason::BridgeCallbackArgument);
    }
    check_path(headers, &call)?;
    check_labels(headers, header, Some(&call))?;
    claims.check(&call)?;
    let changes = changed_carriers(plan, &claims, headers, &call);
    claims.check_changes(&changes)?;
    let changes: Vec<_> = changes.iter().map(Changed::as_change).collect();
    let edits = if changes.is_empty() {
        Some(Vec::new())
    } else {
        call.splice(body, &changes, &plan.reading).ok()
    };
    let (interface, method) = call.into_names();
    Ok(Verified {
        interface,
        method,
        is_unwritten: edits.is_none(),
        edits: edits.unwrap_or_default(),
    })
}

/// A frame that cannot be read: passes only under the path that says so, and without claims.
fn unreadable(
    plan: &Plan,
    headers: &Headers,
    header: &Header,
    claims: &Claims<'_>,
) -> Result<Verified<'static>, Reason> {
    if plan.policy.on_unreadable_head == OnUnreadableHead::Refuse {
        return Err(Reason::BridgeUnreadableHead);
    }
    let is_unnamed = headers.path() == Some(UNREADABLE_PATH.as_bytes())
        && is_only(headers, INTERFACE.as_bytes(), None)
        && is_only(headers, METHOD.as_bytes(), None);
    if !is_unnamed || !claims.is_empty() {
        return Err(Reason::BridgeCallDiffers);
    }
    check_labels(headers, header, None)?;
    Ok(Verified {
        interface: Cow::Borrowed(UNREADABLE),
        method: Cow::Borrowed(UNREADABLE),
        edits: Vec::new(),
        is_unwritten: false,
    })
}

/// Path, interface and method must be exactly what this call would be given.
fn check_path(headers: &Headers, call: &Call<'_>) -> Result<(), Reason> {
    let expected = encode_path(&call.service.interface, call.method());
    let (path, interface, method) = match &expected {
        Some(path) => (
            path.path.as_bytes(),
            path.interface.as_deref(),
            path.method.as_deref(),
        ),
        None => (UNREADABLE_PATH.as_bytes(), None, None),
    };
    let found = headers.path().unwrap_or_default();
    let found = found.split(|byte| *byte == b'?').next().unwrap_or_default();
    let is_same = found == path
        && is_only(headers, INTERFACE.as_bytes(), interface)
        && is_only(headers, METHOD.as_bytes(), method);
    if is_same {
        Ok(())
    } else {
        Err(Reason::BridgeCallDiffers)
    }
}

/// Whether no line of this name says anything else.
fn is_only(headers: &Headers, name: &[u8], expected: Option<&str>) -> bool {
    headers
        .iter()
        .filter(|(found, _)| *found == name)
        .all(|(_, value)| Some(value) == expected.map(str::as_bytes))
}

fn check_labels(headers: &Headers, header: &Header, call: Option<&Call<'_>>) -> Result<(), Reason> {
    let labels = labels(header, call);
    let is_true = |(name, value): &(&[u8], &[u8])| {
        if !name.starts_with(PREFIX.as_bytes()) {
            return true;
        }
        let label = labels.iter().find(|(label, _)| label.as_bytes() == *name);
        label.is_none_or(|(_, expected)| expected.as_deref().map(str::as_bytes) == Some(*value))
    };
    if headers.iter().all(|field| is_true(&field)) {
        Ok(())
    } else {
        Err(Reason::BridgeCallDiffers)
    }
}

/// What the headers say about attachments and arguments.
#[derive(Default)]
struct Claims<'h> {
    attachments: Vec<(String, &'h [u8])>,
    arguments: Vec<(meshlane_attributes::ArgumentPath, &'h [u8])>,
    /// Carriers that the other bridge knows and this one does not.
    carriers: Vec<Carrier>,
}

impl<'h> Claims<'h> {
    fn of(plan: &Plan, headers: &'h Headers) -> Result<Self, Reason> {
        let mut claims = Self::default();
        let known = &plan.policy.carriers;
        for name in headers
            .get(CARRIERS.as_bytes())
            .into_iter()
            .flat_map(carrier_names)
        {
            if !known.iter().any(|carrier| *carrier.attachment == *name) {
                // A list of the other bridge's has no others; what came from a client may.
                let carrier = Carrier::new(&name).ok_or(Reason::BridgeCallDiffers)?;
                claims.carriers.push(carrier);
            }
        }
        for (name, value) in headers.iter() {
            if !name.starts_with(b"dubbo-a") {
                continue;
            }
            match attribute_of(name) {
                Some(Attribute::DubboAttachment(name)) => claims.attachments.push((name, value)),
                Some(Attribute::DubboArgument(path)) => claims.arguments.push((path, value)),
                // A name of ours that nothing of ours would have written.
                _ if is_dubbo_header(name) => return Err(Reason::BridgeCallDiffers),
                _ => {}
            }
        }
        let count = claims.attachments.len() + claims.arguments.len() + claims.carriers.len();
        if count > MAX_CLAIMS {
            return Err(Reason::BridgeCallDiffers);
        }
        Ok(claims)
    }

    fn is_empty(&self) -> bool {
        self.attachments.is_empty() && self.arguments.is_empty() && self.carriers.is_empty()
    }

    /// What has to be read to hold them against the frame, when it is more than the plan reads:
    /// the attachments that are claimed, then the carriers of the other bridge, then what the plan
    /// reads.
    fn wanted(&self, plan: &Plan) -> Option<Wanted> {
        if self.is_empty() {
            return None;
        }
        let attachments = self.attachments.iter().map(|(name, _)| name.clone());
        let carriers = self.carriers.iter().map(|c| c.attachment.to_string());
        let of_plan = plan.wanted.attachments().iter().map(ToString::to_string);
        let arguments = self.arguments.iter().map(|(path, _)| selector(path));
        Some(Wanted::new(
            attachments.chain(carriers).chain(of_plan).collect(),
            arguments.collect(),
        ))
    }

    fn check(&self, call: &Call<'_>) -> Result<(), Reason> {
        let attachments = self.attachments.iter().map(|(_, value)| value);
        let attachments = attachments.zip(&call.attachments);
        let arguments = self.arguments.iter().map(|(_, value)| value);
        let mut all = attachments.chain(arguments.zip(&call.arguments));
        let is_true = |(claimed, found): (&&[u8], &Option<Scalar<'_>>)| {
            let found = found.as_ref().and_then(attribute_value);
            let found = found.as_ref().and_then(encode_value);
            found.is_some_and(|found| found.as_bytes() == *claimed)
        };
        if all.all(is_true) {
            Ok(())
        } else {
            Err(Reason::BridgeCallDiffers)
        }
    }

    /// What is said of an attachment must still be true when the carriers are written.
    fn check_changes(&self, changes: &[Changed<'_>]) -> Result<(), Reason> {
        let is_claimed = |changed: &Changed<'_>| {
            let mut claimed = self.attachments.iter();
            claimed.any(|(name, _)| name == changed.attachment)
        };
        if changes.iter().any(is_claimed) {
            Err(Reason::BridgeCallDiffers)
        } else {
            Ok(())
        }
    }
}

/// A carrier that is not what it was when the call came.
struct Changed<'c> {
    attachment: &'c str,
    value: Option<Cow<'c, str>>,
}

impl Changed<'_> {
    fn as_change(&self) -> Change<'_> {
        Change {
            name: self.attachment,
            value: self.value.as_deref(),
        }
    }
}

/// The carriers that filters on the way set, changed or removed.
///
/// A header that is missing means "removed" only when the call came with the carrier: when
/// `dubbo-carriers` lists it, or when that list itself was removed on the way.
fn changed_carriers<'c>(
    plan: &'c Plan,
    claims: &'c Claims<'_>,
    headers: &'c Headers,
    call: &'c Call<'_>,
) -> Vec<Changed<'c>> {
    let read = call.attachments.iter().skip(claims.attachments.len());
    let (foreign, own) = (&claims.carriers, &plan.policy.carriers);
    let own_values = read.clone().skip(foreign.len() + plan.first_carrier());
    let values = read.take(foreign.len()).chain(own_values);
    let is_foreign = |name: &[u8]| foreign.iter().any(|c| c.header.as_bytes() == name);
    let is_carrier = |(name, _): &(&[u8], &[u8])| plan.is_carrier_header(name) || is_foreign(name);
    let lines: Vec<_> = headers.iter().filter(is_carrier).collect();
    let is_without = values.clone().all(Option::is_none);
    if is_without && lines.iter().all(|(name, _)| *name == REQUEST_ID) {
        return Vec::new();
    }
    let carriers = foreign.iter().chain(own);
    let listed: Option<Vec<_>> = headers
        .get(CARRIERS.as_bytes())
        .map(|list| carrier_names(list).collect());
    let mut done: Vec<&str> = Vec::new();
    let mut changed = Vec::new();
    // Those that the frame has come first: of several spellings of a name, it is that one.
    let (there, not_there): (Vec<_>, Vec<_>) = carriers
        .zip(values)
        .map(|(carrier, value)| (carrier, value.as_ref().and_then(scalar_text)))
        .map(|(carrier, value)| (carrier, value.filter(|value| is_carrier_value(value))))
        .partition(|(_, value)| value.is_some());
    for (carrier, was) in there.into_iter().chain(not_there) {
        let name = &*carrier.header;
        if done.contains(&name) {
            continue;
        }
        let now = joined(&lines, name.as_bytes());
        let came_with =
            |listed: &Vec<Cow<'_, str>>| listed.iter().any(|l| *l == *carrier.attachment);
        let value = match (was, now) {
            (Some(was), Some(now)) if was == now => None,
            (Some(_), Some(now)) => Some(Some(now)),
            (Some(_), None) => listed.as_ref().is_none_or(came_with).then_some(None),
            // Envoy gives every request an id; only a call that had one gets it back.
            (None, Some(_)) if name.as_bytes() == REQUEST_ID => None,
            (None, Some(now)) => Some(Some(now)),
            (None, None) => continue,
        };
        done.push(name);
        if let Some(value) = value {
            let attachment = &*carrier.attachment;
            changed.push(Changed { attachment, value });
        }
    }
    changed
}

/// All lines of a header, joined by `,` as readers of attributes join them.
fn joined<'h>(lines: &[(&[u8], &'h [u8])], name: &[u8]) -> Option<Cow<'h, str>> {
    let lines = lines.iter().filter(|(found, _)| *found == name);
    let mut lines = lines.filter_map(|(_, value)| std::str::from_utf8(value).ok());
    let first = Cow::Borrowed(lines.next()?);
    Some(lines.fold(first, |mut all, line| {
        all.to_mut().push(',');
        all.to_mut().push_str(line);
        all
    }))
}

const REQUEST_ID: &[u8] = b"x-request-id";
/// The most attachments, arguments and carriers that a request may speak of.
const MAX_CLAIMS: usize = 128;

#[cfg(test)]
mod tests;
