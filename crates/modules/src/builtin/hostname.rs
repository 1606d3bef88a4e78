//! The name of a host: in the running kernel and in the place where it is kept.

use std::fs;
use std::path::Path;

use rplay_module_api::{
    Choice, Command, Ctx, Diff, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, json, run,
};

use crate::support::file_attributes::FileAttributes;
use crate::support::{atomic_write, init_system, os_error, program};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(hostname) };

const EXAMPLE: &str = r"- name: Name the host as the inventory does
  hostname:
    name: web1.example.com
";

const RETURNS: &[Return] = &[
    Return::new("name", Kind::Str, "always", "The name."),
    Return::new("ansible_facts", Kind::Dict, "always", "Facts that have the name in them."),
];

/// Manage the name of the host.
#[derive(ModuleArgs)]
#[module(name = "hostname")]
struct Args {
    /// The name.
    name: String,
    /// How the name is kept, instead of finding out.
    #[arg(name = "use")]
    strategy: Option<Strategy>,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Alpine,
    Debian,
    Freebsd,
    Generic,
    Macos,
    Macosx,
    Darwin,
    Openbsd,
    Openrc,
    Redhat,
    Sles,
    Solaris,
    Systemd,
}

/// Where the name is kept.
enum Place {
    /// hostnamectl changes both the running and the kept name.
    Systemd,
    /// A file that has nothing else.
    File(&'static str),
    /// A line of a shell file: the file, and what stands before the name.
    Line(&'static str, &'static str),
    /// Only the running name.
    Nowhere,
}

fn hostname(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let name = args.name.as_str();
    if name.is_empty() || name.contains(char::is_whitespace) || name.starts_with('-') {
        return Err(Failure::new(format!("{name:?} is no name for a host")));
    }
    let place = args.place()?;
    if matches!(place, Place::Systemd) && name.len() > 64 {
        return Err(Failure::new("name cannot be longer than 64 characters on systemd servers, try a shorter name"));
    }
    let (running, kept) = (running_name(), place.kept(ctx)?);
    let mut before = running.clone();
    let mut changed = false;
    if kept.as_deref().is_some_and(|kept| kept != name) {
        before = kept.unwrap_or_default();
        changed = true;
        if !ctx.check {
            place.keep(name, ctx)?;
        }
    }
    if running != name {
        changed = true;
        if !ctx.check {
            set_running(&place, name, ctx)?;
        }
    }
    let (short, domain) = name.split_once('.').unwrap_or((name, ""));
    let facts = json!({
        "ansible_hostname": short,
        "ansible_nodename": name,
        "ansible_fqdn": full_name(name, ctx),
        "ansible_domain": domain,
    });
    let mut outcome = Outcome::changed(changed).with("name", name).with("ansible_facts", facts);
    if changed {
        outcome.diff.push(Diff {
            before: format!("hostname = {before}\n").into(),
            after: format!("hostname = {name}\n").into(),
            ..Diff::default()
        });
    }
    Ok(outcome)
}

impl Args {
    fn place(&self) -> Result<Place, Failure> {
        Ok(match self.strategy {
            None if init_system::name() == "systemd" && program::find("hostnamectl").is_some() => Place::Systemd,
            None if Path::new("/etc/conf.d/hostname").exists() => Place::Line("/etc/conf.d/hostname", "hostname="),
            None if Path::new("/etc/HOSTNAME").exists() => Place::File("/etc/HOSTNAME"),
            None | Some(Strategy::Debian | Strategy::Alpine) => Place::File("/etc/hostname"),
            Some(Strategy::Sles) => Place::File("/etc/HOSTNAME"),
            Some(Strategy::Redhat) => Place::Line("/etc/sysconfig/network", "HOSTNAME="),
            Some(Strategy::Openrc) => Place::Line("/etc/conf.d/hostname", "hostname="),
            Some(Strategy::Systemd) => Place::Systemd,
            Some(Strategy::Generic) => Place::Nowhere,
            Some(other) => return Err(Failure::new(format!("use={} is not for Linux", other.text()))),
        })
    }
}

impl Place {
    fn kept(&self, ctx: &mut Ctx) -> Result<Option<String>, Failure> {
        Ok(match self {
            Place::Nowhere => None,
            // What hostnamectl calls the static name is the content of this file.
            Place::Systemd => match fs::read_to_string("/etc/hostname") {
                Ok(text) => {
                    Some(text.lines().map(str::trim).find(|it| !it.starts_with('#')).unwrap_or_default().to_owned())
                }
                Err(_) => {
                    let output = must(&["hostnamectl", "--static", "status"], ctx)?;
                    Some(output.trim().to_owned())
                }
            },
            Place::File(path) => Some(fs::read_to_string(path).unwrap_or_default().trim().to_owned()),
            Place::Line(path, start) => {
                let text = fs::read_to_string(path).unwrap_or_default();
                let line = text.lines().find_map(|line| line.trim().strip_prefix(start));
                Some(line.unwrap_or_default().trim_matches(['"', '\'']).to_owned())
            }
        })
    }

