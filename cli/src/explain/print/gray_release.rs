//! Why a request goes on with its tags, and whether the workload takes it.

use meshlane_diagnostics::Reason;
use meshlane_gray_release::{Explanation, TagExplanation, WorkloadLabel};

use super::{Page, with_meaning};

impl Page {
    pub(super) fn carried(&mut self, explanation: &Explanation) {
        self.gap();
        match explanation.direction {
            Some("inbound") => self.remembered(explanation),
            Some(_) => self.cause(explanation),
            None => self.line(1, "nothing says which way the request goes"),
        }
        for tag in &explanation.tags {
            self.gap();
            self.carried_tag(tag);
        }
    }

    /// What a request to the application is remembered by.
    fn remembered(&mut self, explanation: &Explanation) {
        self.line(1, "inbound, to the application");
        let by = match (explanation.refused, explanation.correlation) {
            (Some(_), _) => "nothing, as the request is refused".to_owned(),
            (None, Some(code)) => format!("nothing, {}", with_meaning(code)),
            (None, None) => explanation.keys.join(", "),
        };
        self.line(2, &format!("known by  {by}"));
    }

    /// The request that caused one from the application.
    fn cause(&mut self, explanation: &Explanation) {
        self.line(1, "outbound, from the application");
        let Some(code) = explanation.correlation else {
            return;
        };
        self.line(2, &format!("cause     {}", with_meaning(code)));
        if !explanation.keys.is_empty() {
            self.line(2, &format!("known by  {}", explanation.keys.join(", ")));
        }
        if code == Reason::CorrelationMiss.as_str() {
            self.line(
                2,
                "          --remembered TAG=VALUE says what is remembered",
            );
        }
    }

    fn carried_tag(&mut self, tag: &TagExplanation) {
        let value = tag.value.as_deref().unwrap_or("(none)");
        self.line(1, &format!("tag {} = {value}", tag.name));
        if let Some(found) = tag.found.as_ref().filter(|_| tag.found != tag.value) {
            self.line(2, &format!("found     {found}"));
        }
        self.line(2, &format!("because   {}", with_meaning(tag.reason)));
        self.line(2, &format!("carriers  {}", tag.carriers.join(", ")));
        if let Some(lane) = tag.lane {
            self.line(2, &format!("lane      {}", with_meaning(lane)));
        }
        if let Some(WorkloadLabel { label, value }) = &tag.workload {
            let text = match value {
                Some(value) => format!("{label}={value}"),
                None => format!("without the label {label}"),
            };
            self.line(2, &format!("workload  {text}"));
        }
        if let Some(exempt) = &tag.exempt {
            self.line(2, "exempt");
            self.condition(exempt, "", "");
        }
    }
}
