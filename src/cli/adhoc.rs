//! `rplay adhoc PATTERN -m MODULE -a ARGS`: a play of one task, made from the command line.

use super::options::AdhocOptions;
use super::session::Session;
use crate::callback::{self, Display, Tree};
use crate::config::setting;
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
    let configured = session.config.get(setting::DEFAULT_LOAD_CALLBACK_PLUGINS);
    let screen = match session.config.get(setting::DEFAULT_STDOUT_CALLBACK) {
        _ if options.one_line => "oneline".to_owned(),
        name if configured && name != "default" => name,
        _ => "minimal".to_owned(),
    };
    let mut callbacks = session.callbacks(&screen, configured, &options.common);
    if let Some(directory) = &options.tree {
        let display = Display::new(&session.config, session.verbosity, options.common.check);
        callbacks.push(Box::new(Tree::new(directory.clone(), display)));
    }
    session.say_notices(&mut terminal);
    let summary = session.run(vec![playbook], inventory, loader, run_options, callbacks).await?;
    Ok(summary.exit_code)
}

/// A playbook of one play with one task.
fn play(options: &AdhocOptions, session: &Session) -> Result<Node, Error> {
    let config = &session.config;
    let module = options.module_name.clone().unwrap_or_else(|| config.get(setting::DEFAULT_MODULE_NAME));
    let args = options.args.clone().or_else(|| config.get(setting::DEFAULT_MODULE_ARGS)).unwrap_or_default();
    if args.is_empty() && TAKE_A_LINE.contains(&module.as_str()) {
        let message = format!("No argument passed to {module} module");
        return Err(Error::new(ErrorKind::Usage, message).with_exit_code(5));
    }
    let source = SourceFile::new("<command line>", args.as_str());
    let span = &Span::new(&source, 1, 1);
    let args = if args.trim_start().starts_with('{') { session.reader.read(&source)? } else { Node::text(&args, span) };
    let mut task = vec![(module.as_str(), args)];
    if let Some(seconds) = options.background.filter(|seconds| *seconds > 0) {
        let poll = options.poll_interval.unwrap_or_else(|| config.get(setting::DEFAULT_POLL_INTERVAL));
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
