//! What may be typed behind `meshlane package` and `meshlane push`.

use std::path::PathBuf;

use clap::Args;

use super::{Format, pair};
use crate::package::Layout;
use crate::registry::ImageReference;

/// Which modules to package, and how.
#[derive(Debug, Args)]
#[command(after_help = PACKAGE_HELP)]
pub struct PackageArgs {
    /// The modules: files that end with .wasm
    #[arg(required = true, value_name = "MODULE")]
    pub modules: Vec<PathBuf>,
    /// The folder that images go to, each into a folder with the name of its module
    #[arg(short, long, value_name = "FOLDER")]
    pub output: PathBuf,
    /// How modules lie in images
    #[command(flatten)]
    pub image: ImageArgs,
    /// The program `wasm-opt` of Binaryen
    #[arg(long, value_name = "PROGRAM", default_value = "wasm-opt")]
    pub wasm_opt: PathBuf,
    /// Leave modules as they are, instead of making them smaller
    #[arg(long, conflicts_with = "wasm_opt")]
    pub as_is: bool,
    /// How to print what was packaged
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

const PACKAGE_HELP: &str = "\
Examples:
  meshlane package -o images target/wasm/*.wasm
  meshlane package -o images --annotation version=1.2.0 --annotation source=https://git.example/mesh suite.wasm

For each module the folder then has
  NAME/          the image, as a folder that `meshlane push`, skopeo and others take (oci:FOLDER/NAME)
  NAME.wasm      the module as it is in the image
  NAME.cdx.json  its parts (CycloneDX), when that file stands beside the given module

Exit codes:
  0  all modules were packaged
  2  one could not be, or the command line is wrong";

/// How a module lies in an image.
#[derive(Debug, Args)]
pub struct ImageArgs {
    /// How the module lies in the image [default: image]
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Option<Layout>,
    /// An annotation of the image (repeatable); `source` is short for `org.opencontainers.image.source`
    #[arg(long = "annotation", value_name = "NAME=VALUE", value_parser = pair)]
    pub annotations: Vec<(String, String)>,
}

/// What to push where.
#[derive(Debug, Args)]
#[command(after_help = PUSH_HELP)]
pub struct PushArgs {
    /// Where to: `oci://HOST[:PORT]/REPOSITORY:TAG`
    #[arg(value_name = "REFERENCE")]
    pub reference: ImageReference,
    /// A folder that `meshlane package` made, or a module, which is packaged as it is
    #[arg(value_name = "IMAGE|MODULE")]
    pub source: PathBuf,
    /// How a module lies in its image
    #[command(flatten)]
    pub image: ImageArgs,
    /// Speak to the registry without TLS, as is done with those on this machine
    #[arg(long)]
    pub plain_http: bool,
    /// How to print what was pushed
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

const PUSH_HELP: &str = "\
Examples:
  meshlane push oci://registry.example/mesh/suite:0.1.0 images/suite
  meshlane push --layout artifact oci://localhost:5000/mesh/suite:0.1.0 images/suite.wasm

Credentials are those of `docker login`: $DOCKER_CONFIG/config.json, or ~/.docker/config.json.

Exit codes:
  0  the image is in the registry
  2  it is not (why is printed), or the command line is wrong";
