//! apt-get with the options that every use of it has, and what its output says.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rplay_module_api::{Command, Ctx, Diff, Failure, Outcome};

use super::Args;
use crate::support::os_error;

const POLICY: &str = "/usr/sbin/policy-rc.d";

pub struct Output {
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    pub fn into_outcome(self, ctx: &Ctx, changed: impl Fn(&str) -> bool) -> Outcome {
        let mut outcome = Outcome::changed(changed(&self.stdout));
        if ctx.diff {
            outcome = outcome.with_diff(Diff { prepared: Some(plan(&self.stdout)), ..Diff::default() });
        }
        outcome.with("stdout", self.stdout).with("stderr", self.stderr)
    }
}

pub fn does_something(stdout: &str) -> bool {
    !stdout.lines().any(|line| line.starts_with("0 upgraded, 0 newly installed, 0 to remove"))
}

pub fn removes_something(stdout: &str) -> bool {
    stdout.contains("The following packages will be REMOVED")
}

/// The part of the output that tells what will be done, its summary line included.
fn plan(stdout: &str) -> String {
    let lines: Vec<&str> = stdout.lines().collect();
    let start =
        lines.iter().position(|line| line.starts_with("Reading state information")).map_or(0, |index| index + 1);
    let is_summary = |line: &&str| {
        line.split_once(' ').is_some_and(|(count, rest)| count.parse::<u32>().is_ok() && rest.starts_with("upgraded"))
    };
    let end = lines.iter().position(is_summary).map_or(lines.len(), |index| index + 1);
    lines.get(start..end.max(start)).unwrap_or_default().join("\n")
}

pub fn with_environment(command: Command) -> Command {
    [
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DEBIAN_PRIORITY", "critical"),
        ("LANG", "C.UTF-8"),
        ("LC_ALL", "C.UTF-8"),
        ("LC_MESSAGES", "C.UTF-8"),
    ]
    .into_iter()
    .fold(command, |command, (name, value)| command.env(name, value))
}

/// Runs apt-get; `words` are its subcommand with that one's options and packages.
pub fn apt_get(args: &Args, words: &[&str], ctx: &mut Ctx) -> Result<Output, Failure> {
    let mut argv = vec!["apt-get".to_owned(), "-y".to_owned()];
    for option in args.options.dpkg_options.split(',').filter(|it| !it.trim().is_empty()) {
        argv.extend(["-o".to_owned(), format!("Dpkg::Options::=--{}", option.trim())]);
    }
    argv.extend(["-o".to_owned(), format!("DPkg::Lock::Timeout={}", args.options.lock_timeout)]);
    if let Some(release) = &args.options.default_release {
        argv.extend(["-t".to_owned(), release.clone()]);
    }
    if let Some(recommends) = args.options.install_recommends {
        argv.extend(["-o".to_owned(), format!("APT::Install-Recommends={}", if recommends { "yes" } else { "no" })]);
    }
    let options = [
        (ctx.check, "--simulate"),
        (args.options.fail_on_autoremove, "--no-remove"),
        (args.options.allow_unauthenticated || args.options.force, "--allow-unauthenticated"),
        (args.options.allow_downgrade || args.options.force, "--allow-downgrades"),
        (args.options.allow_change_held_packages || args.options.force, "--allow-change-held-packages"),
        (args.options.force, "--allow-remove-essential"),
    ];
    argv.extend(options.iter().filter(|(wanted, _)| *wanted).map(|(_, option)| (*option).to_owned()));
    argv.extend(words.iter().map(|word| (*word).to_owned()));

    let policy = match args.options.policy_rc_d {
        Some(code) if !ctx.check => Some(Policy::set(code)?),
        _ => None,
    };
    let shown = argv.join(" ");
    let result = ctx.command(&with_environment(Command::new(argv)).streamed());
    drop(policy);
    let output = result.map_err(|err| Failure::new(format!("'{shown}' failed: {}", os_error::numbered(&err))))?;
    if output.ok() {
        return Ok(Output { stdout: output.stdout_text(), stderr: output.stderr_text() });
    }
    let stderr = output.stderr_text();
    Err(Failure::new(format!("'{shown}' failed: {stderr}"))
        .with("rc", output.rc)
        .with("stdout", output.stdout_text())
        .with("stderr", stderr))
}

/// A policy-rc.d for as long as apt-get runs; what was there before comes back.
struct Policy {
    kept: Option<PathBuf>,
}

impl Policy {
    fn set(code: u8) -> Result<Self, Failure> {
        let failed = |err| Failure::new(format!("could not write {POLICY}: {}", os_error::numbered(&err)));
        let kept = Path::new(POLICY).exists().then(|| PathBuf::from(format!("{POLICY}.rplay-{}", std::process::id())));
        if let Some(kept) = &kept {
            fs::rename(POLICY, kept).map_err(failed)?;
        }
        let policy = Self { kept };
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(POLICY).map_err(failed)?;
        write!(file, "#!/bin/sh\nexit {code}\n").map_err(failed)?;
        file.set_permissions(fs::Permissions::from_mode(0o755)).map_err(failed)?;
        Ok(policy)
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        // Nothing more can be done here; the services were kept from starting, which is what mattered.
        let _ = match &self.kept {
            Some(kept) => fs::rename(kept, POLICY),
            None => fs::remove_file(POLICY),
        };
    }
}
