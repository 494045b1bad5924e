//! The services that rules of Dubbo are for.

use meshlane_diagnostics::Violations;
use meshlane_tag_route::Policy;
use meshlane_tag_route::config::{Destination, TagRouteConfig};
use serde_json::Value;

use crate::source::{Node, Source};

/// The services of a configuration of `tag-route`: those that rules of Dubbo are for. What rules say of a provider by patterns is
/// so known to the letter.
#[derive(Debug, Clone)]
pub struct Services {
    /// As they stand in the document.
    pub(super) document: Vec<Value>,
    /// Their destinations.
    pub(super) destinations: Vec<Destination>,
}

/// A file has no services.
#[derive(Debug, thiserror::Error)]
pub enum InvalidServices {
    /// It is not YAML.
    #[error("{0}")]
    Syntax(String),
    /// It has no services in it.
    #[error("no services in it: `meshlane render inventory` makes some of DestinationRules")]
    None,
    /// The services are none of tag-route's.
    #[error("services as `tag-route` has them are expected: {0}")]
    Structure(#[from] serde_json::Error),
    /// `tag-route` would not accept them.
    #[error("`tag-route` does not accept these services:\n{0}")]
    Invalid(#[from] Violations),
}

impl Services {
    /// The services in a file: a configuration of `tag-route`, or a document that has one in `spec.config`.
    ///
    /// # Errors
    /// There are none, or they are not those of `tag-route`.
    pub fn read(source: &Source) -> Result<Self, InvalidServices> {
        let contents = source.read();
        if let Some(error) = contents.syntax_error {
            return Err(InvalidServices::Syntax(error.message));
        }
        let services = contents.documents.iter().find_map(|document| {
            let config = document.descend(&["spec", "config"]).unwrap_or(document);
            config.get("services").map(Node::to_json)
        });
        let services = services.ok_or(InvalidServices::None)?;
        let config = serde_json::json!({ "services": services });
        let read: TagRouteConfig = serde_json::from_value(config)?;
        Policy::new(&read)?;
        let destinations = read.services.into_iter();
        let destinations: Vec<_> = destinations
            .flat_map(|service| service.destinations)
            .collect();
        match services {
            Value::Array(document) if !document.is_empty() => Ok(Self {
                document,
                destinations,
            }),
            _ => Err(InvalidServices::None),
        }
    }
}
