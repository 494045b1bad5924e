//! Where a configuration names what.

use meshlane_diagnostics::{JsonPath, Segment};

use crate::documents::Kind;
use crate::source::{Node, Span};

/// A place that names something.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mention {
    pub(super) path: JsonPath,
    pub(super) place: Span,
    pub(super) name: String,
}

/// The places that name attributes, in the order of the document.
pub(super) fn attributes(kind: Kind, config: &Node) -> Vec<Mention> {
    let mut mentions = mentions(config, |path| names_attribute(kind, path));
    if kind == Kind::TagRoute {
        config.walk(&JsonPath::default(), &mut |path, node| {
            mentions.extend(of_preset(path, node));
        });
    }
    mentions
}

/// The places that name attachments to write.
pub(super) fn carriers(config: &Node) -> Vec<Mention> {
    mentions(config, |path| last_key(path) == Some("attachment"))
}

/// The places that name headers to recognise calls by.
pub(super) fn identifiers(config: &Node) -> Vec<Mention> {
    mentions(config, |path| {
        let [correlation, identifiers, Segment::Index(_)] = path.segments() else {
            return false;
        };
        let is_key = |segment: &Segment, name| matches!(segment, Segment::Key(key) if key == name);
        is_key(correlation, "correlation") && is_key(identifiers, "identifiers")
    })
}

fn mentions(config: &Node, is_meant: impl Fn(&JsonPath) -> bool) -> Vec<Mention> {
    let mut found = Vec::new();
    config.walk(&JsonPath::default(), &mut |path, node| {
        let text = node.text().filter(|_| is_meant(path));
        found.extend(text.map(|name| Mention {
            path: path.clone(),
            place: node.place(),
            name: name.to_owned(),
        }));
    });
    found
}

fn names_attribute(kind: Kind, path: &JsonPath) -> bool {
    let (before, last) = match path.segments() {
        [.., before, last] => (Some(before), last),
        [last] => (None, last),
        [] => return false,
    };
    let is_below = |name: &str| matches!(before, Some(Segment::Key(key)) if key == name);
    let is_inside = |name: &str| {
        let mut segments = path.segments().iter();
        segments.any(|segment| matches!(segment, Segment::Key(key) if key == name))
    };
    match (kind, last) {
        (Kind::Dubbo, _) => false,
        (Kind::GrayRelease, Segment::Key(key)) => key == "attribute",
        (Kind::GrayRelease | Kind::TrafficTag, Segment::Index(_)) => false,
        // Exceptions have the values of a key.
        (Kind::RateLimit, Segment::Index(_)) => is_below("key") && !is_inside("exceptions"),
        // A header may be called like one of these.
        (Kind::RateLimit, Segment::Key(_)) if is_below("headers") => false,
        (Kind::RateLimit, Segment::Key(key)) => matches!(key.as_str(), "attribute" | "hitsFrom"),
        (Kind::TrafficTag, Segment::Key(key)) => matches!(key.as_str(), "attribute" | "valueFrom"),
        (Kind::TagRoute, Segment::Index(_)) => is_below("keys"),
        // A label may be called like one of these.
        (Kind::TagRoute, Segment::Key(_)) if is_below("labels") || is_below("baseline") => false,
        (Kind::TagRoute, Segment::Key(key)) => {
            is_below("same") || matches!(key.as_str(), "attribute" | "by" | "forceKey")
        }
    }
}

/// A preset names attributes by itself where the keys beside it do not.
fn of_preset(path: &JsonPath, router: &Node) -> Vec<Mention> {
    let Some(preset) = router.descend(&["tag", "preset"]) else {
        return Vec::new();
    };
    let is_given = |key: &str| {
        let given = router.descend(&["tag", key]);
        given.is_some_and(|given| given.text().is_some() || !given.items().is_empty())
    };
    let named = [
        ("keys", "dubbo.attachment.dubbo.tag"),
        ("forceKey", "dubbo.attachment.dubbo.force.tag"),
    ];
    let named = named.into_iter().filter(|(key, _)| !is_given(key));
    let path = path.clone().join(Segment::Key("tag".to_owned()));
    let path = path.join(Segment::Key("preset".to_owned()));
    named
        .map(|(_, name)| Mention {
            path: path.clone(),
            place: preset.place(),
            name: name.to_owned(),
        })
        .collect()
}

fn last_key(path: &JsonPath) -> Option<&str> {
    match path.segments().last()? {
        Segment::Key(key) => Some(key),
        Segment::Index(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn names(kind: Kind, text: &str) -> Vec<String> {
        let document = Source::new("x.yaml", text).read().documents.remove(0);
        let mentions = attributes(kind, &document).into_iter();
        mentions
            .map(|Mention { path, name, .. }| format!("{path}={name}"))
            .collect()
    }

    #[test]
    fn every_place_of_tag_route_is_known() {
        let document = "
            select: {by: header.a}
            chains:
              default:
              - tag: {keys: [header.b], forceKey: header.c, label: by}
              - condition:
                  by: header.d
                  rules: [{from: {attribute: header.e}, to: [{same: {zone: header.f}, labels: {by: [x]}}]}]
            services: [{baseline: {attribute: x}, destinations: [{labels: {by: x}}]}]";
        assert_eq!(
            names(Kind::TagRoute, document),
            [
                "select.by=header.a",
                "chains.default[0].tag.keys[0]=header.b",
                "chains.default[0].tag.forceKey=header.c",
                "chains.default[1].condition.by=header.d",
                "chains.default[1].condition.rules[0].from.attribute=header.e",
                "chains.default[1].condition.rules[0].to[0].same.zone=header.f",
            ]
        );
    }

    #[test]
    fn every_place_of_gray_release_is_known() {
        let text = "
            correlation: {identifiers: [x-call, b3]}
            tags:
            - name: lane
              carriers: [{attachment: lane}]
              lanes: {label: a, lanes: [{name: b}], exempt: {any: [{attribute: header.c}]}}";
        assert_eq!(
            names(Kind::GrayRelease, text),
            ["tags[0].lanes.exempt.any[0].attribute=header.c"]
        );
        let document = Source::new("x.yaml", text).read().documents.remove(0);
        let found = identifiers(&document).into_iter();
        let found: Vec<_> = found.map(|mention| mention.name).collect();
        assert_eq!(found, ["x-call", "b3"]);
    }

    #[test]
    fn every_place_of_rate_limit_is_known() {
        let document = "
            refusal: {headers: {attribute: header.x}}
            limits:
            - key: [header.a, cookie.b]
              when: {not: {attribute: header.c}}
              exceptions: [{key: [header.x, y], unlimited: true}]
              queue: {classes: [{when: {attribute: header.d}}]}
            - cluster: {hitsFrom: header.e, descriptors: [{entries: [{key: header.x, attribute: header.f}]}]}";
        assert_eq!(
            names(Kind::RateLimit, document),
            [
                "limits[0].key[0]=header.a",
                "limits[0].key[1]=cookie.b",
                "limits[0].when.not.attribute=header.c",
                "limits[0].queue.classes[0].when.attribute=header.d",
                "limits[1].cluster.hitsFrom=header.e",
                "limits[1].cluster.descriptors[0].entries[0].attribute=header.f",
            ]
        );
    }

    #[test]
    fn a_preset_names_what_is_not_given() {
        let document = "{chains: {a: [{tag: {preset: dubbo, keys: [header.a]}}]}}";
        assert_eq!(
            names(Kind::TagRoute, document),
            [
                "chains.a[0].tag.keys[0]=header.a",
                "chains.a[0].tag.preset=dubbo.attachment.dubbo.force.tag",
            ]
        );
    }
}
