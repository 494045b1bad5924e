//! A request whose attributes are looked up when needed.

mod dubbo;

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::attribute::Attribute;
use crate::cookie::cookie_value;
use crate::dubbo::DubboHeaders;
use crate::facts::RequestFacts;
use crate::forwarded::client_address;
use crate::headers::Headers;
use crate::identity::PeerIdentity;
use crate::metadata::{Metadata, MetadataValue};
use crate::query::query_parameter;
use crate::value::Value;
use crate::workload::Workload;
use dubbo::Call;

/// The attributes that a policy names, each once, and how some of them are read.
#[derive(Debug, Clone, Default)]
pub struct AttributeTable {
    attributes: Vec<Attribute>,
    /// How attributes are read that can be read in several ways.
    pub settings: RequestSettings,
}

/// How attributes are read that can be read in several ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSettings {
    /// For `source.ip`: how many proxies in front of this one are trusted.
    pub trusted_hops: u32,
    /// For `jwt.*`: the name under which jwt_authn leaves its metadata.
    pub jwt_filter: String,
    /// For `jwt.*`: the key there under which the payload lies (`payload_in_metadata`).
    pub jwt_payload_key: String,
    /// For `dubbo.*`: whose word on a Dubbo call is believed.
    pub dubbo_headers: DubboHeaders,
}

impl Default for RequestSettings {
    fn default() -> Self {
        Self {
            trusted_hops: 0,
            jwt_filter: "envoy.filters.http.jwt_authn".to_owned(),
            jwt_payload_key: "payload".to_owned(),
            dubbo_headers: DubboHeaders::default(),
        }
    }
}

/// An attribute of an [`AttributeTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttributeId(u32);

impl AttributeTable {
    /// The id of an attribute; the same attribute always has the same id.
    pub fn intern(&mut self, attribute: Attribute) -> AttributeId {
        let position = self
            .attributes
            .iter()
            .position(|known| *known == attribute)
            .unwrap_or_else(|| {
                self.attributes.push(attribute);
                self.attributes.len() - 1
            });
        AttributeId(position as u32)
    }

    /// The attribute behind an id.
    pub fn attribute(&self, id: AttributeId) -> Option<&Attribute> {
        self.attributes.get(id.0 as usize)
    }

    /// All attributes, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter()
    }
}

/// One request: the value of each attribute of a table, looked up at most once.
pub struct Request<'r> {
    table: &'r AttributeTable,
    facts: &'r dyn RequestFacts,
    workload: &'r Workload,
    slots: Vec<OnceCell<Option<Value<'r>>>>,
    peer_uri: OnceCell<Option<String>>,
    metadata: OnceCell<Option<Metadata>>,
}

impl<'r> Request<'r> {
    /// A request of which nothing was looked up yet.
    pub fn new(
        table: &'r AttributeTable,
        facts: &'r dyn RequestFacts,
        workload: &'r Workload,
    ) -> Self {
        Self {
            table,
            facts,
            workload,
            slots: vec![OnceCell::new(); table.attributes.len()],
            peer_uri: OnceCell::new(),
            metadata: OnceCell::new(),
        }
    }

