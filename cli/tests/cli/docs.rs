//! Every configuration in the documentation passes `check`.

use std::path::PathBuf;

use expect_test::expect_file;
use meshlane::command::Exit;
use meshlane::documents::Kind;
use meshlane::source::Source;
use serde_json::Value;

use crate::{files, meshlane, meshlane_with_input, workspace};

/// A block of code in a page.
struct Block {
    /// What stands behind the opening fence: `yaml`, `yaml traffic-tag` …
    info: String,
    text: String,
    line: usize,
}

impl Block {
    /// The filter that the block is marked as a configuration of.
    fn kind(&self) -> Option<Kind> {
        let words = self.info.split_whitespace().skip(1);
        let mut kinds = words.filter_map(Kind::of_plugin_name);
        kinds.next().map(|(kind, _)| kind)
    }

    /// Whether the block is marked as a lane group, or as keys of one.
    fn is_lane_group(&self) -> bool {
        self.info
            .split_whitespace()
            .any(|word| word == "lane-group")
    }

    fn value(&self) -> Value {
        let contents = Source::new("", self.text.clone()).read();
        assert!(contents.syntax_error.is_none(), "{}", self.text);
        contents.documents.first().unwrap().to_json()
    }
}

#[test]
fn examples_pass_check() {
    let mut checked = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for block in blocks(&text).into_iter().filter(is_configuration) {
            let kind = block.kind().map_or("traffic-tag", Kind::as_str);
            let outcome = meshlane_with_input(&["check", "--kind", kind, "-"], &block.text);
            let place = format!("{}:{}", page.display(), block.line);
            assert_eq!(outcome.exit, Exit::Fine, "{place}\n{}", outcome.output);
            checked += 1;
        }
    }
    assert!(checked > 0, "the documentation has no examples");
}

/// The first lane group of the page is whole; blocks without `apiVersion` are keys of its `spec`.
#[test]
fn keys_of_lane_groups_pass_check() {
    let page = std::fs::read_to_string(workspace().join("docs/guide/lane-groups.md")).unwrap();
    let all: Vec<_> = blocks(&page)
        .into_iter()
        .filter(Block::is_lane_group)
        .collect();
    let file = |name: &str| {
        let path = workspace().join("docs/guide/examples").join(name);
        std::fs::read_to_string(path).unwrap()
    };
    let (whole, keys): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|block| block.text.contains("apiVersion:"));
    let shown: Vec<_> = whole.iter().map(|block| block.text.as_str()).collect();
    assert_eq!(shown, [file("lanes.yaml"), file("lanes-search.yaml")]);
    assert!(keys.len() > 3);
    for block in keys {
        let mut group = whole[0].value();
        let spec = group["spec"].as_object_mut().unwrap();
        spec.extend(block.value().as_object().unwrap().clone());
        let arguments = ["check", "--deny-warnings", "-"];
        let outcome = meshlane_with_input(&arguments, group.to_string());
        let sum = "checked 1 configuration in 1 file; nothing is wrong\n";
        assert_eq!(outcome.output, sum, "line {}", block.line);
    }
}

/// Blocks of `console` that begin with `$ meshlane` show what the program really prints.
/// `UPDATE_EXPECT=1` writes it.
#[test]
fn shown_output_is_what_is_printed() {
    let directory = workspace().join("docs/guide");
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let mut fresh = text.clone();
        for block in blocks(&text)
            .into_iter()
            .filter(|block| block.info == "console")
        {
            let Some(command) = block
                .text
                .lines()
                .next()
                .unwrap()
                .strip_prefix("$ meshlane ")
            else {
                continue;
            };
            let prefix = format!("{}/", directory.display());
            let manifests = format!("{}/istio-manifests/", workspace().display());
            let arguments: Vec<String> = words(command)
                .into_iter()
                .map(|word| word.replacen("examples/", &format!("{prefix}examples/"), 1))
                .map(|word| word.replacen("istio-manifests/", &manifests, 1))
                .collect();
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let outcome = meshlane_with_input(&arguments, "");
            assert_eq!(outcome.errors, "", "{}:{}", page.display(), block.line);
            let shown = format!(
                "$ meshlane {command}\n{}",
                outcome.output.replace(&prefix, "")
            );
            fresh = fresh.replace(
                &format!("```console\n{}```", block.text),
                &format!("```console\n{shown}```"),
            );
        }
        expect_file![page].assert_eq(&fresh);
    }
}

