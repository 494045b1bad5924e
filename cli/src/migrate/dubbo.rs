//! Rules of Apache Dubbo: a chain of routers.

mod address;
mod condition;
mod expression;
mod pattern;
mod provider;
mod request;
mod rule;
mod tag;

use meshlane_diagnostics::Place;
use meshlane_documents::FilterKind;
use meshlane_gray_release::config::Direction;
use meshlane_tag_route::Policy;
use serde_json::{Value, json};

use super::Settings;
use super::document::Converted;
use super::name::{Names, object_name};
use super::origin::{Found, Origin};
use crate::source::Node;

/// The routers of a rule, and where they stand in a chain.
struct Part {
    /// The rule, by its position.
    found: usize,
    /// The application or service that the rule is for.
    key: String,
    rank: Rank,
    routers: Vec<Value>,
}

/// The order that Dubbo 3 runs its routers in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Tag,
    Service,
    Application,
}

/// The chains that rules of Dubbo are: one for each application or service; a single one for the services that are given.
pub(super) fn chains(found: &mut [Found], settings: &Settings) -> Vec<Converted> {
    let services = settings.services.as_ref();
    let mut parts: Vec<Part> = Vec::new();
    for (position, one) in found.iter_mut().enumerate() {
        let report = &mut one.report;
        let text = |key: &str| report.node.get(key).and_then(Node::text);
        let key = text("key").unwrap_or("dubbo").to_owned();
        let is_service = text("scope") == Some("service");
        let (rank, routers) = match one.origin {
            Origin::DubboTagRule => (
                Rank::Tag,
                tag::router(report, services).into_iter().collect(),
            ),
            Origin::DubboConditionRule => {
                let rank = match is_service {
                    true => Rank::Service,
                    false => Rank::Application,
                };
                (rank, condition::routers(report, services))
            }
            _ => continue,
        };
        parts.push(Part {
            found: position,
            key,
            rank,
            routers,
        });
    }
    // Rules for the same services make one chain.
    let mut chains: Vec<Vec<Part>> = Vec::new();
    for part in parts {
        let is_same = |chain: &&mut Vec<Part>| {
            services.is_some() || chain.iter().any(|other| other.key == part.key)
        };
        match chains.iter_mut().find(is_same) {
            Some(chain) => chain.push(part),
            None => chains.push(vec![part]),
        }
    }
    let chains = chains.into_iter();
    chains
        .filter_map(|parts| chain(parts, found, settings))
        .collect()
}

fn chain(mut parts: Vec<Part>, found: &mut [Found], settings: &Settings) -> Option<Converted> {
    let name = object_name(&parts.first()?.key);
    parts.sort_by_key(|part| part.rank);
    let root = Place::root();
    let mut names = Names::default();
    let mut routers: Vec<Value> = Vec::new();
    let mut made_of = Vec::new();
    for part in parts {
        let one = found.get_mut(part.found)?;
        if part.routers.is_empty() {
            continue;
        }
        made_of.push(one.resource.clone());
        if settings.services.is_none() && made_of.len() == 1 {
            one.report.lost(
                &root,
                "a rule does not say which providers there are",
                "the chain has no services yet: give them with --services FILE, as `meshlane render inventory` prints them",
            );
        }
        let room = Policy::MAX_ROUTERS - routers.len();
        if part.routers.len() > room {
            one.report.lost(
                &root,
                format!("a chain has at most {} routers", Policy::MAX_ROUTERS),
                format!(
                    "the last {} conditions are left out; say several of them in one",
                    part.routers.len() - room
                ),
            );
        }
        for mut router in part.routers.into_iter().take(room) {
            if let Some(name) = router.get_mut("name") {
                let unique = names.unique(name.as_str().unwrap_or_default().to_owned());
                *name = json!(unique);
            }
            routers.push(router);
        }
    }
    if routers.is_empty() {
        return None;
    }
    let services = settings.services.as_ref();
    let services = services.map_or(&[][..], |services| services.document.as_slice());
    let config = json!({ "chains": { "default": routers }, "services": services });
    let made_of = made_of.join(", ");
    let mut document = Converted::filter(FilterKind::RouterChain, name, config, &made_of);
    document.direction = Some(Direction::Outbound);
    Some(document)
}
