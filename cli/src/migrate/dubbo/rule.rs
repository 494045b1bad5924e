//! What all rules of Dubbo have.

use meshlane_diagnostics::Place;

use crate::migrate::report::Report;

/// What stands at the head of a rule.
#[derive(Debug, Clone, Default)]
pub(super) struct Head {
    pub(super) priority: Option<f64>,
    pub(super) force: Option<bool>,
    pub(super) runtime: Option<bool>,
    pub(super) enabled: Option<bool>,
    pub(super) valid: Option<bool>,
    pub(super) dynamic: Option<bool>,
}

impl Head {
    /// Whether Dubbo obeys the rule.
    pub(super) fn is_obeyed(&self) -> bool {
        self.enabled.unwrap_or(true) && self.valid.unwrap_or(true)
    }

    pub(super) fn is_forced(&self) -> bool {
        self.force.unwrap_or_default()
    }

    /// Says what becomes of the rest.
    pub(super) fn tell(&self, root: &Place<'_>, report: &mut Report) {
        if self.priority.is_some() {
            report.changed(
                &root.key("priority"),
                "Dubbo 3 does not look at `priority`",
                "routers stand in the order that Dubbo 3 runs them in: tag, service, application",
            );
        }
        if self.runtime == Some(false) {
            report.changed(
                &root.key("runtime"),
                "a consumer may keep what it routed once",
                "every request is routed anew",
            );
        }
        if self.dynamic == Some(true) {
            report.changed(
                &root.key("dynamic"),
                "a rule that goes with its registration",
                "the document stays until it is removed",
            );
        }
    }
}
