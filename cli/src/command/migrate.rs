//! `meshlane migrate`

use super::{Exit, Failure, Streams, input, report};
use crate::args::{DocumentFormat, MigrateArgs};
use crate::diagnostic::Severity;
use crate::migrate::{Migration, Services, Settings};
use crate::report::migration_json;

/// Documents go to standard output, what is to say to standard error: the output is to be used.
pub(super) fn run(args: &MigrateArgs, streams: &mut Streams<'_>) -> Result<Exit, Failure> {
    let settings = settings(args, streams)?;
    let mut sources = Vec::with_capacity(args.files.len());
    for path in &args.files {
        sources.push(input::read(path, streams)?);
    }
    let migration = Migration::of(sources, &settings);
    let exit = exit(&migration, args.deny_warnings);
    migration.validate()?;
    if args.format == DocumentFormat::Json {
        writeln!(streams.output, "{}", migration_json(&migration)?)?;
        return Ok(exit);
    }
    for file in &migration.files {
        report(&file.source, &file.messages, streams)?;
    }
    for (index, document) in migration.documents.iter().enumerate() {
        if index > 0 {
            writeln!(streams.output, "---")?;
        }
        write!(streams.output, "{document}")?;
    }
    let is_known = migration.files.iter().any(|file| file.converted > 0);
    if !is_known && exit == Exit::Fine {
        let names: Vec<_> = migration
            .files
            .iter()
            .map(|file| file.source.name())
            .collect();
        return Err(Failure::NothingToMigrate(names.join(", ")));
    }
    Ok(exit)
}

fn settings(args: &MigrateArgs, streams: &mut Streams<'_>) -> Result<Settings, Failure> {
    let services = match &args.services {
        None => None,
        Some(path) => {
            let source = input::read(path, streams)?;
            let services = Services::read(&source).map_err(|error| Failure::Services {
                name: source.name().to_owned(),
                error,
            })?;
            Some(services)
        }
    };
    Ok(Settings {
        from: args.from,
        caller: args.caller.clone(),
        services,
        namespace: args.namespace.clone(),
    })
}

fn exit(migration: &Migration, deny_warnings: bool) -> Exit {
    if migration.files.iter().any(|file| file.unreadable) {
        Exit::Failed
    } else if migration.count(Severity::Error) > 0
        || (deny_warnings && migration.count(Severity::Warning) > 0)
    {
        Exit::Wrong
    } else {
        Exit::Fine
    }
}
