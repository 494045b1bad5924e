//! Explanations for people.

mod condition;
mod gray_release;
mod rate_limit;
mod tag_route;
mod traffic_tag;
mod walk;

use std::fmt::Write as _;

use meshlane_diagnostics::Reason;
use meshlane_tags::HeaderWrite;

use super::{Decided, Explained, Explanation, Walked};

/// An explained request as text.
pub fn print(explained: &Explained) -> String {
    let mut page = Page::default();
    page.title(&explained.request, explained.bridge_needs.as_deref());
    let are_several = explained.plugins.len() > 1;
    for decided in &explained.plugins {
        if are_several {
            page.gap();
            page.line(1, &format!("{} ({})", decided.plugin, decided.kind));
        }
        page.plugin(decided);
    }
    page.chance(explained.random.as_deref());
    page.text
}

/// An explained way as text.
pub fn print_walk(walked: &Walked) -> String {
    let mut page = Page::default();
    page.title(&walked.request, walked.bridge_needs.as_deref());
    page.reserved(&walked.reserved_headers_removed);
    let codes = page.walk(&walked.walk);
    if walked.random.is_some() {
        page.gap();
        page.chance(walked.random.as_deref());
    }
    page.codes(codes);
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn title(&mut self, request: &str, bridge_needs: Option<&str>) {
        self.line(0, request);
        if let Some(needs) = bridge_needs {
            self.line(1, &format!("if the filter `dubbo` has {needs}"));
        }
    }

    fn chance(&mut self, random: Option<&str>) {
        if let Some(random) = random {
            self.line(
                1,
                &format!("chance  --random {random} gives the same again"),
            );
        }
    }

    fn reserved(&mut self, removed: &[String]) {
        if !removed.is_empty() {
            let names = removed.join(", ");
            self.line(1, &format!("reserved headers are removed first: {names}"));
        }
    }

    fn plugin(&mut self, decided: &Decided) {
        self.reserved(&decided.reserved_headers_removed);
        match &decided.explanation {
            Explanation::GrayRelease(explanation) => self.carried(explanation),
            Explanation::RateLimit(explanation) => self.limited(explanation),
            Explanation::TagRoute(routed) => self.routed(routed),
            Explanation::TrafficTag(explanation) => {
                for tag in &explanation.tags {
                    self.gap();
                    self.tag(tag);
                }
            }
        }
        self.gap();
        if let Explanation::RateLimit(explanation) = &decided.explanation {
            self.counts(explanation);
        }
        self.writes(&decided.explanation);
    }

    fn writes(&mut self, explanation: &Explanation) {
        let writes = explanation.writes();
        let answers = explanation.answers();
        if let Some(status) = explanation.refused() {
            self.line(1, &format!("respond {status}, the request goes nowhere"));
        } else if writes.is_empty() && answers.is_empty() {
            self.line(1, "nothing is written");
        } else {
            writes.iter().for_each(|write| self.write(write));
        }
        for (name, value) in answers {
            self.line(1, &format!("respond {name}: {value}"));
        }
        self.line(1, &format!("log     {}", explanation.summary()));
    }

    fn write(&mut self, HeaderWrite { name, value }: &HeaderWrite) {
        match value {
            Some(value) => self.line(1, &format!("set     {name}: {value}")),
            None => self.line(1, &format!("remove  {name}")),
        }
    }

    fn line(&mut self, indentation: usize, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{:width$}{text}", "", width = indentation * 2);
    }

    fn gap(&mut self) {
        self.text.push('\n');
    }
}

/// A reason code with what it means.
fn with_meaning(code: &str) -> String {
    let meaning = Reason::ALL
        .iter()
        .find(|reason| reason.as_str() == code)
        .map(|reason| reason.description());
    match meaning {
        Some(meaning) => format!("{code}: {meaning}"),
        None => code.to_owned(),
    }
}
