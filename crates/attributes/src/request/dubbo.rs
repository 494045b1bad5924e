//! What a request tells of a Dubbo call.

use super::{header, is_grpc, service_and_method};
use crate::attribute::Attribute;
use crate::dubbo::{
    CARRIERS, carrier_names, decode_path, decode_value, header_name, is_default_carrier,
};
use crate::headers::Headers;
use crate::value::Value;

/// How a Dubbo call became an HTTP request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Dubbo 3's own protocol: gRPC with headers of Dubbo's.
    Triple,
    /// Dubbo2, as a bridge tells of it, see [`dubbo`](crate::dubbo).
    Bridged,
}

impl Call {
    /// Nothing when the request is no Dubbo call.
    pub(super) fn of(headers: &Headers) -> Option<Self> {
        if headers.is_bridged_call() {
            return Some(Self::Bridged);
        }
        let is_triple = || {
            let content_type = headers.first("content-type");
            content_type.is_some_and(|found| found.starts_with(b"application/triple"))
        };
        let is_triple = (is_grpc(headers) || is_triple()) && headers.any_with_prefix("tri-");
        is_triple.then_some(Self::Triple)
    }

    pub(super) fn look_up<'r>(
        self,
        headers: &'r Headers,
        attribute: &Attribute,
    ) -> Option<Value<'r>> {
        match self {
            Self::Triple => triple(headers, attribute),
            Self::Bridged => bridged(headers, attribute),
        }
    }
}

/// What Triple says: interface and method in the path, version and group in headers of their own,
/// every text attachment as a header of its name. Arguments lie in the protobuf body and are not
/// looked at.
fn triple<'r>(headers: &'r Headers, attribute: &Attribute) -> Option<Value<'r>> {
    match attribute {
        Attribute::DubboInterface => Some(service_and_method(headers)?.0.into()),
        Attribute::DubboMethod => Some(service_and_method(headers)?.1.into()),
        Attribute::DubboVersion => header(headers, "tri-service-version"),
        Attribute::DubboGroup => header(headers, "tri-service-group"),
        Attribute::DubboAttachment(name) => header(headers, &name.to_ascii_lowercase()),
        _ => None,
    }
}

/// What a bridge says: interface and method in the path as far as it can, carriers as headers of
/// their own name, the rest in the headers of the contract.
fn bridged<'r>(headers: &'r Headers, attribute: &Attribute) -> Option<Value<'r>> {
    let named = match attribute {
        Attribute::DubboInterface | Attribute::DubboMethod => {
            let (interface, method) = decode_path(headers.first(":path")?);
            match attribute {
                Attribute::DubboInterface => interface,
                _ => method,
            }
        }
        // A bridge that does not take it for a carrier may have exposed it like any other.
        Attribute::DubboAttachment(name) if is_carrier(headers, name) => {
            let carried = header(headers, &name.to_ascii_lowercase());
            return carried.or_else(|| told(headers, attribute));
        }
        _ => None,
    };
    match named {
        Some(name) => Some(name.into()),
        None => told(headers, attribute),
    }
}

/// What the attribute's own header says.
fn told<'r>(headers: &'r Headers, attribute: &Attribute) -> Option<Value<'r>> {
    headers.first(&header_name(attribute)?).map(decode_value)
}

/// Whether an attachment travels under its own name: by default, or because the bridge says so.
fn is_carrier(headers: &Headers, name: &str) -> bool {
    let listed = |header| carrier_names(header).any(|listed| listed.eq_ignore_ascii_case(name));
    is_default_carrier(name) || headers.first(CARRIERS).is_some_and(listed)
}
