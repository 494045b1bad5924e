//! The way of a request, hop by hop.

use meshlane_lane_group::{EntryTag, Hop, HopTag, Route, TagStep, Walk};

use super::{Page, with_meaning};

impl Page {
    /// The way itself; returns the codes in it, for [`Page::codes`].
    pub(super) fn walk(&mut self, walk: &Walk) -> Codes {
        let mut codes = Codes::default();
        self.gap();
        self.line(1, "entry");
        for tag in &walk.entry {
            self.row("traffic-tag", &entry(tag, &mut codes));
        }
        let mut caller = "gateway".to_owned();
        for hop in &walk.hops {
            self.gap();
            self.hop(hop, &caller, &mut codes);
            caller = place(hop);
        }
        codes
    }

    /// What codes mean.
    pub(super) fn codes(&mut self, codes: Codes) {
        self.gap();
        self.line(1, "codes");
        for code in codes.0 {
            self.line(2, &with_meaning(code));
        }
    }

    fn hop(&mut self, hop: &Hop, caller: &str, codes: &mut Codes) {
        self.line(1, &format!("{}. {caller} → {}", hop.hop, place(hop)));
        for tag in &hop.tags {
            if let Some(sent) = &tag.sent {
                let text = step(tag, sent, codes);
                self.row("gray-release", &format!("out, {text}"));
            }
        }
        self.row("tag-route", &route(&hop.route, codes));
        if let Some(cluster) = &hop.cluster {
            self.row("cluster", cluster);
        }
        for tag in &hop.tags {
            if let Some(received) = &tag.received {
                let lane = tag.lane.as_deref().unwrap_or("the baseline");
                self.row("lane", &format!("{lane} for {}", tag.name));
                let text = step(tag, received, codes);
                self.row("gray-release", &format!("in, {text}"));
            }
        }
        if let Some(refused) = &hop.refused {
            codes.note(refused.reason);
            self.row("refused", &format!("by {}: {}", refused.by, refused.reason));
        }
        if let Some(target) = &hop.sent_on {
            self.row("sent on", &format!("to {target}"));
        }
    }

    fn row(&mut self, name: &str, text: &str) {
        self.line(2, &format!("{name:<12}  {text}"));
    }
}

/// The codes that were shown, each once, in their order.
#[derive(Default)]
pub(super) struct Codes(Vec<&'static str>);

impl Codes {
    fn note(&mut self, code: &'static str) {
        if !self.0.contains(&code) {
            self.0.push(code);
        }
    }
}

/// `orders (gray)`
fn place(hop: &Hop) -> String {
    let destination = hop.destination.as_deref().unwrap_or("nowhere");
    format!("{} ({destination})", hop.service)
}

fn entry(tag: &EntryTag, codes: &mut Codes) -> String {
    codes.note(tag.reason);
    codes.note(tag.incoming);
    let rule = tag.rule.as_ref().map(|rule| format!(" by {rule}"));
    let (name, value) = (&tag.name, value(tag.value.as_deref()));
    let (reason, incoming) = (tag.reason, tag.incoming);
    format!(
        "{name} = {value}{}: {reason}, {incoming}",
        rule.unwrap_or_default()
    )
}

fn route(route: &Route, codes: &mut Codes) -> String {
    codes.note(route.reason);
    let mut text = route.reason.to_owned();
    if let Some(health) = route.health {
        codes.note(health);
        text = format!("{text}, {health}");
    }
    for router in &route.routers {
        codes.note(router.reason);
        let value = router.value.as_deref().map(|value| format!(" {value}"));
        let (name, value) = (&router.name, value.unwrap_or_default());
        text = format!("{text}; {name}{value}: {}", router.reason);
    }
    text
}

fn step(tag: &HopTag, step: &TagStep, codes: &mut Codes) -> String {
    codes.note(step.reason);
    let (name, value) = (&tag.name, value(step.value.as_deref()));
    let text = format!("{name} = {value}: {}", step.reason);
    match step.lane {
        Some(lane) => {
            codes.note(lane);
            format!("{text}, {lane}")
        }
        None => text,
    }
}

fn value(value: Option<&str>) -> &str {
    value.unwrap_or("(none)")
}
