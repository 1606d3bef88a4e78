//! The command line: options in, a run, an exit code out.

mod adhoc;
mod check;
mod config;
mod console;
mod doc;
mod extra_vars;
mod galaxy;
mod install_links;
mod inventory;
mod list;
mod options;
mod pager;
mod password;
mod playbook;
mod pull;
mod session;
mod vault;
mod vault_set;
mod version;

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Write};
use std::path::Path;

use clap::Parser;
use clap::error::ErrorKind as ClapError;

use crate::callback;
use crate::connection::limits;
use crate::error::{Error, ErrorKind};

/// Exit code of a wrong command line, as `ansible-playbook` has it.
const USAGE: u8 = 2;

/// A command by its word after `rplay`, and by the name of the program that it stands for.
struct Command {
    word: &'static str,
    program: &'static str,
    run: fn(Invocation) -> Result<u8, Stop>,
}

const COMMANDS: &[Command] = &[
    Command { word: "adhoc", program: "ansible", run: |it| block_on(adhoc::run(it.parse()?)) },
    Command { word: "config", program: "ansible-config", run: |it| Ok(config::run(it.parse()?)?) },
    Command { word: "console", program: "ansible-console", run: console },
    Command { word: "doc", program: "ansible-doc", run: |it| Ok(doc::run(&it.parse()?)?) },
    Command { word: "galaxy", program: "ansible-galaxy", run: galaxy },
    Command { word: "inventory", program: "ansible-inventory", run: |it| Ok(inventory::run(it.parse()?)?) },
    Command { word: "playbook", program: "ansible-playbook", run: |it| block_on(playbook::run(it.parse()?)) },
    Command { word: "pull", program: "ansible-pull", run: pull },
    Command { word: "vault", program: "ansible-vault", run: |it| Ok(vault::run(it.parse()?)?) },
];

fn console(invocation: Invocation) -> Result<u8, Stop> {
    let in_ansibles_form = invocation.program.is_some();
    console::run(invocation.parse()?, in_ansibles_form)
}

fn galaxy(mut invocation: Invocation) -> Result<u8, Stop> {
    let implicit_role = galaxy::with_subject(&mut invocation.arguments);
    Ok(galaxy::run(&invocation.parse()?, implicit_role)?)
}

fn pull(invocation: Invocation) -> Result<u8, Stop> {
    let program = invocation.program;
    Ok(pull::run(&invocation.parse()?, program)?)
}

/// The programs whose names rplay answers to.
fn programs() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|command| command.program)
}

/// The arguments of a command, the program's name first.
struct Invocation {
    arguments: Vec<OsString>,
    /// The name of Ansible's by which the program was called.
    program: Option<&'static str>,
}

impl Invocation {
    fn parse<T: Parser>(self) -> Result<T, Stop> {
        let mut command = T::command();
        if let Some(program) = self.program {
            command = command.name(program);
        }
        let parsed = command
            .try_get_matches_from_mut(self.arguments)
            .and_then(|mut matches| T::from_arg_matches_mut(&mut matches).map_err(|err| err.format(&mut command)));
        parsed.map_err(|err| match (err.kind(), self.program) {
            (ClapError::DisplayVersion, Some(program)) => match version::print(program) {
                Ok(()) => Stop::Said(0),
                Err(err) => Stop::Failed(err),
            },
            (ClapError::DisplayHelp | ClapError::DisplayVersion, _) => {
                let _ = err.print();
                Stop::Said(0)
            }
            (_, Some(program)) => {
                say_wrong_usage(program, &err.to_string());
                Stop::Said(USAGE)
            }
            (kind, None) => {
                let _ = err.print();
                // Of a wrong value clap tells no more than the value.
                if matches!(kind, ClapError::InvalidValue | ClapError::ValueValidation) {
                    let _ = writeln!(std::io::stderr(), "\n{}", command.render_usage());
                }
                Stop::Said(USAGE)
            }
        })
    }
}

/// A wrong command line as Python's programs tell it: how it is used, the program's name, what is wrong.
fn say_wrong_usage(program: &str, text: &str) {
    let (message, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let message = message.trim().trim_start_matches("error: ");
    let usage = rest.lines().find_map(|line| line.strip_prefix("Usage: "));
    let usage = usage.map(|usage| format!("usage: {usage}\n")).unwrap_or_default();
    let _ = writeln!(std::io::stderr(), "{}", callback::plain(&format!("{usage}{program}: error: {message}")));
}

/// Runs the command that the program's name or the first argument names, and returns its exit code.
pub fn run(mut arguments: Vec<OsString>) -> u8 {
    let called = arguments.first().and_then(|path| Path::new(path).file_name()).and_then(OsStr::to_str);
    let named = COMMANDS.iter().find(|command| called == Some(command.program));
    let program = named.map(|command| command.program);
    let command = named.or_else(|| {
        let word = arguments.get(1).and_then(|word| word.to_str());
        COMMANDS.iter().find(|command| word == Some(command.word)).inspect(|_| drop(arguments.remove(1)))
    });
    let result = match command {
        Some(command) => (command.run)(Invocation { arguments, program }),
        None if arguments.get(1).is_some_and(|word| word == "install-links") => {
            arguments.remove(1);
            let parsed = Invocation { arguments, program }.parse();
            parsed.and_then(|options: options::InstallLinksOptions| Ok(install_links::run(&options)?))
        }
        None => Invocation { arguments, program }.parse().and_then(|options| block_on(playbook::run(options))),
    };
    let say = |err: &Error| say_error(err, program.is_some());
    let code = match result {
        Ok(code) | Err(Stop::Said(code)) => code,
        Err(Stop::Failed(err)) => say(&err),
    };
    match callback::log::finish() {
        Ok(()) => code,
        Err(err) => say(&err).max(code),
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
fn say_error(err: &Error, in_ansibles_form: bool) -> u8 {
    let text = if in_ansibles_form { callback::error_text(err) } else { err.render() };
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
