//! Explanations for people.

mod condition;
mod tag_route;
mod traffic_tag;

use std::fmt::Write as _;

use meshlane_diagnostics::Reason;
use meshlane_traffic_tag::HeaderWrite;

use super::{Decided, Explained, Explanation};

/// An explained request as text.
pub fn print(explained: &Explained) -> String {
    let mut page = Page::default();
    page.line(0, &explained.request);
    if let Some(needs) = &explained.bridge_needs {
        page.line(1, &format!("if the filter `dubbo` has {needs}"));
    }
    let are_several = explained.plugins.len() > 1;
    for decided in &explained.plugins {
        if are_several {
            page.gap();
            page.line(1, &format!("{} ({})", decided.plugin, decided.kind));
        }
        page.plugin(decided);
    }
    if let Some(random) = &explained.random {
        page.line(
            1,
            &format!("chance  --random {random} gives the same again"),
        );
    }
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn plugin(&mut self, decided: &Decided) {
        let removed = &decided.reserved_headers_removed;
        if !removed.is_empty() {
            let names = removed.join(", ");
            self.line(1, &format!("reserved headers are removed first: {names}"));
        }
        match &decided.explanation {
            Explanation::TagRoute(routed) => self.routed(routed),
            Explanation::TrafficTag(explanation) => {
                for tag in &explanation.tags {
                    self.gap();
                    self.tag(tag);
                }
            }
        }
        self.gap();
        self.writes(&decided.explanation);
    }

    fn writes(&mut self, explanation: &Explanation) {
        let writes = explanation.writes();
        let cookies = match explanation {
            Explanation::TrafficTag(explanation) => explanation.set_cookies.as_slice(),
            Explanation::TagRoute(_) => &[],
        };
        if explanation.is_refused() {
            self.line(1, "respond 503, the request goes nowhere");
        } else if writes.is_empty() && cookies.is_empty() {
            self.line(1, "nothing is written");
        } else {
            writes.iter().for_each(|write| self.write(write));
        }
        for cookie in cookies {
            self.line(1, &format!("respond set-cookie: {cookie}"));
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
