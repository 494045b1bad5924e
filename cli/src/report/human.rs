//! Messages for people, as compilers print them.

use annotate_snippets::{AnnotationKind, Element, Level, Renderer, Snippet};

use super::Totals;
use crate::check::{CheckedFile, Message};
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{Source, Span};

/// Renders messages with the lines that they are about.
pub struct Human {
    renderer: Renderer,
}

impl Human {
    /// With or without colours.
    pub fn new(coloured: bool) -> Self {
        let renderer = if coloured {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        Self { renderer }
    }

    /// Everything about some files, and a line with the totals.
    pub fn render(&self, files: &[CheckedFile]) -> String {
        let mut text = String::new();
        for file in files {
            text.push_str(&self.messages(&file.source, &file.messages));
        }
        // Of files that could not be read there is nothing to sum up.
        if !files.is_empty() {
            text.push_str(&summary(Totals::of(files)));
            text.push('\n');
        }
        text
    }

    /// Messages about a file.
    pub fn messages(&self, source: &Source, messages: &[Message]) -> String {
        let messages = messages.iter();
        messages
            .map(|message| self.message(source, message) + "\n\n")
            .collect()
    }

    fn message(&self, source: &Source, message: &Message) -> String {
        let diagnostic = &message.diagnostic;
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let mut snippet = Snippet::source(source.text())
            .path(source.name())
            .annotation(
                AnnotationKind::Primary
                    .span(visible(source, &diagnostic.span))
                    .label(label(diagnostic)),
            );
        for (span, label) in &diagnostic.related {
            snippet = snippet.annotation(
                AnnotationKind::Context
                    .span(visible(source, span))
                    .label(label.as_str()),
            );
        }
        let notes = notes(message)
            .into_iter()
            .map(|(level, text)| Element::from(level.message(text)));
        let group = level
            .primary_title(diagnostic.message.as_str())
            .id(diagnostic.code)
            .element(snippet)
            .elements(notes);
        self.renderer.render(&[group])
    }
}

/// What stands beside the marked place: the suggestion where there is one.
fn label(diagnostic: &Diagnostic) -> Option<String> {
    match (&diagnostic.label, &diagnostic.suggestion) {
        (Some(label), _) => Some(label.clone()),
        (None, Some(suggestion)) => Some(format!("did you mean `{suggestion}`?")),
        (None, None) => None,
    }
}

/// What stands below the lines.
fn notes(message: &Message) -> Vec<(Level<'static>, String)> {
    let diagnostic = &message.diagnostic;
    let mut notes = Vec::new();
    if let Some(expected) = &diagnostic.expected
        && !diagnostic.message.contains(expected.as_str())
    {
        notes.push((Level::HELP, format!("expected {expected}")));
    }
    for note in &diagnostic.notes {
        notes.push((Level::NOTE, note.clone()));
    }
    let place = diagnostic.path.as_ref().map(ToString::to_string);
    match (place, &message.plugin) {
        (Some(path), Some(plugin)) if path == "." => {
            notes.push((Level::NOTE, format!("in {plugin}")));
        }
        (Some(path), Some(plugin)) => notes.push((Level::NOTE, format!("at {path} in {plugin}"))),
        (Some(path), None) if path != "." => notes.push((Level::NOTE, format!("at {path}"))),
        _ => {}
    }
    notes
}

/// A place of at least one character, so that there is something to mark, and of one line,
/// so that a message about a long value stays short.
fn visible(source: &Source, span: &Span) -> Span {
    let text = source.text();
    let start = span.start.min(text.len());
    let line_end = text
        .get(start..)
        .and_then(|rest| rest.find('\n'))
        .map_or(text.len(), |length| start + length);
    let end = span.end.clamp(start, line_end.max(start));
    start..end
}

fn summary(totals: Totals) -> String {
    let Totals {
        errors,
        warnings,
        configurations,
        passed_over,
        files,
    } = totals;
    let mut parts = vec![format!(
        "checked {} in {}",
        count(configurations, "configuration"),
        count(files, "file")
    )];
    if passed_over > 0 {
        parts.push(format!(
            "passed over {}",
            count(passed_over, "other document")
        ));
    }
    parts.push(match (errors, warnings) {
        (0, 0) => "nothing is wrong".to_owned(),
        (0, warnings) => count(warnings, "warning"),
        (errors, 0) => count(errors, "error"),
        (errors, warnings) => {
            format!("{}, {}", count(errors, "error"), count(warnings, "warning"))
        }
    });
    parts.join("; ")
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
