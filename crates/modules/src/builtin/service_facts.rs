//! Facts about the services of a host.

use std::collections::BTreeMap;

use rplay_module_api::{
    Command, Ctx, Failure, Json, Kind, Map, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, json, run,
};

use crate::support::{init_system, os_error, program};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(service_facts) };

const EXAMPLE: &str = r#"- name: Know the services
  service_facts:

- name: Say whether ssh is running
  debug:
    msg: "{{ ansible_facts.services['ssh.service'].state | default('not there') }}"
"#;

const RETURNS: &[Return] = &[Return::new(
    "ansible_facts",
    Kind::Dict,
    "always",
    "`services`: for each its name, state, source and, of systemd, status.",
)];

/// Gather facts about services.
#[derive(ModuleArgs)]
#[module(name = "service_facts")]
struct Args {}

type Services = BTreeMap<String, Json>;

fn service_facts(_: Args, ctx: &mut Ctx) -> ModuleResult {
    let mut services = Services::new();
    if program::find("rc-status").is_some() && init_system::name() == "openrc" {
        openrc(&mut services, ctx)?;
    } else {
        system_v(&mut services, ctx)?;
    }
    if program::find("systemctl").is_some() && init_system::name() == "systemd" {
        systemd(&mut services, ctx)?;
    }
    if services.is_empty() {
        return Ok(Outcome::changed(false).with("skipped", true).with(
            "msg",
            "Failed to find any services. This can be due to privileges or some other configuration issue.",
        ));
    }
    let services: Map<String, Json> = services.into_iter().collect();
    Ok(Outcome::changed(false).with("ansible_facts", json!({"services": services})))
}

fn output_of(words: &[&str], ctx: &mut Ctx) -> Result<String, Failure> {
    let command = Command::new(words).env("LC_ALL", "C").env("LANG", "C");
    let output = ctx.command(&command).map_err(|err| Failure::new(os_error::numbered(&err)))?;
    Ok(output.stdout_text())
}

/// Lines such as ` [ + ]  ssh`.
fn system_v(services: &mut Services, ctx: &mut Ctx) -> Result<(), Failure> {
    if program::find("service").is_none() || !std::path::Path::new("/etc/init.d").is_dir() {
        return Ok(());
    }
    for (name, state) in status_lines(&output_of(&["service", "--status-all"], ctx)?) {
        let service = json!({"name": name, "state": state, "source": "sysv"});
        services.insert(name, service);
    }
    Ok(())
}

fn status_lines(text: &str) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("[") {
            continue;
        }
        let state = match words.next() {
            Some("+") => "running",
            Some("-") => "stopped",
            _ => "unknown",
        };
        if let (Some("]"), Some(name)) = (words.next(), words.next()) {
            found.push((name.to_owned(), state));
        }
    }
    found
}

/// Lines such as ` sshd   [  started  ]`, below the names of runlevels.
fn openrc(services: &mut Services, ctx: &mut Ctx) -> Result<(), Failure> {
    let text = output_of(&["rc-status", "-a", "-s", "-r"], ctx)?;
    for line in text.lines() {
        let Some((name, state)) = line.split_once('[') else { continue };
        let (name, state) = (name.trim(), state.trim_end_matches([']', ' ']).trim());
        let state = match state.split_whitespace().next() {
            Some("started") => "running",
            Some(other) => other,
            None => "unknown",
        };
        services.insert(name.to_owned(), json!({"name": name, "state": state, "source": "openrc"}));
    }
    Ok(())
}

/// What is wrong with a unit is its status, whatever its file says.
const BAD: [&str; 3] = ["not-found", "masked", "failed"];

fn systemd(services: &mut Services, ctx: &mut Ctx) -> Result<(), Failure> {
    let units = output_of(&["systemctl", "list-units", "--no-pager", "--type", "service", "--all", "--plain"], ctx)?;
    let mut known: BTreeMap<String, (String, String)> = units.lines().filter_map(unit_line).collect();
    let files = output_of(&["systemctl", "list-unit-files", "--no-pager", "--type", "service", "--all"], ctx)?;
    let mut unseen: Vec<(String, String)> = Vec::new();
    for line in files.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(status)) = (words.next(), words.next()) else { continue };
        if !name.ends_with(".service") {
            continue;
        }
        match known.get_mut(name) {
            Some((_, present)) if !BAD.contains(&present.as_str()) => status.clone_into(present),
            Some(_) => {}
            None => unseen.push((name.to_owned(), status.to_owned())),
        }
    }
    let states = states_of(&unseen, ctx)?;
    for (name, status) in unseen {
        let state = states.get(&name).cloned().unwrap_or_else(|| "unknown".to_owned());
        known.insert(name, (state, status));
    }
    for (name, (state, status)) in known {
        let service = json!({"name": name, "state": state, "status": status, "source": "systemd"});
        services.insert(name, service);
    }
    Ok(())
}

/// Name, state and status in a line of `list-units`.
fn unit_line(line: &str) -> Option<(String, (String, String))> {
    let words: Vec<_> = line.trim_start_matches(['●', '*', ' ']).split_whitespace().collect();
    let name = words.first().filter(|name| name.ends_with(".service"))?;
    let head = words.get(1..4)?;
    let status = head.iter().find(|word| BAD.contains(word)).or_else(|| head.get(1))?;
    let state = if head.get(2) == Some(&"running") { "running" } else { "stopped" };
    Some(((*name).to_owned(), (state.to_owned(), (*status).to_owned())))
}

/// The states of units that are not loaded, all in one question. Templates have none.
fn states_of(units: &[(String, String)], ctx: &mut Ctx) -> Result<BTreeMap<String, String>, Failure> {
    let names: Vec<_> = units.iter().map(|(name, _)| name.as_str()).filter(|name| !name.contains("@.")).collect();
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut words = vec!["systemctl", "show", "--property=ActiveState", "--"];
    words.extend(&names);
    let text = output_of(&words, ctx)?;
    let states = text.lines().filter_map(|line| line.strip_prefix("ActiveState="));
    Ok(names.iter().map(|name| (*name).to_owned()).zip(states.map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_both_systems_are_read() {
        assert_eq!(
            status_lines(" [ + ]  ssh\n [ - ]  x11-common\n [ ? ]  odd\nwhatever\n"),
            [("ssh".to_owned(), "running"), ("x11-common".to_owned(), "stopped"), ("odd".to_owned(), "unknown")]
        );
        let unit = |line: &str| unit_line(line).map(|(name, (state, status))| format!("{name} {state} {status}"));
        assert_eq!(
            unit("ssh.service  loaded active running OpenBSD failed server").unwrap(),
            "ssh.service running active"
        );
        assert_eq!(unit("● a.service  not-found inactive dead a.service").unwrap(), "a.service stopped not-found");
        assert_eq!(unit("b.service loaded failed failed B").unwrap(), "b.service stopped failed");
        assert_eq!(unit("UNIT LOAD ACTIVE SUB DESCRIPTION"), None);
    }
}
