//! Facts about installed packages.

mod apt;

use std::collections::BTreeMap;

use rplay_module_api::{
    Choice, Command, Ctx, Failure, Json, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, json, run,
};

use crate::support::{os_error, program};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(package_facts) };

const EXAMPLE: &str = r#"- name: Know the packages
  package_facts:
    manager: auto

- name: Say which version of ssh there is
  debug:
    msg: "{{ ansible_facts.packages['openssh-server'][0].version }}"
  when: "'openssh-server' in ansible_facts.packages"
"#;

const RETURNS: &[Return] = &[Return::new(
    "ansible_facts",
    Kind::Dict,
    "always",
    "`packages`: for each name a list of what is installed under it, each with name, version and source.",
)];

/// Gather facts about packages.
#[derive(ModuleArgs)]
#[module(name = "package_facts")]
struct Args {
    /// The package managers to ask, in this order; `auto` are all that are known.
    #[arg(
        default = "['auto']",
        choices(
            "auto",
            "rpm",
            "yum",
            "dnf",
            "dnf5",
            "zypper",
            "apt",
            "portage",
            "pkg",
            "pkg5",
            "pkgng",
            "pacman",
            "apk",
            "pkg_info",
            "openbsd_pkg"
        )
    )]
    manager: Vec<String>,
    /// Ask the first that is there, or all.
    #[arg(default = "first")]
    strategy: Strategy,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    First,
    All,
}

type Packages = BTreeMap<String, Vec<Json>>;

const KNOWN: [&str; 4] = ["rpm", "apt", "pacman", "apk"];

fn package_facts(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let mut managers: Vec<&str> = Vec::new();
    let mut foreign: Vec<&str> = Vec::new();
    for name in &args.manager {
        match name.as_str() {
            "auto" => managers.extend(KNOWN),
            "yum" | "dnf" | "dnf5" | "zypper" => managers.push("rpm"),
            known if KNOWN.contains(&known) => managers.push(known),
            other => foreign.push(other),
        }
    }
    if !foreign.is_empty() {
        return Err(Failure::new(format!("package_facts: {} is not supported", foreign.join(", "))));
    }
    let mut packages = Packages::new();
    let mut found = false;
    for manager in managers {
        if found && args.strategy == Strategy::First {
            break;
        }
        found |= match manager {
            "apt" => apt::add(&mut packages, ctx)?,
            "rpm" => rpm(&mut packages, ctx)?,
            "pacman" => pacman(&mut packages, ctx)?,
            _ => apk(&mut packages)?,
        };
    }
    if !found {
        return Err(Failure::new(format!(
            "Could not detect a supported package manager from the following list: [{}], or the required Python library \
             is not installed. Check warnings for details.",
            args.manager.iter().map(|it| format!("'{it}'")).collect::<Vec<_>>().join(", ")
        )));
    }
    Ok(Outcome::changed(false).with("ansible_facts", json!({"packages": packages})))
}

fn output_of(words: &[&str], ctx: &mut Ctx) -> Result<String, Failure> {
    let command = Command::new(words).env("LC_ALL", "C");
    let output = ctx.command(&command).map_err(|err| Failure::new(os_error::numbered(&err)))?;
    if output.ok() { Ok(output.stdout_text()) } else { Err(Failure::new(output.stderr_text())) }
}

const RPM_FORMAT: &str = "%{NAME}\\t%{VERSION}\\t%{RELEASE}\\t%{EPOCH}\\t%{ARCH}\\n";

fn rpm(packages: &mut Packages, ctx: &mut Ctx) -> Result<bool, Failure> {
    // A Debian host may have the program without any package of its own.
    if program::find("rpm").is_none() {
        return Ok(false);
    }
    let text = output_of(&["rpm", "-qa", "--queryformat", RPM_FORMAT], ctx)?;
    let mut any = false;
    for line in text.lines() {
        any |= add_rpm(packages, line);
    }
    Ok(any)
}

fn add_rpm(packages: &mut Packages, line: &str) -> bool {
    let fields: Vec<_> = line.split('\t').collect();
    let [name, version, release, epoch, arch] = fields.as_slice() else { return false };
    let epoch: Json = epoch.parse::<i64>().map_or(Json::Null, Json::from);
    let arch: Json = if *arch == "(none)" { Json::Null } else { (*arch).into() };
    packages.entry((*name).to_owned()).or_default().push(json!({
        "name": name, "version": version, "release": release, "epoch": epoch, "arch": arch, "source": "rpm",
    }));
    true
}

fn pacman(packages: &mut Packages, ctx: &mut Ctx) -> Result<bool, Failure> {
    if program::find("pacman").is_none() {
        return Ok(false);
    }
    let text = output_of(&["pacman", "-Qi"], ctx)?;
    let mut name = None;
    for line in text.lines() {
        let Some((key, value)) = line.split_once(" : ") else { continue };
        match key.trim() {
            "Name" => name = Some(value.trim().to_owned()),
            "Version" => {
                if let Some(name) = name.take() {
                    packages
                        .entry(name.clone())
                        .or_default()
                        .push(json!({"name": name, "version": value.trim(), "source": "pacman"}));
                }
            }
            _ => {}
        }
    }
    Ok(true)
}

/// The database of apk is a file of paragraphs: `P:` the name, `V:` the version with its release.
fn apk(packages: &mut Packages) -> Result<bool, Failure> {
    let Ok(text) = std::fs::read_to_string("/lib/apk/db/installed") else { return Ok(false) };
    for paragraph in text.split("\n\n") {
        let field = |key: &str| paragraph.lines().find_map(|line| line.strip_prefix(key));
        let (Some(name), Some(version)) = (field("P:"), field("V:")) else { continue };
        let (number, release) = version.rsplit_once("-r").unwrap_or((version, ""));
        packages
            .entry(name.to_owned())
            .or_default()
            .push(json!({"name": name, "version": number, "release": format!("r{release}"), "source": "apk"}));
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_rpm_is_read() {
        let mut packages = Packages::new();
        assert!(add_rpm(&mut packages, "bash\t5.1.8\t6.el9\t(none)\tx86_64"));
        assert!(!add_rpm(&mut packages, "nothing"));
        assert_eq!(
            json!(packages),
            json!({"bash": [{"name": "bash", "version": "5.1.8", "release": "6.el9", "epoch": null, "arch": "x86_64", "source": "rpm"}]})
        );
    }
}
