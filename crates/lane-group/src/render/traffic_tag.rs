//! The configuration of `traffic-tag` at the entry: a tag for each group, a rule for each entry and step.

use meshlane_diagnostics::Place;
use serde_json::{Value, json};

use super::{Document, Member, identifier};
use crate::group::{Entry, Host, Lane, LaneGroup, Path, Share, Size, Step, Window};
use crate::origin::Origins;
use crate::write::{number, object, written};

pub(super) fn render(members: &[Member<'_>]) -> Document {
    let mut origins = Origins::default();
    let root = Place::root();
    let tags = root.key("tags");
    let mut values = Vec::with_capacity(members.len());
    for (index, Member { group, place }) in members.iter().enumerate() {
        if index == 0 {
            origins.made(&root, place);
        }
        let tag = tags.index(index);
        origins.made(&tag, place);
        origins.made(&tag.key("name"), &place.key("tag"));
        origins.copied(&tag.key("carriers"), &place.key("carriers"));
        let rules = tag.key("rules");
        origins.made(&rules, &place.key("lanes"));
        let mut rules = Rules {
            place: &rules,
            origins: &mut origins,
            values: Vec::new(),
        };
        let lanes = place.key("lanes");
        for (index, lane) in group.open_lanes() {
            let place = lanes.index(index);
            for entry in lane.entry.iter().filter(|entry| entry.is_enabled) {
                rules.entry(group, lane, entry, &place);
            }
        }
        let rules = rules.values;
        let carriers = group.carriers.as_ref();
        values.push(object([
            ("name", Some(json!(group.tag))),
            ("onIncoming", Some(json!("strip"))),
            ("carriers", carriers.map(written)),
            ("rules", Some(Value::Array(rules))),
        ]));
    }
    let value = json!({ "tags": values });
    Document { value, origins }
}

/// The rules of a tag while they are rendered.
struct Rules<'a> {
    place: &'a Place<'a>,
    origins: &'a mut Origins,
    values: Vec<Value>,
}

impl Rules<'_> {
    /// The rules of an entry of the lane at a place.
    fn entry(&mut self, group: &LaneGroup, lane: &Lane, entry: &Entry, place: &Place<'_>) {
        let number = || (entry.at + 1).to_string();
        let name = entry.name.clone().unwrap_or_else(number);
        let name = format!("{}/{name}", identifier(&lane.name));
        let Some(share) = &entry.share else {
            self.rule(&name, entry, None, place, ("value", json!(lane.name)));
            return;
        };
        let mut split = |name: &str, percent, step| {
            let source = ("split", split_of(group, lane, share, percent));
            self.rule(name, entry, step, place, source);
        };
        match &share.size {
            Size::Fixed(percent) => split(&name, *percent, None),
            // The latest first: it has everybody whom those before it have, and who is beyond it is beyond them too.
            Size::Steps(steps) => {
                let until = entry.window.until;
                let happen = |step: &&Step| until.is_none_or(|until| step.at <= until);
                for step in steps.iter().rev().filter(happen) {
                    let name = format!("{name}/{}", step.position + 1);
                    split(&name, step.percent, Some(step));
                }
            }
        }
    }

    /// A rule of an entry of the lane at a place: `value` or `split`, and what that is.
    fn rule(
        &mut self,
        name: &str,
        entry: &Entry,
        step: Option<&Step>,
        lane: &Place<'_>,
        (kind, source): (&str, Value),
    ) {
        let place = self.place.index(self.values.len());
        let entries = lane.key("entry");
        let written = entries.index(entry.at);
        let lane_name = lane.key("name");
        self.origins.made(&place, &written);
        let entry_name = written.key("name");
        let name_place = match entry.name {
            Some(_) => &entry_name,
            None => &lane_name,
        };
        self.origins.made(&place.key("name"), name_place);
        self.origins.made(&place.key("value"), &lane_name);
        let split = place.key("split");
        let share = written.key("share");
        self.origins.copied(&split, &share);
        let values = split.key("values");
        self.origins.made(&values, &share);
        let value = values.index(0);
        self.origins.made(&value.key("value"), &lane_name);
        self.origins
            .made(&value.key("weight"), &share.key("percent"));
        let mut when = When {
            place: place.key("when"),
            written,
            parts: Vec::new(),
        };
        when.collect(entry, step);
        let when = when.finish(self.origins);
        self.values.push(object([
            ("name", Some(json!(name))),
            ("when", when),
            (kind, Some(source)),
        ]));
    }
}

