//! Services of whatever init system the host has: systemd by its own module, otherwise OpenRC or System V scripts.

use std::path::Path;
use std::time::Duration;

use rplay_module_api::{Arg, Command, CommandOutput, Ctx, Failure, Module, ModuleResult, Outcome, Rule, Spec, run};
use serde::Deserialize;

use crate::builtin::systemd;
use crate::support::{init_system, os_error, shell_words};

pub const MODULE: Module = Module {
    spec: Spec {
        name: "service",
        summary: "Manage services.",
        args: &[
            Arg::str("name", "The service.").required(),
            Arg::str("state", "What the service should be doing.").choices(&[
                "reloaded",
                "restarted",
                "started",
                "stopped",
            ]),
            Arg::bool("enabled", "Start it at boot."),
            Arg::int("sleep", "Seconds between stop and start of a restart."),
            Arg::str("pattern", "Text in the process list that shows that the service runs."),
            Arg::str("arguments", "More arguments for the init script.").default("").aliases(&["args"]),
            Arg::str("runlevel", "OpenRC runlevel.").default("default"),
            Arg::str("use", "The init system, instead of finding out.").default("auto"),
        ],
        rules: &[Rule::RequiredOneOf(&["state", "enabled"])],
        ..Spec::EMPTY
    },
    run: run!(service),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    name: String,
    state: Option<String>,
    enabled: Option<bool>,
    sleep: Option<u64>,
    pattern: Option<String>,
    arguments: String,
    runlevel: String,
    #[serde(rename = "use")]
    init_system: String,
}

fn service(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let init_system = match args.init_system.as_str() {
        "auto" => init_system::name(),
        other => other.rsplit('.').next().unwrap_or(other).to_owned(),
    };
    match init_system.as_str() {
        "systemd" | "systemd_service" => through_systemd(args, ctx),
        "openrc" => manage(&args, &Init::OpenRc, ctx),
        "launchd" | "smf" | "runit" => Err(Failure::new(format!("services of {init_system} cannot be managed"))),
        // Hosts whose first process is unknown, such as containers, have at most init scripts.
        _ => manage(&args, &Init::SystemV, ctx),
    }
}

fn through_systemd(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let unused = [
        ("pattern", args.pattern.is_some()),
        ("sleep", args.sleep.is_some()),
        ("arguments", !args.arguments.is_empty()),
        ("runlevel", args.runlevel != "default"),
    ];
    for (name, _) in unused.iter().filter(|(_, given)| *given) {
        ctx.warn(format!("Ignoring \"{name}\" as it is not used in \"systemd\""));
    }
    systemd::manage(args.name, args.state, args.enabled, ctx)
}

enum Init {
    OpenRc,
    SystemV,
}

fn manage(args: &Args, init: &Init, ctx: &mut Ctx) -> ModuleResult {
    if !Path::new("/etc/init.d").join(&args.name).exists() {
        return Err(Failure::new(format!("Could not find the requested service {}: host", args.name)));
    }
    let mut outcome = Outcome::changed(false).with("name", args.name.clone());
    if let Some(wanted) = args.enabled {
        outcome.changed |= enable(args, init, wanted, ctx)?;
        outcome.fields.insert("enabled".into(), wanted.into());
    }
    if let Some(state) = &args.state {
        outcome.changed |= set_state(args, init, state, ctx)?;
        let shown = if matches!(state.as_str(), "reloaded" | "restarted") { "started" } else { state };
        outcome.fields.insert("state".into(), shown.into());
    }
    Ok(outcome)
}

fn enable(args: &Args, init: &Init, wanted: bool, ctx: &mut Ctx) -> Result<bool, Failure> {
    let enabled = match init {
        Init::OpenRc => Path::new("/etc/runlevels").join(&args.runlevel).join(&args.name).exists(),
        Init::SystemV => systemd::has_start_links(&args.name),
    };
    if enabled == wanted {
        return Ok(false);
    }
    if !ctx.check {
        let words: &[&str] = match (init, wanted) {
            (Init::OpenRc, true) => &["rc-update", "add", &args.name, &args.runlevel],
            (Init::OpenRc, false) => &["rc-update", "delete", &args.name, &args.runlevel],
            (Init::SystemV, true) if has_program("update-rc.d") => &["update-rc.d", &args.name, "defaults"],
            (Init::SystemV, false) if has_program("update-rc.d") => &["update-rc.d", &args.name, "disable"],
            (Init::SystemV, true) => &["chkconfig", &args.name, "on"],
            (Init::SystemV, false) => &["chkconfig", &args.name, "off"],
        };
        must_succeed(words, ctx)?;
        // `defaults` keeps links that `disable` turned round.
        if wanted && words.first() == Some(&"update-rc.d") {
            must_succeed(&["update-rc.d", &args.name, "enable"], ctx)?;
        }
    }
    Ok(true)
}

fn set_state(args: &Args, init: &Init, wanted: &str, ctx: &mut Ctx) -> Result<bool, Failure> {
    let running = is_running(args, init, ctx)?;
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
            let output = control(args, init, verb, ctx)?;
            if !output.ok() {
                let text = format!("{}{}", output.stdout_text(), output.stderr_text());
                return Err(Failure::new(format!("Unable to {verb} service {}: {}", args.name, text.trim())));
            }
        }
    }
    Ok(true)
}

fn is_running(args: &Args, init: &Init, ctx: &mut Ctx) -> Result<bool, Failure> {
    if let Some(pattern) = &args.pattern {
        return Ok(process_matches(pattern));
    }
    // LSB: 0 is running, 3 is not running; anything else an old script says in words, if at all.
    let output = control(args, init, "status", ctx)?;
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

fn control(args: &Args, init: &Init, verb: &str, ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
    let mut words = match init {
        Init::OpenRc => vec!["rc-service".to_owned(), args.name.clone(), verb.to_owned()],
        Init::SystemV if has_program("service") => vec!["service".to_owned(), args.name.clone(), verb.to_owned()],
        Init::SystemV => vec![format!("/etc/init.d/{}", args.name), verb.to_owned()],
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
