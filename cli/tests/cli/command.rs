//! Exit codes, standard streams, and options that concern all commands.

use std::ffi::OsString;
use std::io::{self, Write};

use meshlane::command::{Exit, Streams, run};

use crate::{meshlane, meshlane_with_input};

const GOOD: &str = "tests/check/good-wasm-plugin.yaml";
const WARNED: &str = "tests/check/never-reached.yaml";
const WRONG: &str = "tests/check/structure-keys.yaml";
const UNREADABLE: &str = "tests/check/yaml-tab.yaml";

#[test]
fn check_tells_by_its_exit_code() {
    for (arguments, exit) in [
        (vec!["check", GOOD], Exit::Fine),
        (vec!["check", WARNED], Exit::Fine),
        (vec!["check", "--deny-warnings", WARNED], Exit::Wrong),
        (vec!["check", GOOD, WRONG], Exit::Wrong),
        (vec!["check", WRONG, UNREADABLE], Exit::Failed),
        (vec!["check", GOOD, "no-such-file.yaml"], Exit::Failed),
        (vec!["check"], Exit::Failed),
        (vec!["check", "--fromat", "json", GOOD], Exit::Failed),
        (vec!["chekc"], Exit::Failed),
        (vec!["--help"], Exit::Fine),
        (vec!["check", "--help"], Exit::Fine),
        (vec!["--version"], Exit::Fine),
    ] {
        assert_eq!(meshlane(&arguments).exit, exit, "{arguments:?}");
    }
}

#[test]
fn the_exit_codes_are_documented() {
    let help = meshlane(&["check", "--help"]).output;
    for line in [
        "0  nothing is wrong",
        "1  errors were found",
        "2  a file could not be read",
    ] {
        assert!(help.contains(line), "{help}");
    }
}

#[test]
fn one_unreadable_file_does_not_hide_the_others() {
    let outcome = meshlane(&["check", "no-such-file.yaml", WRONG]);
    assert!(outcome.errors.contains("no-such-file.yaml"));
    assert!(outcome.output.contains("unknown key `nam`"));
}

#[test]
fn a_dash_is_standard_input() {
    let outcome = meshlane_with_input(&["check", "-"], "tags: [{nam: x}]\n");
    assert_eq!(outcome.exit, Exit::Wrong);
    assert!(outcome.output.contains("<stdin>:1:9"), "{}", outcome.output);
}

#[test]
fn the_proxy_can_be_said() {
    let bare = "tags: [{name: x-mse-tag}]\n";
    assert_eq!(meshlane_with_input(&["check", "-"], bare).exit, Exit::Wrong);
    for (proxy, exit) in [
        ("gateway", Exit::Fine),
        ("sidecar", Exit::Fine),
        ("waypoint", Exit::Fine),
        ("bare", Exit::Wrong),
    ] {
        let outcome = meshlane_with_input(&["check", "--proxy", proxy, "-"], bare);
        assert_eq!(outcome.exit, exit, "{proxy}");
    }
}

#[test]
fn colours_are_shown_only_when_wanted() {
    assert!(!meshlane(&["check", WRONG]).output.contains('\u{1b}'));
    let coloured = meshlane(&["check", "--color", "always", WRONG]).output;
    assert!(coloured.contains('\u{1b}'));
}

/// Standard output of which nobody reads the rest.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let mut errors = Vec::new();
    let exit = run(
        ["meshlane", "schema"].map(OsString::from),
        &mut Streams {
            input: &mut io::empty(),
            output: &mut Closed,
            errors: &mut errors,
            coloured: false,
        },
    );
    assert_eq!(exit, Exit::Fine);
    assert!(errors.is_empty());
}

#[test]
fn json_is_one_document_with_all_keys() {
    let outcome = meshlane(&["check", "--format", "json", GOOD, WRONG]);
    let report = outcome.json();
    assert_eq!(report["files"].as_array().unwrap().len(), 2);
    let error = &report["errors"][0];
    for key in [
        "file",
        "line",
        "column",
        "endLine",
        "path",
        "code",
        "message",
        "found",
        "expected",
        "suggestion",
        "severity",
    ] {
        assert!(error.get(key).is_some(), "{key}: {error}");
    }
}
