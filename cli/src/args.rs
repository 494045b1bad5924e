//! What may be typed.

mod migrate;
mod package;
mod render;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use meshlane_attributes::{Locality, ProxyKind};
use meshlane_tags::TagValue;

pub use migrate::MigrateArgs;
pub use package::{ImageArgs, PackageArgs, PushArgs};
pub use render::{
    DocumentFormat, InventoryArgs, IstioArgs, LanesArgs, LanesFilter, RenderArgs, RenderCommand,
};

use crate::documents::Kind;
use crate::schema::Subject;

/// Check and explain the configuration of meshlane's filters.
#[derive(Debug, Parser)]
#[command(name = "meshlane", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Colour,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless the variable NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find everything that is wrong in configuration files.
    ///
    /// Reads Istio's WasmPlugin, TrafficExtension and EnvoyFilter, Envoy's bootstrap, lane groups,
    /// and configurations alone; YAML with any number of documents, or JSON. Other Kubernetes
    /// resources are passed over. Values are read as kubectl, Istio and Envoy read them:
    /// an unquoted `on`, `yes` or `n` is a boolean (and gets a warning).
    Check(CheckArgs),
    /// Say what a configuration does with a request, and why.
    ///
    /// The request is given like one for curl, or in a file. It goes through the very code
    /// that the filter runs. Of several plugins of one proxy each sees what those before it made
    /// of the request.
    Explain(Box<ExplainArgs>),
    /// Make configuration of Kubernetes resources and of lane groups.
    Render(RenderArgs),
    /// Convert what people have of other systems into documents of ours.
    ///
    /// Reads Higress's traffic-tag and key-rate-limit (its WasmPlugin, or the configuration alone), ASM's
    /// TrafficLabel, ASMSwimLaneGroup and ASMSwimLane, tag and condition rules of Apache Dubbo, and Sentinel's
    /// flow rules and rules for hot parameters. Whatever cannot be kept exactly is said on standard error, with
    /// its place. Other documents are passed over.
    Migrate(MigrateArgs),
    /// Print the JSON Schema of a configuration (draft 2020-12).
    Schema(SchemaArgs),
    /// Look into Dubbo2 traffic.
    Dubbo(DubboArgs),
    /// Put Wasm modules into OCI images, made smaller.
    ///
    /// Istio's agent accepts images of both layouts. The same module gives the same image, with
    /// the same digest.
    Package(PackageArgs),
    /// Push an image to a registry, for WasmPlugins to name.
    Push(PushArgs),
}

/// What to check, and how to say what was found.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct CheckArgs {
    /// The files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How documents without `apiVersion` and `kind` are read
    #[command(flatten)]
    pub assumptions: AssumptionArgs,
    /// How to print what was found
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Exit with 1 for warnings too
    #[arg(long)]
    pub deny_warnings: bool,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  nothing is wrong (warnings do not count, unless --deny-warnings is given)
  1  errors were found
  2  a file could not be read or is not YAML or JSON, or the command line is wrong";

const EXPLAIN_HELP: &str = "\
Examples:
  meshlane explain -c tag.yaml -H 'x-user: alice' --cookie uid=1 'https://shop.example/cart?x=1'
  meshlane explain -c tag.yaml --jwt-claim sub=u1 --source-ip 203.0.113.7 http://shop.example/
  meshlane explain -c tag.yaml --har recorded.har
  meshlane explain -c route.yaml --service orders --health clusters.json -H 'x-mse-tag: gray'
  meshlane explain -c lanes.yaml --direction outbound --remembered x-mse-tag=gray -H 'x-request-id: r-1' http://orders/
  meshlane explain -c limit.yaml --kind rate-limit --request burst.yaml
  meshlane explain --lane-group shop.yaml --calls web,order,stock -H 'x-user: alice' http://shop.example/

Exit codes:
  0  the decision was explained, whatever it is
  1  the configuration is invalid (what is wrong is printed)
  2  a file could not be read, there is no such plugin, service or lane group, or the command line is wrong";

/// What may be said about documents that do not say it themselves.
#[derive(Debug, Args)]
pub struct AssumptionArgs {
    /// The filter that a document is the configuration of when it is no resource of Kubernetes or Envoy
    #[arg(long, value_name = "KIND", default_value = "traffic-tag")]
    pub kind: Kind,
    /// The proxy that the filter runs in; by default as the document says, a bare Envoy when it does not
    #[arg(long, value_name = "PROXY")]
    pub proxy: Option<Proxy>,
}

