//! Runs commands whose failure is the task's.

use std::path::Path;

use rplay_module_api::{Command, CommandOutput, Ctx, Failure};

use crate::support::{os_error, program};

/// A program by its name, in a language whose output can be read.
pub fn command(name: &str) -> Result<Command, Failure> {
    let path = program::find(name).ok_or_else(|| program::missing(name))?;
    Ok(at(&path))
}

pub fn at(program: &Path) -> Command {
    Command::new([program]).env("LANGUAGE", "C").env("LC_ALL", "C")
}

/// Whatever it ends with.
pub fn output(command: &Command, ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
    ctx.command(command)
        .map_err(|err| Failure::new(format!("{}: {}", command.program.to_string_lossy(), os_error::numbered(&err))))
}

/// It has to end well.
pub fn checked(command: &Command, ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
    let output = output(command, ctx)?;
    if output.ok() {
        return Ok(output);
    }
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    let msg = if stderr.trim().is_empty() { &stdout } else { &stderr };
    Err(Failure::new(msg.trim_end())
        .with("rc", output.rc)
        .with("stdout", stdout.as_str())
        .with("stderr", stderr.as_str()))
}
