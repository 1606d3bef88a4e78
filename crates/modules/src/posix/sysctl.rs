//! Parameters of the kernel, in a file of sysctl and in the running kernel.

use std::fs;
use std::path::{Path, PathBuf};

use rplay_module_api::{Choice, Command, Ctx, Failure, Module, ModuleArgs, ModuleResult, Outcome, Spec, run};

use crate::support::file_attributes::FileAttributes;
use crate::support::{atomic_write, os_error, program, text_file};

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, ..Args::SPEC }, run: run!(sysctl) };

const EXAMPLE: &str = r#"- name: Forward packets, now and after a restart
  ansible.posix.sysctl:
    name: net.ipv4.ip_forward
    value: "1"
    sysctl_set: true
    sysctl_file: /etc/sysctl.d/90-forward.conf
"#;

/// Manage parameters of the kernel.
#[derive(ModuleArgs)]
#[module(name = "sysctl")]
#[module(required_if(state = "present", "value"))]
struct Args {
    /// The parameter, such as `net.ipv4.ip_forward`.
    #[arg(alias("key"))]
    name: String,
    /// Its value.
    #[arg(alias("val"))]
    value: Option<String>,
    /// Whether the file should have it.
    #[arg(default = "present")]
    state: State,
    /// Go on where the kernel does not know a parameter.
    #[arg(default = "no")]
    ignoreerrors: bool,
    /// Have the whole file applied when it was changed.
    #[arg(default = "yes")]
    reload: bool,
    /// Set the value in the running kernel where it differs.
    #[arg(default = "no")]
    sysctl_set: bool,
    /// The file.
    #[arg(default = "/etc/sysctl.conf")]
    sysctl_file: PathBuf,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum State {
    Present,
    Absent,
}

fn sysctl(args: Args, ctx: &mut Ctx) -> ModuleResult {
    if args.name.is_empty() {
        return Err(Failure::new("name cannot be blank"));
    }
    if args.state == State::Present && args.value.as_deref() == Some("") {
        return Err(Failure::new("value cannot be blank"));
    }
    let wanted = args.value.as_deref().map(plain_value);
    let before = String::from_utf8_lossy(&text_file::read(&args.sysctl_file)?).into_owned();
    let occurrences = before.lines().filter_map(pair).filter(|(name, _)| *name == args.name).count();
    // What comes last counts.
    let written = before.lines().rev().filter_map(pair).find(|(name, _)| *name == args.name).map(|(_, value)| value);
    let file_changes = match (args.state, &wanted) {
        (State::Absent, _) => occurrences > 0,
        (State::Present, wanted) => occurrences > 1 || written != wanted.as_deref(),
    };
    let mut kernel_changes = false;
    if args.sysctl_set && args.state == State::Present {
        let running = running_value(&args, ctx)?;
        kernel_changes = running.is_some() && !same_value(running.as_deref(), wanted.as_deref())
            || (running.is_none() && !args.ignoreerrors);
    }
    if !ctx.check {
        if kernel_changes {
            set_in_kernel(&args, wanted.as_deref().unwrap_or_default(), ctx)?;
        }
        if file_changes {
            write(&args, &before, wanted.as_deref(), ctx)?;
            if args.reload {
                reload(&args, ctx)?;
            }
        }
    }
    Ok(Outcome::changed(file_changes || kernel_changes))
}

/// Words for true and false are numbers to the kernel.
fn plain_value(value: &str) -> String {
    let value = value.trim();
    match value.to_lowercase().as_str() {
        "y" | "yes" | "on" | "true" | "t" | "1" | "1.0" => "1".to_owned(),
        "n" | "no" | "off" | "false" | "f" | "0" | "0.0" => "0".to_owned(),
        _ => value.to_owned(),
    }
}

/// Values of several numbers are equal however their numbers are set apart.
fn same_value(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.split_whitespace().eq(other.split_whitespace()),
        _ => false,
    }
}

