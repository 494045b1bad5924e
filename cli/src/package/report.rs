//! What was packaged, for people and programs.

use std::fmt::Write as _;

use serde::Serialize;

/// A module that was packaged.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Packaged {
    /// What it is called.
    pub name: String,
    /// The bytes of the module as it was given.
    pub raw: usize,
    /// The bytes of the module in the image.
    pub optimised: usize,
    /// The same, compressed.
    pub gzip: usize,
    /// The folder of the image.
    pub path: String,
    /// The digest of the image.
    pub digest: String,
}

/// A table, a module a line.
pub fn table(modules: &[Packaged]) -> String {
    let mut text = format!(
        "{:>9}  {:>9}  {:>9}  module, and the digest of its image\n",
        "raw", "optimised", "gzip"
    );
    for module in modules {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:>9}  {:>9}  {:>9}  {}  {}",
            module.raw, module.optimised, module.gzip, module.path, module.digest
        );
    }
    text
}

/// One JSON document.
///
/// # Errors
/// None that is known: all of it can be said in JSON.
pub fn json(modules: &[Packaged]) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Document<'m> {
        modules: &'m [Packaged],
    }
    Ok(serde_json::to_string_pretty(&Document { modules })? + "\n")
}
