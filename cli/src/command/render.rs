//! `meshlane render`

mod istio;

use super::{Exit, Failure, Streams, input, lane_groups, report};
use crate::args::{DocumentFormat, InventoryArgs, LanesArgs, RenderArgs, RenderCommand};
use crate::check::Message;
use crate::diagnostic::Severity;
use crate::render::{Inventory, Lanes, Resources, mesh_config};
use crate::source::Source;

pub(super) fn run(args: &RenderArgs, streams: &mut Streams<'_>) -> Result<Exit, Failure> {
    match &args.command {
        RenderCommand::Inventory(args) => inventory(args, streams),
        RenderCommand::Istio(args) => istio::run(args, streams),
        RenderCommand::MeshConfig => {
            write!(streams.output, "{}", mesh_config())?;
            Ok(Exit::Fine)
        }
        RenderCommand::Lanes(args) => lanes(args, streams),
    }
}

/// What is to say goes to standard error: the output is to be used.
fn inventory(args: &InventoryArgs, streams: &mut Streams<'_>) -> Result<Exit, Failure> {
    let mut resources = Resources::default();
    let mut sources = Vec::new();
    let mut exit = Exit::Fine;
    for path in &args.files {
        let source = input::read(path, streams)?;
        let contents = source.read();
        let mut messages = resources.read(sources.len(), &contents.documents);
        let is_wrong = |message: &Message| message.diagnostic.severity == Severity::Error;
        if exit == Exit::Fine && messages.iter().any(is_wrong) {
            exit = Exit::Wrong;
        }
        if let Some(diagnostic) = contents.syntax_error {
            exit = Exit::Failed;
            messages.push(diagnostic.into());
        }
        report(&source, &messages, streams)?;
        sources.push(source);
    }
    if exit != Exit::Fine {
        return Ok(exit);
    }
    let inventory = match Inventory::new(&resources, &args.ports) {
        Ok(inventory) => inventory,
        Err(messages) => {
            for (file, message) in messages {
                if let Some(source) = sources.get(file) {
                    report(source, &[message], streams)?;
                }
            }
            return Ok(Exit::Wrong);
        }
    };
    if inventory.is_empty() {
        let names: Vec<_> = sources.iter().map(Source::name).collect();
        return Err(Failure::NoSubsets(names.join(", ")));
    }
    inventory.validate().map_err(Failure::Rendered)?;
    write!(streams.output, "{inventory}")?;
    Ok(Exit::Fine)
}

/// What is to say goes to standard error here too.
fn lanes(args: &LanesArgs, streams: &mut Streams<'_>) -> Result<Exit, Failure> {
    let found = lane_groups::read(&args.files, streams)?;
    for file in &found.files {
        report(&file.source, &file.messages, streams)?;
    }
    let merged = match found.merged {
        Ok(merged) => merged,
        Err(exit) => return Ok(exit),
    };
    let only = args.filter.map(Into::into);
    let lanes = Lanes::new(&merged.groups, merged.rendered, only);
    match args.format {
        DocumentFormat::Yaml => write!(streams.output, "{lanes}")?,
        DocumentFormat::Json => writeln!(streams.output, "{:#}", lanes.to_json())?,
    }
    Ok(Exit::Fine)
}