/// The kinds of proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Proxy {
    /// An Istio gateway
    Gateway,
    /// An Istio sidecar
    Sidecar,
    /// A waypoint of Istio's ambient mode
    Waypoint,
    /// Envoy without Istio
    Bare,
}

impl From<Proxy> for ProxyKind {
    fn from(proxy: Proxy) -> Self {
        match proxy {
            Proxy::Gateway => Self::Gateway,
            Proxy::Sidecar => Self::Sidecar,
            Proxy::Waypoint => Self::Waypoint,
            Proxy::Bare => Self::Bare,
        }
    }
}

/// Which way requests go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    /// To the application
    Inbound,
    /// From the application
    Outbound,
}

impl From<Direction> for meshlane_gray_release::config::Direction {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Inbound => Self::Inbound,
            Direction::Outbound => Self::Outbound,
        }
    }
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// One JSON document
    Json,
}

/// What to explain, and for which requests.
#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_HELP)]
pub struct ExplainArgs {
    /// The file with the configuration (anything that `check` reads); `-` is standard input
    #[arg(
        short,
        long,
        value_name = "FILE",
        required_unless_present = "lane_group"
    )]
    pub config: Option<PathBuf>,
    /// A file with lane groups (repeatable, all are taken together): the way of the requests through the services of --calls
    #[arg(long, value_name = "FILE", requires = "calls", conflicts_with_all = OF_ONE_PROXY)]
    pub lane_group: Vec<PathBuf>,
    /// The services on the way, with commas between: the first gets the request and calls the second, and so on
    #[arg(
        long,
        value_name = "SERVICES",
        requires = "lane_group",
        value_delimiter = ','
    )]
    pub calls: Vec<String>,
    /// The plugin to explain, by default all of the proxy in their order: the resource's name, or the NAME of `traffic-tag/NAME`
    #[arg(long, value_name = "NAME")]
    pub plugin: Option<String>,
    /// How documents without `apiVersion` and `kind` are read
    #[command(flatten)]
    pub assumptions: AssumptionArgs,
    /// The request, as flags
    #[command(flatten)]
    pub request: RequestArgs,
    /// Explain every request of a HAR file (as browsers record them)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "request_file"])]
    pub har: Option<PathBuf>,
    /// Explain the request, or the list of requests, in a JSON or YAML file; limits count them one after the other
    #[arg(long = "request", value_name = "FILE", conflicts_with = "url")]
    pub request_file: Option<PathBuf>,
    /// The service that the requests are for; without a URL the request is one for its first host
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// What Envoy says of its clusters: a saved answer of `/clusters?format=json` of its admin interface
    #[arg(long, value_name = "FILE")]
    pub health: Option<PathBuf>,
    /// Which way the requests go, with the plugins that see them; by default as the document says
    #[arg(long, value_name = "DIRECTION")]
    pub direction: Option<Direction>,
    /// What `gray-release` remembers of the request that caused a call (repeatable); `TAG=` when that had no such tag
    #[arg(long, value_name = "TAG=VALUE", value_parser = remembered)]
    pub remembered: Vec<(String, Option<TagValue<'static>>)>,
    /// Where the proxy runs: REGION, REGION/ZONE or REGION/ZONE/SUBZONE; by default as the document says
    #[arg(long, value_name = "LOCALITY", value_parser = locality)]
    pub locality: Option<Locality>,
    /// The workload's namespace; by default the resource's own
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// A label of the workload (repeatable); by default those that the resource selects by
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub label: Vec<(String, String)>,
    /// The 16 random bytes of a request, in hexadecimal; fresh ones by default
    #[arg(long, value_name = "HEX")]
    pub random: Option<String>,
    /// How to print the explanation
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

/// What is about one proxy, and says nothing about a way through many.
const OF_ONE_PROXY: [&str; 10] = [
    "config",
    "plugin",
    "kind",
    "proxy",
    "service",
    "direction",
    "remembered",
    "locality",
    "namespace",
    "label",
];

/// A request like one for curl.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Request")]
pub struct RequestArgs {
    /// The URL
    #[arg(value_name = "URL")]
    pub url: Option<String>,
    /// The method [default: GET; POST with --grpc]
    #[arg(
        short = 'X',
        long = "method",
        visible_alias = "request-method",
        value_name = "METHOD"
    )]
    pub method: Option<String>,
    /// A header (repeatable)
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub headers: Vec<(String, String)>,
    /// Cookies: `a=1; b=2` (repeatable)
    #[arg(short = 'b', long = "cookie", value_name = "NAME=VALUE")]
    pub cookies: Vec<String>,
    /// The address that the request comes from
    #[arg(long, value_name = "ADDRESS")]
    pub source_ip: Option<String>,
    /// The URI in the client's mTLS certificate: spiffe://cluster.local/ns/NAMESPACE/sa/ACCOUNT
    #[arg(long, value_name = "URI")]
    pub principal: Option<String>,
    /// The claims of the verified token, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub jwt: Option<String>,
    /// One claim of the verified token (repeatable); `a.b=x` for a nested one
    #[arg(long, value_name = "CLAIM=VALUE", value_parser = pair)]
    pub jwt_claim: Vec<(String, String)>,
    /// Make it a gRPC request: POST with `content-type: application/grpc`
    #[arg(long)]
    pub grpc: bool,
}

