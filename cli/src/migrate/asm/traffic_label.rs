//! `TrafficLabel`: a header on the calls of a workload, with a value from the first place that has one.

use std::collections::BTreeMap;

use meshlane_attributes::HeaderName;
use meshlane_diagnostics::Place;
use meshlane_documents::FilterKind;
use meshlane_gray_release::config::Direction;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::documents::Identity;
use crate::migrate::document::{Converted, Workloads};
use crate::migrate::name::object_name;
use crate::migrate::read::read;
use crate::migrate::report::Report;

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Spec {
    workload_selector: Option<Selector>,
    #[serde(default)]
    rules: Vec<Rule>,
    hosts: Option<Vec<String>>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Selector {
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Rule {
    #[serde(default)]
    labels: Vec<Label>,
    attach_to: Option<Vec<String>>,
    protocols: Option<String>,
    http: Option<Value>,
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Label {
    name: String,
    #[serde(default)]
    value_from: Vec<String>,
    overwrite: Option<bool>,
}

/// Where a value comes from.
enum From<'t> {
    /// A header of the request that caused the call.
    Inbound(&'t str),
    /// The same, by an identifier that the application forwards.
    InboundBy(&'t str, &'t str),
    /// A header of the call itself.
    Outbound(&'t str),
    /// A label of the workload.
    Label(&'t str),
}

/// What a TrafficLabel is converted to.
pub(in crate::migrate) fn traffic_label(resource: &str, report: &mut Report) -> Vec<Converted> {
    let root = Place::root();
    let place = root.key("spec");
    let Some(spec) = read::<Spec>(report, &place) else {
        return Vec::new();
    };
    if spec
        .hosts
        .as_ref()
        .is_some_and(|hosts| hosts.iter().any(|host| host != "*"))
    {
        report.lost(
            &place.key("hosts"),
            "labels for calls to some hosts alone are not kept",
            "all calls get them; say which they are by a rule's `when`, with the attribute `host`",
        );
    }
    let rules_place = place.key("rules");
    let mut tags: Vec<Value> = Vec::new();
    for (index, rule) in spec.rules.iter().enumerate() {
        let place = rules_place.index(index);
        rule.tell(&place, report);
        let labels_place = place.key("labels");
        for (index, label) in rule.labels.iter().enumerate() {
            tags.extend(label.tag(&labels_place.index(index), report));
        }
    }
    if tags.is_empty() {
        return Vec::new();
    }
    let identity = Identity::of(&report.node);
    let config = json!({ "tags": tags });
    let name = object_name(&identity.name);
    let mut document = Converted::filter(FilterKind::TrafficLabel, name, config, resource);
    document.namespace = report.namespace();
    document.direction = Some(Direction::Outbound);
    let labels = spec.workload_selector.map(|selector| selector.labels);
    if let Some(labels) = labels.filter(|labels| !labels.is_empty()) {
        let selector = place.key("workloadSelector");
        report.labels(&labels, &selector.key("labels"));
        document.workloads = Workloads::Selector(labels);
    }
    vec![document]
}

impl Rule {
    fn tell(&self, place: &Place<'_>, report: &mut Report) {
        if self.attach_to.as_ref().is_some_and(|list| !list.is_empty()) {
            report.lost(
                &place.key("attachTo"),
                "`attachTo` is not kept",
                "the label is a request header of its name; `carriers` of a tag say what else carries it",
            );
        }
        if self
            .protocols
            .as_ref()
            .is_some_and(|protocols| protocols != "*")
        {
            report.lost(
                &place.key("protocols"),
                "`protocols` is not kept",
                "HTTP, gRPC and Dubbo behind the bridge all get the tag",
            );
        }
        if self.http.as_ref().is_some_and(|list| *list != json!([])) {
            report.lost(
                &place.key("http"),
                "labels for some HTTP requests alone are not kept",
                "write rules of the tag whose `when` says which these are",
            );
        }
    }
}

impl Label {
    fn tag(&self, place: &Place<'_>, report: &mut Report) -> Option<Value> {
        if HeaderName::parse(&self.name).is_err() {
            let message = format!("`{}` is no name of a header", self.name);
            report.wrong(&place.key("name"), message);
            return None;
        }
        let place_from = place.key("valueFrom");
        let mut rules: Vec<Value> = Vec::new();
        for (index, text) in self.value_from.iter().enumerate() {
            let place = place_from.index(index);
            let Some(from) = From::parse(text) else {
                let forms = [
                    "$getInboundRequestHeader(HEADER)",
                    "$getExternalInboundRequestHeader(CONTEXT, HEADER)",
                    "$getLocalOutboundRequestHeader(HEADER)",
                    "$getLabel(LABEL)",
                ];
                report.unknown(&place, text, &forms);
                continue;
            };
            match from {
                From::Inbound(header) => {
                    remembered(&self.name, header, None, !rules.is_empty(), &place, report);
                }
                From::InboundBy(context, header) => {
                    let is_late = !rules.is_empty();
                    remembered(&self.name, header, Some(context), is_late, &place, report);
                }
                From::Outbound(header) if header.eq_ignore_ascii_case(&self.name) => {
                    report.changed(
                        &place,
                        "the header that a call has itself",
                        "it is kept, whatever the other places say (`onIncoming`)",
                    );
                }
                From::Outbound(header) => {
                    let header = header.to_ascii_lowercase();
                    rules.push(json!({ "valueFrom": format!("header.{header}") }));
                }
                From::Label(label) => {
                    rules.push(json!({ "valueFrom": format!("workload.{label}") }));
                }
            }
        }
        if self.overwrite == Some(true) {
            report.changed(
                &place.key("overwrite"),
                "a header that the call has is replaced",
                "it is, unless no place has a value",
            );
        }
        let on_incoming = match self.overwrite {
            Some(true) => "overwrite",
            _ => "keep",
        };
        Some(json!({ "name": self.name, "onIncoming": on_incoming, "rules": rules }))
    }
}

/// What a call is to get from the request that caused it: that is the business of another filter.
fn remembered(
    name: &str,
    header: &str,
    context: Option<&str>,
    is_late: bool,
    place: &Place<'_>,
    report: &mut Report,
) {
    let by = match context {
        Some(context) => format!(", told apart by `{context}` (`correlation.identifiers`)"),
        None => ", told apart by what the application forwards".to_owned(),
    };
    let renamed = match header.eq_ignore_ascii_case(name) {
        true => String::new(),
        false => format!(" It has to be called `{name}` on both ways, not `{header}`."),
    };
    let order = match is_late {
        true => " What it brings then goes before all other places, not in this order.",
        false => "",
    };
    report.lost(
        place,
        "a value from the request that caused the call is not known to traffic-tag",
        format!(
            "run `gray-release` in front of it, with a tag `{name}`{by}: it writes the value, and traffic-tag keeps it.{renamed}{order}"
        ),
    );
}

impl<'t> From<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let (function, arguments) = text.trim().strip_prefix('$')?.split_once('(')?;
        let arguments = arguments.strip_suffix(')')?;
        let arguments: Vec<_> = arguments.split(',').map(str::trim).collect();
        if arguments.contains(&"") {
            return None;
        }
        match (function, arguments.as_slice()) {
            ("getInboundRequestHeader", [header]) => Some(Self::Inbound(header)),
            ("getExternalInboundRequestHeader", [context, header]) => {
                Some(Self::InboundBy(context, header))
            }
            ("getLocalOutboundRequestHeader", [header]) => Some(Self::Outbound(header)),
            ("getLabel", [label]) => Some(Self::Label(label)),
            _ => None,
        }
    }
}
