//! Resources as they stand in `istio-manifests`, made to fit a scenario.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::control::REGISTRY;
use crate::{command::meshlane, scene::workspace};

/// Resources in YAML.
#[derive(Clone, Debug)]
pub struct Manifest(String);

impl Manifest {
    /// Resources of one's own.
    pub fn new(yaml: impl Into<String>) -> Self {
        Self(yaml.into())
    }

    /// A file below `istio-manifests`, with the interfaces of the test programs in the place of those of the example.
    pub fn of_project(file: &str) -> Result<Self> {
        let path = workspace().join("istio-manifests").join(file);
        let yaml = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(Self(yaml)
            .replace(
                "org.example.order.Order",
                "dev.meshlane.e2e.api.RichService",
            )
            .replace(
                "org.example.stock.Stock",
                "dev.meshlane.e2e.api.StockService",
            ))
    }

    /// What `meshlane render istio` makes of documents.
    pub fn rendered(documents: &str, options: &[&str]) -> Result<Self> {
        let arguments = [&["render", "istio"], options, &["-"]].concat();
        Ok(Self(printed(&arguments, documents)?))
    }

    /// Fails where `meshlane check` finds something.
    pub fn expect_checked(&self) -> Result<()> {
        printed(&["check", "--deny-warnings", "-"], &self.0)?;
        Ok(())
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Puts one text in the place of another.
    pub fn replace(self, from: &str, to: &str) -> Self {
        Self(self.0.replace(from, to))
    }

    /// The resources of one app for another.
    pub fn for_app(self, app: &str, other: &str) -> Self {
        let names = [
            (format!("name: {app},"), format!("name: {other},")),
            (format!("name: {app}-"), format!("name: {other}-")),
            (format!("app: {app}}}"), format!("app: {other}}}")),
        ];
        let rename = |manifest: Self, (from, to): (String, String)| manifest.replace(&from, &to);
        names.into_iter().fold(self, rename)
    }

    /// These resources and others.
    pub fn and(self, other: &Self) -> Self {
        Self(format!("{}\n---\n{}", self.0, other.0))
    }

    /// The resources for a namespace: the examples are in `shop`, and their images in a registry that does not exist.
    pub(super) fn within(&self, namespace: &str) -> String {
        // Tags stay as they are; what the examples name is pushed for all scenarios.
        let yaml = self
            .0
            .replace("registry.example.com/", &format!("{REGISTRY}/"));
        yaml.replace("namespace: shop", &format!("namespace: {namespace}"))
            .replace("namespaces: [shop]", &format!("namespaces: [{namespace}]"))
            .replace(
                ".shop.svc.cluster.local",
                &format!(".{namespace}.svc.cluster.local"),
            )
            .replace("/ns/shop/", &format!("/ns/{namespace}/"))
    }
}

/// What the command line tool prints when it has nothing to complain of.
fn printed(arguments: &[&str], input: &str) -> Result<String> {
    let (output, errors) = meshlane(arguments, input)?;
    let arguments = arguments.join(" ");
    ensure!(errors.is_empty(), "meshlane {arguments}: {output}{errors}");
    Ok(output)
}
