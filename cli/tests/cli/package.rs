//! `meshlane package`: files in, a folder with images and a table out.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect;
use meshlane::command::Exit;
use meshlane::package::OciLayout;
use tempfile::TempDir;

use crate::{Outcome, meshlane};

const EMPTY: &[u8] = b"\0asm\x01\0\0\0";
const SBOM: &str = r#"{"metadata": {"component": {
    "version": "1.2.0", "description": "Does nothing", "licenses": [{"expression": "Apache-2.0"}]
}}}"#;

/// A folder with a module, the list of its parts, and a program that takes the place of wasm-opt.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        // A custom section without a name and content, to be taken out.
        let module = [EMPTY, &[0, 1, 0]].concat();
        fs::write(place.path("suite.wasm"), module).unwrap();
        fs::write(place.path("suite.cdx.json"), SBOM).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program that does the shell commands with its arguments, the last two of which are `-o FILE`.
    fn program(&self, commands: &str) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path("wasm-opt");
        let script = format!("#!/bin/sh\nfor last; do :; done\n{commands}\n");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    /// Runs the program; names of files are those of this place.
    fn run(&self, arguments: &[&str]) -> Outcome {
        let words = arguments.iter().map(|word| match word.strip_prefix('@') {
            Some(name) => self.path(name).display().to_string(),
            None => (*word).to_owned(),
        });
        let words: Vec<_> = words.collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let mut outcome = meshlane(&words);
        let own = format!("{}/", self.folder.path().display());
        outcome.output = outcome.output.replace(&own, "");
        outcome.errors = outcome.errors.replace(&own, "");
        outcome
    }

    fn digest(&self, folder: &str) -> String {
        let image = OciLayout::at(&self.path(folder)).read().unwrap();
        image.digest().to_string()
    }
}

