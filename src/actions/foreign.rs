//! Modules that come along as files: what Ansible tells them besides their arguments, and which interpreter runs them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use rplay_module_api::message::{self, DISCOVERED, Interpreter, Style};
use rplay_module_api::{Json, Map, json};

use super::{ActionResult, Effect, FailedIn, HostEffect, Invocation, ModuleCall, Trouble, module};
use crate::blocking::blocking;
use crate::config::ANSIBLE_VERSION;
use crate::modules::Foreign;
use crate::modules::foreign::{Built, FileKind};
use crate::remote::{Endpoint, FileSource};
use crate::value::{Dict, Value};
use crate::vars::UntrustedFacts;

/// Looked for in this order where no interpreter is named.
const CANDIDATES: &[&str] =
    &["python3.13", "python3.12", "python3.11", "python3.10", "python3.9", "python3.8", "/usr/bin/python3", "python3"];

/// Where the settings of interpreters are explained.
const ABOUT_DISCOVERY: &str =
    "https://docs.ansible.com/ansible-core/2.19/reference_appendices/interpreter_discovery.html";

/// The interpreters that were discovered, by what is connected to.
static DISCOVERED_ON: LazyLock<Mutex<HashMap<Endpoint, String>>> = LazyLock::new(Mutex::default);

pub async fn run(invocation: &Invocation<'_>, foreign: &Foreign) -> ActionResult {
    let built = match blocking(|| foreign.built()) {
        Ok(built) => built,
        Err(reason) => return ActionResult::failed_in(FailedIn::Task, reason),
    };
    if invocation.verbosity > 2 {
        (invocation.say)(&format!("Using module file {}", built.path));
    }
    let interpreter = interpreter(invocation, built);
    let style = match &built.kind {
        FileKind::Python { name, profile } => {
            Style::Python { name: name.clone(), profile: profile.clone(), open_files: open_files(invocation) }
        }
        FileKind::Script(style) => style.clone(),
        FileKind::Binary => Style::Json,
    };
    let files = built.files.iter().map(|file| (file.name.clone(), file.sha256.clone())).collect();
    let call = ModuleCall {
        module: foreign.name.to_owned(),
        action: invocation.action.to_owned(),
        args: arguments(invocation, foreign),
        foreign: Some(message::Foreign { style, files, interpreter }),
        files: built.files.iter().map(|file| (file.sha256.clone(), FileSource::Kept(file.content.clone()))).collect(),
        ..ModuleCall::default()
    };
    let mut result = invocation.target.module_result(call).await;
    let discovered = result.fields.shift_remove(DISCOVERED).map(|found| found.to_text());
    // What is no result comes of the action that looks for one.
    if result.is_failed()
        && result.get("module_stdout").is_some()
        && let Some(trouble) = result.trouble_mut()
    {
        trouble.failed_in = FailedIn::Action;
    }
    if let Some(text) = result.trouble().filter(|_| result.get("_ansible_no_message").is_some()).map(Trouble::text) {
        result.set("msg", text);
    }
    tidy(&mut result);
    module::take_facts(&mut result);
    if let Some(found) = discovered {
        note_discovery(invocation, &mut result, &found);
    }
    result
}

/// The task's arguments and what Ansible adds to them for every module.
fn arguments(invocation: &Invocation<'_>, foreign: &Foreign) -> Map<String, Json> {
    let target = invocation.target;
    let mut args: Map<String, Json> =
        invocation.args.iter().map(|(name, value)| (name.to_json_key(), value.to_json())).collect();
    let (major, minor, revision) = ANSIBLE_VERSION;
    let text = |name: &str| (target.variable)(name).map(|value| value.to_text());
    let executable = match &target.endpoint {
        Endpoint::Local { executable, .. } => executable.clone(),
        Endpoint::Ssh(settings) => settings.executable.clone(),
    };
    let own = [
        ("check_mode", json!(target.check)),
        ("no_log", json!(target.no_log)),
        ("debug", json!(false)),
        ("diff", json!(target.diff)),
        ("verbosity", json!(target.verbosity)),
        ("version", json!(format!("{major}.{minor}.{revision}"))),
        ("module_name", json!(foreign.name)),
        ("syslog_facility", json!(text("ansible_syslog_facility").unwrap_or_else(|| "LOG_USER".to_owned()))),
        ("selinux_special_fs", json!(["fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"])),
        ("socket", Json::Null),
        ("shell_executable", json!(executable)),
        ("keep_remote_files", json!(false)),
        ("remote_tmp", json!(text("ansible_remote_tmp").unwrap_or_else(|| "~/.ansible/tmp".to_owned()))),
        ("ignore_unknown_opts", json!(false)),
        ("target_log_info", json!(text("ansible_target_log_info"))),
        ("tracebacks_for", json!([])),
    ];
    args.extend(own.map(|(name, value)| (format!("_ansible_{name}"), value)));
    args
}

