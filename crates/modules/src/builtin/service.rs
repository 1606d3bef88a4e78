//! Services of whatever init system the host has: systemd by its own module, otherwise OpenRC or System V scripts.

use std::path::Path;
use std::time::Duration;

use rplay_module_api::{
    Command, CommandOutput, Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run,
    shell_words,
};

use crate::builtin::systemd;
use crate::support::{init_system, os_error};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(service) };

const EXAMPLE: &str = r"- name: Have a service run, now and after a restart
  service:
    name: nginx
    state: started
    enabled: true
";

const RETURNS: &[Return] = &[
    Return::new("name", Kind::Str, "always", "The service."),
    Return::new("state", Kind::Str, "with state", "What it is doing now."),
    Return::new("enabled", Kind::Bool, "with enabled", "Whether it is started at boot."),
    Return::new("status", Kind::Dict, "with systemd", "What systemd says of the unit."),
];

/// Manage services.
#[derive(ModuleArgs)]
#[module(name = "service")]
struct Args {
    /// The service.
    #[arg(alias("service", "unit"))]
    name: Option<String>,
    /// What the service should be doing.
    #[arg(choices("reloaded", "restarted", "started", "stopped"))]
    state: Option<String>,
    /// Start it at boot.
    enabled: Option<bool>,
    /// Seconds between stop and start of a restart.
    sleep: Option<u64>,
    /// Text in the process list that shows that the service runs.
    pattern: Option<String>,
    /// More arguments for the init script.
    #[arg(default = "", alias("args"))]
    arguments: String,
    /// OpenRC runlevel.
    #[arg(default = "default")]
    runlevel: String,
    /// The init system, instead of finding out.
    #[arg(name = "use", default = "auto")]
    init_system: String,
    // What it doesn't know itself it hands on.
    #[arg(flatten)]
    options: systemd::Options,
}

fn service(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let init_system = match args.init_system.as_str() {
        "auto" => init_system::name(),
        other => other.rsplit('.').next().unwrap_or(other).to_owned(),
    };
    let init = match init_system.as_str() {
        "systemd" | "systemd_service" => return through_systemd(args, ctx),
        "openrc" => Init::OpenRc,
        "launchd" | "smf" | "runit" => {
            return Err(Failure::new(format!("services of {init_system} cannot be managed")));
        }
        // Hosts whose first process is unknown, such as containers, have at most init scripts.
        _ => Init::SystemV,
    };
    let foreign = args.options.given();
    if !foreign.is_empty() {
        return Err(Failure::new(format!(
            "Unsupported parameters for (ansible.legacy.service) module: {}. Supported parameters include: arguments, \
             enabled, name, pattern, runlevel, sleep, state (args).",
            foreign.join(", ")
        )));
    }
    let Some(name) = args.name.clone() else {
        return Err(Failure::new("missing required arguments: name"));
    };
    if args.state.is_none() && args.enabled.is_none() {
        return Err(Failure::new("one of the following is required: state, enabled"));
    }
    manage(&args, &name, &init, ctx)
}

fn through_systemd(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let unused = [
        ("pattern", args.pattern.is_some()),
        ("runlevel", args.runlevel != "default"),
        ("sleep", args.sleep.is_some()),
        ("arguments", !args.arguments.is_empty()),
    ];
    for (name, _) in unused.iter().filter(|(_, given)| *given) {
        ctx.warn(format!("Ignoring \"{name}\" as it is not used in \"systemd\""));
    }
    let Args { name, state, enabled, options, .. } = args;
    systemd::checked(systemd::Args { name, state, enabled, options }, ctx)
}

enum Init {
    OpenRc,
    SystemV,
}

fn manage(args: &Args, name: &str, init: &Init, ctx: &mut Ctx) -> ModuleResult {
    if !Path::new("/etc/init.d").join(name).exists() {
        return Err(Failure::new(format!("Could not find the requested service {name}: host")));
    }
    let mut outcome = Outcome::changed(false).with("name", name);
    if let Some(wanted) = args.enabled {
        outcome.changed |= enable(args, name, init, wanted, ctx)?;
        outcome.fields.insert("enabled".into(), wanted.into());
    }
    if let Some(state) = &args.state {
        outcome.changed |= set_state(args, name, init, state, ctx)?;
        let shown = if matches!(state.as_str(), "reloaded" | "restarted") { "started" } else { state };
        outcome.fields.insert("state".into(), shown.into());
    }
    Ok(outcome)
}

