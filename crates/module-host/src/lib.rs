//! What makes a table of modules an executable that the controller can use: it tells its specifications, or reads frames,
//! runs modules, writes frames, and dies with its connection. The agent is one; so is every program of modules.

mod background;
mod child;
mod foreign;
mod guard;
mod outlet;
mod place;
mod port;
mod requests;
mod running;
mod scratch;
mod server;
mod signals;
mod terminal;

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;

use rplay_module_api::bootstrap;
use rplay_module_api::{Module, Spec, settle};

use crate::child::OwnHash;

/// The `main` of an executable of modules. `specs` prints their specifications as JSON; `serve` speaks frames on standard input and
/// output; `background` is a task that goes on by itself. The script that starts an agent adds the hashes of its file, its nonce and the place where it leaves it (`bootstrap`).
pub fn main(modules: &'static [&'static Module]) -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", sha256, blake2b, nonce, place] => {
            place::settle(place, sha256, nonce);
            let hash = OwnHash { sha256: (*sha256).to_owned(), blake2b: (*blake2b).to_owned() };
            serve(modules, Some(hash), nonce)
        }
        ["serve", nonce] => serve(modules, None, nonce),
        ["serve"] => serve(modules, None, ""),
        ["specs"] => print_specs(modules),
        [background::COMMAND] => background::main(modules),
        _ => Err(io::Error::other("this program is started by rplay; it has no use of its own")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            let _ = writeln!(io::stderr(), "{err}");
            ExitCode::FAILURE
        }
    }
}

fn print_specs(modules: &[&Module]) -> io::Result<()> {
    let specs: Vec<&Spec> = modules.iter().map(|module| &module.spec).collect();
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, &specs)?;
    stdout.write_all(b"\n")
}

fn serve(modules: &'static [&'static Module], hash: Option<OwnHash>, nonce: &str) -> io::Result<()> {
    guard::start()?;
    signals::end_on_signals()?;
    let (stdin, stdout) = take_streams()?;
    terminal::make_raw(&stdin);
    // Set by the one who started this agent so that sudo and su speak English; no task shall see it.
    if std::env::var_os("LANGUAGE").is_some_and(|language| language == child::PLAIN_LANGUAGE) {
        // SAFETY: no other thread reads the environment yet.
        unsafe { std::env::remove_var("LANGUAGE") };
    } else {
        // Nobody asks another user's agent once more at the end of a run.
        settle::allow();
    }
    let mut stdout = stdout;
    stdout.write_all(format!("\n{}\n", bootstrap::greeting(nonce)).as_bytes())?;
    server::serve(stdin, stdout, modules, hash)
}

/// Moves the channel away from descriptors 0 and 1, so that nothing a module does can reach it by accident.
fn take_streams() -> io::Result<(File, File)> {
    let stdin = File::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?);
    let stdout = File::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?);
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok((stdin, stdout))
}
