//! Units of systemd: state, enablement, masks. One `systemctl show` tells all that is needed to see that nothing is to be done.

use std::path::Path;

use rplay_module_api::{
    Command, CommandOutput, Ctx, Failure, Json, Kind, Map, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run,
};

use crate::support::os_error;

pub const MODULE: Module = Module { spec: SPEC, run: run!(systemd) };

const SPEC: Spec = Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC };

const EXAMPLE: &str = r"- name: Start a service whose unit was written just now
  systemd:
    name: app
    state: started
    enabled: true
    daemon_reload: true
";

const RETURNS: &[Return] = &[
    Return::new("name", Kind::Str, "with name", "The unit."),
    Return::new("state", Kind::Str, "with state", "What it is doing now."),
    Return::new("enabled", Kind::Bool, "with enabled", "Whether it is started at boot."),
    Return::new("status", Kind::Dict, "with name", "What systemd says of the unit."),
];

/// The same under its other name.
pub const SYSTEMD_SERVICE: Module = Module { spec: Spec { name: "systemd_service", ..SPEC }, run: run!(systemd) };

/// Manage systemd units.
#[derive(ModuleArgs)]
#[module(name = "systemd")]
#[module(required_one_of("state", "enabled", "masked", "daemon_reload", "daemon_reexec"))]
#[module(required_by("state", "name"))]
#[module(required_by("enabled", "name"))]
#[module(required_by("masked", "name"))]
pub struct Args {
    /// The unit; `.service` may be left out.
    #[arg(alias("service", "unit"))]
    pub name: Option<String>,
    /// What the unit should be doing.
    #[arg(choices("reloaded", "restarted", "started", "stopped"))]
    pub state: Option<String>,
    /// Start it at boot.
    pub enabled: Option<bool>,
    #[arg(flatten)]
    pub options: Options,
}

/// What only systemd knows of a service.
#[derive(ModuleArgs)]
pub struct Options {
    /// Overwrite links that are in the way.
    force: Option<bool>,
    /// Make it impossible to start.
    masked: Option<bool>,
    /// Read unit files again, before anything else.
    #[arg(default = "no", alias("daemon-reload"))]
    daemon_reload: bool,
    /// Execute the manager again, before anything else.
    #[arg(default = "no", alias("daemon-reexec"))]
    daemon_reexec: bool,
    /// Whose manager.
    #[arg(default = "system", choices("system", "user", "global"))]
    scope: String,
    /// Don't wait until the job is done.
    #[arg(default = "no")]
    no_block: bool,
}

impl Options {
    /// The names of what was asked for.
    pub fn given(&self) -> Vec<&'static str> {
        let given = [
            ("daemon_reexec", self.daemon_reexec),
            ("daemon_reload", self.daemon_reload),
            ("force", self.force.is_some()),
            ("masked", self.masked.is_some()),
            ("no_block", self.no_block),
            ("scope", self.scope != "system"),
        ];
        given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect()
    }
}

/// What `service` does where systemd runs: the rules of the arguments are asked here.
pub fn checked(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let asked = [
        args.state.is_some(),
        args.enabled.is_some(),
        args.options.masked.is_some(),
        args.options.daemon_reload,
        args.options.daemon_reexec,
    ];
    if !asked.contains(&true) {
        return Err(Failure::new(
            "one of the following is required: state, enabled, masked, daemon_reload, daemon_reexec",
        ));
    }
    let needing = ["state", "enabled", "masked"].into_iter().zip(asked).find(|(_, given)| *given);
    if let (None, Some((needing, _))) = (&args.name, needing) {
        return Err(Failure::new(format!("missing parameter(s) required by '{needing}': name")));
    }
    systemd(args, ctx)
}

fn systemd(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let manager = Manager {
        scope: args.options.scope.clone(),
        force: args.options.force == Some(true),
        no_block: args.options.no_block,
    };
    if let Some(unit) = &args.name
        && unit.contains(['*', '?', '['])
    {
        let glob = unit.chars().find(|it| "*?[".contains(*it)).unwrap_or('*');
        return Err(Failure::new(format!(
            "This module does not currently support using glob patterns, found '{glob}' in service name: {unit}"
        )));
    }
    for (wanted, verb) in [(args.options.daemon_reload, "daemon-reload"), (args.options.daemon_reexec, "daemon-reexec")]
    {
        if wanted && !ctx.check {
            manager.reload(verb, ctx)?;
        }
    }
    let mut outcome = Outcome::changed(false);
    outcome.fields.insert("name".into(), args.name.clone().into());
    outcome.fields.insert("status".into(), Json::Object(Map::new()));
    let Some(name) = &args.name else { return Ok(outcome) };

    let mut unit = manager.look(name, ctx)?;
    outcome.fields.insert("status".into(), Json::Object(unit.status.clone()));
    if let Some(masked) = args.options.masked {
        outcome.changed |= manager.mask(&mut unit, masked, ctx)?;
    }
    if let Some(enabled) = args.enabled {
        outcome.changed |= manager.enable(&unit, enabled, ctx)?;
        outcome.fields.insert("enabled".into(), enabled.into());
    }
    if let Some(state) = &args.state {
        outcome.changed |= manager.set_state(&unit, state, ctx)?;
        let shown = if matches!(state.as_str(), "reloaded" | "restarted") { "started" } else { state };
        outcome.fields.insert("state".into(), shown.into());
    }
    Ok(outcome)
}