/// How many files a module in Python may have open; 0 where nothing is said.
fn open_files(invocation: &Invocation<'_>) -> u64 {
    let wanted = (invocation.target.variable)("ansible_python_module_rlimit_nofile");
    wanted.and_then(|wanted| wanted.to_text().trim().parse().ok()).unwrap_or(0)
}

/// What runs the module. A variable can put another interpreter in the place of the one that the module names.
fn interpreter(invocation: &Invocation<'_>, built: &Built) -> Interpreter {
    if matches!(built.kind, FileKind::Binary) {
        return Interpreter::None;
    }
    let (program, rest) = match built.shebang.split_first() {
        Some((program, rest)) => (program.as_str(), rest),
        None => ("/usr/bin/python", [].as_slice()),
    };
    let name = Path::new(program).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let named = |name: &str| {
        let value = (invocation.target.variable)(&format!("ansible_{name}_interpreter"));
        value.map(|value| value.to_text().trim().to_owned()).filter(|named| !named.is_empty())
    };
    let words = |program: String| {
        let program = program.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        Interpreter::Words(program.into_iter().chain(rest.iter().cloned()).collect())
    };
    if name != "python" {
        return words(named(&name).unwrap_or_else(|| program.to_owned()));
    }
    let configured = named("python").or_else(|| invocation.target.python.clone());
    match configured.as_deref() {
        None | Some("auto" | "auto_legacy" | "auto_silent" | "auto_legacy_silent") => {
            let known = DISCOVERED_ON.lock().unwrap_or_else(PoisonError::into_inner);
            match known.get(&invocation.target.endpoint) {
                Some(found) => words(found.clone()),
                None => Interpreter::Discovered(candidates(invocation)),
            }
        }
        Some(named) => words(named.to_owned()),
    }
}

fn candidates(invocation: &Invocation<'_>) -> Vec<String> {
    match (invocation.target.variable)("ansible_interpreter_python_fallback") {
        Some(Value::List(names)) if !names.is_empty() => names.iter().map(Value::to_text).collect(),
        _ => CANDIDATES.iter().map(ToString::to_string).collect(),
    }
}

/// The next tasks on this host need not look; the user is told, as another interpreter may be found some day.
fn note_discovery(invocation: &Invocation<'_>, result: &mut ActionResult, found: &str) {
    let mut known = DISCOVERED_ON.lock().unwrap_or_else(PoisonError::into_inner);
    let first = known.insert(invocation.target.endpoint.clone(), found.to_owned()).is_none();
    drop(known);
    let (facts, _) =
        UntrustedFacts::new(Dict::from_iter([(Value::str("discovered_interpreter_python"), Value::str(found))]))
            .clean();
    result.effects.push(Effect::host(HostEffect::Facts(facts)));
    let mut told = match result.fields.get("ansible_facts") {
        Some(Value::Dict(facts)) => (**facts).clone(),
        _ => Dict::new(),
    };
    told.insert(Value::str("discovered_interpreter_python"), Value::str(found));
    result.set("ansible_facts", Value::dict(told));
    let mode = (invocation.target.variable)("ansible_python_interpreter").map(|mode| mode.to_text());
    let mode = mode.or_else(|| invocation.target.python.clone()).unwrap_or_default();
    if first && !mode.ends_with("_silent") {
        let host = Value::str(invocation.host).repr();
        result.warnings.push(format!(
            "Host {host} is using the discovered Python interpreter at {}, but future installation of another Python interpreter could cause a \
             different interpreter to be discovered. See {ABOUT_DISCOVERY} for more information.",
            Value::str(found).repr()
        ));
    }
}

/// Takes out what is between Ansible and its modules alone.
fn tidy(result: &mut ActionResult) {
    result.fields.retain(|name, _| !name.as_str().is_some_and(|name| name.starts_with("_ansible_")));
    if result.get("results").is_some_and(|results| !matches!(results, Value::List(_)))
        && let Some(results) = result.fields.shift_remove("results")
    {
        result.set("ansible_module_results", results);
        result
            .warnings
            .push("Found internal 'results' key in module return, renamed to 'ansible_module_results'.".to_owned());
    }
}
