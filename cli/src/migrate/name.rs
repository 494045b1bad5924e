//! Names that ours accept.

use std::collections::{BTreeMap, BTreeSet};

use super::document::Converted;

/// A name of a Kubernetes object: lower-case letters, digits and `-`, at most 50 of them.
pub(super) fn object_name(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let name = words(&lower, |c| c.is_ascii_alphanumeric());
    let name: String = name.chars().take(50).collect();
    let name = name.trim_matches('-');
    match name.is_empty() {
        true => "migrated".to_owned(),
        false => name.to_owned(),
    }
}

/// A name in a document: letters, digits and `-_`, at most 60 of them.
pub(super) fn identifier(text: &str) -> String {
    let name = words(text, |c| c.is_ascii_alphanumeric() || c == '_');
    let name: String = name.chars().take(60).collect();
    match name.is_empty() {
        true => "unnamed".to_owned(),
        false => name,
    }
}

/// Names of a document, each once: the second `orders` is `orders-2`.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    pub(super) fn unique(&mut self, name: String) -> String {
        let mut candidate = name.clone();
        let mut number = 2;
        while !self.0.insert(candidate.clone()) {
            candidate = format!("{name}-{number}");
            number += 1;
        }
        candidate
    }
}

/// Gives documents of a kind, a namespace and a name other names.
pub(super) fn make_unique(documents: &mut [Converted]) {
    let mut known: BTreeMap<(String, Option<String>), Names> = BTreeMap::new();
    for document in documents {
        let kind = format!("{:?}", document.subject);
        let names = known.entry((kind, document.namespace.clone())).or_default();
        document.name = names.unique(std::mem::take(&mut document.name));
    }
}

/// What is no part of a word becomes one `-`.
fn words(text: &str, is_part: impl Fn(char) -> bool) -> String {
    let words = text.split(|c| !is_part(c)).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_whatever_there_is() {
        assert_eq!(
            object_name("org.apache.dubbo.Demo_Service"),
            "org-apache-dubbo-demo-service"
        );
        assert_eq!(object_name("中文"), "migrated");
        assert_eq!(object_name(&"a.".repeat(80)).len(), 49);
        assert_eq!(identifier("GET:/orders/{id}?x=1_2"), "GET-orders-id-x-1_2");
        let mut names = Names::default();
        let unique = ["a", "a", "a-2", "a"].map(|name| names.unique(name.to_owned()));
        assert_eq!(unique, ["a", "a-2", "a-2-2", "a-3"]);
    }
}
