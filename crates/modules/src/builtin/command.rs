//! Runs a command, without a shell; `shell.rs` is the same through one.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rplay_module_api::{
    Command, CommandOutput, Ctx, Failure, Json, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run,
    shell_words,
};

use crate::support::{home, local_time, os_error};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(command) };

const EXAMPLE: &str = r"- name: Make the database once
  command:
    argv: [/usr/bin/app, initdb, --all]
    creates: /var/lib/app/db
";

pub const RETURNS: &[Return] = &[
    Return::new("cmd", Kind::List, "always", "The command."),
    Return::new("rc", Kind::Int, "always", "Its exit code."),
    Return::new("stdout", Kind::Str, "always", "What it wrote."),
    Return::new("stderr", Kind::Str, "always", "What it wrote of errors."),
    Return::new("start", Kind::Str, "always", "When it began."),
    Return::new("end", Kind::Str, "always", "When it ended."),
    Return::new("delta", Kind::Str, "always", "How long it took."),
    Return::new("msg", Kind::Str, "always", "What went wrong, or why nothing was run."),
];

/// Run a command.
#[derive(ModuleArgs)]
#[module(name = "command", free_form = "_raw_params")]
#[module(mutually_exclusive("_raw_params", "cmd", "argv"))]
pub struct Args {
    /// The command, or for a shell the command line, as the task's free text.
    #[arg(name = "_raw_params")]
    free_form: Option<String>,
    /// The command.
    cmd: Option<String>,
    /// The command as a list; its words are quoted for a shell.
    argv: Option<Vec<String>>,
    /// Directory to run in.
    chdir: Option<PathBuf>,
    /// A path or pattern; nothing is run if it exists.
    #[arg(kind = Path)]
    creates: Option<String>,
    /// A path or pattern; nothing is run unless it exists.
    #[arg(kind = Path)]
    removes: Option<String>,
    /// The shell; has no effect where none is used.
    #[arg(kind = Path)]
    pub executable: Option<String>,
    /// Expand `~` and `$VAR` in the command's words; a shell does that in any case.
    #[arg(default = "yes")]
    expand_argument_vars: bool,
    /// Text for the command's standard input.
    stdin: Option<String>,
    /// End that text with a newline.
    #[arg(default = "yes")]
    stdin_add_newline: bool,
    /// Remove newlines at the end of the output.
    #[arg(default = "yes")]
    strip_empty_ends: bool,
}

impl Args {
    pub fn text(&self) -> Option<&str> {
        self.written().filter(|text| !text.trim().is_empty())
    }

    fn written(&self) -> Option<&str> {
        self.free_form.as_deref().filter(|text| !text.is_empty()).or(self.cmd.as_deref())
    }

    /// Why there is nothing to run.
    pub fn without_command(&self) -> Failure {
        match self.written() {
            None => Failure::new("one of the following is required: _raw_params, cmd, argv"),
            Some(_) => Failure::new("Argument 'args' to run_command must be list or string")
                .with("rc", 257)
                .with("cmd", Json::Null),
        }
    }

    pub fn argv(&self) -> Option<&[String]> {
        self.argv.as_deref()
    }
}

fn command(args: Args, ctx: &mut Ctx) -> ModuleResult {
    if let Some(executable) = &args.executable {
        ctx.warn(format!(
            "As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. Not using '{executable}'."
        ));
    }
    let words = match (args.argv(), args.text()) {
        (Some(argv), _) => argv.to_vec(),
        (None, Some(text)) => shell_words::split(text).map_err(|problem| Failure::new(problem.to_string()))?,
        (None, None) => return Err(args.without_command()),
    };
    let real: Vec<_> = if args.expand_argument_vars {
        words.iter().map(|word| home::expand(word, &ctx.environment)).collect()
    } else {
        words.clone()
    };
    execute(&args, words.into(), Command::new(&real), ctx)
}

/// Everything but the way the command line is made, which is where `command` and `shell` differ.
pub fn execute(args: &Args, shown: Json, mut command: Command, ctx: &mut Ctx) -> ModuleResult {
    if let Some(directory) = &args.chdir {
        let metadata = std::fs::metadata(directory);
        if !metadata.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
            let err = metadata.err().unwrap_or_else(|| std::io::Error::from_raw_os_error(libc::ENOTDIR));
            let failure = fields("Unable to change directory before execution.", shown).into_failure();
            return Err(failure.because(os_error::with_path(&err, directory)));
        }
        command.cwd = Some(directory.clone());
    }
    if let Some(outcome) = already_done(args, &shown, ctx) {
        return Ok(outcome);
    }
    if ctx.check {
        let mut outcome = fields("Command would have run if not in check mode", shown).into_outcome();
        outcome.fields.insert("rc".into(), 0.into());
        outcome.skipped = args.creates.is_none() && args.removes.is_none();
        outcome.changed = !outcome.skipped;
        return Ok(outcome);
    }
    if let Some(stdin) = &args.stdin {
        let newline = if args.stdin_add_newline { "\n" } else { "" };
        command.stdin = Some(format!("{stdin}{newline}").into_bytes());
    }
    let program = PathBuf::from(&command.program);
    let begin = SystemTime::now();
    match ctx.command(&command.streamed()) {
        Ok(output) => finish(args, shown, begin, output),
        Err(err) => Err(Failure::new("Error executing command.")
            .with("rc", err.raw_os_error().unwrap_or(257))
            .with("cmd", quoted(&shown))
            .with("stdout", "")
            .with("stderr", "")
            .because(os_error::with_path(&err, &program))),
    }
}

