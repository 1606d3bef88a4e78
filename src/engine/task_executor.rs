//! One task on one host: variables, loop, when, render, validate, act, judge, retry, report.

use std::sync::Arc;
use std::time::Duration;

use super::arguments::{self, Arguments};
use super::endpoint::Deciders;
use super::event::Event;
use super::judge;
use super::keyword_values::{KeywordReader, KeywordResult};
use super::loops::{self, Control};
use super::mask::CENSORED_ITEM;
use super::shared::{PlayRun, Shared};
use super::task_report::{Executed, Pass};
use crate::actions::table::{self, Resolved};
use crate::actions::{ActionResult, Effect, FailedIn, Invocation, Target};
use crate::playbook::Task;
use crate::template::{SearchPath, Templar};
use crate::value::{Dict, Value};
use crate::vars::Scope;

/// A task to be run on a host.
#[derive(Clone)]
pub struct Job {
    pub shared: Arc<Shared>,
    pub play: Arc<PlayRun>,
    pub task: Arc<Task>,
    pub host: Arc<str>,
    /// The task's name as its banner shows it.
    pub name: Arc<str>,
    pub search_path: Arc<SearchPath>,
}

impl Job {
    pub async fn execute(self) -> Executed {
        let scope = match self.shared.scope(&self.play, &self.task, &self.host, &self.search_path) {
            Ok(scope) => scope,
            Err(result) => return self.report(Pass::of(*result), false),
        };
        let templar = self.shared.templar(&scope, &self.search_path);
        let items = match self.items(&templar) {
            Ok(items) => items,
            Err(pass) => return self.report(*pass, false),
        };
        match items {
            None => {
                let pass = self.pass(&scope, &templar, None).await;
                self.apply_variables(&pass);
                self.report(pass, false)
            }
            Some(items) => self.each(scope, &templar, items).await,
        }
    }

    /// The items of the loop. A loop that cannot be evaluated does not matter when the task is skipped anyway.
    fn items(&self, templar: &Templar) -> Result<Option<Vec<Value>>, Box<Pass>> {
        loops::items(&self.task, templar).map_err(|failure| {
            let skipped = judge::when(&self.task, templar).ok().flatten();
            let mut pass = Pass::of(skipped.unwrap_or(*failure));
            pass.ignore_errors = self.reader(templar).bool("ignore_errors").ok().flatten().unwrap_or(false);
            Box::new(pass)
        })
    }

    async fn each(&self, mut scope: Scope, templar: &Templar, items: Vec<Value>) -> Executed {
        let control = match Control::of(&self.task.loop_control, templar) {
            Ok(control) => control,
            Err(result) => return self.report(Pass::of(*result), false),
        };
        if scope.find(&control.loop_var).is_some() {
            self.shared.notices.warn(
                format!("The loop variable {} is already in use. You should set the `loop_var` value in the `loop_control` option for the task to something else to avoid variable collisions and unexpected behavior.", Value::str(control.loop_var.as_str()).repr()),
                Some(&self.task.span),
            );
        }
        let items = Arc::new(items);
        let mut results = Vec::with_capacity(items.len());
        let mut last = Pass::of(ActionResult::ok());
        let mut effects = Vec::new();
        let mut includes = Vec::new();
        let mut broken = false;
        for index in 0..items.len() {
            if index > 0 && control.pause > 0.0 {
                tokio::time::sleep(Duration::from_secs_f64(control.pause)).await;
            }
            let locals = control.variables(&items, index);
            let item_scope = scope.with_locals(Arc::new(locals.clone()));
            let item_templar = self.shared.templar(&item_scope, &self.search_path);
            let mut pass = self.pass(&item_scope, &item_templar, Some(&locals)).await;
            for (name, value) in locals {
                if name.as_str() != Some("ansible_loop") || control.extended {
                    pass.result.fields.insert(name, value);
                }
            }
            let changes_variables = self.apply_variables(&pass);
            let label = self.label(&item_templar, items.get(index));
            let mut including = false;
            for effect in pass.result.effects.drain(..) {
                match effect {
                    Effect::Include(mut include) => {
                        including = true;
                        include.item = if pass.no_log { Some(Value::str(CENSORED_ITEM)) } else { label.clone() };
                        includes.push(Effect::Include(include));
                    }
                    other => effects.push(other),
                }
            }
            if !including {
                self.item_finished(&pass, label);
            }
            results.push(self.registered(&mut pass));
            last.merge(pass);
            if self.breaks(&item_scope, &results) {
                broken = true;
            }
            if broken {
                break;
            }
            if changes_variables {
                match self.shared.scope(&self.play, &self.task, &self.host, &self.search_path) {
                    Ok(fresh) => scope = fresh,
                    Err(result) => return self.report(Pass::of(*result), false),
                }
            }
        }
        let mut combined = loops::combine(results);
        effects.extend(includes);
        combined.effects = effects;
        last.result = combined;
        let looped = !items.is_empty();
        self.report(last, looped)
    }

    pub fn reader<'a>(&'a self, templar: &'a Templar) -> KeywordReader<'a> {
        KeywordReader { keywords: &self.task.keywords, templar }
    }

