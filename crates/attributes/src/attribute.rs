//! The names of facts about a request.

use std::fmt;
use std::str::FromStr;

use crate::header_name::HeaderName;

/// The name of a fact about a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Attribute {
    /// `method`: the request method.
    Method,
    /// `path`: the path, without query and fragment, as it stands in the request.
    Path,
    /// `host`: `:authority` (or `host`) without the port, in lower case.
    Host,
    /// `scheme`: `http` or `https`.
    Scheme,
    /// `header.NAME`: a request header as received; several lines are joined by `,`.
    Header(HeaderName),
    /// `query.NAME`: the first query parameter of that name, percent-decoded.
    Query(String),
    /// `cookie.NAME`: the first cookie of that name.
    Cookie(String),
    /// `source.ip`: the client's address, see [`client_address`](crate::client_address).
    SourceIp,
    /// `source.principal`: the peer's mTLS identity as Istio writes it (`cluster.local/ns/a/sa/b`).
    SourcePrincipal,
    /// `source.namespace`: the namespace in the peer's mTLS identity.
    SourceNamespace,
    /// `source.serviceAccount`: the service account in the peer's mTLS identity.
    SourceServiceAccount,
    /// `jwt.CLAIM.PATH`: a claim of the token that Envoy's jwt_authn verified.
    Jwt(String),
    /// `grpc.service`: of a gRPC request, the full name of the service.
    GrpcService,
    /// `grpc.method`: of a gRPC request, the method.
    GrpcMethod,
    /// `dubbo.interface`: of a Dubbo call, the interface.
    DubboInterface,
    /// `dubbo.method`: of a Dubbo call, the method.
    DubboMethod,
    /// `dubbo.group`: of a Dubbo call, the service group.
    DubboGroup,
    /// `dubbo.version`: of a Dubbo call, the service version.
    DubboVersion,
    /// `dubbo.paramTypes`: of a Dubbo call, the descriptor of the parameter types.
    DubboParamTypes,
    /// `dubbo.arg.INDEX…`: of a Dubbo call, an argument or a value inside one.
    DubboArgument(ArgumentPath),
    /// `dubbo.attachment.NAME`: of a Dubbo call, an attachment.
    DubboAttachment(String),
    /// `tag.NAME`: a tag, as decided so far.
    Tag(String),
    /// `workload.LABEL`: a label of the workload that the proxy belongs to.
    WorkloadLabel(String),
    /// `workload.namespace`: the namespace of the workload that the proxy belongs to.
    WorkloadNamespace,
    /// `time.unix`: when the request is decided about, in seconds since 1970.
    TimeUnix,
}

/// The path to a value inside the arguments of a Dubbo call: `0`, `0.user.id`, `1[0]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArgumentPath {
    /// Which argument, counted from 0.
    pub argument: u16,
    /// The way down from there.
    pub steps: Vec<ArgumentStep>,
}

/// One step inside a Dubbo argument.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ArgumentStep {
    /// A field of an object or the value of a text key in a map.
    Field(String),
    /// An element of a list or an array, counted from 0.
    Element(u32),
}

/// The text names no attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAttribute {
    /// There is no attribute of this name.
    #[error("no such attribute")]
    Unknown,
    /// The attribute needs a name after its dot.
    #[error("a name is missing after the dot")]
    MissingName,
    /// What follows `header.` is not a header name.
    #[error("not a header name")]
    HeaderName,
    /// What follows `dubbo.arg.` is not a path like `0`, `0.user.id` or `1[0]`.
    #[error("not an argument path")]
    ArgumentPath,
    /// The name is longer than [`Attribute::MAX_LENGTH`].
    #[error("name too long")]
    TooLong,
}

impl Attribute {
    /// The longest attribute name that is accepted, in bytes.
    pub const MAX_LENGTH: usize = 256;

    /// All names, with placeholders in capitals: for messages and documentation.
    pub const NAMES: &'static [&'static str] = &[
        "method",
        "path",
        "host",
        "scheme",
        "header.NAME",
        "query.NAME",
        "cookie.NAME",
        "source.ip",
        "source.principal",
        "source.namespace",
        "source.serviceAccount",
        "jwt.CLAIM",
        "grpc.service",
        "grpc.method",
        "dubbo.interface",
        "dubbo.method",
        "dubbo.group",
        "dubbo.version",
        "dubbo.paramTypes",
        "dubbo.arg.INDEX",
        "dubbo.attachment.NAME",
        "tag.NAME",
        "workload.LABEL",
        "workload.namespace",
        "time.unix",
    ];
}

impl FromStr for Attribute {
    type Err = InvalidAttribute;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > Self::MAX_LENGTH {
            return Err(InvalidAttribute::TooLong);
        }
        let fixed = match text {
            "method" => Self::Method,
            "path" => Self::Path,
            "host" => Self::Host,
            "scheme" => Self::Scheme,
            "source.ip" => Self::SourceIp,
            "source.principal" => Self::SourcePrincipal,
            "source.namespace" => Self::SourceNamespace,
            "source.serviceAccount" => Self::SourceServiceAccount,
            "grpc.service" => Self::GrpcService,
            "grpc.method" => Self::GrpcMethod,
            "dubbo.interface" => Self::DubboInterface,
            "dubbo.method" => Self::DubboMethod,
            "dubbo.group" => Self::DubboGroup,
            "dubbo.version" => Self::DubboVersion,
            "dubbo.paramTypes" => Self::DubboParamTypes,
            "workload.namespace" => Self::WorkloadNamespace,
            "time.unix" => Self::TimeUnix,
            _ => return parametrised(text),
        };
        Ok(fixed)
    }
}

