//! A request, as it is typed, recorded or kept in a file.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use meshlane_attributes::{Headers, MetadataValue, RequestSettings, StaticFacts};
use meshlane_tags::HeaderWrite;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::InvalidRequest;
use super::bytes::{HeaderText, parse_hex};
use super::dubbo::DubboCall;
use crate::args::RequestArgs;
use crate::policy::Policy;

/// A request in the format of the decision tables.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Request {
    /// What to call it in the output.
    pub name: Option<String>,
    /// The method.
    pub method: String,
    /// The scheme.
    pub scheme: String,
    /// Host and port.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// The headers, in order.
    pub headers: Vec<(String, HeaderText)>,
    /// The peer's address, with or without a port.
    pub source_address: Option<String>,
    /// The URI in the peer's certificate.
    pub principal: Option<String>,
    /// The claims of the verified token.
    pub jwt: Option<Map<String, Value>>,
    /// The Dubbo call that a bridge makes this request of; then `method` and `path` follow from it.
    pub dubbo: Option<DubboCall>,
    /// When the request comes, in seconds since 1970: now when not given.
    pub time: Option<f64>,
    /// The random bytes of the request: 16, in hexadecimal.
    pub random: Option<String>,
    /// Whether a bridge has made it of a Dubbo call.
    #[serde(skip)]
    pub(super) is_bridged: bool,
    /// Whether a plugin has decided about the request.
    #[serde(skip)]
    pub(super) is_decided: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            name: None,
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            authority: String::new(),
            path: "/".to_owned(),
            headers: Vec::new(),
            source_address: None,
            principal: None,
            jwt: None,
            dubbo: None,
            time: None,
            random: None,
            is_bridged: false,
            is_decided: false,
        }
    }
}

impl Request {
    /// The request that flags describe.
    ///
    /// # Errors
    /// A URL without host, or a token that is no JSON object.
    pub fn from_args(args: &RequestArgs) -> Result<Self, InvalidRequest> {
        let mut request = Self::default();
        if let Some(url) = &args.url {
            request.set_url(url)?;
        }
        if args.grpc {
            request.method = "POST".to_owned();
            request.push_header("content-type", "application/grpc");
            request.push_header("te", "trailers");
        }
        if let Some(method) = &args.method {
            request.method.clone_from(method);
        }
        for (name, value) in &args.headers {
            request.push_header(name, value);
        }
        if !args.cookies.is_empty() {
            request.push_header("cookie", &args.cookies.join("; "));
        }
        request.source_address.clone_from(&args.source_ip);
        request.principal.clone_from(&args.principal);
        request.jwt = claims(args)?;
        Ok(request)
    }

    /// Takes scheme, authority and path from a URL; the scheme may be missing.
    ///
    /// # Errors
    /// A URL without host.
    pub fn set_url(&mut self, url: &str) -> Result<(), InvalidRequest> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        // User and password become a header, not a part of the authority.
        let authority = authority.rsplit('@').next().unwrap_or_default();
        if authority.is_empty() {
            return Err(InvalidRequest::NoHost(url.to_owned()));
        }
        self.scheme = scheme.to_ascii_lowercase();
        self.authority = authority.to_owned();
        self.path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        };
        Ok(())
    }

    /// Adds a header; `host` is the authority, as for HTTP/2.
    pub fn push_header(&mut self, name: &str, value: &str) {
        if name.eq_ignore_ascii_case("host") {
            value.clone_into(&mut self.authority);
            return;
        }
        let name = name.to_ascii_lowercase();
        self.headers.push((name, HeaderText::from(value)));
    }

    /// The request in a line.
    pub fn title(&self) -> String {
        let line = match &self.dubbo {
            Some(call) => format!("Dubbo call {}.{}", call.interface, call.method),
            None => format!(
                "{} {}://{}{}",
                self.method, self.scheme, self.authority, self.path
            ),
        };
        match &self.name {
            Some(name) => format!("{name}: {line}"),
            None => line,
        }
    }

    /// The request as it comes to the first filter. A Dubbo call comes through the bridge in front
    /// of it, and that exposes everything that some policies ask for.
    pub(super) fn bridged(&self, policies: &[&Policy]) -> Self {
        match &self.dubbo {
            Some(call) => call.request(self, policies),
            None => self.clone(),
        }
    }

    /// The facts that a filter would have of the request, and the names of the reserved
    /// headers that it removes before it looks at anything.
    pub fn facts(&self, settings: &RequestSettings) -> (StaticFacts, Vec<String>) {
        let pseudo = [
            (":method", &self.method),
            (":scheme", &self.scheme),
            (":authority", &self.authority),
            (":path", &self.path),
        ];
        let pseudo = pseudo
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.as_bytes()));
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.as_bytes()));
        let mut headers: Headers = pseudo.chain(headers).collect();
        let believed = settings.dubbo_headers;
        let reserved = headers.take_unproven(believed, || self.is_bridged, || self.is_decided);
        let facts = StaticFacts {
            headers,
            source_address: self.source_address.clone(),
            peer_uri: self.principal.clone(),
            metadata: None,
            time: self.time(),
        };
        let facts = match &self.jwt {
            Some(claims) => facts.and_jwt(
                &settings.jwt_filter,
                &settings.jwt_payload_key,
                metadata(&Value::Object(claims.clone())),
            ),
            None => facts,
        };
        (facts, reserved.into_iter().collect())
    }

    fn time(&self) -> Option<Duration> {
        match self.time {
            Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            None => SystemTime::now().duration_since(UNIX_EPOCH).ok(),
        }
    }

    /// Takes headers out, as a filter does with reserved ones.
    pub(super) fn remove_headers(&mut self, names: &[String]) {
        self.headers
            .retain(|(name, _)| !names.contains(&name.to_ascii_lowercase()));
    }

    /// Sets and removes headers, as a filter does.
    pub(super) fn write(&mut self, writes: &[HeaderWrite]) {
        for write in writes {
            self.headers
                .retain(|(name, _)| !name.eq_ignore_ascii_case(&write.name));
            if let Some(value) = &write.value {
                self.push_header(&write.name, value);
            }
        }
    }

    /// The random bytes of the request.
    ///
    /// # Errors
    /// Anything but 16 bytes in hexadecimal.
    pub fn random_bytes(&self) -> Result<Option<[u8; 16]>, InvalidRequest> {
        self.random.as_deref().map(random_bytes).transpose()
    }
}