/// Name and value of a line that is no comment.
fn pair(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return None;
    }
    line.split_once('=').map(|(name, value)| (name.trim(), value.trim()))
}

/// The value that the kernel has; none if it does not know the parameter.
fn running_value(args: &Args, ctx: &mut Ctx) -> Result<Option<String>, Failure> {
    let path = Path::new("/proc/sys").join(if args.name.contains('/') {
        args.name.trim_start_matches('-').to_owned()
    } else {
        args.name.trim_start_matches('-').replace('.', "/")
    });
    if path.components().any(|part| matches!(part, std::path::Component::ParentDir)) {
        return Err(Failure::new(format!("{} is no parameter of the kernel", args.name)));
    }
    if let Ok(text) = fs::read_to_string(&path) {
        return Ok(Some(text.trim().to_owned()));
    }
    // Names with dots inside, as those of network devices, only sysctl can take apart.
    let output = run_sysctl(&["-e", "-n", args.name.trim_start_matches('-')], ctx)?;
    let text = output.stdout_text().trim().to_owned();
    Ok((output.ok() && !text.is_empty()).then_some(text))
}

fn run_sysctl(words: &[&str], ctx: &mut Ctx) -> Result<rplay_module_api::CommandOutput, Failure> {
    let program = program::find("sysctl").ok_or_else(|| program::missing("sysctl"))?;
    let mut command = Command::new([program]).env("LANG", "C").env("LC_ALL", "C");
    for word in words {
        command = command.arg(word);
    }
    ctx.command(&command).map_err(|err| Failure::new(os_error::numbered(&err)))
}

fn set_in_kernel(args: &Args, value: &str, ctx: &mut Ctx) -> Result<(), Failure> {
    let assignment = format!("{}={value}", args.name.trim_start_matches('-'));
    let mut words = vec!["-w", assignment.as_str()];
    if args.ignoreerrors {
        words.insert(0, "-e");
    }
    let output = run_sysctl(&words, ctx)?;
    // It says what it could not do and still ends with 0.
    if output.ok() && (args.ignoreerrors || output.stderr.is_empty()) {
        return Ok(());
    }
    Err(Failure::new(format!("setting {} failed: {}{}", args.name, output.stdout_text(), output.stderr_text())))
}

fn reload(args: &Args, ctx: &mut Ctx) -> Result<(), Failure> {
    let file = args.sysctl_file.to_string_lossy();
    let mut words = vec!["-p", file.as_ref()];
    if args.ignoreerrors {
        words.insert(0, "-e");
    }
    let output = run_sysctl(&words, ctx)?;
    let text = output.stderr_text();
    let refused = ["permission denied", "cannot stat", "Invalid argument"].iter().any(|it| text.contains(it));
    if output.ok() && (args.ignoreerrors || !refused) {
        return Ok(());
    }
    Err(Failure::new(format!("Failed to reload sysctl: {}{text}", output.stdout_text())))
}

/// Writes the file: one line for the parameter, every other pair once and in its short form.
fn write(args: &Args, before: &str, wanted: Option<&str>, ctx: &mut Ctx) -> Result<(), Failure> {
    let mut lines: Vec<String> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for line in before.lines() {
        let Some((name, value)) = pair(line) else {
            lines.push(line.trim().to_owned());
            continue;
        };
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        match (name == args.name, args.state) {
            (true, State::Absent) => {}
            (true, State::Present) => lines.push(format!("{name}={}", wanted.unwrap_or_default())),
            (false, _) => lines.push(format!("{name}={value}")),
        }
    }
    if args.state == State::Present && !seen.contains(&args.name.as_str()) {
        lines.push(format!("{}={}", args.name, wanted.unwrap_or_default()));
    }
    let mut text = lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    let path = crate::builtin::file::real_path(&args.sysctl_file, ctx)?;
    atomic_write::replace(&path, text.as_bytes(), None, &FileAttributes::default(), ctx)
}