/// The attributes that end in a name of the user's.
fn parametrised(text: &str) -> Result<Attribute, InvalidAttribute> {
    if let Some(path) = text.strip_prefix("dubbo.arg.") {
        return path.parse().map(Attribute::DubboArgument);
    }
    if let Some(name) = text.strip_prefix("dubbo.attachment.") {
        return Ok(Attribute::DubboAttachment(named(name)?));
    }
    let (kind, name) = text.split_once('.').ok_or(InvalidAttribute::Unknown)?;
    match kind {
        "header" => HeaderName::parse(&named(name)?)
            .map(Attribute::Header)
            .map_err(|_| InvalidAttribute::HeaderName),
        "query" => named(name).map(Attribute::Query),
        "cookie" => named(name).map(Attribute::Cookie),
        "jwt" => named(name).map(Attribute::Jwt),
        "tag" => named(name).map(|name| Attribute::Tag(name.to_ascii_lowercase())),
        "workload" => named(name).map(Attribute::WorkloadLabel),
        _ => Err(InvalidAttribute::Unknown),
    }
}

fn named(name: &str) -> Result<String, InvalidAttribute> {
    if name.is_empty() {
        Err(InvalidAttribute::MissingName)
    } else {
        Ok(name.to_owned())
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("method"),
            Self::Path => f.write_str("path"),
            Self::Host => f.write_str("host"),
            Self::Scheme => f.write_str("scheme"),
            Self::Header(name) => write!(f, "header.{name}"),
            Self::Query(name) => write!(f, "query.{name}"),
            Self::Cookie(name) => write!(f, "cookie.{name}"),
            Self::SourceIp => f.write_str("source.ip"),
            Self::SourcePrincipal => f.write_str("source.principal"),
            Self::SourceNamespace => f.write_str("source.namespace"),
            Self::SourceServiceAccount => f.write_str("source.serviceAccount"),
            Self::Jwt(claim) => write!(f, "jwt.{claim}"),
            Self::GrpcService => f.write_str("grpc.service"),
            Self::GrpcMethod => f.write_str("grpc.method"),
            Self::DubboInterface => f.write_str("dubbo.interface"),
            Self::DubboMethod => f.write_str("dubbo.method"),
            Self::DubboGroup => f.write_str("dubbo.group"),
            Self::DubboVersion => f.write_str("dubbo.version"),
            Self::DubboParamTypes => f.write_str("dubbo.paramTypes"),
            Self::DubboArgument(path) => write!(f, "dubbo.arg.{path}"),
            Self::DubboAttachment(name) => write!(f, "dubbo.attachment.{name}"),
            Self::Tag(name) => write!(f, "tag.{name}"),
            Self::WorkloadLabel(name) => write!(f, "workload.{name}"),
            Self::WorkloadNamespace => f.write_str("workload.namespace"),
            Self::TimeUnix => f.write_str("time.unix"),
        }
    }
}

impl FromStr for ArgumentPath {
    type Err = InvalidAttribute;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (index, mut rest) = text
            .split_at_checked(digits)
            .ok_or(InvalidAttribute::ArgumentPath)?;
        let argument = index.parse().map_err(|_| InvalidAttribute::ArgumentPath)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = argument_step(rest).ok_or(InvalidAttribute::ArgumentPath)?;
            steps.push(step);
            rest = after;
        }
        Ok(Self { argument, steps })
    }
}

/// `.field…` or `[3]…`: the step, and what follows it.
fn argument_step(text: &str) -> Option<(ArgumentStep, &str)> {
    if let Some(field) = text.strip_prefix('.') {
        let end = field.find(['.', '[']).unwrap_or(field.len());
        let (field, rest) = field.split_at_checked(end)?;
        return (!field.is_empty()).then(|| (ArgumentStep::Field(field.to_owned()), rest));
    }
    let (element, rest) = text.strip_prefix('[')?.split_once(']')?;
    let is_number = !element.is_empty() && element.bytes().all(|b| b.is_ascii_digit());
    let element = element.parse().ok().filter(|_| is_number)?;
    Some((ArgumentStep::Element(element), rest))
}

impl fmt::Display for ArgumentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.argument)?;
        for step in &self.steps {
            match step {
                ArgumentStep::Field(field) => write!(f, ".{field}")?,
                ArgumentStep::Element(element) => write!(f, "[{element}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_name_parses_and_is_written_the_same() {
        for name in Attribute::NAMES {
            let name = name.replace("INDEX", "0").to_owned();
            let name = match name.strip_prefix("header.") {
                Some(_) => "header.x-user".to_owned(),
                None => name.replace("tag.NAME", "tag.x"),
            };
            assert_eq!(name.parse::<Attribute>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn argument_paths_go_through_fields_and_elements() {
        let path: ArgumentPath = "1[0].user.tags[12]".parse().unwrap();
        assert_eq!(path.argument, 1);
        assert_eq!(path.steps.len(), 4);
        assert_eq!(path.to_string(), "1[0].user.tags[12]");
        for wrong in [
            "", "x", "0.", "0..a", "0[", "0[]", "0[a]", "0[+1]", "0a", "70000", "-1",
        ] {
            assert!(wrong.parse::<ArgumentPath>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn wrong_names_are_told_apart() {
        for (name, error) in [
            ("headers.x", InvalidAttribute::Unknown),
            ("body", InvalidAttribute::Unknown),
            ("header.", InvalidAttribute::MissingName),
            ("header.a b", InvalidAttribute::HeaderName),
            ("dubbo.arg.x", InvalidAttribute::ArgumentPath),
            ("dubbo.attachment.", InvalidAttribute::MissingName),
        ] {
            assert_eq!(name.parse::<Attribute>(), Err(error), "{name}");
        }
        let long = format!("query.{}", "a".repeat(300));
        assert_eq!(long.parse::<Attribute>(), Err(InvalidAttribute::TooLong));
    }
}
