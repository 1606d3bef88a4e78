//! The firewall of Ubuntu, by its own program.

mod rule;

use std::fs;

use rplay_module_api::{
    Command, Ctx, Failure, Json, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run, shell_words,
};

use crate::support::run;

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(ufw) };

const EXAMPLE: &str = r#"- name: Let ssh in, and nothing else
  community.general.ufw:
    rule: allow
    port: "22"
    proto: tcp

- name: Have the firewall on
  community.general.ufw:
    state: enabled
    policy: deny
"#;

const RETURNS: &[Return] = &[
    Return::new("commands", Kind::List, "always", "What was run."),
    Return::new("msg", Kind::Str, "not in check mode", "The firewall's state afterwards."),
];

/// Manage the firewall with ufw.
#[derive(ModuleArgs)]
#[module(name = "ufw")]
#[module(mutually_exclusive("name", "proto", "logging"))]
#[module(mutually_exclusive("direction", "interface_in"), mutually_exclusive("direction", "interface_out"))]
#[module(required_one_of("state", "default", "rule", "logging"))]
#[module(required_by("interface", "direction"))]
pub struct Args {
    /// Whether the firewall is on, now and after a restart, or is loaded anew, or loses its rules.
    #[arg(choices("enabled", "disabled", "reloaded", "reset"))]
    state: Option<String>,
    /// What becomes of what no rule is about.
    #[arg(alias("policy"), choices("allow", "deny", "reject"))]
    default: Option<String>,
    /// Which way.
    #[arg(choices("in", "incoming", "out", "outgoing", "routed"))]
    direction: Option<String>,
    /// How much is logged.
    #[arg(choices("full", "high", "low", "medium", "off", "on"))]
    logging: Option<String>,
    /// The number that a new rule gets.
    insert: Option<i64>,
    /// What that number is counted from.
    #[arg(default = "zero", choices("zero", "first-ipv4", "last-ipv4", "first-ipv6", "last-ipv6"))]
    insert_relative_to: String,
    /// What becomes of what the rule is about.
    #[arg(choices("allow", "deny", "limit", "reject"))]
    rule: Option<String>,
    /// Log new connections that the rule is about.
    #[arg(default = "no")]
    log: bool,
    /// From which address.
    #[arg(default = "any", alias("from", "src"))]
    from_ip: String,
    /// From which port.
    from_port: Option<String>,
    /// To which address.
    #[arg(default = "any", alias("dest", "to"))]
    to_ip: String,
    /// To which port.
    #[arg(alias("port"))]
    to_port: Option<String>,
    /// Which protocol.
    #[arg(alias("protocol"), choices("ah", "any", "esp", "ipv6", "tcp", "udp", "gre", "igmp", "vrrp"))]
    proto: Option<String>,
    /// A profile below /etc/ufw/applications.d.
    #[arg(alias("app"))]
    name: Option<String>,
    /// Delete the rule.
    #[arg(default = "no")]
    delete: bool,
    /// The interface, in the direction that is given.
    #[arg(alias("if"))]
    interface: Option<String>,
    /// The interface that it comes in by.
    #[arg(alias("if_in"))]
    interface_in: Option<String>,
    /// The interface that it goes out by.
    #[arg(alias("if_out"))]
    interface_out: Option<String>,
    /// The rule is about what is passed on.
    #[arg(default = "no")]
    route: bool,
    /// What the rule is for.
    comment: Option<String>,
}

const RULES: [&str; 6] = [
    "/lib/ufw/user.rules",
    "/lib/ufw/user6.rules",
    "/etc/ufw/user.rules",
    "/etc/ufw/user6.rules",
    "/var/lib/ufw/user.rules",
    "/var/lib/ufw/user6.rules",
];

/// Lines that say what a rule is, as ufw keeps and shows them.
const TUPLE: &str = "### tuple";

struct Ufw {
    /// What was run, as results show it.
    commands: Vec<String>,
}

impl Ufw {
    fn run(&mut self, words: &[&str], ctx: &mut Ctx) -> Result<String, Failure> {
        let command = run::command("ufw")?;
        let shown = words.iter().map(|word| shell_words::quote(word)).collect::<Vec<_>>().join(" ");
        self.commands.push(format!("{} {shown}", command.program.to_string_lossy()));
        let output = run::output(&words.iter().fold(command, Command::arg), ctx)?;
        if output.ok() {
            return Ok(output.stdout_text());
        }
        let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
        Err(Failure::new(if stderr.is_empty() { stdout } else { stderr }).with("commands", self.commands.clone()))
    }

