//! Rules, chains and policies of the kernel's packet filter, by iptables and ip6tables.

mod rule;

use rplay_module_api::{
    Choice, Command, CommandOutput, Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run,
    shell_words,
};

use crate::support::run;

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(iptables) };

const EXAMPLE: &str = r#"- name: Let the web server be reached
  iptables:
    chain: INPUT
    protocol: tcp
    destination_port: "80"
    ctstate: [NEW]
    jump: ACCEPT
    comment: web

- name: Drop everything else
  iptables:
    chain: INPUT
    policy: DROP
"#;

const RETURNS: &[Return] = &[
    Return::new("rule", Kind::Str, "success", "The rule as the program takes it."),
    Return::new("chain", Kind::Str, "success", "The chain."),
    Return::new("table", Kind::Str, "success", "The table."),
    Return::new("state", Kind::Str, "success", "Whether it is there now."),
    Return::new("ip_version", Kind::Str, "success", "The version of IP."),
    Return::new("flush", Kind::Bool, "success", "Whether rules were removed."),
    Return::new("wait", Kind::Str, "success", "How long to wait for others."),
    Return::new("chain_management", Kind::Bool, "success", "Whether chains are made and removed."),
];

/// Manage rules of the packet filter.
#[derive(ModuleArgs)]
#[module(name = "iptables")]
#[module(mutually_exclusive("set_dscp_mark", "set_dscp_mark_class"), mutually_exclusive("flush", "policy"))]
#[module(required_by("set_dscp_mark", "jump"), required_by("set_dscp_mark_class", "jump"))]
#[module(required_if(jump = "TEE", "gateway"), required_if(jump = "tee", "gateway"))]
#[module(required_if(flush = "False", "chain"))]
pub struct Args {
    /// The table.
    #[arg(default = "filter", choices("filter", "nat", "mangle", "raw", "security"))]
    table: String,
    /// Whether it should be there.
    #[arg(default = "present")]
    state: State,
    /// Where a new rule goes.
    #[arg(default = "append", choices("append", "insert"))]
    action: String,
    /// The number that an inserted rule gets.
    rule_num: Option<String>,
    /// The version of IP.
    #[arg(default = "ipv4", choices("ipv4", "ipv6", "both"))]
    ip_version: String,
    /// The chain.
    chain: Option<String>,
    /// Seconds to wait for others.
    wait: Option<String>,
    /// Remove all rules of the chain or the table.
    #[arg(default = "no")]
    flush: bool,
    /// What becomes of what no rule of the chain is about.
    #[arg(choices("ACCEPT", "DROP", "QUEUE", "RETURN"))]
    policy: Option<String>,
    /// Make and remove the chain where no rule is given.
    #[arg(default = "no")]
    chain_management: bool,
    /// Look up no names when rules are listed.
    #[arg(default = "no")]
    numeric: bool,
    #[arg(flatten)]
    rule: rule::Rule,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    Present,
}

fn iptables(mut args: Args, ctx: &mut Ctx) -> ModuleResult {
    let shown = args.rule.words(&args.ip_version).join(" ");
    let programs: &[(&str, &str)] = match args.ip_version.as_str() {
        "ipv4" => &[("ipv4", "iptables")],
        "ipv6" => &[("ipv6", "ip6tables")],
        _ => &[("ipv4", "iptables"), ("ipv6", "ip6tables")],
    };
    args.rule.log()?;
    let mut changed = false;
    for (version, program) in programs {
        changed |= Firewall { args: &args, version, program: run::command(program)? }.ensure(&shown, ctx)?;
    }
    Ok(Outcome::changed(changed)
        .with("ip_version", args.ip_version.as_str())
        .with("table", args.table.as_str())
        .with("chain", args.chain.as_deref())
        .with("flush", args.flush)
        .with("rule", shown)
        .with("state", args.state.text())
        .with("chain_management", args.chain_management)
        .with("wait", args.wait.as_deref()))
}

struct Firewall<'a> {
    args: &'a Args,
    version: &'a str,
    program: Command,
}

impl Firewall<'_> {
    fn ensure(&self, rule: &str, ctx: &mut Ctx) -> Result<bool, Failure> {
        let args = self.args;
        let wanted = args.state == State::Present;
        let applies = !ctx.check;
        if args.flush {
            if applies {
                self.must("-F", &[], ctx)?;
            }
            return Ok(true);
        }
        if let Some(policy) = &args.policy {
            let present = self.policy(ctx)?.ok_or_else(|| Failure::new("Can't detect current policy"))?;
            if present != *policy && applies {
                self.must("-P", &[policy], ctx)?;
            }
            return Ok(present != *policy);
        }
        if rule.is_empty() {
            let is_there = run::output(&self.listing(), ctx)?.ok();
            if is_there != wanted && args.chain_management && applies {
                self.must(if wanted { "-N" } else { "-X" }, &[], ctx)?;
            }
            return Ok(is_there != wanted);
        }
        let words = args.rule.words(self.version);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let is_there = run::output(&self.command("-C", &words), ctx)?.ok();
        if is_there != wanted && applies {
            let verb = match (wanted, args.action.as_str()) {
                (false, _) => "-D",
                (true, "insert") => "-I",
                (true, _) => "-A",
            };
            self.must(verb, &words, ctx)?;
        }
        Ok(is_there != wanted)
    }

    fn command(&self, verb: &str, words: &[&str]) -> Command {
        let args = self.args;
        let mut command = self.program.clone().arg("-t").arg(&args.table).arg(verb);
        if let Some(chain) = &args.chain {
            command = command.arg(chain);
        }
        if let Some(number) = args.rule_num.as_ref().filter(|_| verb == "-I") {
            command = command.arg(number);
        }
        if let Some(seconds) = args.wait.as_ref().filter(|it| !it.is_empty()) {
            command = command.arg("-w").arg(seconds);
        }
        words.iter().fold(command, Command::arg)
    }

    fn must(&self, verb: &str, words: &[&str], ctx: &mut Ctx) -> Result<(), Failure> {
        checked(&self.command(verb, words), ctx).map(|_| ())
    }

    fn listing(&self) -> Command {
        self.command("-L", if self.args.numeric { &["--numeric"] } else { &[] })
    }

    /// From `Chain INPUT (policy ACCEPT)`.
    fn policy(&self, ctx: &mut Ctx) -> Result<Option<String>, Failure> {
        let text = checked(&self.listing(), ctx)?.stdout_text();
        let first = text.lines().next().unwrap_or_default();
        let policy = first.split_once("(policy ").and_then(|(_, rest)| rest.split([')', ' ']).next());
        Ok(policy.map(str::to_owned))
    }
}

/// A failure says which command it was.
fn checked(command: &Command, ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
    let words =
        std::iter::once(&command.program).chain(&command.args).map(|word| shell_words::quote(&word.to_string_lossy()));
    let shown = words.collect::<Vec<_>>().join(" ");
    run::checked(command, ctx).map_err(|failure| failure.with("cmd", shown))
}
