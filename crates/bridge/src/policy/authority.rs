use std::borrow::Cow;
use std::cmp::Reverse;

use super::InterfacePattern;

/// What a call's `:authority` is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authority {
    /// The most exact first.
    hosts: Vec<(InterfacePattern, Box<str>)>,
    otherwise: AuthoritySource,
    original_destination: Option<Box<str>>,
}

/// Where the `:authority` of an interface comes from that has no host of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthoritySource {
    /// The address that the client connected to.
    #[default]
    Destination,
    /// The name of the interface, in lower case.
    Interface,
    /// A host.
    Host(Box<str>),
}

impl Authority {
    pub(crate) fn new(
        mut hosts: Vec<(InterfacePattern, Box<str>)>,
        otherwise: AuthoritySource,
        original_destination: Option<Box<str>>,
    ) -> Self {
        hosts.sort_by_key(|(pattern, _)| Reverse(pattern.exactness()));
        Self {
            hosts,
            otherwise,
            original_destination,
        }
    }

    /// The `:authority` of a call that is bound to the instance at `destination`.
    pub fn of_instance<'a>(&'a self, destination: &'a str) -> &'a str {
        self.original_destination.as_deref().unwrap_or(destination)
    }

    /// The `:authority` of a call to an interface on a connection to `destination`.
    pub fn of<'a>(&'a self, interface: &'a str, destination: &'a str) -> Cow<'a, str> {
        let mut hosts = self.hosts.iter();
        if let Some((_, host)) = hosts.find(|(pattern, _)| pattern.matches(interface)) {
            return Cow::Borrowed(host);
        }
        match &self.otherwise {
            AuthoritySource::Host(host) => Cow::Borrowed(host),
            AuthoritySource::Destination => Cow::Borrowed(destination),
            AuthoritySource::Interface if !is_host(interface) => Cow::Borrowed(destination),
            AuthoritySource::Interface => lower_case(interface),
        }
    }
}

fn lower_case(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a text can stand in `:authority`: what Envoy refuses there would end the connection.
pub(crate) fn is_host(text: &str) -> bool {
    (1..=MAX_HOST).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~:[]$".contains(&b))
}

const MAX_HOST: usize = 255;
