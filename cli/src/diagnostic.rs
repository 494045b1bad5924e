//! One thing to say about a file.

use std::fmt;

use meshlane_diagnostics::JsonPath;

use crate::source::Span;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The filter, Istio or kubectl would refuse this.
    Error,
    /// It is accepted and most likely not what was meant.
    Warning,
    /// It is fine, and something elsewhere has to fit.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// A message about a place in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The stable name of the kind of message.
    pub code: &'static str,
    /// What is the matter, in one line.
    pub message: String,
    /// The place in the file.
    pub span: Span,
    /// The place in the document, once it is known.
    pub path: Option<JsonPath>,
    /// What stands beside the marked place.
    pub label: Option<String>,
    /// What was found.
    pub found: Option<String>,
    /// What was expected.
    pub expected: Option<String>,
    /// What was probably meant.
    pub suggestion: Option<String>,
    /// Other places that belong to the message.
    pub related: Vec<(Span, String)>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message.into())
    }

    /// A warning.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message.into())
    }

    /// Something that is fine and good to know.
    pub fn note_about(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, span, message.into())
    }

    /// The error for a key that an object has twice.
    pub fn duplicate_key(key: &str, span: Span, first: Span) -> Self {
        Self::error(
            "duplicate-key",
            span,
            format!("the key `{key}` is written twice in the same object"),
        )
        .found(key)
        .related(first, "first written here")
    }

    fn new(severity: Severity, code: &'static str, span: Span, message: String) -> Self {
        Self {
            severity,
            code,
            message,
            span,
            path: None,
            label: None,
            found: None,
            expected: None,
            suggestion: None,
            related: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// With a text beside the marked place.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With what was found.
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    /// With what was expected.
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// With what was probably meant.
    pub fn suggestion(mut self, suggestion: Option<&str>) -> Self {
        self.suggestion = suggestion.map(str::to_owned);
        self
    }

    /// With another place.
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// With one more thing worth knowing.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// As the error of a `Result`.
    pub(crate) fn boxed(self) -> Box<Self> {
        Box::new(self)
    }

    /// With its place in the document.
    pub fn at(mut self, path: JsonPath) -> Self {
        self.path = Some(path);
        self
    }

    /// Moves all places.
    pub(crate) fn relocate(&mut self, place: impl Fn(&Span) -> Span) {
        self.span = place(&self.span);
        for (span, _) in &mut self.related {
            *span = place(span);
        }
    }
}
