//! What the headers of a bridged request say about its call. toHttp writes them, toDubbo holds
//! them against the frame.

use std::borrow::Cow;

use meshlane_attributes::Value;
use meshlane_attributes::dubbo::{
    GENERIC, GROUP, ONE_WAY, PARAM_TYPES, SERIALIZATION, VERSION, encode_text,
};
use meshlane_dubbo::{Call, Header};
use meshlane_hessian2::Scalar;

/// The headers that every call may have, each with its value.
pub(crate) fn labels<'c>(
    header: &Header,
    call: Option<&'c Call<'_>>,
) -> [(&'static str, Option<Cow<'c, str>>); 6] {
    let serialization = header.serialization();
    let serialization = match serialization.name() {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(serialization.to_string()),
    };
    let one_way = (!header.is_two_way()).then_some(Cow::Borrowed("true"));
    let service = call.map(|call| &call.service);
    let version = service.and_then(|service| service.version.as_deref());
    let group = service.and_then(|service| service.group.as_deref());
    let generic = call.and_then(|call| call.generic.as_ref());
    let param_types = call.map(|call| match &call.generic {
        Some(generic) => Cow::Owned(generic.param_types.join(",")),
        None => Cow::Borrowed(&*call.head.param_types),
    });
    let kind = generic.map(|generic| generic.kind.as_deref().unwrap_or("true"));
    [
        (SERIALIZATION, Some(serialization)),
        (VERSION, version.and_then(text)),
        (GROUP, group.and_then(text)),
        (PARAM_TYPES, param_types.and_then(encoded)),
        (GENERIC, kind.and_then(text)),
        (ONE_WAY, one_way),
    ]
}

/// A text that is there and not empty.
fn text(text: &str) -> Option<Cow<'_, str>> {
    encode_text(text).filter(|text| !text.is_empty())
}

fn encoded(value: Cow<'_, str>) -> Option<Cow<'_, str>> {
    match value {
        Cow::Borrowed(value) => text(value),
        Cow::Owned(value) => text(&value).map(|text| Cow::Owned(text.into_owned())),
    }
}

/// What a value in a frame is as an attribute. Whole numbers are texts, so that a long keeps all
/// of its digits.
pub(crate) fn attribute_value<'s>(scalar: &'s Scalar<'_>) -> Option<Value<'s>> {
    match scalar {
        Scalar::Bool(bool) => Some(Value::Bool(*bool)),
        Scalar::Int(number) => Some(Value::from(number.to_string())),
        Scalar::Long(number) => Some(Value::from(number.to_string())),
        Scalar::Double(number) => Some(Value::Number(*number)),
        Scalar::Date(milliseconds) => Some(Value::from(milliseconds.to_string())),
        Scalar::Text(_) => scalar_text(scalar).map(Value::Text),
        Scalar::List(elements) => Some(Value::List(
            elements.iter().filter_map(attribute_value).collect(),
        )),
        Scalar::Null => None,
    }
}

/// A text in a frame.
pub(crate) fn scalar_text<'s>(scalar: &'s Scalar<'_>) -> Option<Cow<'s, str>> {
    match scalar {
        Scalar::Text(text) => match text.as_str() {
            Some(text) => Some(Cow::Borrowed(text)),
            None => text
                .clone()
                .into_str()
                .map(|text| Cow::Owned(text.into_owned())),
        },
        _ => None,
    }
}
