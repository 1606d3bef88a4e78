//! `rplay console`: ad hoc tasks one after the other, with a line to edit, completion and history.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Parser;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Context, Editor, Helper};

use super::options::{AdhocOptions, CommonOptions};
use super::session::Session;
use super::{Stop, adhoc, block_on, password, say_error};
use crate::account;
use crate::actions::table::ACTIONS;
use crate::callback;
use crate::config::{parse_bool, setting};
use crate::error::{Error, ErrorKind};
use crate::modules;

/// Runs ad hoc tasks, one after the other.
#[derive(Debug, Parser)]
#[command(name = "rplay console", version, disable_version_flag = true, args_override_self = true)]
#[command(after_help = "Examples:\n  rplay console web -i hosts.ini\n  rplay console 'web:!w1' --become")]
pub struct ConsoleOptions {
    /// Host pattern
    #[arg(default_value = "all")]
    pub pattern: String,
    /// Ask before each task
    #[arg(long)]
    pub step: bool,
    /// Seconds until a task is given up
    #[arg(long, value_name = "SECONDS")]
    pub task_timeout: Option<i64>,
    /// Directory of group_vars and host_vars, and of relative paths
    #[arg(long, value_name = "DIR")]
    pub playbook_dir: Option<std::path::PathBuf>,
    #[command(flatten)]
    pub common: CommonOptions,
}

/// A command of the console that is no module: name, how it is used, what it does.
const COMMANDS: &[(&str, &str, &str)] = &[
    ("become", "become yes|no", "Whether tasks become another user"),
    ("become_method", "become_method METHOD", "How tasks become another user"),
    ("become_user", "become_user USER", "The user that tasks become"),
    ("cd", "cd PATTERN", "The hosts that tasks work on; without a pattern all of them"),
    ("check", "check yes|no", "Whether tasks only say what they would change"),
    ("diff", "diff yes|no", "Whether tasks show what changes inside of files"),
    ("exit", "exit", "Leaves the console, as ctrl-d does"),
    ("forks", "forks NUMBER", "How many hosts are worked on at the same time"),
    ("help", "help [COMMAND]", "What there is, or what a command or module does"),
    ("list", "list [groups]", "The hosts that tasks work on, or the groups of the inventory"),
    ("remote_user", "remote_user USER", "The user to connect as"),
    ("timeout", "timeout SECONDS", "Seconds until a task is given up; 0 is never"),
    ("verbosity", "verbosity NUMBER", "How much is shown, as -v has it"),
];

pub fn run(options: ConsoleOptions, in_ansibles_form: bool) -> Result<u8, Stop> {
    // Every task reads its options anew: nobody wants to be asked before each of them.
    password::remember_answers();
    let session = Session::open(&options.common)?;
    session.say_notices(&mut session.terminal());
    let forks = options.common.forks.unwrap_or_else(|| session.config.forks());
    let user = session.config.get(setting::DEFAULT_REMOTE_USER);
    let directory = session.base_directory(options.playbook_dir.as_deref())?;
    let mut console = Console { options, in_ansibles_form, forks, user, hosts: Vec::new(), groups: Vec::new() };
    let inventory = session.inventory(Some(directory))?;
    console.groups = inventory.groups().map(|group| group.name.to_string()).collect();
    console.groups.sort();
    console.select(console.options.pattern.clone())?;
    callback::print("Welcome to the ansible console. Type help or ? to list commands.\n\n")?;
    if io::stdin().is_terminal() { console.edited_lines() } else { console.plain_lines() }?;
    callback::print("\nAnsible-console was exited.\n")?;
    Ok(0)
}

struct Console {
    options: ConsoleOptions,
    in_ansibles_form: bool,
    forks: usize,
    /// As the configuration has it.
    user: Option<String>,
    /// The hosts that tasks work on.
    hosts: Vec<String>,
    groups: Vec<String>,
}

/// Whether the console goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Line,
    End,
}

impl Console {
    fn prompt(&self) -> String {
        let own = account::own().map_or_else(|| "root".to_owned(), |account| account.name.clone());
        let user = self.options.common.connection.remote_user.clone().or_else(|| self.user.clone()).unwrap_or(own);
        let become_ = &self.options.common.become_;
        let sign = if become_.become_ || user == "root" && become_.become_user.is_some() { "#" } else { "$" };
        format!("{user}@{} ({})[f:{}]{sign} ", self.options.pattern, self.hosts.len(), self.forks)
    }