    /// Variables are those of `scope`: everything from here on is about one item.
    async fn pass(&self, scope: &Scope, templar: &Templar, item: Option<&Dict>) -> Pass {
        let mut pass = Pass::of(ActionResult::ok());
        pass.item = item.cloned();
        if let Err(result) = self.steps(scope, templar, &mut pass).await {
            pass.result = *result;
        }
        pass
    }

    async fn steps(&self, scope: &Scope, templar: &Templar, pass: &mut Pass) -> KeywordResult<()> {
        let reader = self.reader(templar);
        pass.no_log = true;
        pass.no_log = reader.bool("no_log")?.unwrap_or(self.shared.options.no_log);
        pass.ignore_errors = reader.bool("ignore_errors")?.unwrap_or(false);
        pass.ignore_unreachable = reader.bool("ignore_unreachable")?.unwrap_or(false);
        if let Some(skipped) = judge::when(&self.task, templar)? {
            pass.result = skipped;
            return Ok(());
        }
        let delegated_to = reader.text("delegate_to").inspect_err(|_| {
            pass.delegated_to = self.task.keyword("delegate_to").map(Value::to_text);
        })?;
        pass.delegate_facts = reader.bool("delegate_facts")?.unwrap_or(false);
        let check = reader.bool("check_mode")?.unwrap_or(self.shared.options.check);
        let diff = reader.bool("diff")?.unwrap_or(self.shared.options.diff);
        pass.show_diff = diff;
        let Some(resolved) = table::resolve(&self.task.action) else {
            return Err(Box::new(ActionResult::failed_in(
                FailedIn::Task,
                format!("couldn't resolve module/action '{}'", self.task.action),
            )));
        };
        pass.delegated_to = delegated_to.filter(|name| **name != *self.host);
        let arguments = arguments::of_task(&self.task, &resolved, templar)?;
        let target = self.target(scope, templar, pass.delegated_to.as_deref(), check, diff, pass.no_log)?;
        let timeout = reader.int("timeout")?.or(self.shared.options.task_timeout).filter(|seconds| *seconds > 0);
        let call = Call { resolved: &resolved, arguments: &arguments, target: &target, check, diff };
        self.attempts(&call, scope, templar, timeout, pass).await
    }

    /// The machine that the task works on.
    fn target(
        &self,
        scope: &Scope,
        templar: &Templar,
        delegated_to: Option<&str>,
        check: bool,
        diff: bool,
        no_log: bool,
    ) -> KeywordResult<Target> {
        let reader = self.reader(templar);
        let environment = arguments::environment(&self.task, templar)?;
        let (endpoint, becoming) = match delegated_to {
            None => {
                let deciders = Deciders { scope, templar, keywords: reader, options: &self.shared.options };
                (deciders.endpoint()?, deciders.become_()?)
            }
            Some(name) => {
                if self.shared.world.inventory().host(name).is_none() && IMPLICIT.contains(&name) {
                    // Naming it as a pattern makes the inventory have it, with a local connection.
                    let _ = self.shared.world.change_quietly(|inventory| inventory.hosts(name, None));
                }
                let known = self.shared.world.inventory().host(name).map(|host| Arc::clone(&host.name));
                let host: Arc<str> = known.unwrap_or_else(|| Arc::from(name));
                let scope = self.shared.scope(&self.play, &self.task, &host, &self.search_path)?;
                let templar = self.shared.templar(&scope, &self.search_path);
                let keywords = KeywordReader { keywords: &self.task.keywords, templar: &templar };
                let deciders = Deciders { scope: &scope, templar: &templar, keywords, options: &self.shared.options };
                (deciders.endpoint()?, deciders.become_()?)
            }
        };
        let events = self.shared.events.clone();
        let host = Arc::clone(&self.host);
        Ok(Target {
            pool: Arc::clone(&self.shared.remote),
            endpoint,
            becoming,
            environment,
            check,
            diff,
            no_log,
            verbosity: self.shared.options.verbosity,
            progress: Arc::new(move |progress| {
                let _ = events.send(Event::of_progress(&host, progress));
            }),
        })
    }

    /// Acts and judges, again and again while `until` is not met.
    async fn attempts(
        &self,
        call: &Call<'_>,
        scope: &Scope,
        templar: &Templar,
        timeout: Option<i64>,
        pass: &mut Pass,
    ) -> KeywordResult<()> {
        let reader = self.reader(templar);
        let until = self.task.keyword("until");
        let retries = match reader.int("retries")? {
            Some(retries) => retries.max(0),
            None if until.is_some() => 3,
            None => 0,
        };
        let delay = reader.float("delay")?.unwrap_or(5.0).max(0.0);
        let mut attempt: i64 = 1;
        loop {
            let mut result = self.act(call, templar, timeout, pass).await;
            let fatal = result.is("unreachable");
            if !result.is("skipped") && !fatal {
                judge::changed_and_failed(&self.task, scope, &self.shared, &self.search_path, &mut result);
            }
            if retries == 0 || fatal || result.is("skipped") {
                pass.result = result;
                return Ok(());
            }
            result.fields.insert(Value::str("attempts"), Value::Int(attempt));
            let met = match until {
                Some(_) => judge::until(&self.task, scope, &self.shared, &self.search_path, &result)?,
                None => !result.is_failed(),
            };
            if met {
                pass.result = result;
                return Ok(());
            }
            if attempt > retries {
                result.fields.insert(Value::str("attempts"), Value::Int(retries));
                result.fields.insert(Value::str("failed"), Value::Bool(true));
                judge::explain(&self.task, &mut result);
                pass.result = result;
                return Ok(());
            }
            result.fields.insert(Value::str("retries"), Value::Int(retries + 1));
            let report = self.report_of(&result, pass, false);
            self.shared.send(Event::Retry { report: Box::new(report), retries_left: retries + 1 - attempt });
            tokio::time::sleep(Duration::from_secs_f64(delay)).await;
            attempt += 1;
        }
    }