#[test]
fn a_module_becomes_an_image_and_says_how_large_it_is() {
    let place = Place::new();
    // Its tenth argument is the module.
    let smaller = place.program("head -c 8 \"${10}\" > \"$last\"");
    let outcome = place.run(&[
        "package",
        "-o",
        "@out",
        "--wasm-opt",
        &smaller,
        "@suite.wasm",
    ]);
    assert_eq!(outcome.errors, "");
    let lines: Vec<_> = outcome.output.lines().map(str::trim_start).collect();
    expect![[r#"
        raw  optimised       gzip  module, and the digest of its image
        11          8         28  out/suite  sha256:d420c8df32686030cf0b5f43cbdaabf3d7d4e30aa8681d010b182be7a3393632"#]]
    .assert_eq(&lines.join("\n"));
    assert_eq!(fs::read(place.path("out/suite.wasm")).unwrap(), EMPTY);
    assert_eq!(
        fs::read_to_string(place.path("out/suite.cdx.json")).unwrap(),
        SBOM
    );
    let again = place.run(&[
        "package",
        "-o",
        "@again",
        "--wasm-opt",
        &smaller,
        "@suite.wasm",
    ]);
    assert_eq!(again.exit, Exit::Fine);
    assert_eq!(place.digest("again/suite"), place.digest("out/suite"));
}

#[test]
fn annotations_come_from_the_list_of_parts_and_from_arguments() {
    let place = Place::new();
    let arguments = [
        "package",
        "-o",
        "@out",
        "--as-is",
        "--annotation",
        "source=https://git.example/mesh",
        "--annotation",
        "com.example.team=mesh",
        "--annotation",
        "version=1.2.1",
        "@suite.wasm",
    ];
    assert_eq!(place.run(&arguments).errors, "");
    let image = OciLayout::at(&place.path("out/suite")).read().unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&image.manifest.bytes).unwrap();
    expect![[r#"
        {
          "com.example.team": "mesh",
          "org.opencontainers.image.description": "Does nothing",
          "org.opencontainers.image.licenses": "Apache-2.0",
          "org.opencontainers.image.source": "https://git.example/mesh",
          "org.opencontainers.image.title": "suite",
          "org.opencontainers.image.version": "1.2.1"
        }"#]]
    .assert_eq(&format!("{:#}", manifest["annotations"]));
    let index = fs::read_to_string(place.path("out/suite/index.json")).unwrap();
    assert!(
        index.contains(r#""org.opencontainers.image.ref.name":"1.2.1""#),
        "{index}"
    );
}

#[test]
fn programs_read_json() {
    let place = Place::new();
    let layout = ["--layout", "artifact", "--format", "json"];
    let arguments = [
        &["package", "-o", "@out", "--as-is"],
        &layout[..],
        &["@suite.wasm"],
    ]
    .concat();
    let json = place.run(&arguments).json();
    let module = &json["modules"][0];
    assert_eq!(
        (&module["name"], &module["raw"]),
        (&"suite".into(), &11.into())
    );
    assert_eq!(module["digest"], place.digest("out/suite").as_str());
}

#[test]
fn what_is_no_module_is_refused_by_name() {
    let place = Place::new();
    fs::write(place.path("text.wasm"), "hello world").unwrap();
    fs::write(place.path("component.wasm"), b"\0asm\x0d\0\x01\0").unwrap();
    fs::write(place.path("other.wasm"), EMPTY).unwrap();
    fs::write(place.path("other.cdx.json"), "{").unwrap();
    let said = |file: &str| {
        let outcome = place.run(&["package", "-o", "@out", "--as-is", file]);
        assert_eq!((outcome.exit, outcome.output.as_str()), (Exit::Failed, ""));
        assert!(!place.path("out").exists(), "{file}");
        outcome.errors
    };
    expect![[r#"
        error: text.wasm is no Wasm module: it begins with 68 65 6c 6c 6f 20 77 6f, expected 00 61 73 6d 01 00 00 00
    "#]].assert_eq(&said("@text.wasm"));
    expect![[r#"
        error: component.wasm is no Wasm module: it begins with 00 61 73 6d 0d 00 01 00, expected 00 61 73 6d 01 00 00 00
    "#]].assert_eq(&said("@component.wasm"));
    expect![[r#"
        error: other.cdx.json is not JSON: EOF while parsing an object at line 1 column 1
    "#]]
    .assert_eq(&said("@other.wasm"));
    expect![[r#"
        error: cannot read missing.wasm: No such file or directory (os error 2)
    "#]]
    .assert_eq(&said("@missing.wasm"));
    expect![[r#"
        error: suite.cdx.json is no file of a module, which would end with .wasm
    "#]]
    .assert_eq(&said("@suite.cdx.json"));
}

#[test]
fn what_wasm_opt_says_is_shown() {
    let place = Place::new();
    let package = |program: &str| {
        place
            .run(&[
                "package",
                "-o",
                "@out",
                "--wasm-opt",
                program,
                "@suite.wasm",
            ])
            .errors
    };
    expect![[r#"
        error: suite.wasm: no-such-program does not start: No such file or directory (os error 2); `wasm-opt` comes with Binaryen (npm install --global binaryen), --wasm-opt says where it is, and with --as-is modules stay as they are
    "#]].assert_eq(&package("no-such-program"));
    let refuses = place.program("echo 'Fatal: error validating input' >&2; exit 1");
    expect![[r#"
        error: suite.wasm: wasm-opt refused the module:
        Fatal: error validating input
    "#]]
    .assert_eq(&package(&refuses));
}

#[test]
fn nothing_is_written_over() {
    let place = Place::new();
    let itself = place.run(&["package", "-o", "@", "--as-is", "@suite.wasm"]);
    expect![[r#"
        error: suite.wasm would be written over itself: choose another folder
    "#]]
    .assert_eq(&itself.errors);
    fs::create_dir(place.path("other")).unwrap();
    fs::copy(place.path("suite.wasm"), place.path("other/suite.wasm")).unwrap();
    let twice = [
        "package",
        "-o",
        "@out",
        "--as-is",
        "@suite.wasm",
        "@other/suite.wasm",
    ];
    expect![[r#"
        error: suite.wasm and other/suite.wasm would go into the same folder
    "#]]
    .assert_eq(&place.run(&twice).errors);
    fs::create_dir_all(place.path("out/suite")).unwrap();
    let full = place.run(&["package", "-o", "@out", "--as-is", "@suite.wasm"]);
    expect![[r#"
        error: cannot write out/suite: it is there and no image layout
    "#]]
    .assert_eq(&full.errors);
    assert!(Path::new(&place.path("out/suite")).is_dir());
}
