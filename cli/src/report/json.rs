//! Messages for programs.

use serde::Serialize;

use crate::check::{CheckedFile, Message};
use crate::diagnostic::Severity;
use crate::migrate::{Converted, Migration};
use crate::source::Source;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'f> {
    files: Vec<File<'f>>,
    errors: Vec<Entry<'f>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'f> {
    file: &'f str,
    configurations: usize,
    passed_over: usize,
    errors: usize,
    warnings: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'f> {
    file: &'f str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    path: Option<String>,
    plugin: Option<&'f str>,
    code: &'static str,
    message: &'f str,
    found: Option<&'f str>,
    expected: Option<&'f str>,
    suggestion: Option<&'f str>,
    severity: &'static str,
}

/// One JSON document about some files: `{files, errors}`.
pub fn json(files: &[CheckedFile]) -> serde_json::Result<String> {
    let document = Document {
        files: files.iter().map(file).collect(),
        errors: files
            .iter()
            .flat_map(|file| {
                file.messages
                    .iter()
                    .map(|message| entry(&file.source, message))
            })
            .collect(),
    };
    serde_json::to_string_pretty(&document)
}

#[derive(Serialize)]
struct Migrated<'f> {
    documents: Vec<serde_json::Value>,
    errors: Vec<Entry<'f>>,
}

/// One JSON document about what was converted: `{documents, errors}`.
pub fn migration_json(migration: &Migration) -> serde_json::Result<String> {
    let files = migration.files.iter();
    let entries = files.flat_map(|file| {
        let messages = file.messages.iter();
        messages.map(|message| entry(&file.source, message))
    });
    serde_json::to_string_pretty(&Migrated {
        documents: migration.documents.iter().map(Converted::to_json).collect(),
        errors: entries.collect(),
    })
}

fn file(file: &CheckedFile) -> File<'_> {
    File {
        file: file.source.name(),
        configurations: file.configurations(),
        passed_over: file.passed_over,
        errors: file.count(Severity::Error),
        warnings: file.count(Severity::Warning),
    }
}

fn entry<'f>(source: &'f Source, message: &'f Message) -> Entry<'f> {
    let diagnostic = &message.diagnostic;
    let start = source.position(diagnostic.span.start);
    let end = source.position(diagnostic.span.end.max(diagnostic.span.start));
    Entry {
        file: source.name(),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        path: diagnostic.path.as_ref().map(ToString::to_string),
        plugin: message.plugin.as_deref(),
        code: diagnostic.code,
        message: &diagnostic.message,
        found: diagnostic.found.as_deref(),
        expected: diagnostic.expected.as_deref(),
        suggestion: diagnostic.suggestion.as_deref(),
        severity: match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
    }
}
