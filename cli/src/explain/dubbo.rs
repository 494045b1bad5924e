//! A Dubbo call, as the bridge would make a request of it.

use meshlane_attributes::dubbo::{
    CARRIERS, CONTENT_TYPE, GROUP, INTERFACE, METHOD, PARAM_TYPES, UNREADABLE_PATH, VERSION,
    encode_carriers, encode_path, encode_text, encode_value, header_name, is_carrier_value,
    is_default_carrier,
};
use meshlane_attributes::{ArgumentPath, ArgumentStep, Attribute, Value as Found};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Request;
use crate::policy::Policy;

/// A Dubbo call.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct DubboCall {
    /// The interface.
    pub interface: String,
    /// The method; of a generic call, the real one.
    pub method: String,
    /// The service group.
    pub group: Option<String>,
    /// The service version.
    pub version: Option<String>,
    /// The descriptor of the parameter types.
    pub param_types: Option<String>,
    /// The attachments.
    pub attachments: Map<String, Value>,
    /// The arguments, in their order.
    pub arguments: Vec<Value>,
}

impl DubboCall {
    /// The path of the request, and the headers that say what the path cannot.
    fn place(&self, request: &mut Request) {
        let path = encode_path(&self.interface, &self.method);
        let unreadable = || UNREADABLE_PATH.to_owned();
        request.path = path.as_ref().map_or_else(unreadable, |p| p.path.clone());
        if let Some(interface) = path.as_ref().and_then(|path| path.interface.as_deref()) {
            request.push_header(INTERFACE, interface);
        }
        if let Some(method) = path.as_ref().and_then(|path| path.method.as_deref()) {
            request.push_header(METHOD, method);
        }
    }

    /// The request that the bridge makes of the call when it exposes all that some policies ask for.
    /// Headers that the request has beside the call come last.
    pub(super) fn request(&self, around: &Request, policies: &[&Policy]) -> Request {
        let mut request = Request {
            method: "POST".to_owned(),
            dubbo: None,
            is_bridged: true,
            headers: Vec::new(),
            ..around.clone()
        };
        self.place(&mut request);
        request.push_header("content-type", CONTENT_TYPE);
        for (name, value) in [
            (GROUP, &self.group),
            (VERSION, &self.version),
            (PARAM_TYPES, &self.param_types),
        ] {
            if let Some(value) = value.as_deref().and_then(encode_text) {
                request.push_header(name, &value);
            }
        }
        let own_names = policies.iter().flat_map(|policy| {
            let written = policy.attachment_carriers();
            written.chain(policy.attachment_identifiers())
        });
        let own_names: Vec<_> = own_names.collect();
        self.carry(&mut request, &own_names);
        let mut asked: Vec<&Attribute> = Vec::new();
        for attribute in policies.iter().flat_map(|policy| policy.attributes()) {
            if !asked.contains(&attribute) {
                asked.push(attribute);
            }
        }
        for attribute in asked {
            self.expose(&mut request, attribute, &own_names);
        }
        request.headers.extend(around.headers.iter().cloned());
        request
    }

    /// Tags and trace context, under their own names.
    fn carry(&self, request: &mut Request, own_names: &[&str]) {
        let mut carriers = Vec::new();
        for (name, value) in &self.attachments {
            let Some(value) = found(value) else { continue };
            let text = value.as_text().filter(|text| is_carrier_value(text));
            if let Some(text) = text.filter(|_| is_carrier(own_names, name)) {
                request.push_header(name, &text);
                carriers.push(name.as_str());
            }
        }
        if let Some(list) = encode_carriers(carriers) {
            request.push_header(CARRIERS, &list);
        }
    }

    fn expose(&self, request: &mut Request, attribute: &Attribute, own_names: &[&str]) {
        let found = match attribute {
            Attribute::DubboArgument(path) => self.argument(path).and_then(found),
            Attribute::DubboAttachment(name) if !is_carrier(own_names, name) => {
                self.attachments.get(name).and_then(found)
            }
            _ => None,
        };
        let name = header_name(attribute);
        let value = found.as_ref().and_then(encode_value);
        if let (Some(name), Some(value)) = (name, value) {
            request.push_header(&name, &value);
        }
    }

