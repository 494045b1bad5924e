//! `meshlane package`

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Exit, Failure, Streams};
use crate::args::{Format, ImageArgs, PackageArgs};
use crate::package::{
    Image, InvalidModule, Layout, Module, OciLayout, OptimiseError, Optimiser, Packaged,
    annotation, gzip, json, table,
};

/// Why a module was not packaged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageError {
    #[error(transparent)]
    Module(#[from] InvalidModule),
    #[error("{}: {error}", path.display())]
    Optimise { path: PathBuf, error: OptimiseError },
    #[error("{} and {} would go into the same folder", .0.display(), .1.display())]
    SameName(PathBuf, PathBuf),
    #[error("{} would be written over itself: choose another folder", .0.display())]
    Itself(PathBuf),
    #[error("cannot write {}: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error("{}: {error}", path.display())]
    Image { path: PathBuf, error: io::Error },
}

pub(super) fn run(args: &PackageArgs, streams: &mut Streams<'_>) -> Result<Exit, Failure> {
    let modules = read(args)?;
    let optimiser = (!args.as_is).then(|| Optimiser::new(&args.wasm_opt));
    let mut packaged = Vec::new();
    for (path, module) in modules {
        packaged.push(package(path, module, optimiser.as_ref(), args)?);
    }
    let text = match args.format {
        Format::Human => table(&packaged),
        Format::Json => json(&packaged)?,
    };
    streams.output.write_all(text.as_bytes())?;
    Ok(Exit::Fine)
}

/// Nothing is written before all can be read.
fn read(args: &PackageArgs) -> Result<Vec<(&Path, Module)>, PackageError> {
    let mut modules: BTreeMap<String, (&Path, Module)> = BTreeMap::new();
    let output = fs::canonicalize(&args.output).ok();
    for path in &args.modules {
        let module = Module::read(path)?;
        let folder = fs::canonicalize(path).ok();
        let folder = folder.as_deref().and_then(Path::parent);
        if folder.is_some() && folder == output.as_deref() {
            return Err(PackageError::Itself(path.clone()));
        }
        let name = module.name.clone();
        if let Some((other, _)) = modules.insert(name, (path, module)) {
            return Err(PackageError::SameName(other.to_owned(), path.clone()));
        }
    }
    Ok(modules.into_values().collect())
}

fn package(
    path: &Path,
    module: Module,
    optimiser: Option<&Optimiser>,
    args: &PackageArgs,
) -> Result<Packaged, PackageError> {
    let raw = module.wasm.len();
    let module = match optimiser {
        Some(optimiser) => {
            let wasm =
                optimiser
                    .optimise(&module.wasm)
                    .map_err(|error| PackageError::Optimise {
                        path: path.to_owned(),
                        error,
                    })?;
            Module { wasm, ..module }
        }
        None => module,
    };
    let annotations = annotations(&module, &args.image);
    let image = image(path, &module, args.image.layout, &annotations)?;
    let folder = args.output.join(&module.name);
    let version = annotations.get(&annotation("version"));
    let version = version.map(String::as_str);
    let written = write(&args.output, &folder, &module, &image, version);
    let gzip = written.and_then(|()| gzip(&module.wasm));
    let gzip = gzip.map_err(|error| PackageError::Write {
        path: folder.clone(),
        error,
    })?;
    Ok(Packaged {
        name: module.name,
        raw,
        optimised: module.wasm.len(),
        gzip: gzip.len(),
        path: folder.display().to_string(),
        digest: image.digest().to_string(),
    })
}

/// The image of a module.
pub(super) fn image(
    path: &Path,
    module: &Module,
    layout: Option<Layout>,
    annotations: &BTreeMap<String, String>,
) -> Result<Image, PackageError> {
    let layout = layout.unwrap_or_default();
    Image::of(module, layout, annotations).map_err(|error| PackageError::Image {
        path: path.to_owned(),
        error,
    })
}

/// What is said of a module. What is said in arguments goes before what the list of its parts says.
pub(super) fn annotations(module: &Module, args: &ImageArgs) -> BTreeMap<String, String> {
    let mut annotations = module.annotations();
    let said = args.annotations.iter();
    annotations.extend(said.map(|(name, value)| (annotation(name), value.clone())));
    annotations
}

fn write(
    output: &Path,
    folder: &Path,
    module: &Module,
    image: &Image,
    version: Option<&str>,
) -> io::Result<()> {
    fs::create_dir_all(output)?;
    OciLayout::at(folder).write(image, version)?;
    let beside = |extension: &str| output.join(format!("{}.{extension}", module.name));
    fs::write(beside("wasm"), &module.wasm)?;
    if let Some(sbom) = &module.sbom {
        fs::write(beside("cdx.json"), sbom)?;
    }
    Ok(())
}
