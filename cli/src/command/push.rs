//! `meshlane push`

use std::io;
use std::path::PathBuf;

use serde_json::json;

use super::package::{PackageError, annotations, image};
use super::{Exit, Failure, Streams};
use crate::args::{Format, PushArgs};
use crate::package::{Image, InvalidLayout, Module, OciLayout};
use crate::registry::{Connection, Credentials, CredentialsError, PushError, docker_config, push};

/// Why an image was not pushed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error(transparent)]
    Module(#[from] PackageError),
    #[error(transparent)]
    Layout(#[from] InvalidLayout),
    #[error("{} is an image already: --layout and --annotation are for modules", .0.display())]
    Made(PathBuf),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error("cannot wait for the network: {0}")]
    Runtime(io::Error),
    #[error(transparent)]
    Push(#[from] PushError),
}

pub(super) fn run(args: &PushArgs, streams: &mut Streams<'_>) -> Result<Exit, Failure> {
    let image = push_image(args)?;
    let digest = image.digest();
    let text = match args.format {
        Format::Human => format!(
            "pushed {reference}\n\
             digest {digest}\n\n\
             In a WasmPlugin:\n  url: {reference}\n  sha256: \"{}\"\n",
            digest.hex(),
            reference = args.reference,
        ),
        Format::Json => {
            let document = json!({
                "reference": args.reference.to_string(),
                "digest": digest.to_string(),
                "sha256": digest.hex(),
            });
            format!("{document:#}\n")
        }
    };
    streams.output.write_all(text.as_bytes())?;
    Ok(Exit::Fine)
}

fn push_image(args: &PushArgs) -> Result<Image, Failed> {
    let image = read(args)?;
    let credentials = match docker_config() {
        Some(config) => Credentials::of(args.reference.registry(), &config)?,
        None => Credentials::None,
    };
    let connection = Connection {
        plain_http: args.plain_http || args.reference.is_local(),
        credentials,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failed::Runtime)?;
    runtime.block_on(push(&image, &args.reference, &connection))?;
    Ok(image)
}

fn read(args: &PushArgs) -> Result<Image, Failed> {
    if args.source.is_dir() {
        if args.image.layout.is_some() || !args.image.annotations.is_empty() {
            return Err(Failed::Made(args.source.clone()));
        }
        return Ok(OciLayout::at(&args.source).read()?);
    }
    let module = Module::read(&args.source).map_err(PackageError::from)?;
    let annotations = annotations(&module, &args.image);
    let image = image(&args.source, &module, args.image.layout, &annotations)?;
    Ok(image)
}
