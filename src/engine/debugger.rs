//! The task debugger: after a result of the kind that `debugger` names, the user looks at task and variables, changes them, and runs the
//! task again. Nothing of a result is taken in before its debugger lets go, so that a task can run again as if it had not run.

use std::sync::{Arc, LazyLock};

use regex::Regex;

use super::event::{Answer, EventKind, Question, Status};
use super::keyword_values::KeywordReader;
use super::task_executor::Job;
use super::task_name;
use super::task_report::Executed;
use crate::error::{Error, ErrorKind};
use crate::playbook::keywords::Keyword;
use crate::value::python::{pretty, str_repr};
use crate::value::{Dict, Str, Value};

/// What ends a process that a user interrupts.
const INTERRUPTED: u8 = 99;

const HELP: &str = "p EXPRESSION (pprint): show something of `task`, `task_vars`, `host` and `result`
task.args['NAME'] = VALUE: change an argument of the task
task_vars['NAME'] = VALUE: change a variable
u (update_task): take the task as it is written, with the changed variables
r (redo): run the task again
c (continue): go on with this result
q (quit): end the run
";

/// `task.args['x'] = …`, `task_vars["x"] = …`
static ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^(task\.args|task_vars)\s*\[\s*(?:'([^']*)'|"([^"]*)")\s*\]\s*=([^=].*)$"#).expect("a valid pattern")
});
static REMOVAL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"^del\s+task\.args\s*\[\s*(?:'([^']*)'|"([^"]*)")\s*\]$"#).expect("a valid pattern"));

enum Next {
    Redo,
    Continue,
}

struct Debugger {
    /// As it will run again.
    job: Job,
    written: Arc<crate::playbook::Task>,
    last_line: String,
}

/// Debugs a task as long as its results want that. Returns the result to go on with.
pub async fn debug(job: &Job, mut executed: Executed) -> Result<Executed, Error> {
    let mut debugger = Debugger { job: job.clone(), written: Arc::clone(&job.task), last_line: String::new() };
    while is_needed(&debugger.job, &executed) {
        debugger.job.tell(EventKind::Finished(Box::new(executed.report.clone())));
        executed.told = true;
        match debugger.converse(&executed).await? {
            Next::Continue => break,
            Next::Redo => executed = debugger.job.clone().execute().await,
        }
    }
    Ok(executed)
}

fn is_needed(job: &Job, executed: &Executed) -> bool {
    let options = &job.shared.options;
    let status = executed.report.status;
    let failed = status == Status::Failed && !(executed.ignored && options.debugger_ignores_errors);
    let unreachable = status == Status::Unreachable;
    let everywhere = options.debugs_tasks || job.play.info.strategy == "debug";
    match wanted(job).as_deref() {
        Some("always") => true,
        Some("never") => false,
        Some("on_skipped") if status == Status::Skipped => true,
        Some("on_failed") if failed => true,
        Some("on_unreachable") if unreachable => true,
        _ => everywhere && (failed || unreachable),
    }
}

/// What the keyword says; nothing where it can't be read, for which the task has failed.
fn wanted(job: &Job) -> Option<String> {
    job.task.keyword(Keyword::Debugger)?;
    let scope = job.shared.scope(&job.play, &job.task, &job.host, &job.search_path).ok()?;
    let templar = job.shared.templar(&scope, &job.search_path);
    KeywordReader { keywords: &job.task.keywords, templar: &templar }.text(Keyword::Debugger).ok()?
}