    fn select(&mut self, pattern: String) -> Result<bool, Error> {
        let session = Session::of_sources(&self.options.common.sources)?;
        let directory = session.base_directory(self.options.playbook_dir.as_deref())?;
        let mut inventory = session.inventory(Some(directory))?;
        let hosts = inventory.hosts(&pattern, self.options.common.sources.limit().as_deref())?;
        if hosts.is_empty() && pattern != "all" {
            return Ok(false);
        }
        self.hosts = hosts.iter().map(ToString::to_string).collect();
        self.options.pattern = pattern;
        Ok(true)
    }

    /// Lines of a file or pipe, after the prompt that a terminal would show.
    fn plain_lines(&mut self) -> Result<(), Error> {
        let mut stdin = io::stdin().lock();
        loop {
            callback::print(&self.prompt())?;
            let mut line = String::new();
            let read = stdin.read_line(&mut line);
            let read =
                read.map_err(|err| Error::new(ErrorKind::Usage, format!("standard input cannot be read: {err}")))?;
            if read == 0 || self.line(line.trim())? == Next::End {
                return Ok(());
            }
        }
    }

    fn edited_lines(&mut self) -> Result<(), Error> {
        let broken = |err: ReadlineError| Error::new(ErrorKind::Usage, format!("the terminal cannot be used: {err}"));
        let history = crate::template::search::expand_user("~/.ansible-console_history");
        let mut editor: Editor<Words, FileHistory> = Editor::new().map_err(broken)?;
        editor.set_helper(Some(Words(self.words())));
        // There is none before the first time.
        let _ = editor.load_history(&history);
        loop {
            match editor.readline(&self.prompt()) {
                Ok(line) => {
                    let line = line.trim();
                    if !line.is_empty() {
                        editor.add_history_entry(line).map_err(broken)?;
                    }
                    if self.line(line)? == Next::End {
                        break;
                    }
                }
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => break,
                Err(err) => return Err(broken(err)),
            }
        }
        if let Err(err) = editor.save_history(&history) {
            let _ = writeln!(io::stderr(), "[WARNING]: the history {} cannot be written: {err}", history.display());
        }
        Ok(())
    }

    /// What a line may begin with, and the patterns behind `cd`.
    fn words(&self) -> Vec<String> {
        let commands = COMMANDS.iter().map(|(name, ..)| (*name).to_owned());
        let patterns = self.groups.iter().chain(&self.hosts).map(|name| format!("cd {name}"));
        let mut words: Vec<String> = commands.chain(module_names()).chain(patterns).collect();
        words.sort();
        words.dedup();
        words
    }

