//! Reads lane groups.

use std::path::PathBuf;

use super::{Exit, Failure, Streams, input};
use crate::check::{CheckedFile, Merged, check_lane_groups, merge};

/// What was found in files with lane groups.
pub(super) struct Found {
    /// The files, with all that is to say about them.
    pub(super) files: Vec<CheckedFile>,
    /// The groups and what follows from them; how the program ends where something is wrong.
    pub(super) merged: Result<Merged, Exit>,
}

/// Reads the lane groups of some files.
///
/// # Errors
/// A file that cannot be read, and files without any lane group.
pub(super) fn read(paths: &[PathBuf], streams: &mut Streams<'_>) -> Result<Found, Failure> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        files.push(check_lane_groups(input::read(path, streams)?));
    }
    if files.iter().any(|file| file.unreadable) {
        let merged = Err(Exit::Failed);
        return Ok(Found { files, merged });
    }
    if files.iter().all(|file| file.lane_groups.is_empty()) {
        let names: Vec<_> = files.iter().map(|file| file.source.name()).collect();
        return Err(Failure::NoLaneGroup(names.join(", ")));
    }
    let merged = merge(&mut files).ok_or(Exit::Wrong);
    Ok(Found { files, merged })
}
