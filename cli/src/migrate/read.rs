//! Reads what another system wrote, along the structure that it has there.

use meshlane_diagnostics::{JsonPath, Place};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;

use super::report::Report;
use crate::check::structural;
use crate::diagnostic::{Diagnostic, Severity};

/// Reads the value at a place; nothing when something is wrong with its structure, which is reported: unknown keys with the one
/// that was probably meant, missing ones, values of another type.
pub(super) fn read<T: DeserializeOwned + JsonSchema>(
    report: &mut Report,
    place: &Place<'_>,
) -> Option<T> {
    let base = place.to_path();
    let node = report.node.find(&base)?;
    let generator = SchemaSettings::draft2020_12().into_generator();
    let schema = generator.into_root_schema_for::<T>().to_value();
    let mut found = structural(node, &schema);
    let value = node.to_json();
    let span = node.place();
    for diagnostic in &mut found {
        let inner = diagnostic.path.take().unwrap_or_default();
        diagnostic.path = Some(joined(&base, &inner));
    }
    let is_wrong = found
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error);
    report.messages.extend(found);
    if is_wrong {
        return None;
    }
    match serde_json::from_value(value) {
        Ok(read) => Some(read),
        Err(error) => {
            let diagnostic = Diagnostic::error("invalid-value", span, error.to_string());
            report.messages.push(diagnostic.at(base));
            None
        }
    }
}

fn joined(base: &JsonPath, inner: &JsonPath) -> JsonPath {
    let segments = base.segments().iter().chain(inner.segments());
    segments.cloned().collect()
}
