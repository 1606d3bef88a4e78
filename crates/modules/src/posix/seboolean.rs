//! Booleans of SELinux, by setsebool; what they are is read from the kernel, what they will be after a restart from semanage.

use std::fs;
use std::path::Path;

use rplay_module_api::{Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::support::{program, run};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(seboolean) };

const EXAMPLE: &str = r"- name: Let the web server connect to others
  ansible.posix.seboolean:
    name: httpd_can_network_connect
    state: true
    persistent: true
";

const RETURNS: &[Return] = &[
    Return::new("name", Kind::Str, "always", "The boolean."),
    Return::new("state", Kind::Bool, "success", "What it is."),
    Return::new("persistent", Kind::Bool, "success", "Whether that is so after a restart."),
];

/// Where the kernel shows SELinux.
const KERNEL: &str = "/sys/fs/selinux";

/// Manage booleans of SELinux.
#[derive(ModuleArgs)]
#[module(name = "seboolean")]
struct Args {
    /// The boolean.
    name: String,
    /// What it should be.
    state: bool,
    /// After a restart, too.
    #[arg(default = "no")]
    persistent: bool,
    /// Go on where SELinux seems to be off, such as in a changed root.
    #[arg(default = "no")]
    ignore_selinux_state: bool,
}

fn seboolean(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let is_enabled = Path::new(KERNEL).join("enforce").exists();
    if !is_enabled && !args.ignore_selinux_state {
        return Err(Failure::new("SELinux is disabled on this host."));
    }
    if args.name.is_empty() || args.name.contains(['/', '=']) || args.name.starts_with('-') {
        return Err(Failure::new(format!("{:?} is no name of a boolean", args.name)));
    }
    let active = read(&fs::read_to_string(Path::new(KERNEL).join("booleans").join(&args.name)).unwrap_or_default());
    let stored = if args.persistent { stored(&args.name, ctx)? } else { None };
    if active.or(stored).is_none() && is_enabled {
        return Err(Failure::new(format!("SELinux boolean {} does not exist.", args.name)));
    }
    let is_right = |it: Option<bool>| it == Some(args.state);
    let changed =
        if args.persistent { !is_right(stored) || is_enabled && !is_right(active) } else { !is_right(active) };
    if changed && !ctx.check {
        let mut command = run::command("setsebool")?;
        if args.persistent {
            // Without a kernel that has it there is only the policy to change.
            command = command.arg(if is_enabled { "-P" } else { "-NP" });
        }
        run::checked(&command.arg(format!("{}={}", args.name, if args.state { "on" } else { "off" })), ctx)?;
    }
    Ok(Outcome::changed(changed)
        .with("name", args.name.as_str())
        .with("persistent", args.persistent)
        .with("state", args.state))
}

/// `1 1`: what a boolean is, and what it is going to be.
fn read(text: &str) -> Option<bool> {
    match text.split_whitespace().next()? {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

/// What the policy stores. Where semanage isn't installed only what was stored by an administrator is known.
fn stored(name: &str, ctx: &mut Ctx) -> Result<Option<bool>, Failure> {
    if program::find("semanage").is_some() {
        let command = run::command("semanage")?.arg("boolean").arg("--list").arg("--noheading");
        return Ok(listed(&run::checked(&command, ctx)?.stdout_text(), name));
    }
    let policies = fs::read_dir("/var/lib/selinux").into_iter().flatten().flatten();
    let files = policies.map(|policy| policy.path().join("active/booleans.local"));
    Ok(files.filter_map(|file| fs::read_to_string(file).ok()).find_map(|text| {
        text.lines().find_map(|line| read(line.strip_prefix(name)?.trim_start().strip_prefix('=')?.trim()))
    }))
}

/// From `httpd_use_nfs  (off  ,  on)  What it does`: the second of the two.
fn listed(text: &str, name: &str) -> Option<bool> {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(name))?;
    let (_, values) = line.split_once('(')?;
    let stored = values.split_once(')')?.0.split(',').nth(1)?;
    Some(stored.trim() == "on")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        let text = "httpd_use_nfs_x                (on   ,   on)  x\nhttpd_use_nfs                  (on   ,  off)  Allow (a, b)\n";
        assert_eq!(listed(text, "httpd_use_nfs"), Some(false));
        assert_eq!(listed(text, "httpd_use_nfs_x"), Some(true));
        assert_eq!(listed(text, "nosuch"), None);
        assert_eq!(read("1 0\n"), Some(true));
        assert_eq!(read(""), None);
    }
}