struct Manager {
    scope: String,
    force: bool,
    no_block: bool,
}

struct Unit {
    name: String,
    status: Map<String, Json>,
    /// There is a script in /etc/init.d; systemd makes a unit from it.
    has_init_script: bool,
}

impl Unit {
    fn property(&self, name: &str) -> &str {
        self.status.get(name).and_then(Json::as_str).unwrap_or_default()
    }

    fn is_known(&self) -> bool {
        self.has_init_script || !matches!(self.property("LoadState"), "" | "not-found")
    }

    fn is_masked(&self) -> bool {
        self.property("LoadState") == "masked"
    }

    fn is_running(&self) -> bool {
        matches!(self.property("ActiveState"), "active" | "activating")
    }

    fn is_enabled(&self) -> bool {
        match self.property("UnitFileState") {
            "enabled" | "enabled-runtime" | "static" | "linked" | "linked-runtime" | "transient" => true,
            // Only the links of the init script say whether systemd starts what it generated from it.
            "generated" | "" => self.has_init_script && has_start_links(&self.name),
            _ => false,
        }
    }

    fn must_exist(&self) -> Result<(), Failure> {
        if self.is_known() {
            return Ok(());
        }
        Err(Failure::new(format!("Could not find the requested service {}: host", self.name))
            .with("name", self.name.clone())
            .with("status", self.status.clone()))
    }
}

/// Whether an init script is started in one of the usual runlevels.
pub fn has_start_links(name: &str) -> bool {
    let name = name.trim_end_matches(".service");
    ["2", "3", "4", "5", "S"].iter().any(|level| {
        std::fs::read_dir(format!("/etc/rc{level}.d")).is_ok_and(|mut entries| {
            entries.any(|entry| {
                let Ok(entry) = entry else { return false };
                let link = entry.file_name();
                let link = link.to_string_lossy();
                link.starts_with('S') && link.get(3..) == Some(name)
            })
        })
    })
}

impl Manager {
    fn systemctl(&self, verb: &[&str], ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
        let mut words = vec!["systemctl"];
        match self.scope.as_str() {
            "user" => words.push("--user"),
            "global" => words.push("--global"),
            _ => {}
        }
        if self.no_block {
            words.push("--no-block");
        }
        if self.force {
            words.push("--force");
        }
        words.extend(verb);
        let mut command = Command::new(words).env("LC_ALL", "C").env("SYSTEMD_COLORS", "0");
        if self.scope == "user" && std::env::var_os("XDG_RUNTIME_DIR").is_none() {
            command = command.env("XDG_RUNTIME_DIR", format!("/run/user/{}", rustix::process::geteuid().as_raw()));
        }
        ctx.command(&command).map_err(|err| match err.kind() {
            std::io::ErrorKind::NotFound => {
                Failure::new("Failed to find required executable \"systemctl\" in paths: /usr/sbin:/usr/bin:/sbin:/bin")
            }
            _ => Failure::new(format!("systemctl: {}", os_error::numbered(&err))),
        })
    }

    fn reload(&self, verb: &str, ctx: &mut Ctx) -> Result<(), Failure> {
        let output = self.systemctl(&[verb], ctx)?;
        if output.ok() {
            return Ok(());
        }
        if is_offline() {
            ctx.warn(format!(
                "{verb} failed, but target is a chroot or systemd is offline. Continuing. Error was: {} / {}",
                output.rc,
                output.stderr_text()
            ));
            return Ok(());
        }
        Err(Failure::new(format!("failure {} during {verb}: {}", output.rc, output.stderr_text())))
    }

