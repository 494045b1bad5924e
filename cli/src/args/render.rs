//! What may be typed behind `meshlane render`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::documents::Kind;

/// What to render.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// What to render.
    #[command(subcommand)]
    pub command: RenderCommand,
}

/// What to render.
#[derive(Debug, Subcommand)]
pub enum RenderCommand {
    /// Print the services of a `tag-route` configuration, made of Istio's DestinationRules.
    ///
    /// Each subset is a destination with the subset's labels and its cluster at a sidecar or a
    /// gateway. Ports come from Services and ServiceEntries in the same files. Other resources are
    /// passed over.
    Inventory(InventoryArgs),
    /// Print the configurations of the filters that follow from lane groups.
    ///
    /// All groups in the files are taken together. Other documents are passed over.
    Lanes(LanesArgs),
}

/// What to make the services of.
#[derive(Debug, Args)]
#[command(after_help = INVENTORY_HELP)]
pub struct InventoryArgs {
    /// The files, YAML or JSON; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A port of hosts that no Service or ServiceEntry in the files tells (repeatable)
    #[arg(long = "port", value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub ports: Vec<u16>,
}

const INVENTORY_HELP: &str = "\
Examples:
  meshlane render inventory manifests/*.yaml > services.yaml
  kubectl get services,destinationrules -A -o yaml | meshlane render inventory -

Exit codes:
  0  the services were printed
  1  something in the resources is wrong (what and where is printed)
  2  a file could not be read, there is nothing to render, or the command line is wrong";

/// What to make the configurations of the filters of.
#[derive(Debug, Args)]
#[command(after_help = LANES_HELP)]
pub struct LanesArgs {
    /// The files, YAML or JSON; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The configuration of this filter alone
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<LanesFilter>,
    /// How to print the configurations
    #[arg(long, value_name = "FORMAT", default_value = "yaml")]
    pub format: DocumentFormat,
}

/// The filters whose configurations follow from lane groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LanesFilter {
    /// For gateways: who is in which lane
    TrafficTag,
    /// For gateways and the way out of sidecars: where calls go
    TagRoute,
    /// For both ways of sidecars: lanes go along, and are kept apart
    GrayRelease,
}

impl From<LanesFilter> for Kind {
    fn from(filter: LanesFilter) -> Self {
        match filter {
            LanesFilter::TrafficTag => Self::TrafficTag,
            LanesFilter::TagRoute => Self::TagRoute,
            LanesFilter::GrayRelease => Self::GrayRelease,
        }
    }
}

/// How to print configurations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DocumentFormat {
    /// A document for each filter
    Yaml,
    /// One document, with the configurations under the names of their filters when there are several
    Json,
}

const LANES_HELP: &str = "\
Examples:
  meshlane render lanes shop.yaml
  meshlane render lanes --filter gray-release lanes/*.yaml > gray-release.yaml
  meshlane render lanes --format json shop.yaml | jq '.[\"traffic-tag\"]'

Exit codes:
  0  the configurations were printed
  1  something in the lane groups is wrong, or they do not go together (what and where is printed)
  2  a file could not be read, there is no lane group, or the command line is wrong";
