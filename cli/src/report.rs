//! Shows what `check` found.

mod human;
mod json;

pub use human::Human;
pub use json::{json, migration_json};

use crate::check::CheckedFile;
use crate::diagnostic::Severity;

/// How much was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Configurations that were checked.
    pub configurations: usize,
    /// Documents that are none of ours.
    pub passed_over: usize,
    /// Files.
    pub files: usize,
}

impl Totals {
    /// The totals of some files.
    pub fn of(files: &[CheckedFile]) -> Self {
        let mut totals = Self::default();
        for file in files {
            totals.errors += file.count(Severity::Error);
            totals.warnings += file.count(Severity::Warning);
            totals.configurations += file.configurations();
            totals.passed_over += file.passed_over;
            totals.files += 1;
        }
        totals
    }
}