    fn look(&self, name: &str, ctx: &mut Ctx) -> Result<Unit, Failure> {
        let output = self.systemctl(&["show", name], ctx)?;
        let script = Path::new("/etc/init.d").join(name.trim_end_matches(".service"));
        let unit = Unit {
            name: name.to_owned(),
            status: if output.ok() { parse_properties(&output.stdout_text()) } else { Map::new() },
            has_init_script: self.scope == "system" && !name.contains('/') && script.is_file(),
        };
        if !output.ok() && !is_offline() {
            let text = output.stderr_text();
            return Err(Failure::new(format!("Error loading unit file '{name}': {}", text.trim())));
        }
        let error = unit.property("LoadError");
        if unit.is_known() && !unit.is_masked() && !error.is_empty() {
            return Err(Failure::new(format!("Error loading unit file '{name}': {error}")));
        }
        Ok(unit)
    }

    fn mask(&self, unit: &mut Unit, wanted: bool, ctx: &mut Ctx) -> Result<bool, Failure> {
        if unit.is_masked() == wanted {
            return Ok(false);
        }
        if !wanted {
            unit.must_exist()?;
        }
        if !ctx.check {
            let verb = if wanted { "mask" } else { "unmask" };
            let output = self.systemctl(&[verb, &unit.name], ctx)?;
            if !output.ok() {
                // A unit that is nowhere can be masked only if this is said explicitly.
                unit.must_exist()?;
                return Err(unable(verb, unit, &output));
            }
            // What is below the mask decides about the state and the enablement.
            if !wanted {
                *unit = self.look(&unit.name, ctx)?;
            }
        }
        Ok(true)
    }

    fn enable(&self, unit: &Unit, wanted: bool, ctx: &mut Ctx) -> Result<bool, Failure> {
        unit.must_exist()?;
        // `global` has no manager that could be asked with `show`.
        let enabled = if self.scope == "global" {
            self.systemctl(&["is-enabled", &unit.name], ctx)?.ok()
        } else {
            unit.is_enabled()
        };
        if enabled == wanted {
            return Ok(false);
        }
        if !ctx.check {
            let verb = if wanted { "enable" } else { "disable" };
            let output = self.systemctl(&[verb, &unit.name], ctx)?;
            if !output.ok() {
                return Err(unable(verb, unit, &output));
            }
        }
        Ok(true)
    }

    fn set_state(&self, unit: &Unit, wanted: &str, ctx: &mut Ctx) -> Result<bool, Failure> {
        unit.must_exist()?;
        if unit.property("ActiveState").is_empty() {
            if is_offline() {
                ctx.warn("Target is a chroot or systemd is offline. This can lead to false positives or prevent the init system tools from working.");
                return Ok(false);
            }
            return Err(Failure::new("Service is in unknown state").with("status", unit.status.clone()));
        }
        let running = unit.is_running();
        let verb = match wanted {
            "started" if running => return Ok(false),
            "started" => "start",
            "stopped" if running || unit.property("ActiveState") == "deactivating" => "stop",
            "stopped" => return Ok(false),
            _ if !running => "start",
            "reloaded" => "reload",
            _ => "restart",
        };
        if !ctx.check {
            let output = self.systemctl(&[verb, &unit.name], ctx)?;
            if !output.ok() {
                return Err(unable(verb, unit, &output));
            }
        }
        Ok(true)
    }
}

fn unable(verb: &str, unit: &Unit, output: &CommandOutput) -> Failure {
    let text = output.stderr_text();
    let text = if text.trim().is_empty() { output.stdout_text() } else { text };
    Failure::new(format!("Unable to {verb} service {}: {text}", unit.name))
        .with("name", unit.name.clone())
        .with("status", unit.status.clone())
}

fn is_offline() -> bool {
    std::env::var("SYSTEMD_OFFLINE").is_ok_and(|it| matches!(it.as_str(), "1" | "true" | "yes"))
        || !Path::new("/run/systemd/system").exists()
}

/// `Name=value` lines; a value that opens with a brace goes on until a line that closes it.
fn parse_properties(text: &str) -> Map<String, Json> {
    let mut properties = Map::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some((name, value)) = &mut open {
            value.push('\n');
            value.push_str(line);
            if line.trim_end().ends_with('}') {
                properties.insert(std::mem::take(name), value.trim().into());
                open = None;
            }
        } else if let Some((name, value)) = line.split_once('=') {
            if value.trim_start().starts_with('{') && !value.trim_end().ends_with('}') && name.starts_with("Exec") {
                open = Some((name.to_owned(), value.to_owned()));
            } else {
                properties.insert(name.to_owned(), value.trim().into());
            }
        }
    }
    properties
}

#[cfg(test)]
mod tests;
