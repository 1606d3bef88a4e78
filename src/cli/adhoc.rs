//! `rplay adhoc PATTERN -m MODULE -a ARGS`: a play of one task, made from the command line.

use super::options::AdhocOptions;
use super::session::Session;
use crate::callback::{self, Callback, Minimal, Oneline};
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::source::SourceFile;

pub async fn run(options: AdhocOptions) -> Result<u8, Error> {
    let session = Session::open(&options.common)?;
    let mut terminal = session.terminal();
    let directory = match options.playbook_dir.clone().or_else(|| session.config.path("PLAYBOOK_DIR")) {
        Some(directory) => directory,
        None => std::env::current_dir()
            .map_err(|err| Error::new(ErrorKind::File, format!("cannot tell the current directory: {err}")))?,
    };
    let mut run_options = session.run_options(&options.common);
    run_options.tags = vec!["all".to_owned()];
    let mut inventory = session.inventory(Some(directory.clone()))?;
    let hosts = inventory.hosts(&options.pattern, run_options.limit.as_deref())?;
    session.say_notices(&mut terminal);
    if options.common.list_hosts {
        let mut text = format!("  hosts ({}):\n", hosts.len());
        for host in &hosts {
            text.push_str(&format!("    {host}\n"));
        }
        callback::print(&text)?;
        return Ok(0);
    }
    if hosts.is_empty() {
        session.notices.warn("No hosts matched, nothing to do", None);
        session.say_notices(&mut terminal);
        return Ok(0);
    }
    let loader = session.loader();
    let playbook =
        loader.playbook_text(&SourceFile::new("<command line>", play_text(&options, &session.config)), &directory);
    session.say_notices(&mut terminal);
    let playbook = playbook?;
    let callback: Box<dyn Callback> = if options.one_line {
        Box::new(Oneline::new(session.verbosity))
    } else {
        Box::new(Minimal::new(session.display()))
    };
    let summary = session.run(vec![playbook], inventory, loader, run_options, callback).await?;
    Ok(summary.exit_code)
}

/// The play as YAML. JSON text is YAML, whatever it holds.
fn play_text(options: &AdhocOptions, config: &Config) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let module = options.module_name.as_deref().or_else(|| config.text("DEFAULT_MODULE_NAME")).unwrap_or("command");
    let args = options.args.as_deref().or_else(|| config.text("DEFAULT_MODULE_ARGS")).unwrap_or_default();
    let is_mapping = args.trim_start().starts_with('{');
    let args = if is_mapping { args.trim().to_owned() } else { quoted(args) };
    format!(
        "- name: Ansible Ad-Hoc\n  hosts: {}\n  gather_facts: false\n  tasks:\n    - {}: {args}\n",
        quoted(&options.pattern),
        quoted(module),
    )
}
