//! What `check` says about the files in `tests/check/`, word for word.
//!
//! `UPDATE_EXPECT=1 cargo test -p meshlane` writes what it says now.

use std::path::Path;

use expect_test::expect_file;
use meshlane::command::Exit;

use crate::{files, meshlane, meshlane_with_input};

/// Where the samples are; tests run in the directory of the crate.
const SAMPLES: &str = "tests/check";

#[test]
fn messages_are_as_written_down() {
    let samples = files(Path::new(SAMPLES), &["yaml", "json"]);
    assert!(samples.len() > 40, "{}", samples.len());
    for sample in samples {
        let name = sample.to_str().unwrap();
        let outcome = meshlane(&["check", name]);
        assert_eq!(outcome.errors, "", "{name}");
        let said = format!("{}exit code {}\n", outcome.output, outcome.exit as u8);
        expect_file![sample.with_added_extension("expected").canonical()].assert_eq(&said);
    }
}

/// A path that does not depend on the directory of the source file.
trait Canonical {
    fn canonical(&self) -> std::path::PathBuf;
}

impl Canonical for std::path::PathBuf {
    fn canonical(&self) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(self)
    }
}

#[test]
fn good_samples_are_good_and_bad_ones_are_not() {
    for sample in files(Path::new(SAMPLES), &["yaml", "json"]) {
        let name = sample.to_str().unwrap();
        let exit = meshlane(&["check", "--deny-warnings", name]).exit;
        let is_good = sample
            .file_name()
            .is_some_and(|name| name.to_str().unwrap().starts_with("good-"));
        assert_eq!(exit == Exit::Fine, is_good, "{name}");
    }
}

/// What the filter's own parser finds, the walk along the schema finds first: with a
/// better message, and all of it.
#[test]
fn no_structural_error_is_left_to_the_parser() {
    for sample in files(Path::new(SAMPLES), &["yaml", "json"]) {
        let name = sample.to_str().unwrap();
        let output = meshlane(&["check", name]).output;
        assert!(!output.contains("[malformed]"), "{name}: {output}");
    }
}

#[test]
fn json_says_the_same() {
    for name in ["mixed-errors.yaml", "bootstrap-json-text.yaml"] {
        let sample = format!("{SAMPLES}/{name}");
        let outcome = meshlane(&["check", "--format", "json", &sample]);
        assert_eq!(outcome.exit, Exit::Wrong);
        let expected = Path::new(&sample).with_added_extension("expected.json");
        expect_file![expected.canonical()].assert_eq(&outcome.output);
    }
}

/// The place in the file, for each of several errors.
#[test]
fn places_are_those_of_the_file() {
    let sample = format!("{SAMPLES}/mixed-errors.yaml");
    let text = std::fs::read_to_string(&sample).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let report = meshlane(&["check", "--format", "json", &sample]).json();
    let mut marked = Vec::new();
    for error in report["errors"].as_array().unwrap() {
        let number = |key: &str| usize::try_from(error[key].as_u64().unwrap()).unwrap();
        assert_eq!(number("line"), number("endLine"));
        let line = lines[number("line") - 1];
        marked.push(&line[number("column") - 1..number("endColumn") - 1]);
    }
    assert_eq!(
        marked,
        [
            "exakt",
            "a b",
            "hdr.x",
            "\"(\"",
            "5",
            "{value: a, wieght: 60}",
            "wieght",
            "kep",
            "a;b",
        ]
    );
}

/// Whatever stands in a file, there is an answer.
#[test]
fn no_beginning_of_a_sample_is_too_much() {
    for sample in files(Path::new(SAMPLES), &["yaml", "json"]) {
        let text = std::fs::read_to_string(&sample).unwrap();
        for (end, _) in text.char_indices().step_by(13) {
            for format in ["human", "json"] {
                let outcome =
                    meshlane_with_input(&["check", "--format", format, "-"], &text[..end]);
                assert_eq!(outcome.errors, "", "{} up to {end}", sample.display());
                assert!(outcome.output.ends_with('\n'));
            }
        }
    }
}