/// 16 bytes in hexadecimal.
///
/// # Errors
/// Anything else.
pub fn random_bytes(text: &str) -> Result<[u8; 16], InvalidRequest> {
    parse_hex(text)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| InvalidRequest::Random(text.to_owned()))
}

fn claims(args: &RequestArgs) -> Result<Option<Map<String, Value>>, InvalidRequest> {
    let mut claims = match &args.jwt {
        Some(text) => {
            Some(serde_json::from_str::<Map<String, Value>>(text).map_err(InvalidRequest::Jwt)?)
        }
        None => None,
    };
    for (path, value) in &args.jwt_claim {
        let claims = claims.get_or_insert_default();
        set_claim(claims, path, Value::String(value.clone()));
    }
    Ok(claims)
}

fn set_claim(claims: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            claims.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = claims
                .entry(first.to_owned())
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                set_claim(inner, rest, value);
            }
        }
    }
}

/// JSON as Envoy's jwt_authn leaves it in dynamic metadata.
fn metadata(value: &Value) -> MetadataValue {
    match value {
        Value::Null => MetadataValue::Null,
        Value::Bool(value) => MetadataValue::Bool(*value),
        Value::Number(number) => MetadataValue::Number(number.as_f64().unwrap_or_default()),
        Value::String(text) => MetadataValue::Text(text.clone()),
        Value::Array(items) => MetadataValue::List(items.iter().map(metadata).collect()),
        Value::Object(members) => MetadataValue::Struct(
            members
                .iter()
                .map(|(key, value)| (key.clone(), metadata(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> (String, String, String) {
        let mut request = Request::default();
        request.set_url(text).unwrap();
        (request.scheme, request.authority, request.path)
    }

    fn parts(scheme: &str, authority: &str, path: &str) -> (String, String, String) {
        (scheme.into(), authority.into(), path.into())
    }

    #[test]
    fn urls_are_read_as_curl_reads_them() {
        assert_eq!(
            url("https://shop.example:8443/cart?x=1#top"),
            parts("https", "shop.example:8443", "/cart?x=1")
        );
        assert_eq!(url("shop.example"), parts("http", "shop.example", "/"));
        assert_eq!(url("http://a?b=/c"), parts("http", "a", "/?b=/c"));
        assert_eq!(url("http://u:p@[::1]:80/"), parts("http", "[::1]:80", "/"));
        assert!(Request::default().set_url("/cart").is_err());
    }

    #[test]
    fn flags_make_a_request() {
        let args = RequestArgs {
            url: Some("http://a/".into()),
            headers: vec![
                ("X-User".into(), "alice".into()),
                ("Host".into(), "b".into()),
            ],
            cookies: vec!["a=1".into(), "b=2".into()],
            jwt: Some(r#"{"n": 5}"#.into()),
            jwt_claim: vec![("realm.role".into(), "admin".into())],
            grpc: true,
            ..RequestArgs::default()
        };
        let request = Request::from_args(&args).unwrap();
        assert_eq!(request.method, "POST");
        assert_eq!(request.authority, "b");
        let (facts, _) = request.facts(&RequestSettings::default());
        assert_eq!(facts.headers.first("x-user"), Some(&b"alice"[..]));
        assert_eq!(facts.headers.first("cookie"), Some(&b"a=1; b=2"[..]));
        assert_eq!(
            serde_json::to_value(request.jwt).unwrap(),
            serde_json::json!({"n": 5, "realm": {"role": "admin"}})
        );
    }

    #[test]
    fn reserved_headers_are_taken_out() {
        let mut request = Request::default();
        request.push_header("x-meshlane-route", "x");
        let (facts, reserved) = request.facts(&RequestSettings::default());
        assert_eq!(reserved, ["x-meshlane-route"]);
        assert_eq!(facts.headers.first("x-meshlane-route"), None);
    }
}