    fn keep(&self, name: &str, ctx: &mut Ctx) -> Result<(), Failure> {
        match self {
            Place::Nowhere => Ok(()),
            Place::Systemd => {
                must(&["hostnamectl", "--pretty", "set-hostname", name], ctx)?;
                must(&["hostnamectl", "--static", "set-hostname", name], ctx).map(|_| ())
            }
            Place::File(path) => write(path, &format!("{name}\n"), ctx),
            Place::Line(path, start) => {
                let before = fs::read_to_string(path).unwrap_or_default();
                let new = format!("{start}\"{name}\"\n");
                let mut found = false;
                let mut after: String = before
                    .split_inclusive('\n')
                    .map(|line| {
                        let is_it = line.trim_start().starts_with(start);
                        found |= is_it;
                        if is_it { new.clone() } else { line.to_owned() }
                    })
                    .collect();
                if !found {
                    if !after.is_empty() && !after.ends_with('\n') {
                        after.push('\n');
                    }
                    after.push_str(&new);
                }
                write(path, &after, ctx)
            }
        }
    }
}

fn write(path: &str, text: &str, ctx: &mut Ctx) -> Result<(), Failure> {
    atomic_write::replace(Path::new(path), text.as_bytes(), None, &FileAttributes::default(), ctx)
}

fn running_name() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

fn set_running(place: &Place, name: &str, ctx: &mut Ctx) -> Result<(), Failure> {
    if matches!(place, Place::Systemd) {
        return must(&["hostnamectl", "--transient", "set-hostname", name], ctx).map(|_| ());
    }
    rustix::system::sethostname(name.as_bytes())
        .map_err(|err| Failure::new(format!("could not set the name of the host: {}", os_error::numbered(&err.into()))))
}

/// The name with its domain, as the host itself resolves it.
fn full_name(name: &str, ctx: &mut Ctx) -> String {
    if name.contains('.') {
        return name.to_owned();
    }
    let output = ctx.command(&Command::new(["getent", "hosts", name]));
    let text = output.map(|output| output.stdout_text()).unwrap_or_default();
    let found = text.split_whitespace().skip(1).find(|it| it.starts_with(&format!("{name}."))).map(str::to_owned);
    found.unwrap_or_else(|| name.to_owned())
}

fn must(words: &[&str], ctx: &mut Ctx) -> Result<String, Failure> {
    let output = ctx.command(&Command::new(words)).map_err(|err| Failure::new(os_error::numbered(&err)))?;
    if output.ok() {
        return Ok(output.stdout_text());
    }
    Err(Failure::new(format!(
        "Command failed rc={}, out={}, err={}",
        output.rc,
        output.stdout_text().trim(),
        output.stderr_text().trim()
    )))
}
