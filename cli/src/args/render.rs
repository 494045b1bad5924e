//! What may be typed behind `meshlane render`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::documents::Kind;
use crate::package::is_hash;
use crate::render::{Api, Routing};

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
    /// Print Istio's resources that follow from documents of a mesh.
    ///
    /// TrafficLabel, RouterChain, RateLimit, DubboService and LaneGroup. Services, ServiceEntries,
    /// DestinationRules and VirtualServices in the same files tell what is there already. The same
    /// documents give the same resources.
    Istio(IstioArgs),
    /// Print a fragment of Istio's MeshConfig: an access log that shows decisions.
    MeshConfig,
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

/// What to make Istio's resources of.
#[derive(Debug, Args)]
#[command(after_help = ISTIO_HELP)]
pub struct IstioArgs {
    /// The files, YAML or JSON; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How Istio is told of filters
    #[arg(long, value_name = "API", default_value = "wasm-plugin")]
    pub api: Api,
    /// How Istio is told of routes
    #[arg(long, value_name = "ROUTING", default_value = "istio")]
    pub routing: Routing,
    /// Where the modules' images are
    #[arg(
        long,
        value_name = "URL",
        default_value = "oci://registry.example.com/meshlane"
    )]
    pub registry: String,
    /// The tag of the images
    #[arg(long, value_name = "TAG", default_value = env!("CARGO_PKG_VERSION"))]
    pub tag: String,
    /// The digest of a module's image, as `suite=HEX` (repeatable)
    #[arg(long = "digest", value_name = "MODULE=HEX", value_parser = digest)]
    pub digests: Vec<(String, String)>,
    /// The Secret with the credentials of the registry, in the namespaces of the plugins
    #[arg(long, value_name = "NAME")]
    pub pull_secret: Option<String>,
}

fn digest(text: &str) -> Result<(String, String), String> {
    let (module, digest) = text.split_once('=').unwrap_or((text, ""));
    let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
    if !["suite", "dubbo"].contains(&module) {
        return Err(format!("`{module}` is no module: `suite` or `dubbo`"));
    }
    match is_hash(digest) {
        true => Ok((module.to_owned(), digest.to_owned())),
        false => Err(format!(
            "`{digest}` is no digest: 64 digits of lower-case hexadecimal, as `meshlane push` prints"
        )),
    }
}

const ISTIO_HELP: &str = "\
Examples:
  meshlane render istio mesh/*.yaml > resources.yaml
  kubectl get services,destinationrules,virtualservices -A -o yaml | meshlane render istio mesh/*.yaml -
  meshlane render istio mesh/*.yaml | kubectl apply --prune -l app.kubernetes.io/managed-by=meshlane -f -

Exit codes:
  0  the resources were printed
  1  something in the documents or in what is there already is wrong (what and where is printed)
  2  a file could not be read, there is no document, or the command line is wrong";

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
