//! Check and explain the configuration of meshlane's filters; package and push its modules.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use meshlane::command::{Streams, run};

fn main() -> ExitCode {
    let output = io::stdout();
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let coloured = output.is_terminal() && !no_color;
    let exit = run(
        std::env::args_os(),
        &mut Streams {
            input: &mut io::stdin().lock(),
            output: &mut output.lock(),
            errors: &mut io::stderr().lock(),
            coloured,
        },
    );
    ExitCode::from(exit as u8)
}