/// Which schema to print.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// The filter, or `lane-group`
    #[arg(value_name = "KIND", default_value = "traffic-tag")]
    pub subject: Subject,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    pub format: SchemaFormat,
}

/// What to do with Dubbo2 traffic.
#[derive(Debug, Args)]
pub struct DubboArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DubboCommand,
}

/// What to do with Dubbo2 traffic.
#[derive(Debug, Subcommand)]
pub enum DubboCommand {
    /// Print Dubbo2 frames as people want to read them.
    ///
    /// A file holds any number of frames, one behind the other, as raw bytes or as
    /// hexadecimal digits with spaces, line ends or colons between them.
    /// Values are shown of Hessian2 and fastjson2; of Java serialization texts and the classes
    /// of objects; of others the header.
    Decode(DecodeArgs),
}

/// What to decode, and how to print it.
#[derive(Debug, Args)]
#[command(after_help = DECODE_HELP)]
pub struct DecodeArgs {
    /// The files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How to print frames: for people, or one JSON object a line
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

const DECODE_HELP: &str = "\
Examples:
  meshlane dubbo decode captured.bin
  xxd -p captured.bin | meshlane dubbo decode -
  meshlane dubbo decode --format json captured.bin | jq '.attachments[\"dubbo.tag\"]'

Exit codes:
  0  every frame could be read
  1  something is broken (what and where is printed)
  2  a file could not be opened, or the command line is wrong";

/// What to print of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaFormat {
    /// The JSON Schema
    Json,
    /// A configuration reference made from it
    Markdown,
}

/// `REGION/ZONE/SUBZONE`, where what is behind the region may be missing
fn locality(text: &str) -> Result<Locality, &'static str> {
    let mut parts = text.split('/').map(str::to_owned);
    let mut part = || parts.next().unwrap_or_default();
    let locality = Locality {
        region: part(),
        zone: part(),
        sub_zone: part(),
    };
    match parts.next() {
        None if !locality.region.is_empty() => Ok(locality),
        _ => Err("expected REGION, REGION/ZONE or REGION/ZONE/SUBZONE"),
    }
}

/// `NAME=VALUE`
fn pair(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE"),
    }
}

/// `TAG=VALUE`, or `TAG=` for none
fn remembered(text: &str) -> Result<(String, Option<TagValue<'static>>), String> {
    let (tag, value) = match text.split_once('=') {
        Some((tag, value)) if !tag.is_empty() => (tag.to_ascii_lowercase(), value),
        _ => return Err("expected TAG=VALUE, or TAG= for a request without the tag".to_owned()),
    };
    if value.is_empty() {
        return Ok((tag, None));
    }
    let value = TagValue::parse(value.to_owned().into());
    let value = value.map_err(|error| format!("the value is {error}"))?;
    Ok((tag, Some(value)))
}

/// `NAME: VALUE`, or `NAME;` for an empty header, as with curl
fn header(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = match (text.split_once(':'), text.strip_suffix(';')) {
        (Some((name, value)), _) => (name, value.trim()),
        (None, Some(name)) => (name, ""),
        (None, None) => return Err("expected NAME: VALUE"),
    };
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err("expected NAME: VALUE");
    }
    Ok((name.to_owned(), value.to_owned()))
}
