//! `rplay adhoc PATTERN -m MODULE -a ARGS`: a play of one task, made from the command line.

use super::options::AdhocOptions;
use super::session::Session;
use crate::callback::{self, Callback, Minimal, Oneline, Tree};
use crate::error::{Error, ErrorKind};
use crate::source::{SourceFile, Span};
use crate::value::Value;
use crate::yaml::Node;

/// Modules that do nothing without a line of arguments.
const TAKE_A_LINE: &[&str] = &[
    "command",
    "shell",
    "script",
    "raw",
    "ansible.builtin.command",
    "ansible.builtin.shell",
    "ansible.builtin.script",
    "ansible.builtin.raw",
];

pub async fn run(options: AdhocOptions) -> Result<u8, Error> {
    let session = Session::open(&options.common)?;
    let mut terminal = session.terminal();
    let directory = session.base_directory(options.playbook_dir.as_deref())?;
    let mut run_options = session.run_options(&options.common);
    run_options.tags = vec!["all".to_owned()];
    if let Some(seconds) = options.task_timeout {
        run_options.task_timeout = (seconds > 0).then_some(seconds);
    }
    for (option, given, callback) in [("-o", options.one_line, "oneline"), ("-t", options.tree.is_some(), "tree")] {
        if given {
            session.notices.deprecated(
                format!(
                    "The '{option}' argument is deprecated. This feature will be removed from ansible-core version \
                     2.23. Use callback configuration to enable the {callback} callback instead."
                ),
                None,
            );
        }
    }
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
    let mut callback: Box<dyn Callback> = if options.one_line {
        Box::new(Oneline::new(session.verbosity))
    } else {
        Box::new(Minimal::new(session.display()))
    };
    if let Some(directory) = &options.tree {
        callback = Box::new(Tree::new(callback, directory, session.verbosity)?);
    }
    let summary = session.run(vec![playbook], inventory, loader, run_options, callback).await?;
    Ok(summary.exit_code)
}

/// A playbook of one play with one task.
fn play(options: &AdhocOptions, session: &Session) -> Result<Node, Error> {
    let config = &session.config;
    let module = options.module_name.as_deref().or_else(|| config.text("DEFAULT_MODULE_NAME")).unwrap_or("command");
    let args = options.args.as_deref().or_else(|| config.text("DEFAULT_MODULE_ARGS")).unwrap_or_default();
    if args.is_empty() && TAKE_A_LINE.contains(&module) {
        let message = format!("No argument passed to {module} module");
        return Err(Error::new(ErrorKind::Usage, message).with_exit_code(5));
    }
    let source = SourceFile::new("<command line>", args);
    let span = &Span::new(&source, 1, 1);
    let args = if args.trim_start().starts_with('{') { session.reader.read(&source)? } else { Node::text(args, span) };
    let mut task = vec![(module, args)];
    if let Some(seconds) = options.background.filter(|seconds| *seconds > 0) {
        let poll = options.poll_interval.unwrap_or_else(|| config.int("DEFAULT_POLL_INTERVAL"));
        task.push(("async", Node::scalar(Value::Int(seconds), span)));
        task.push(("poll", Node::scalar(Value::Int(poll), span)));
    }
    let task = Node::mapping(task, span);
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