fn split_of(group: &LaneGroup, lane: &Lane, share: &Share, percent: f64) -> Value {
    // What a sticky cookie's salt has to be is for traffic-tag to say.
    let is_cookie = share.by.sticky_cookie.is_some();
    let own = || format!("{}/{}", group.name, lane.name);
    let salt = share.salt.clone();
    let salt = salt.or_else(|| (!is_cookie).then(own));
    object([
        ("by", Some(written(&share.by))),
        ("salt", salt.map(Value::from)),
        (
            "values",
            Some(json!([{"value": lane.name, "weight": number(percent)}])),
        ),
    ])
}

/// The condition of a rule while it is rendered.
struct When<'a> {
    place: Place<'a>,
    /// The entry.
    written: Place<'a>,
    /// What must hold, by the key in the entry.
    parts: Vec<(&'static str, Value)>,
}

impl When<'_> {
    fn collect(&mut self, entry: &Entry, step: Option<&Step>) {
        if !entry.hosts.is_empty() {
            self.parts.push(("hosts", hosts(&entry.hosts)));
        }
        if !entry.paths.is_empty() {
            self.parts.push(("paths", paths(&entry.paths)));
        }
        if let Some(condition) = &entry.when {
            self.parts.push(("when", written(condition)));
        }
        if let Some(users) = &entry.users {
            self.parts.push(("users", written(users)));
        }
        let Window { mut from, until } = entry.window;
        if let Some(step) = step {
            from = Some(from.map_or(step.at, |from| from.max(step.at)));
        }
        if from.is_none() && until.is_none() {
            return;
        }
        let range = object([("min", from.map(number)), ("max", until.map(number))]);
        self.parts
            .push(("from", json!({"attribute": "time.unix", "range": range})));
    }

    fn finish(self, origins: &mut Origins) -> Option<Value> {
        let all = self.place.key("all");
        let is_single = self.parts.len() == 1;
        let mut conditions = Vec::with_capacity(self.parts.len());
        for (index, (key, condition)) in self.parts.into_iter().enumerate() {
            let rendered = all.index(index);
            let rendered = if is_single { &self.place } else { &rendered };
            let written = self.written.key(key);
            match key {
                "when" | "users" => origins.copied(rendered, &written),
                _ => origins.made(rendered, &written),
            }
            conditions.push(condition);
        }
        match is_single {
            true => conditions.pop(),
            false if conditions.is_empty() => None,
            false => Some(json!({ "all": conditions })),
        }
    }
}

fn hosts(hosts: &[Host]) -> Value {
    let exact = hosts.iter().filter_map(|host| match host {
        Host::Exact(host) => Some(host),
        Host::Suffix(_) => None,
    });
    let exact: Vec<_> = exact.collect();
    let suffixes = hosts.iter().filter_map(|host| match host {
        Host::Exact(_) => None,
        Host::Suffix(suffix) => Some(json!({"attribute": "host", "suffix": suffix})),
    });
    let mut conditions: Vec<_> = suffixes.collect();
    if !exact.is_empty() {
        conditions.insert(0, json!({"attribute": "host", "in": exact}));
    }
    one_of(conditions)
}

fn paths(paths: &[Path]) -> Value {
    let condition = |path: &Path| match path {
        Path::Exact(path) => json!({"attribute": "path", "exact": path}),
        Path::Prefix(path) => json!({"attribute": "path", "prefix": path}),
    };
    one_of(paths.iter().map(condition).collect())
}

/// At least one of some conditions holds.
fn one_of(mut conditions: Vec<Value>) -> Value {
    match conditions.len() {
        1 => conditions.pop().unwrap_or_default(),
        _ => json!({ "any": conditions }),
    }
}