    /// The value of an attribute; nothing when it is absent (or of another table).
    pub fn value(&self, id: AttributeId) -> Option<&Value<'r>> {
        let slot = self.slots.get(id.0 as usize)?;
        slot.get_or_init(|| self.look_up(self.table.attribute(id)?))
            .as_ref()
    }

    /// Sets what a `tag.NAME` attribute holds, once it is decided.
    pub fn decide_tag(&mut self, id: AttributeId, value: Option<Value<'r>>) {
        if let Some(slot) = self.slots.get_mut(id.0 as usize) {
            *slot = OnceCell::from(value);
        }
    }

    /// The headers as received.
    pub fn headers(&self) -> &'r Headers {
        self.facts.headers()
    }

    /// The table that the ids belong to.
    pub fn table(&self) -> &'r AttributeTable {
        self.table
    }

    /// Whether the request is a Dubbo call: Triple, or Dubbo2 that comes through a bridge.
    pub fn is_dubbo(&self) -> bool {
        Call::of(self.headers()).is_some()
    }

    fn look_up(&self, attribute: &Attribute) -> Option<Value<'r>> {
        let headers = self.headers();
        match attribute {
            Attribute::Method => header(headers, ":method"),
            Attribute::Scheme => header(headers, ":scheme"),
            Attribute::Path => Some(Cow::Borrowed(path(headers)?).into()),
            Attribute::Host => host(headers).map(Value::from),
            Attribute::Header(name) => header(headers, name.as_str()),
            Attribute::Query(name) => {
                query_parameter(headers.first(":path")?, name).map(Value::Text)
            }
            Attribute::Cookie(name) => headers
                .lines("cookie")
                .find_map(|line| cookie_value(line, name))
                .map(|value| Cow::Borrowed(value).into()),
            Attribute::SourceIp => self.source_ip(),
            Attribute::SourcePrincipal => self.peer(|peer| Some(peer.principal())),
            Attribute::SourceNamespace => self.peer(|peer| peer.namespace()),
            Attribute::SourceServiceAccount => self.peer(|peer| peer.service_account()),
            Attribute::Jwt(claim) => self.claim(claim),
            Attribute::GrpcService => Some(grpc_call(headers)?.0.into()),
            Attribute::GrpcMethod => Some(grpc_call(headers)?.1.into()),
            Attribute::WorkloadNamespace => Some(self.workload.namespace.as_deref()?.into()),
            Attribute::WorkloadLabel(name) => Some(self.workload.labels.get(name)?.as_str().into()),
            Attribute::TimeUnix => Some(Value::Number(self.facts.time()?.as_secs_f64())),
            // Decided by traffic tagging, see `decide_tag`.
            Attribute::Tag(_) => None,
            dubbo => Call::of(headers)?.look_up(headers, dubbo),
        }
    }

    fn source_ip(&self) -> Option<Value<'r>> {
        let peer = self.facts.source_address();
        let forwarded_for = self.headers().joined("x-forwarded-for");
        let hops = self.table.settings.trusted_hops;
        let client = client_address(peer.as_deref(), forwarded_for.as_deref(), hops)?;
        Some(client.to_string().into())
    }

    fn peer(
        &self,
        part: impl for<'i> Fn(&PeerIdentity<'i>) -> Option<&'i str>,
    ) -> Option<Value<'r>> {
        let uri = self.peer_uri.get_or_init(|| self.facts.peer_uri());
        let identity = PeerIdentity::from_uri(uri.as_deref()?)?;
        Some(part(&identity)?.to_owned().into())
    }

    fn claim(&self, path: &str) -> Option<Value<'r>> {
        let settings = &self.table.settings;
        let metadata = self.metadata.get_or_init(|| self.facts.metadata());
        let payload = metadata
            .as_ref()?
            .value(&settings.jwt_filter, &settings.jwt_payload_key)?;
        owned(payload.at_path(path)?)
    }
}

fn header<'r>(headers: &'r Headers, name: &str) -> Option<Value<'r>> {
    headers.joined(name).map(Value::from)
}

fn path(headers: &Headers) -> Option<&[u8]> {
    let path = headers.first(":path")?;
    path.split(|byte| matches!(byte, b'?' | b'#')).next()
}

fn host(headers: &Headers) -> Option<String> {
    let authority = headers
        .first(":authority")
        .or_else(|| headers.first("host"))?;
    let authority = String::from_utf8_lossy(authority);
    Some(without_port(&authority).to_ascii_lowercase())
}

/// The host of an authority: `HOST` or `HOST:PORT`.
pub fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) && is_host(host) => host,
        _ => authority,
    }
}

/// Not an IPv6 address that was cut at one of its own colons.
fn is_host(host: &str) -> bool {
    !host.contains(':') || host.ends_with(']')
}

/// `application/grpc`, alone or with `+proto`, `;charset` and the like; not `application/grpc-web`.
fn is_grpc(headers: &Headers) -> bool {
    headers
        .first("content-type")
        .and_then(|found| found.strip_prefix(b"application/grpc"))
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// Service and method in the path of a gRPC request: `/SERVICE/METHOD`.
fn grpc_call(headers: &Headers) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    if is_grpc(headers) {
        service_and_method(headers)
    } else {
        None
    }
}

fn service_and_method(headers: &Headers) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let path = path(headers)?.strip_prefix(b"/")?;
    let slash = path.iter().rposition(|byte| *byte == b'/')?;
    let (service, method) = path.split_at_checked(slash)?;
    let method = method.get(1..)?;
    Some((
        String::from_utf8_lossy(service),
        String::from_utf8_lossy(method),
    ))
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(text)
    }
}

/// A claim as a value; an object or `null` is none.
fn owned<'r>(value: &MetadataValue) -> Option<Value<'r>> {
    match value {
        MetadataValue::Text(text) => Some(Value::from(text.clone())),
        MetadataValue::Number(number) => Some(Value::Number(*number)),
        MetadataValue::Bool(bool) => Some(Value::Bool(*bool)),
        MetadataValue::List(list) => Some(Value::List(list.iter().filter_map(owned).collect())),
        MetadataValue::Null | MetadataValue::Struct(_) => None,
    }
}

#[cfg(test)]
mod tests;