    /// In check mode nothing is changed; the answer is what there would be.
    fn change(&mut self, words: &[&str], ctx: &mut Ctx) -> Result<String, Failure> {
        if ctx.check { self.run(&[&["--dry-run"], words].concat(), ctx) } else { self.run(words, ctx) }
    }
}

fn rules() -> String {
    let texts = RULES.iter().filter_map(|file| fs::read_to_string(file).ok());
    texts.map(|text| tuples(&text)).collect()
}

fn tuples(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| line.starts_with(TUPLE)).collect()
}

fn ufw(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let mut ufw = Ufw { commands: Vec::new() };
    let before = ufw.run(&["status", "verbose"], ctx)?;
    let rules_before = rules();
    let mut changed = false;
    if let Some(state) = &args.state {
        changed |= set_state(state, &before, &mut ufw, ctx)?;
    }
    if let Some(policy) = &args.default {
        changed |= set_policy(&args, policy, &before, &mut ufw, ctx)?;
    }
    if let Some(level) = &args.logging {
        changed |= logs_otherwise(level, &before);
        if !ctx.check {
            ufw.run(&["logging", level], ctx)?;
        }
    }
    if let Some(rule) = &args.rule {
        changed |= rule::set(&args, rule, &rules_before, &mut ufw, ctx)?;
    }
    if ctx.check {
        return Ok(Outcome::changed(changed).with("commands", ufw.commands));
    }
    let after = ufw.run(&["status", "verbose"], ctx)?;
    let changed = changed || before != after || rules_before != rules();
    let commands: Vec<Json> = ufw.commands.into_iter().map(Json::from).collect();
    Ok(Outcome::changed(changed).with("commands", commands).with("msg", after.trim_end()))
}

fn set_state(state: &str, before: &str, ufw: &mut Ufw, ctx: &mut Ctx) -> Result<bool, Failure> {
    let verb = match state {
        "enabled" => "enable",
        "disabled" => "disable",
        "reloaded" => "reload",
        _ => "reset",
    };
    let is_active = before.contains(" active");
    if !ctx.check {
        ufw.run(&["-f", verb], ctx)?;
    }
    Ok(match verb {
        "enable" => !is_active,
        "disable" => is_active,
        _ => true,
    })
}

/// From `Logging: on (low)`.
fn logs_otherwise(level: &str, before: &str) -> bool {
    let Some(line) = before.lines().find_map(|line| line.strip_prefix("Logging: ")) else { return true };
    let is_on = line.starts_with("on");
    let present = line.split(['(', ')']).nth(1).unwrap_or_default();
    match level {
        "off" => is_on,
        "on" => !is_on,
        level => !is_on || level != present,
    }
}

fn set_policy(args: &Args, policy: &str, before: &str, ufw: &mut Ufw, ctx: &mut Ctx) -> Result<bool, Failure> {
    let direction = args.direction.as_deref();
    if !matches!(direction, None | Some("outgoing" | "incoming" | "routed")) {
        return Err(Failure::new(
            "For default, direction must be one of \"outgoing\", \"incoming\" and \"routed\", or direction must not be \
             specified.",
        ));
    }
    if ctx.check {
        // `Default: deny (incoming), allow (outgoing), disabled (routed)`
        let mark = format!(" ({})", direction.unwrap_or("incoming"));
        let present = before
            .lines()
            .find_map(|line| line.strip_prefix("Default: "))
            .and_then(|line| line.split(", ").find_map(|it| it.strip_suffix(&mark)));
        return Ok(!present.is_some_and(|it| it == policy || it == "disabled"));
    }
    let mut words = vec!["default", policy];
    words.extend(direction);
    ufw.run(&words, ctx)?;
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_of_logs_is_read() {
        let status =
            "Status: active\nLogging: on (low)\nDefault: deny (incoming), allow (outgoing), disabled (routed)\n";
        for (level, differs) in [("on", false), ("low", false), ("high", true), ("off", true)] {
            assert_eq!(logs_otherwise(level, status), differs, "{level}");
        }
        assert!(!logs_otherwise("off", "Logging: off\n"));
        assert!(logs_otherwise("on", "Status: inactive\n"));
    }
}