    fn line(&mut self, line: &str) -> Result<Next, Error> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let set = |name: &str, usage: &str| format!("Please specify {name} value, e.g. `{usage}`\n");
        let common = &mut self.options.common;
        let said = match (word, parse_bool(rest).filter(|_| !rest.is_empty())) {
            ("", _) => String::new(),
            (comment, _) if comment.starts_with('#') => String::new(),
            ("exit" | "EOF", _) => return Ok(Next::End),
            ("?" | "help", _) => help(rest),
            ("become", Some(on)) => {
                common.become_.become_ = on;
                String::new()
            }
            ("become", None) => set("become", "become yes"),
            ("check", Some(on)) => {
                common.check = on;
                format!("check mode changed to {}\n", if on { "True" } else { "False" })
            }
            ("check", None) => set("check mode", "check yes"),
            ("diff", Some(on)) => {
                common.diff = on;
                format!("diff mode changed to {}\n", if on { "True" } else { "False" })
            }
            ("diff", None) => set("a diff", "diff yes"),
            ("become_user" | "become_method" | "remote_user", _) if rest.is_empty() => {
                format!("Please specify a {word}, e.g. `{word} root`\n")
            }
            ("become_user", _) => {
                common.become_.become_user = Some(rest.to_owned());
                String::new()
            }
            ("become_method", _) => {
                common.become_.become_method = Some(rest.to_owned());
                String::new()
            }
            ("remote_user", _) => {
                common.connection.remote_user = Some(rest.to_owned());
                String::new()
            }
            ("forks", _) => match rest.parse() {
                Ok(0) => "forks must be greater than or equal to 1\n".to_owned(),
                Ok(forks) => {
                    self.forks = forks;
                    common.forks = Some(forks);
                    String::new()
                }
                Err(_) if rest.is_empty() => "Usage: forks <number>\n".to_owned(),
                Err(_) => "[ERROR]: Invalid argument for \"forks\"\n".to_owned(),
            },
            ("timeout", _) => match rest.parse::<i64>() {
                Ok(seconds) if seconds >= 0 => {
                    self.options.task_timeout = Some(seconds);
                    String::new()
                }
                _ => "Usage: timeout <seconds>\n".to_owned(),
            },
            ("verbosity", _) => match rest.parse() {
                Ok(verbosity) => {
                    common.sources.verbose = verbosity;
                    if verbosity > 0 { format!("verbosity level set to {verbosity}\n") } else { String::new() }
                }
                Err(_) => "Usage: verbosity <number>\n".to_owned(),
            },
            ("list", _) => match rest {
                "" => self.hosts.iter().map(|host| format!("{host}\n")).collect(),
                "groups" => self.groups.iter().map(|group| format!("{group}\n")).collect(),
                _ => "[ERROR]: Invalid option passed to \"list\"\n".to_owned(),
            },
            ("cd", _) => {
                let pattern = if rest.is_empty() || rest == "/" || rest == "*" { "all" } else { rest };
                match self.select(pattern.to_owned()) {
                    Ok(true) => String::new(),
                    Ok(false) => "no host matched\n".to_owned(),
                    Err(err) => {
                        say_error(&err, self.in_ansibles_form);
                        String::new()
                    }
                }
            }
            _ => {
                self.task(line);
                String::new()
            }
        };
        callback::print(&said)?;
        Ok(Next::Line)
    }

    /// A module with its arguments, or else a line for the shell. What goes wrong ends the task, not the console.
    fn task(&self, line: &str) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let (module, args) = match line.strip_prefix('!') {
            Some(command) => ("shell", command),
            None if module_names().any(|name| name == word) => (word, rest),
            None => ("shell", line),
        };
        let options = AdhocOptions {
            pattern: self.options.pattern.clone(),
            module_name: Some(module.to_owned()),
            args: Some(args.trim().to_owned()),
            one_line: false,
            tree: None,
            background: None,
            poll_interval: None,
            task_timeout: self.options.task_timeout,
            playbook_dir: self.options.playbook_dir.clone(),
            common: self.options.common.clone(),
        };
        if let Err(Stop::Failed(err)) = block_on(adhoc::run(options)) {
            say_error(&err, self.in_ansibles_form);
        }
    }
}

fn module_names() -> impl Iterator<Item = String> {
    let modules = modules::all().into_iter().map(|(name, _)| name);
    let actions = ACTIONS.iter().map(|action| format!("ansible.builtin.{}", action.name));
    modules.chain(actions).flat_map(|name| {
        let short = name.rsplit('.').next().unwrap_or(&name).to_owned();
        [name, short]
    })
}

fn help(about: &str) -> String {
    if let Some((_, usage, text)) = COMMANDS.iter().find(|(name, ..)| *name == about) {
        return format!("{text}.\nUsage: {usage}\n");
    }
    if !about.is_empty() {
        let known =
            modules::all().into_iter().find(|(name, _)| name == about || name.rsplit('.').next() == Some(about));
        return match known {
            Some((_, module)) => {
                let spec = module.spec();
                let arguments = spec.all_args().filter(|arg| !arg.internal);
                let arguments = arguments.map(|arg| format!("  {} {}\n", arg.name, arg.summary)).collect::<String>();
                format!("{}\nParameters:\n{arguments}", spec.summary)
            }
            None => format!("[ERROR]: {about} is not a valid command, use ? to list all valid commands.\n"),
        };
    }
    let width = COMMANDS.iter().map(|(_, usage, _)| usage.len()).max().unwrap_or(0);
    let lines = COMMANDS.iter().map(|(_, usage, text)| format!("  {usage:width$}  {text}\n")).collect::<String>();
    format!("{lines}  MODULE ARGS{}  Runs a module; anything else is a line for the shell\n", " ".repeat(width - 11))
}

/// Completes what a line begins with.
struct Words(Vec<String>);

impl Completer for Words {
    type Candidate = Pair;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = line.get(..position).unwrap_or(line);
        let fitting = self.0.iter().filter(|word| word.starts_with(typed));
        Ok((0, fitting.map(|word| Pair { display: word.clone(), replacement: word.clone() }).collect()))
    }
}

impl Hinter for Words {
    type Hint = String;
}
impl Highlighter for Words {}
impl Validator for Words {}
impl Helper for Words {}
