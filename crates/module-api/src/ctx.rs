//! The door from a module to its host: commands, files from the controller, running output.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

/// Which stream of a command a piece of output belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// The way to the controller while a module runs.
pub trait Port {
    /// Shows output of a running command.
    fn output(&mut self, stream: Stream, bytes: &[u8]);
    /// Shows what a long task is waiting for.
    fn progress(&mut self, text: &str);
    /// Copies the file that the controller attached to the request under `name` into `into`; returns its length in bytes.
    fn receive_file(&mut self, name: &str, into: &mut dyn Write) -> io::Result<u64>;
    /// Says which attached files will be received, and in which order, so that they come without being asked for one by one.
    fn announce_files(&mut self, names: &[&str]) -> io::Result<()> {
        let _ = names;
        Ok(())
    }
    /// Sends `from` to the controller under `name`.
    fn send_file(&mut self, name: &str, from: &mut dyn Read) -> io::Result<u64>;
    /// Whether the controller has lost interest. Commands end by themselves then; what waits for something else asks now and then.
    fn is_cancelled(&mut self) -> bool {
        false
    }
}

/// Runs commands; a test puts a script of pretended answers in its place.
pub trait Runner {
    fn run(&mut self, command: &Command, port: &mut dyn Port) -> io::Result<CommandOutput>;
}

/// A command as a list of arguments, never text for a shell.
#[derive(Clone, Debug, Default)]
pub struct Command {
    pub program: OsString,
    pub args: Vec<OsString>,
    pub stdin: Option<Vec<u8>>,
    pub cwd: Option<PathBuf>,
    /// Added to the environment of the task.
    pub environment: BTreeMap<OsString, OsString>,
    pub umask: Option<u32>,
    /// Passes output on while it appears.
    pub streamed: bool,
    pub timeout: Option<Duration>,
}

impl Command {
    pub fn new<S: AsRef<OsStr>>(argv: impl IntoIterator<Item = S>) -> Self {
        let mut argv = argv.into_iter().map(|arg| arg.as_ref().to_owned());
        Self { program: argv.next().unwrap_or_default(), args: argv.collect(), ..Self::default() }
    }
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }
    #[must_use]
    pub fn stdin(mut self, stdin: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(stdin.into());
        self
    }
    #[must_use]
    pub fn cwd(mut self, cwd: impl Into<PathBuf>) -> Self {
        self.cwd = Some(cwd.into());
        self
    }
    #[must_use]
    pub fn streamed(mut self) -> Self {
        self.streamed = true;
        self
    }
}

/// How a command ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandOutput {
    /// Exit code; the negative signal number if a signal ended it, as Python reports it.
    pub rc: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl CommandOutput {
    pub fn ok(&self) -> bool {
        self.rc == 0
    }
    /// Standard output as text, undecodable bytes replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// What a module is given besides its arguments.
pub struct Ctx<'a> {
    pub check: bool,
    pub diff: bool,
    pub verbosity: u8,
    /// The task's result must not be shown.
    pub no_log: bool,
    /// `environment:` of the task, already part of every command.
    pub environment: BTreeMap<String, String>,
    /// A private directory that is removed when the task ends.
    pub tmpdir: PathBuf,
    /// Names of the module as the task wrote it, for modules with several faces.
    pub action: String,
    pub port: &'a mut dyn Port,
    pub runner: &'a mut dyn Runner,
    pub warnings: Vec<String>,
}

impl Ctx<'_> {
    /// Runs a command to its end.
    pub fn command(&mut self, command: &Command) -> io::Result<CommandOutput> {
        if self.environment.is_empty() {
            return self.runner.run(command, self.port);
        }
        let mut command = command.clone();
        for (name, value) in &self.environment {
            command.environment.entry(name.into()).or_insert_with(|| value.into());
        }
        self.runner.run(&command, self.port)
    }

    /// Adds a warning to the result, be it an outcome or a failure.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.warnings.push(text.into());
    }
}