/// Return values of a command that did not run.
struct NotRun {
    msg: String,
    cmd: Json,
}

fn fields(msg: impl Into<String>, cmd: Json) -> NotRun {
    NotRun { msg: msg.into(), cmd }
}

impl NotRun {
    fn into_outcome(self) -> Outcome {
        let mut outcome = Outcome::changed(false).with("msg", self.msg).with("cmd", self.cmd);
        outcome.fields.extend(["stdout", "stderr"].map(|name| (name.to_owned(), "".into())));
        outcome.fields.extend(["rc", "start", "end", "delta"].map(|name| (name.to_owned(), Json::Null)));
        outcome
    }

    fn into_failure(self) -> Failure {
        let msg = self.msg.clone();
        let mut fields = self.into_outcome().fields;
        fields.remove("msg");
        Failure { fields, ..Failure::new(msg) }
    }
}

fn already_done(args: &Args, cmd: &Json, ctx: &Ctx) -> Option<Outcome> {
    let verb = if ctx.check { "Would" } else { "Did" };
    let directory = args.chdir.as_deref();
    let (msg, stdout) = if let Some(path) = args.creates.as_ref().filter(|path| exists(path, directory)) {
        (format!("{verb} not run command since '{path}' exists"), format!("skipped, since {path} exists"))
    } else if let Some(path) = args.removes.as_ref().filter(|path| !exists(path, directory)) {
        let msg = format!("{verb} not run command since '{path}' does not exist");
        (msg, format!("skipped, since {path} does not exist"))
    } else {
        return None;
    };
    let mut outcome = fields(msg, cmd.clone()).into_outcome();
    outcome.fields.insert("stdout".into(), stdout.into());
    outcome.fields.insert("rc".into(), 0.into());
    Some(outcome)
}

/// Whether anything matches; relative patterns start in the command's directory.
fn exists(pattern: &str, directory: Option<&Path>) -> bool {
    let full = match directory {
        Some(directory) if !pattern.starts_with('/') => {
            let directory = glob::Pattern::escape(&directory.to_string_lossy());
            Cow::Owned(format!("{}/{pattern}", directory.trim_end_matches('/')))
        }
        _ => Cow::Borrowed(pattern),
    };
    Path::new(full.as_ref()).exists() || glob::glob(&full).is_ok_and(|mut paths| paths.any(|path| path.is_ok()))
}

fn finish(args: &Args, cmd: Json, begin: SystemTime, output: CommandOutput) -> ModuleResult {
    let end = SystemTime::now();
    let text = |bytes: Vec<u8>| {
        // Valid text, the normal case, is taken over without a copy: it may have hundreds of megabytes.
        let mut text =
            String::from_utf8(bytes).unwrap_or_else(|err| String::from_utf8_lossy(err.as_bytes()).into_owned());
        if args.strip_empty_ends {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        text
    };
    let rc = output.rc;
    let outcome = Outcome::changed(true)
        .with("cmd", cmd)
        .with("rc", rc)
        .with("start", timestamp(begin))
        .with("end", timestamp(end))
        .with("delta", duration(begin, end))
        .with("stdout", text(output.stdout))
        .with("stderr", text(output.stderr));
    if rc == 0 {
        return Ok(outcome.with("msg", ""));
    }
    Err(Failure { changed: true, fields: outcome.fields, ..Failure::new("non-zero return code") })
}

/// The command as text that a shell would read back as the same words.
fn quoted(cmd: &Json) -> String {
    match cmd {
        Json::Array(words) => {
            let words: Vec<_> = words.iter().filter_map(Json::as_str).map(shell_words::quote).collect();
            words.join(" ")
        }
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

/// `2026-01-31 13:05:59.012345`, in the time of the host.
fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let it = local_time::from_unix(i64::try_from(since.as_secs()).unwrap_or(0));
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}",
        it.year,
        it.month,
        it.day,
        it.hour,
        it.minute,
        it.second,
        since.subsec_micros()
    )
}

/// `0:00:01.002003`, with days in front of it if there are any.
fn duration(begin: SystemTime, end: SystemTime) -> String {
    let delta = end.duration_since(begin).unwrap_or_default();
    let seconds = delta.as_secs();
    let days = match seconds / 86400 {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        days => format!("{days} days, "),
    };
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{days}{hours}:{minutes:02}:{:02}.{:06}", seconds % 60, delta.subsec_micros())
}

#[cfg(test)]
mod tests;