/// The words of a command line, with single quotes as in a shell.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in command.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn example_files_pass_check_unless_they_show_mistakes() {
    let folders = [
        "compose/envoy",
        "compose/envoy/filters",
        "docs/guide/examples",
        "istio-manifests",
        "istio-manifests/documents",
        "istio-manifests/dubbo",
        "istio-manifests/gray-release",
        "istio-manifests/observability",
        "istio-manifests/rate-limit",
        "istio-manifests/rendered",
        "istio-manifests/tag-route",
    ];
    let folders = folders.map(|folder| workspace().join(folder));
    for file in folders
        .iter()
        .flat_map(|folder| files(folder, &["yaml", "json"]))
    {
        let name = file.to_str().unwrap();
        let exit = meshlane(&["check", "--deny-warnings", name]).exit;
        let shows_mistakes = name.contains("with-mistakes");
        assert_eq!(exit == Exit::Fine, !shows_mistakes, "{name}");
    }
}

/// Every case and scenario that the page on failures rests on is there: `*TABLE: CASE*` and `SCENARIO`.
#[test]
fn named_tests_are_there() {
    let read = |path: &str| std::fs::read_to_string(workspace().join(path)).unwrap();
    let page = read("docs/guide/what-happens-when.md");
    let scenarios = read("e2e/tests/route_rooms.rs") + &read("e2e/tests/istio/routing.rs");
    let mut named = 0;
    // The last column, where what is in italics has a colon.
    let rows = page.lines().filter_map(|line| line.strip_suffix(" |"));
    for shown_by in rows.filter_map(|row| row.rsplit(" | ").next()) {
        for case in shown_by.split('*').skip(1).step_by(2) {
            let (table, case) = case.split_once(": ").unwrap();
            let table = read(&format!("testdata/tag-route/{table}.json"));
            let table: Value = serde_json::from_str(&table).unwrap();
            let mut cases = table["cases"].as_array().unwrap().iter();
            assert!(cases.any(|known| known["name"] == case), "{case}");
            named += 1;
        }
        let scenario = shown_by.split('`').skip(1).step_by(2);
        for name in scenario.filter(|name| name.contains('_')) {
            assert!(scenarios.contains(&format!("async fn {name}()")), "{name}");
            named += 1;
        }
    }
    assert!(named > 40, "only {named}");
}

#[test]
fn blocks_are_found() {
    let page = "text\n```yaml traffic-tag\ntags: []\n```\n- list\n  ```json\n  {}\n  ```\n```sh\nls\n```\n";
    let found: Vec<_> = blocks(page)
        .into_iter()
        .map(|block| (block.info, block.text, block.line))
        .collect();
    assert_eq!(
        found,
        [
            ("yaml traffic-tag".to_owned(), "tags: []\n".to_owned(), 2),
            ("json".to_owned(), "{}\n".to_owned(), 6),
            ("sh".to_owned(), "ls\n".to_owned(), 9),
        ]
    );
}

fn pages() -> Vec<PathBuf> {
    let mut pages = files(&workspace().join("docs/guide"), &["md"]);
    pages.push(workspace().join("README.md"));
    assert!(pages.len() > 1);
    pages
}

/// Kubernetes resources and Envoy configurations say what they are; the configuration of a
/// filter alone is marked in the fence.
fn is_configuration(block: &Block) -> bool {
    let language = block.info.split_whitespace().next();
    let marked = block.kind().is_some();
    let says_so = ["apiVersion:", "static_resources:", "root_id:"]
        .iter()
        .any(|key| block.text.contains(key));
    matches!(language, Some("yaml" | "json")) && (marked || says_so)
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(Block, usize)> = None;
    for (index, line) in page.lines().enumerate() {
        let indentation = line.len() - line.trim_start().len();
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(info)) => {
                let block = Block {
                    info: info.trim().to_owned(),
                    text: String::new(),
                    line: index + 1,
                };
                open = Some((block, indentation));
            }
            (Some(_), Some("")) => blocks.extend(open.take().map(|(block, _)| block)),
            (Some((block, indentation)), _) => {
                block.text.push_str(line.get(*indentation..).unwrap_or(""));
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}
