//! From a request frame to the headers of its HTTP/2 request.

use std::borrow::Cow;
use std::time::Duration;

use meshlane_attributes::dubbo::{
    CARRIERS, CONTENT_TYPE, INTERFACE, METHOD, UNREADABLE_PATH, encode_carriers, encode_path,
    encode_value, is_carrier_value,
};
use meshlane_diagnostics::Reason;
use meshlane_dubbo::{Call, HEADER_LENGTH, Header, Status};
use meshlane_hessian2::Scalar;
use meshlane_http2::{HeaderBlock, HeaderBlockBuilder};

use crate::label::{attribute_value, labels, scalar_text};
use crate::note::UNREADABLE;
use crate::plan::Plan;
use crate::policy::{OnUnreadableHead, TimeoutSource};

/// A call that is ready to be sent.
pub(super) struct Prepared<'f> {
    pub(super) interface: Cow<'f, str>,
    pub(super) method: Cow<'f, str>,
    pub(super) block: HeaderBlock,
    /// How long the caller waits, as far as that counts.
    pub(super) patience: Option<Duration>,
}

/// Reads a request frame and says it in headers.
pub(super) fn prepare<'f>(
    plan: &Plan,
    destination: &str,
    header: &Header,
    frame: &'f [u8],
) -> Result<Prepared<'f>, Reason> {
    let body = frame.get(HEADER_LENGTH..).unwrap_or_default();
    let policy = &plan.policy;
    match Call::read(header.serialization(), body, &plan.wanted, &plan.reading) {
        Ok(call) if call.callback => Err(Reason::BridgeCallbackArgument),
        Ok(call) => Ok(described(plan, destination, header, call)),
        Err(_) if policy.on_unreadable_head == OnUnreadableHead::Refuse => {
            Err(Reason::BridgeUnreadableHead)
        }
        Err(_) => Ok(undescribed(plan, destination, header)),
    }
}

fn described<'f>(plan: &Plan, destination: &str, header: &Header, call: Call<'f>) -> Prepared<'f> {
    let policy = &plan.policy;
    let (interface, method) = (&*call.service.interface, call.method());
    let path = encode_path(interface, method);
    let authority = if policy.is_bound_to_instance(interface) {
        Cow::Borrowed(policy.authority.of_instance(destination))
    } else {
        policy.authority.of(interface, destination)
    };
    let mut fields = begin(
        path.as_ref().map_or(UNREADABLE_PATH, |path| &path.path),
        &authority,
    );
    for (name, value) in labels(header, Some(&call)) {
        if let Some(value) = value {
            fields.push(name, &value);
        }
    }
    if let Some(path) = &path {
        if let Some(interface) = &path.interface {
            fields.push(INTERFACE, interface);
        }
        if let Some(method) = &path.method {
            fields.push(METHOD, method);
        }
    }
    push_carriers(plan, &call, &mut fields);
    let patience = patience(plan, &call);
    push_timeout(plan, patience, &mut fields);
    push_exposed(plan, &call, &mut fields);
    let (interface, method) = call.into_names();
    Prepared {
        interface,
        method,
        block: fields.block.finish(),
        patience: patience.map(Duration::from_millis),
    }
}

/// A call of which nothing can be said: it is routed by address alone.
fn undescribed(plan: &Plan, destination: &str, header: &Header) -> Prepared<'static> {
    let authority = plan.policy.authority.of_instance(destination);
    let mut fields = begin(UNREADABLE_PATH, authority);
    for (name, value) in labels(header, None) {
        if let Some(value) = value {
            fields.push(name, &value);
        }
    }
    Prepared {
        interface: Cow::Borrowed(UNREADABLE),
        method: Cow::Borrowed(UNREADABLE),
        block: fields.block.finish(),
        patience: None,
    }
}

/// The header fields so far, and how long they are.
struct Fields {
    block: HeaderBlockBuilder,
    bytes: usize,
}

impl Fields {
    fn push(&mut self, name: &str, value: &str) {
        self.bytes += name.len() + value.len() + FIELD_OVERHEAD;
        self.block.push(name.as_bytes(), value.as_bytes());
    }
}