    fn argument(&self, path: &ArgumentPath) -> Option<&Value> {
        let argument = self.arguments.get(usize::from(path.argument))?;
        path.steps
            .iter()
            .try_fold(argument, |value, step| match step {
                ArgumentStep::Field(name) => value.get(name),
                ArgumentStep::Element(index) => value.get(*index as usize),
            })
    }
}

/// Whether an attachment goes under its own name: by default, or because a policy writes it or recognises calls by it, in
/// which case the bridge has to be told.
fn is_carrier(own_names: &[&str], name: &str) -> bool {
    let mut own_names = own_names.iter();
    is_default_carrier(name) || own_names.any(|carrier| carrier.eq_ignore_ascii_case(name))
}

/// What the bridge shows of a value: texts, numbers and booleans, and lists of them.
fn found(value: &Value) -> Option<Found<'static>> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::Bool(value) => Some(Found::Bool(*value)),
        // As a text, a long keeps all of its digits.
        Value::Number(number) if !number.is_f64() => Some(number.to_string().into()),
        Value::Number(number) => number.as_f64().map(Found::Number),
        Value::String(text) => Some(text.clone().into()),
        Value::Array(items) => Some(Found::List(items.iter().filter_map(found).collect())),
    }
}

#[cfg(test)]
mod tests {
    use meshlane_attributes::ProxyKind;

    use super::*;
    use crate::documents::Kind;

    fn headers(call: &str, attributes: &[&str]) -> Vec<(String, String)> {
        let rules: Vec<_> = attributes
            .iter()
            .map(|attribute| serde_json::json!({"valueFrom": attribute}))
            .collect();
        let config = serde_json::json!({"tags": [{
            "name": "x-t", "onIncoming": "keep", "rules": rules,
            "carriers": [{"attachment": "x-lane"}],
        }]});
        let config = config.to_string();
        let policy = Policy::parse(Kind::TrafficTag, config.as_bytes(), ProxyKind::Bare);
        let policy = policy.unwrap().unwrap();
        let call: DubboCall = serde_json::from_str(call).unwrap();
        let request = call.request(&Request::default(), &[&policy]);
        let path = (":path".to_owned(), request.path);
        let headers = request.headers.into_iter();
        let headers = headers.map(|(name, value)| (name, value.to_string()));
        std::iter::once(path).chain(headers).collect()
    }

    #[test]
    fn a_call_becomes_what_the_bridge_makes_of_it() {
        let call = r#"{"interface": "a.B", "method": "m", "group": "blue", "version": "1.0",
            "attachments": {"userId": 7, "X-Lane": "l", "dubbo.tag": "gray", "other": "x"},
            "arguments": [{"user": {"id": 9007199254740993, "vip": true}}, ["x", "y"], null]}"#;
        let asked = [
            "dubbo.arg.0.user.id",
            "dubbo.arg.0.user.vip",
            "dubbo.arg.0.user",
            "dubbo.arg.1",
            "dubbo.arg.1[1]",
            "dubbo.arg.2",
            "dubbo.arg.3",
            "dubbo.attachment.userId",
            "dubbo.attachment.dubbo.tag",
        ];
        let expected = [
            (":path", "/a.B/m"),
            ("content-type", "application/dubbo2"),
            ("dubbo-group", "blue"),
            ("dubbo-version", "1.0"),
            ("x-lane", "l"),
            ("dubbo.tag", "gray"),
            ("dubbo-carriers", "X-Lane,dubbo.tag"),
            ("dubbo-arg-0.user.id", "9007199254740993"),
            ("dubbo-arg-0.user.vip", "true"),
            ("dubbo-arg-1", "[x,y]"),
            ("dubbo-arg-1_5b1_5d", "y"),
            ("dubbo-attachment-user_49d", "7"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(headers(call, &asked), expected);
    }

    #[test]
    fn a_name_that_no_path_can_say_gets_a_header() {
        let found = headers(r#"{"interface": "a//b", "method": "m"}"#, &[]);
        let path = (":path".to_owned(), "/_/m".to_owned());
        assert_eq!(found.first(), Some(&path));
        let interface = ("dubbo-interface".to_owned(), "a//b".to_owned());
        assert!(found.contains(&interface));
    }
}
