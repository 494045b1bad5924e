//! What may be typed behind `meshlane migrate`.

use std::path::PathBuf;

use clap::Args;

use super::DocumentFormat;
use crate::migrate::Origin;

/// What to convert.
#[derive(Debug, Args)]
#[command(after_help = MIGRATE_HELP)]
pub struct MigrateArgs {
    /// The files, YAML or JSON; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What documents without `apiVersion` and `kind` are; by default what their keys tell
    #[arg(long, value_name = "KIND")]
    pub from: Option<Origin>,
    /// The services that rules of Dubbo are for: a file as `meshlane render inventory` prints it
    #[arg(long, value_name = "FILE")]
    pub services: Option<PathBuf>,
    /// The attribute that holds the calling application, which Sentinel calls the origin
    #[arg(long, value_name = "ATTRIBUTE", default_value = "dubbo.attachment.dubboApplication", value_parser = attribute)]
    pub caller: String,
    /// The namespace of documents whose source has none
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// How to print the documents; as JSON together with what is to say
    #[arg(long, value_name = "FORMAT", default_value = "yaml")]
    pub format: DocumentFormat,
    /// Exit with 1 when something is not kept
    #[arg(long)]
    pub deny_warnings: bool,
}

const MIGRATE_HELP: &str = "\
Examples:
  kubectl get wasmplugins.extensions.higress.io -A -o yaml | meshlane migrate - > limits-and-tags.yaml
  meshlane migrate --from higress-traffic-tag traffic-tag.yaml
  kubectl get asmswimlanegroups,asmswimlanes -A -o yaml | meshlane migrate -
  meshlane migrate --services services.yaml demo-provider.tag-router demo-provider.condition-router
  meshlane migrate --caller header.x-app flow-rules.json param-rules.json

Exit codes:
  0  the documents were printed (what is not kept does not count, unless --deny-warnings is given)
  1  something in the sources is wrong (what and where is printed)
  2  a file could not be read, there is nothing to convert, or the command line is wrong";

/// An attribute that requests may have.
fn attribute(text: &str) -> Result<String, String> {
    match text.parse::<meshlane_attributes::Attribute>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