fn begin(path: &str, authority: &str) -> Fields {
    let mut fields = Fields {
        block: HeaderBlockBuilder::new(),
        bytes: 0,
    };
    fields.push(":method", "POST");
    fields.push(":scheme", "http");
    fields.push(":authority", authority);
    fields.push(":path", path);
    fields.push("content-type", CONTENT_TYPE);
    fields
}

/// Tags and trace context, under their own names.
fn push_carriers(plan: &Plan, call: &Call<'_>, fields: &mut Fields) {
    let mut written: Vec<&str> = Vec::new();
    let mut listed: Vec<&str> = Vec::new();
    let values = call.attachments.iter().skip(plan.first_carrier());
    for (carrier, value) in plan.policy.carriers.iter().zip(values) {
        let Some(value) = value.as_ref().and_then(scalar_text) else {
            continue;
        };
        // Two spellings of one name: the first counts, the other stays an attachment.
        if is_carrier_value(&value) && !written.contains(&&*carrier.header) {
            fields.push(&carrier.header, &value);
            written.push(&carrier.header);
            listed.push(&carrier.attachment);
        }
    }
    if let Some(list) = encode_carriers(listed) {
        fields.push(CARRIERS, &list);
    }
}

/// How many milliseconds the caller waits, when that is not left to the route.
fn patience(plan: &Plan, call: &Call<'_>) -> Option<u64> {
    if plan.policy.timeout == TimeoutSource::Route {
        return None;
    }
    let milliseconds = match call.attachments.last()?.as_ref()? {
        Scalar::Int(number) => u64::try_from(*number).ok()?,
        Scalar::Long(number) => u64::try_from(*number).ok()?,
        Scalar::Text(text) => text.as_str()?.parse().ok()?,
        _ => return None,
    };
    (milliseconds > 0).then_some(milliseconds)
}

/// The caller's patience, in the words of Envoy.
///
/// Envoy's router ends a request when the route's timeout or
/// `x-envoy-upstream-stream-duration-ms` is over, whichever comes first; its
/// `x-envoy-upstream-rq-timeout-ms` takes the place of the route's timeout. The connection
/// manager removes both from requests that it does not take for internal ones.
fn push_timeout(plan: &Plan, patience: Option<u64>, fields: &mut Fields) {
    let name = match plan.policy.timeout {
        TimeoutSource::Shorter => "x-envoy-upstream-stream-duration-ms",
        TimeoutSource::Attachment => "x-envoy-upstream-rq-timeout-ms",
        TimeoutSource::Route => return,
    };
    if let Some(milliseconds) = patience {
        fields.push(name, &milliseconds.to_string());
    }
}

/// Attachments and arguments that the configuration exposes, as far as they have room.
fn push_exposed(plan: &Plan, call: &Call<'_>, fields: &mut Fields) {
    let attachments = plan.attachment_headers.iter().zip(&call.attachments);
    let arguments = plan.argument_headers.iter().zip(&call.arguments);
    for (name, value) in attachments.chain(arguments) {
        let value = value.as_ref().and_then(attribute_value);
        if let (Some(name), Some(value)) = (name, value)
            && let Some(value) = encode_value(&value)
            && fields.bytes + name.len() + value.len() <= plan.policy.limits.max_header_bytes
        {
            fields.push(name, &value);
        }
    }
}

/// The Dubbo status that a refusal of the bridge's own is given.
pub(super) fn status_of(reason: Reason) -> Status {
    match reason {
        Reason::BridgeFrameTooLarge
        | Reason::BridgeCallbackArgument
        | Reason::BridgeUnreadableHead => Status::BAD_REQUEST,
        Reason::BridgeBufferFull | Reason::BridgeQueueFull => Status::SERVER_THREADPOOL_EXHAUSTED,
        Reason::BridgeGoingAway => Status::CHANNEL_INACTIVE,
        Reason::BridgeTimeout => Status::CLIENT_TIMEOUT,
        Reason::BridgeNotDubboAnswer => Status::BAD_RESPONSE,
        _ => Status::SERVER_ERROR,
    }
}

/// What HTTP/2 counts for a field beside its name and value
/// ([RFC 9113 §6.5.2](https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2)).
const FIELD_OVERHEAD: usize = 32;