    async fn act(&self, call: &Call<'_>, templar: &Templar, timeout: Option<i64>, pass: &Pass) -> ActionResult {
        let work = self.run(call, templar, pass);
        let mut result = match timeout {
            None => work.await,
            Some(seconds) => match tokio::time::timeout(Duration::from_secs(seconds.unsigned_abs()), work).await {
                Ok(result) => result,
                Err(_) => timed_out(seconds),
            },
        };
        call.arguments.mask.apply(&mut result);
        result
    }

    async fn run(&self, call: &Call<'_>, templar: &Templar, pass: &Pass) -> ActionResult {
        let events = self.shared.events.clone();
        let host = Arc::clone(&self.host);
        let progress = move |text: &str| {
            let _ = events.send(Event::Progress { host: Arc::clone(&host), text: text.to_owned() });
        };
        let events = self.shared.events.clone();
        let say = move |text: &str| {
            let _ = events.send(Event::Message(text.to_owned()));
        };
        let invocation = Invocation {
            task: &self.task,
            action: call.resolved.name(),
            host: &self.host,
            args: call.arguments.rendered.clone(),
            checked: call.arguments.checked.clone(),
            templar,
            loop_variables: pass.item.as_ref(),
            target: call.target,
            search_path: &self.search_path,
            playbook_dir: &self.play.playbook_dir,
            reader: &self.shared.loader.reader,
            check: call.check,
            diff: call.diff,
            verbosity: self.shared.options.verbosity,
            no_log: pass.no_log,
            progress: &progress,
            say: &say,
        };
        let mut result = match call.resolved {
            Resolved::Action(action) => (action.run)(&invocation).await,
            Resolved::Module(module) => crate::actions::module::run(&invocation, *module).await,
        };
        add_lines(&mut result.fields);
        // Before the result is judged: `changed_when` has the last word on what a new host means.
        self.change_inventory(&mut result);
        if !result.fields.contains_key("changed") && !result.is_failed() {
            result.fields.insert(Value::str("changed"), Value::Bool(false));
        }
        result
    }

    fn label(&self, templar: &Templar, item: Option<&Value>) -> Option<Value> {
        match &self.task.loop_control.label {
            None => item.cloned(),
            Some(label) => templar.render(label).ok().or_else(|| item.cloned()),
        }
    }

    fn breaks(&self, scope: &Scope, results: &[Dict]) -> bool {
        let Some(condition) = &self.task.loop_control.break_when else { return false };
        let scope = match (self.register(), results.last()) {
            (Some(name), Some(result)) => {
                scope.with_locals(Arc::new(Dict::from_iter([(Value::str(name), Value::dict(result.clone()))])))
            }
            _ => scope.clone(),
        };
        let templar = self.shared.templar(&scope, &self.search_path);
        templar.condition(condition).is_ok_and(|condition| condition.result)
    }

    pub fn register(&self) -> Option<String> {
        self.task.keyword("register").map(Value::to_text)
    }
}

/// Names of the controller that need not stand in the inventory.
const IMPLICIT: &[&str] = &["localhost", "127.0.0.1", "::1"];

/// What an attempt needs and the next one needs again.
struct Call<'a> {
    resolved: &'a Resolved,
    arguments: &'a Arguments,
    target: &'a Target,
    check: bool,
    diff: bool,
}

fn timed_out(seconds: i64) -> ActionResult {
    let mut result = ActionResult::failed_in(FailedIn::Task, format!("Timed out after {seconds} second(s)."));
    let message = result.trouble.as_ref().map(crate::actions::Trouble::text).unwrap_or_default();
    result = result.with("msg", message).with("changed", false);
    let details = Dict::from_iter([
        (Value::str("frame"), Value::str("Configure `DISPLAY_TRACEBACK` to see a traceback on timeout errors.")),
        (Value::str("period"), Value::Int(seconds)),
    ]);
    result.with("timedout", Value::dict(details))
}

/// `stdout` and `stderr` also as lists of lines.
fn add_lines(fields: &mut Dict) {
    for (text, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
        if fields.contains_key(lines) {
            continue;
        }
        if let Some(Value::Str(content)) = fields.get(text) {
            let list = content.lines().map(Value::from).collect::<Vec<_>>();
            fields.insert(Value::str(lines), Value::list(list));
        }
    }
}
