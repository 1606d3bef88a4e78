//! Modules of the kernel.

use std::fs;
use std::path::{Path, PathBuf};

use rplay_module_api::{
    Choice, Command, Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run, shell_words,
};

use crate::support::file_attributes::FileAttributes;
use crate::support::{atomic_write, os_error, program};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(modprobe) };

const EXAMPLE: &str = r"- name: Have a module now and after a restart
  community.general.modprobe:
    name: br_netfilter
    persistent: present
";

const RETURNS: &[Return] = &[
    Return::new("name", Kind::Str, "always", "The module."),
    Return::new("state", Kind::Str, "always", "What it should be."),
    Return::new("params", Kind::Str, "always", "Its parameters."),
];

const LOADED_AT_BOOT: &str = "/etc/modules-load.d";
const PARAMETERS: &str = "/etc/modprobe.d";

/// Load and unload modules of the kernel.
#[derive(ModuleArgs)]
#[module(name = "modprobe")]
struct Args {
    /// The module.
    name: String,
    /// Whether it should be loaded.
    #[arg(default = "present")]
    state: State,
    /// Its parameters, when it is loaded.
    #[arg(default = "")]
    params: String,
    /// Whether it is loaded at boot, with its parameters.
    #[arg(default = "disabled")]
    persistent: Persistent,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    Present,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum Persistent {
    /// Files of modules are left alone.
    Disabled,
    Present,
    Absent,
}

fn modprobe(args: Args, ctx: &mut Ctx) -> ModuleResult {
    if args.name.is_empty() || args.name.contains(['/', '\n']) || args.name.starts_with('-') {
        return Err(Failure::new(format!("{:?} is no name of a module", args.name)));
    }
    let fields = |outcome: Outcome| {
        outcome.with("name", args.name.as_str()).with("params", args.params.as_str()).with("state", args.state.text())
    };
    let loaded = is_loaded(&args.name);
    let mut changed = false;
    let wanted = args.state == State::Present;
    if loaded != wanted {
        changed = true;
        if !ctx.check {
            load(&args, ctx)?;
        }
    }
    match args.persistent {
        Persistent::Disabled => {}
        Persistent::Present => changed |= at_boot(&args, ctx)?,
        Persistent::Absent => changed |= not_at_boot(&args, ctx)?,
    }
    Ok(fields(Outcome::changed(changed)))
}

/// Names have `_` and `-` for the same.
fn same_name(one: &str, other: &str) -> bool {
    one.replace('-', "_") == other.replace('-', "_")
}

fn is_loaded(name: &str) -> bool {
    let modules = fs::read_to_string("/proc/modules").unwrap_or_default();
    if modules.lines().filter_map(|line| line.split(' ').next()).any(|it| same_name(it, name)) {
        return true;
    }
    // What is built in is always there.
    let Ok(release) = fs::read_to_string("/proc/sys/kernel/osrelease") else { return false };
    let list = Path::new("/lib/modules").join(release.trim()).join("modules.builtin");
    let built_in = fs::read_to_string(list).unwrap_or_default();
    built_in.lines().filter_map(|line| Path::new(line).file_stem()?.to_str()).any(|it| same_name(it, name))
}

fn load(args: &Args, ctx: &mut Ctx) -> Result<(), Failure> {
    let program = program::find("modprobe").ok_or_else(|| program::missing("modprobe"))?;
    let mut command = Command::new([program]);
    if args.state == State::Absent {
        command = command.arg("-r");
    }
    command = command.arg(&args.name);
    if args.state == State::Present {
        let words = shell_words::split(&args.params)
            .map_err(|problem| Failure::new(format!("params: {problem}: {}", args.params)))?;
        for word in words {
            command = command.arg(word);
        }
    }
    let output = ctx.command(&command).map_err(|err| Failure::new(os_error::numbered(&err)))?;
    if output.ok() {
        return Ok(());
    }
    let stderr = output.stderr_text();
    Err(Failure::new(stderr.clone())
        .with("rc", output.rc)
        .with("stdout", output.stdout_text())
        .with("stderr", stderr)
        .with("name", args.name.as_str())
        .with("params", args.params.as_str())
        .with("state", args.state.text()))
}

fn files_of(directory: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "conf")).collect();
    files.sort();
    files
}

fn names_module(line: &str, name: &str) -> bool {
    let content = line.split('#').next().unwrap_or_default().trim();
    !content.starts_with(';') && same_name(content, name)
}

/// The parameters in a line `options MODULE a=1 b=2`.
fn parameters<'a>(line: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
    (words.next()? == "options" && same_name(words.next()?, name)).then(|| words.collect())
}

fn at_boot(args: &Args, ctx: &mut Ctx) -> Result<bool, Failure> {
    let read = |path: &PathBuf| fs::read_to_string(path).unwrap_or_default();
    let mut changed = false;
    let named = files_of(LOADED_AT_BOOT).iter().any(|path| read(path).lines().any(|it| names_module(it, &args.name)));
    if !named {
        changed = true;
        write(&Path::new(LOADED_AT_BOOT).join(format!("{}.conf", args.name)), &format!("{}\n", args.name), ctx)?;
    }
    let wanted: Vec<_> = args.params.split_whitespace().collect();
    let mut present: Vec<String> = files_of(PARAMETERS)
        .iter()
        .flat_map(|path| {
            let text = read(path);
            text.lines().filter_map(|it| parameters(it, &args.name)).flatten().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    present.sort();
    let mut sorted = wanted.clone();
    sorted.sort_unstable();
    if present != sorted {
        changed = true;
        strike(PARAMETERS, &|line| parameters(line, &args.name).is_some(), ctx)?;
        let text =
            if wanted.is_empty() { String::new() } else { format!("options {} {}\n", args.name, wanted.join(" ")) };
        write(&Path::new(PARAMETERS).join(format!("{}.conf", args.name)), &text, ctx)?;
    }
    Ok(changed)
}

fn not_at_boot(args: &Args, ctx: &mut Ctx) -> Result<bool, Failure> {
    let named = strike(LOADED_AT_BOOT, &|line| names_module(line, &args.name), ctx)?;
    let configured = strike(PARAMETERS, &|line| parameters(line, &args.name).is_some(), ctx)?;
    Ok(named || configured)
}

/// Comments lines out in all files of a directory; says whether there were any.
fn strike(directory: &str, which: &dyn Fn(&str) -> bool, ctx: &mut Ctx) -> Result<bool, Failure> {
    let mut changed = false;
    for path in files_of(directory) {
        let before = fs::read_to_string(&path).map_err(|err| Failure::new(os_error::with_path(&err, &path)))?;
        let after: String = before
            .split_inclusive('\n')
            .map(|line| if which(line.trim_end()) { format!("#{line}") } else { line.to_owned() })
            .collect();
        if before != after {
            changed = true;
            write(&path, &after, ctx)?;
        }
    }
    Ok(changed)
}

fn write(path: &Path, text: &str, ctx: &mut Ctx) -> Result<(), Failure> {
    if ctx.check {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        crate::support::at::create_dir_all(parent, 0o777)
            .map_err(|err| Failure::new(os_error::with_path(&err, parent)))?;
    }
    atomic_write::replace(path, text.as_bytes(), None, &FileAttributes::default(), ctx)
}