fn enable(args: &Args, name: &str, init: &Init, wanted: bool, ctx: &mut Ctx) -> Result<bool, Failure> {
    let enabled = match init {
        Init::OpenRc => Path::new("/etc/runlevels").join(&args.runlevel).join(name).exists(),
        Init::SystemV => systemd::has_start_links(name),
    };
    if enabled == wanted {
        return Ok(false);
    }
    if !ctx.check {
        let words: &[&str] = match (init, wanted) {
            (Init::OpenRc, true) => &["rc-update", "add", name, &args.runlevel],
            (Init::OpenRc, false) => &["rc-update", "delete", name, &args.runlevel],
            (Init::SystemV, true) if has_program("update-rc.d") => &["update-rc.d", name, "defaults"],
            (Init::SystemV, false) if has_program("update-rc.d") => &["update-rc.d", name, "disable"],
            (Init::SystemV, true) => &["chkconfig", name, "on"],
            (Init::SystemV, false) => &["chkconfig", name, "off"],
        };
        must_succeed(words, ctx)?;
        // `defaults` keeps links that `disable` turned round.
        if wanted && words.first() == Some(&"update-rc.d") {
            must_succeed(&["update-rc.d", name, "enable"], ctx)?;
        }
    }
    Ok(true)
}

fn set_state(args: &Args, name: &str, init: &Init, wanted: &str, ctx: &mut Ctx) -> Result<bool, Failure> {
    let running = is_running(args, name, init, ctx)?;
    let verbs: &[&str] = match wanted {
        "started" if running => return Ok(false),
        "stopped" if !running => return Ok(false),
        "stopped" => &["stop"],
        "reloaded" if running => &["reload"],
        "restarted" if running && args.sleep.is_some() => &["stop", "start"],
        "restarted" => &["restart"],
        _ => &["start"],
    };
    if !ctx.check {
        for (index, verb) in verbs.iter().enumerate() {
            if index > 0 {
                std::thread::sleep(Duration::from_secs(args.sleep.unwrap_or(0)));
            }
            let output = control(args, name, init, verb, ctx)?;
            if !output.ok() {
                let text = format!("{}{}", output.stdout_text(), output.stderr_text());
                return Err(Failure::new(format!("Unable to {verb} service {}: {}", name, text.trim())));
            }
        }
    }
    Ok(true)
}

fn is_running(args: &Args, name: &str, init: &Init, ctx: &mut Ctx) -> Result<bool, Failure> {
    if let Some(pattern) = &args.pattern {
        return Ok(process_matches(pattern));
    }
    // LSB: 0 is running, 3 is not running; anything else an old script says in words, if at all.
    let output = control(args, name, init, "status", ctx)?;
    let text = output.stdout_text().to_lowercase();
    let denied = ["not running", "stopped", "is dead", "inactive", "not started"].iter().any(|it| text.contains(it));
    Ok(output.ok() && !denied)
}

fn process_matches(pattern: &str) -> bool {
    let own = std::process::id().to_string();
    let Ok(entries) = std::fs::read_dir("/proc") else { return false };
    entries.flatten().any(|entry| {
        entry.file_name().to_string_lossy() != own
            && std::fs::read(entry.path().join("cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).replace('\0', " ").contains(pattern))
    })
}

fn control(args: &Args, name: &str, init: &Init, verb: &str, ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
    let mut words = match init {
        Init::OpenRc => vec!["rc-service".to_owned(), name.to_owned(), verb.to_owned()],
        Init::SystemV if has_program("service") => vec!["service".to_owned(), name.to_owned(), verb.to_owned()],
        Init::SystemV => vec![format!("/etc/init.d/{}", name), verb.to_owned()],
    };
    words.extend(shell_words::split(&args.arguments).unwrap_or_default());
    ctx.command(&Command::new(words)).map_err(|err| Failure::new(os_error::numbered(&err)))
}

fn must_succeed(words: &[&str], ctx: &mut Ctx) -> Result<(), Failure> {
    let output = ctx.command(&Command::new(words)).map_err(|err| Failure::new(os_error::numbered(&err)))?;
    if output.ok() {
        return Ok(());
    }
    Err(Failure::new(format!("{}: {}", words.join(" "), output.stderr_text().trim())).with("rc", output.rc))
}

fn has_program(name: &str) -> bool {
    crate::support::program::find(name).is_some()
}
