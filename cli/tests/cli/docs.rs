//! Every configuration in the documentation passes `check`.

use std::path::PathBuf;

use meshlane::command::Exit;

use crate::{files, meshlane_with_input, workspace};

/// A block of code in a page.
struct Block {
    /// What stands behind the opening fence: `yaml`, `yaml traffic-tag` …
    info: String,
    text: String,
    line: usize,
}

#[test]
fn examples_pass_check() {
    let mut checked = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for block in blocks(&text).into_iter().filter(is_configuration) {
            let outcome = meshlane_with_input(&["check", "-"], &block.text);
            let place = format!("{}:{}", page.display(), block.line);
            assert_eq!(outcome.exit, Exit::Fine, "{place}\n{}", outcome.output);
            checked += 1;
        }
    }
    assert!(checked > 0, "the documentation has no examples");
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
    pages
}

/// Kubernetes resources and Envoy configurations say what they are; the configuration of a
/// filter alone is marked in the fence.
fn is_configuration(block: &Block) -> bool {
    let mut words = block.info.split_whitespace();
    let language = words.next();
    let marked = words.any(|word| word == "traffic-tag");
    let says_so = ["apiVersion:", "static_resources:", "typed_config:"]
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
