//! Where a program runs.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use tokio::process::Command;

/// Where a program runs: on this machine, or wherever a command line in front of it leads.
#[derive(Clone, Debug, Default)]
pub struct Place {
    prefix: Vec<OsString>,
    hosts: Option<PathBuf>,
}

impl Place {
    /// This machine.
    pub fn machine() -> Self {
        Self::default()
    }

    /// Behind a command line such as `nsenter --net=…`, with a hosts file of its own.
    pub fn new(prefix: Vec<OsString>, hosts: Option<PathBuf>) -> Self {
        Self { prefix, hosts }
    }

    /// A program that is to run there.
    pub fn command(&self, program: &str) -> Command {
        let mut words = self.prefix.iter();
        match words.next() {
            None => Command::new(program),
            Some(first) => {
                let mut command = Command::new(first);
                command.args(words).arg(program);
                command
            }
        }
    }

    /// The hosts file, where it is not the usual one.
    pub fn hosts(&self) -> Option<&Path> {
        self.hosts.as_deref()
    }
}
