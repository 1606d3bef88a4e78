//! The program `rplay`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(rplay::cli::run(std::env::args_os().collect()))
}
