//! The command line: options in, a run, an exit code out.

mod adhoc;
mod check;
mod extra_vars;
mod list;
mod options;
mod password;
mod playbook;
mod session;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};

use clap::Parser;
use clap::error::ErrorKind as ClapError;

use crate::callback;
use crate::connection::limits;
use crate::error::{Error, ErrorKind};
use options::{AdhocOptions, PlaybookOptions};

/// Exit code of a wrong command line, as `ansible-playbook` has it.
const USAGE: u8 = 2;

/// Runs the command that the arguments name and returns its exit code.
pub fn run(mut arguments: Vec<OsString>) -> u8 {
    let result = match arguments.get(1).and_then(|word| word.to_str()) {
        Some("adhoc") => {
            arguments.remove(1);
            parse::<AdhocOptions>(arguments).and_then(|options| block_on(adhoc::run(options)))
        }
        Some("playbook") => {
            arguments.remove(1);
            parse::<PlaybookOptions>(arguments).and_then(|options| block_on(playbook::run(options)))
        }
        _ => parse::<PlaybookOptions>(arguments).and_then(|options| block_on(playbook::run(options))),
    };
    let code = match result {
        Ok(code) | Err(Stop::Said(code)) => code,
        Err(Stop::Failed(err)) => say_error(&err),
    };
    match callback::log::finish() {
        Ok(()) => code,
        Err(err) => say_error(&err).max(code),
    }
}

/// Why a command ends before its run does.
enum Stop {
    /// The user has been told what there is to tell (`--help`, a wrong option).
    Said(u8),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(err: Error) -> Self {
        Stop::Failed(err)
    }
}

fn parse<T: Parser>(arguments: Vec<OsString>) -> Result<T, Stop> {
    T::try_parse_from(arguments).map_err(|err| {
        let _ = err.print();
        let asked = matches!(err.kind(), ClapError::DisplayHelp | ClapError::DisplayVersion);
        Stop::Said(if asked { 0 } else { USAGE })
    })
}

/// Threads, besides one for each processor, for calls that wait.
const BLOCKING_THREADS: usize = 6;

fn block_on(command: impl Future<Output = Result<u8, Error>>) -> Result<u8, Stop> {
    limits::raise();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(cores)
        // For files, names and the ssh agent: none of it keeps a processor busy.
        .max_blocking_threads(cores + BLOCKING_THREADS)
        .build()
        .map_err(|err| Error::new(ErrorKind::Internal, format!("cannot start: {err}")))?;
    let result = runtime.block_on(command);
    // Threads that wait for hosts which do not answer must not keep the command from ending.
    runtime.shutdown_background();
    Ok(result?)
}

/// Shows the error, in red on a terminal ("error" stands out anyway), and returns its code.
fn say_error(err: &Error) -> u8 {
    let text = err.render();
    let text = callback::plain(&text);
    callback::log::text(&text);
    let mut stderr = std::io::stderr().lock();
    let _ = if stderr.is_terminal() {
        writeln!(stderr, "\x1b[0;31m{}\x1b[0m", text.trim_end())
    } else {
        writeln!(stderr, "{}", text.trim_end())
    };
    err.code()
}
