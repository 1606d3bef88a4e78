//! `rplay adhoc PATTERN -m MODULE -a ARGS`: a play of one task, made from the command line.

use super::options::AdhocOptions;
use super::session::Session;
use crate::callback::{self, Callback, Minimal, Oneline};
use crate::error::{Error, ErrorKind};
use crate::source::{SourceFile, Span};
use crate::value::Value;
use crate::yaml::Node;

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
    let playbook = play(&options, &session).and_then(|play| loader.playbook_of(&play, &directory));
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

/// A playbook of one play with one task.
fn play(options: &AdhocOptions, session: &Session) -> Result<Node, Error> {
    let config = &session.config;
    let module = options.module_name.as_deref().or_else(|| config.text("DEFAULT_MODULE_NAME")).unwrap_or("command");
    let args = options.args.as_deref().or_else(|| config.text("DEFAULT_MODULE_ARGS")).unwrap_or_default();
    let source = SourceFile::new("<command line>", args);
    let span = &Span::new(&source, 1, 1);
    let args = if args.trim_start().starts_with('{') { session.reader.read(&source)? } else { Node::text(args, span) };
    let task = Node::mapping([(module, args)], span);
    let play = Node::mapping(
        [
            ("name", Node::text("Ansible Ad-Hoc", span)),
            ("hosts", Node::text(&options.pattern, span)),
            ("gather_facts", Node::scalar(Value::Bool(false), span)),
            ("tasks", Node::sequence(vec![task], span)),
        ],
        span,
    );
    Ok(Node::sequence(vec![play], span))
}