impl Debugger {
    async fn converse(&mut self, executed: &Executed) -> Result<Next, Error> {
        let prompt = format!("[{}] TASK: {} (debug)> ", self.job.host, task_name::written(&self.job.task));
        loop {
            self.job.shared.pass_notices();
            let question = Question { text: prompt.clone(), piped: true, ..Question::default() };
            let line = match self.job.shared.events.ask(question).await {
                Answer::Text(line) => line.trim().to_owned(),
                Answer::NotInteractive | Answer::Aborted | Answer::Lost(_) => "quit".to_owned(),
            };
            if !line.is_empty() {
                self.last_line = line;
            }
            let line = self.last_line.clone();
            let (command, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
            match command {
                "" => {}
                "r" | "redo" => return Ok(Next::Redo),
                "c" | "continue" => return Ok(Next::Continue),
                "q" | "quit" | "EOF" => {
                    return Err(
                        Error::new(ErrorKind::Interrupted, "User interrupted execution").with_exit_code(INTERRUPTED)
                    );
                }
                "u" | "update_task" => self.job.task = Arc::clone(&self.written),
                "p" | "pprint" => match self.shown(rest.trim(), executed) {
                    Ok(text) => self.say(text),
                    Err(reason) => self.say(format!("***{reason}")),
                },
                "h" | "help" | "?" => self.say(HELP.trim_end().to_owned()),
                _ => {
                    if let Err(reason) = self.change(&line, executed) {
                        self.say(format!("***{reason}"));
                    }
                }
            }
        }
    }

    fn say(&self, text: String) {
        self.job.tell(EventKind::Message(text));
    }

    fn shown(&self, expression: &str, executed: &Executed) -> Result<String, String> {
        match expression {
            "" => Err("SyntaxError:SyntaxError('invalid syntax')".to_owned()),
            "task" => Ok(format!("TASK: {}", task_name::written(&self.job.task))),
            "host" => Ok(self.job.host.to_string()),
            _ => self.evaluate(expression, executed).map(|value| pretty(&value)),
        }
    }

    /// `task.args[…] = …` and `task_vars[…] = …`
    fn change(&mut self, line: &str, executed: &Executed) -> Result<(), String> {
        if let Some(found) = REMOVAL.captures(line) {
            let name = Value::str(found.get(1).or(found.get(2)).map_or("", |name| name.as_str()));
            let mut task = (*self.job.task).clone();
            let removed = task.args.shift_remove(&name);
            self.job.task = Arc::new(task);
            return removed.map(|_| ()).ok_or_else(|| format!("KeyError:KeyError({})", name.repr()));
        }
        let Some(found) = ASSIGNMENT.captures(line) else {
            return Err("SyntaxError:SyntaxError('invalid syntax')".to_owned());
        };
        let name = Value::str(found.get(2).or(found.get(3)).map_or("", |name| name.as_str()));
        let value = trusted(self.evaluate(found.get(4).map_or("", |value| value.as_str()).trim(), executed)?);
        if found.get(1).is_some_and(|what| what.as_str() == "task_vars") {
            let mut changed = (*self.job.changed_vars).clone();
            changed.insert(name, value);
            self.job.changed_vars = Arc::new(changed);
        } else {
            let mut task = (*self.job.task).clone();
            task.args.insert(name, value);
            self.job.task = Arc::new(task);
        }
        Ok(())
    }

    fn evaluate(&self, expression: &str, executed: &Executed) -> Result<Value, String> {
        let job = &self.job;
        let result = executed.report.fields.clone();
        let text = |text: &str| Value::str(text);
        let scope = Dict::from_iter([
            (text("task"), task_name::describe(&job.task)),
            (text("task_vars"), Value::dict(self.variables())),
            (text("host"), Value::str(&*job.host)),
            (text("result"), Value::dict(Dict::from_iter([(text("_result"), Value::dict(result))]))),
        ]);
        // Names with an underscore are no attributes for templates.
        let written = expression.replace("result._result", "result['_result']");
        let templar = job.shared.templates.templar(Arc::new(scope.clone()), Arc::clone(&job.search_path));
        templar.expression(&Str::trusted(written.as_str(), None)).map_err(|err| {
            let name: String = expression.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect();
            if !name.is_empty() && !scope.contains_key(name.as_str()) {
                return format!("NameError:NameError({})", str_repr(&format!("name '{name}' is not defined")));
            }
            format!("Error:{}", err.message)
        })
    }

    /// What the task sees, unrendered.
    fn variables(&self) -> Dict {
        let job = &self.job;
        let Ok(scope) = job.shared.scope(&job.play, &job.task, &job.host, &job.search_path) else {
            return Dict::new();
        };
        let scope = scope.with_locals(Arc::clone(&job.changed_vars));
        let names = scope.all_names();
        names.into_iter().filter_map(|name| Some((Value::str(name.as_str()), scope.find(&name)?))).collect()
    }
}

/// What the user typed is the user's own: templates in it count.
fn trusted(value: Value) -> Value {
    match value {
        Value::Str(text) => Value::Str(Str::trusted(text.as_str(), None)),
        Value::List(items) => Value::list(items.iter().cloned().map(trusted).collect()),
        Value::Dict(dict) => Value::dict(dict.iter().map(|(key, it)| (key.clone(), trusted(it.clone()))).collect()),
        other => other,
    }
}
