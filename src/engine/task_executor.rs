//! One task on one host: variables, loop, when, render, validate, act, judge, retry, report.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::action_name;
use super::arguments::{self, Arguments};
use super::background::{self, Patience};
use super::endpoint::Deciders;
use super::event::{About, EventKind, TaskInfo};
use super::judge;
use super::keyword_values::{KeywordReader, KeywordResult};
use super::loops::{self, Combined, Control};
use super::mask::CENSORED_ITEM;
use super::shared::{PlayRun, Shared};
use super::task_report::{Executed, Pass};
use crate::actions::ask::{Answer, Question};
use crate::actions::effect::FactsOf;
use crate::actions::table::{Implementation, Resolved};
use crate::actions::{ActionResult, Cause, Effect, FailedIn, HostEffect, Invocation, RunEffect, Target, Trouble};
use crate::inventory::{LOCALHOST, Pending};
use crate::playbook::Task;
use crate::playbook::keywords::Keyword;
use crate::template::{SearchPath, Templar};
use crate::value::{Dict, List, Value};
use crate::vars::Scope;

/// A task to be run on a host.
#[derive(Clone)]
pub struct Job {
    pub shared: Arc<Shared>,
    pub play: Arc<PlayRun>,
    pub task: Arc<Task>,
    pub host: Arc<str>,
    pub info: Arc<TaskInfo>,
    pub search_path: Arc<SearchPath>,
    /// Variables that a debugger has changed: nothing is stronger.
    pub changed_vars: Arc<Dict>,
}

impl Job {
    pub async fn execute(mut self) -> Executed {
        let scope = match self.shared.scope(&self.play, &self.task, &self.host, &self.search_path) {
            Ok(scope) if self.changed_vars.is_empty() => scope,
            Ok(scope) => scope.with_locals(Arc::clone(&self.changed_vars)),
            Err(result) => return self.report(Pass::of(*result), false),
        };
        if self.task.has_reserved_names {
            scope.warn_of_reserved(&self.shared.notices);
        }
        let templar = self.shared.templar(&scope, &self.search_path);
        if let Err(pass) = self.settle(&templar) {
            return self.report(*pass, false);
        }
        let items = match self.items(&templar) {
            Ok(items) => items,
            Err(pass) => return self.report(*pass, false),
        };
        match items {
            None => {
                let pass = self.pass(&scope, &templar, None, &mut Pending::default()).await;
                self.report(pass, false)
            }
            Some(items) => self.each(scope, &templar, items).await,
        }
    }

    /// Finds out what a templated action is here. That it is nothing does not matter when the task is skipped anyway.
    fn settle(&mut self, templar: &Templar) -> Result<(), Box<Pass>> {
        if self.task.full_action.is_some() {
            return Ok(());
        }
        let settled = action_name::render(&self.task, templar).and_then(|name| action_name::settle(&self.task, &name));
        match settled {
            Ok(task) => self.task = task,
            Err(failure) => return Err(self.failed_early(*failure, templar)),
        }
        Ok(())
    }

    /// The items of the loop. A loop that cannot be evaluated does not matter when the task is skipped anyway.
    fn items(&self, templar: &Templar) -> Result<Option<Vec<Value>>, Box<Pass>> {
        loops::items(&self.task, templar).map_err(|failure| self.failed_early(*failure, templar))
    }

    /// What becomes of the task when it fails before its steps begin.
    fn failed_early(&self, failure: ActionResult, templar: &Templar) -> Box<Pass> {
        let skipped = judge::when(&self.task, templar).ok().flatten();
        let mut pass = Pass::of(skipped.unwrap_or(failure));
        pass.ignore_errors = self.reader(templar).bool(Keyword::IgnoreErrors).ok().flatten().unwrap_or(false);
        Box::new(pass)
    }

    async fn each(&self, scope: Scope, templar: &Templar, items: Vec<Value>) -> Executed {
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
        let items = List::from(items);
        let mut combined = Combined::default();
        let mut last = Pass::of(ActionResult::ok());
        let mut effects = Vec::new();
        // What the items before have set, which this item sees.
        let mut set = Arc::new(Dict::new());
        let mut pending = Pending::default();
        for index in 0..items.len() {
            if index > 0 && control.pause > 0.0 {
                tokio::time::sleep(Duration::from_secs_f64(control.pause)).await;
            }
            let locals = control.variables(&items, index);
            let item_scope = scope.with_locals(Arc::clone(&set)).with_locals(Arc::new(locals.clone()));
            let item_templar = self.shared.templar(&item_scope, &self.search_path);
            let mut pass = self.pass(&item_scope, &item_templar, Some(&locals), &mut pending).await;
            pass.result.fields.extend(locals);
            let label = self.label(&item_scope, &mut pass.result, items.get(index));
            let mut including = false;
            for effect in &mut pass.result.effects {
                if let Effect::Run(RunEffect::Include(include)) = effect {
                    including = true;
                    include.item = if pass.no_log { Some(Value::str(CENSORED_ITEM)) } else { label.clone() };
                }
            }
            if !including {
                self.item_finished(&pass, label);
            }
            combined.add(&pass.result, self.kept(&pass.result));
            let broken = self.breaks(&item_scope, &combined);
            // Nobody looks at these variables any more, so that adding to them copies nothing.
            drop((item_scope, item_templar));
            note_variables(&scope, &mut set, &pass.result.effects);
            pass.result.effects.drain(..).for_each(|effect| add_effect(&mut effects, effect));
            last.merge(pass);
            if broken {
                break;
            }
        }
        let mut result = combined.result();
        // As with a task that failed: the items that went well change nothing either.
        if !result.is_failed() && !result.is_unreachable() {
            result.effects = effects;
        }
        last.result = result;
        let looped = !items.is_empty();
        self.report(last, looped)
    }

    /// An item's result as it stands in `results`. Where nobody will look at it, it doesn't keep facts that each item makes longer.
    fn kept(&self, result: &ActionResult) -> Dict {
        let mut dict = result.to_dict();
        if self.task.keyword(Keyword::Register).is_none() && !result.is_failed() {
            dict.shift_remove("ansible_facts");
        }
        dict
    }

    pub fn reader<'a>(&'a self, templar: &'a Templar) -> KeywordReader<'a> {
        KeywordReader { keywords: &self.task.keywords, templar }
    }

    /// Variables are those of `scope`: everything from here on is about one item.
    async fn pass(&self, scope: &Scope, templar: &Templar, item: Option<&Dict>, pending: &mut Pending) -> Pass {
        let mut pass = Pass::of(ActionResult::ok());
        pass.item = item.cloned();
        if let Err(result) = self.steps(scope, templar, &mut pass, pending).await {
            pass.result = *result;
        }
        // What failed or was skipped changes nothing outside of its task.
        if pass.result.is_failed() || pass.result.is_unreachable() || pass.result.is_skipped() {
            pass.result.effects.clear();
        }
        if let (Some(name), true) = (&pass.delegated_to, pass.delegate_facts) {
            for effect in &mut pass.result.effects {
                if let Effect::Host { of, .. } = effect {
                    *of = FactsOf::Named(Arc::from(name.as_str()));
                }
            }
        }
        pass
    }

    async fn steps(
        &self,
        scope: &Scope,
        templar: &Templar,
        pass: &mut Pass,
        pending: &mut Pending,
    ) -> KeywordResult<()> {
        let reader = self.reader(templar);
        // A flag that can't be read hides and excuses: in doubt nothing is shown, and the text as written counts as true.
        pass.no_log = reader.bool(Keyword::NoLog).map_or(true, |no_log| no_log.unwrap_or(self.shared.options.no_log));
        pass.ignore_errors = reader.bool(Keyword::IgnoreErrors).map_or(true, |ignore| ignore.unwrap_or(false));
        pass.ignore_unreachable =
            reader.bool(Keyword::IgnoreUnreachable).map_or(true, |ignore| ignore.unwrap_or(false));
        let delegated_to = self.delegated_to(templar).inspect_err(|_| {
            pass.delegated_to = self.task.keyword(Keyword::DelegateTo).map(Value::to_text);
        })?;
        let delegated_to = delegated_to.filter(|name| **name != *self.host);
        let delegated;
        let (scope, templar) = match &delegated_to {
            None => (scope, templar),
            Some(name) => {
                let seen = scope.delegated(self.shared.scope(
                    &self.play,
                    &self.task,
                    &self.host_named(name),
                    &self.search_path,
                )?);
                delegated = (self.shared.templar(&seen, &self.search_path), seen);
                (&delegated.1, &delegated.0)
            }
        };
        let reader = self.reader(templar);
        if let Some(skipped) = judge::when(&self.task, templar)? {
            pass.result = skipped;
            return Ok(());
        }
        reader.check()?;
        pass.delegate_facts = reader.bool(Keyword::DelegateFacts)?.unwrap_or(false);
        let check = reader.bool(Keyword::CheckMode)?.unwrap_or(self.shared.options.check);
        let diff = reader.bool(Keyword::Diff)?.unwrap_or(self.shared.options.diff);
        pass.show_diff = diff;
        let resolved = action_name::implementation(&self.task)?;
        pass.delegated_to = delegated_to;
        let arguments = arguments::of_task(&self.task, resolved, templar)?;
        let mut target = self.target(scope, templar, pass.delegated_to.as_deref(), check, diff, pass.no_log)?;
        let patience = self.background(&reader, &mut target)?;
        let timeout = self.timeout(&reader)?;
        let call = Call { resolved, arguments: &arguments, target: &target, patience, check, diff };
        self.attempts(&call, scope, templar, timeout, pass, pending).await
    }

    /// Seconds that the task may take; none for no limit.
    fn timeout(&self, reader: &KeywordReader<'_>) -> KeywordResult<Option<i64>> {
        let timeout = reader.int(Keyword::Timeout)?.or(self.shared.options.task_timeout);
        match timeout {
            Some(seconds) if !(0..=LONGEST_TIMEOUT).contains(&seconds) => {
                let message = format!("Timeout {seconds} is invalid, it must be between 0 and {LONGEST_TIMEOUT}.");
                let causes = vec![Cause { message, ..Cause::default() }];
                Err(Box::new(ActionResult::fails(Trouble { failed_in: FailedIn::Task, causes })))
            }
            other => Ok(other.filter(|seconds| *seconds > 0)),
        }
    }

    /// The host that the task is delegated to, which is looked at before the task's condition.
    fn delegated_to(&self, templar: &Templar) -> KeywordResult<Option<String>> {
        let Some(written) = self.task.keyword(Keyword::DelegateTo) else { return Ok(None) };
        let value = templar.render(written).map_err(|err| Box::new(ActionResult::template_failed(None, &err)))?;
        let name = if matches!(value, Value::Null | Value::Omit) { String::new() } else { value.to_text() };
        Ok(Some(name).filter(|name| !name.is_empty()))
    }

    /// The name of the host that a task is delegated to.
    fn host_named(&self, name: &str) -> Arc<str> {
        if self.shared.world.inventory().host(name).is_none() && LOCALHOST.contains(&name) {
            // Naming it as a pattern makes the inventory have it, with a local connection.
            let _ = self.shared.world.change_quietly(|inventory| inventory.hosts(name, None));
        }
        let known = self.shared.world.inventory().host(name).map(|host| Arc::clone(&host.name));
        known.unwrap_or_else(|| Arc::from(name))
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
        let decided = |deciders: Deciders<'_>| -> KeywordResult<_> {
            Ok((deciders.endpoint()?, deciders.become_()?, deciders.async_directory()?))
        };
        let mut of_target = (scope.clone(), templar.clone());
        let (endpoint, becoming, async_directory) = match delegated_to {
            None => decided(Deciders { scope, templar, keywords: reader, options: &self.shared.options })?,
            Some(name) => {
                let scope = self.shared.scope(&self.play, &self.task, &self.host_named(name), &self.search_path)?;
                let templar = self.shared.templar(&scope, &self.search_path);
                let keywords = KeywordReader { keywords: &self.task.keywords, templar: &templar };
                let decided =
                    decided(Deciders { scope: &scope, templar: &templar, keywords, options: &self.shared.options })?;
                of_target = (scope, templar);
                decided
            }
        };
        let (scope, templar) = of_target;
        let (events, about) = (self.shared.events.clone(), self.about());
        Ok(Target {
            pool: Arc::clone(&self.shared.remote),
            endpoint,
            becoming,
            environment,
            background: None,
            async_directory,
            check,
            diff,
            no_log,
            verbosity: self.shared.options.verbosity,
            python: Some(self.shared.options.python_interpreter.clone()).filter(|named| !named.is_empty()),
            variable: Arc::new(move |name| scope.find(name).and_then(|written| templar.render(&written).ok())),
            progress: Arc::new(move |progress| events.offer(about.clone().event(progress.into()))),
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
        pending: &mut Pending,
    ) -> KeywordResult<()> {
        let reader = self.reader(templar);
        let until = self.task.keyword(Keyword::Until);
        let retries = match reader.int(Keyword::Retries)? {
            Some(retries) => retries.max(0),
            None if until.is_some() => 3,
            None => 0,
        };
        let delay = reader.float(Keyword::Delay)?.unwrap_or(5.0).max(0.0);
        let mut attempt: i64 = 1;
        loop {
            let mut result = self.act(call, templar, timeout, pass).await;
            pass.no_log |= result.no_log;
            self.foresee(&mut result, pending);
            let final_ = result.is_unreachable() || result.is_skipped();
            if retries > 0 && !final_ {
                result.set("attempts", attempt);
            }
            if !final_ {
                judge::changed_and_failed(&self.task, scope, &self.shared, &self.search_path, &mut result);
            }
            if retries == 0 || final_ {
                pass.result = result;
                return Ok(());
            }
            let met = match until {
                Some(_) => judge::until(&self.task, scope, &self.shared, &self.search_path, &result)?,
                None => !result.is_failed(),
            };
            if met {
                pass.result = result;
                return Ok(());
            }
            if attempt > retries {
                result.set("attempts", retries);
                judge::fail(&self.task, &mut result);
                pass.result = result;
                return Ok(());
            }
            result.set("retries", retries + 1);
            let report = self.report_of(&result, pass, false);
            self.tell(EventKind::Retry { report: Box::new(report), retries_left: retries + 1 - attempt });
            tokio::time::sleep(Duration::from_secs_f64(delay)).await;
            attempt += 1;
        }
    }

    async fn act(&self, call: &Call<'_>, templar: &Templar, timeout: Option<i64>, pass: &Pass) -> ActionResult {
        let mut result = match timeout {
            None => self.run(call, templar, pass).await,
            Some(seconds) => {
                let limit = Duration::from_secs(seconds.unsigned_abs());
                // A template that is being rendered does not let the timer take over.
                let interrupt = templar.engine().settings.interrupt.child();
                let templar = templar.with_interrupt(interrupt.clone());
                let timer = tokio::spawn(async move {
                    tokio::time::sleep(limit).await;
                    interrupt.stop(format!("the task took longer than its timeout of {seconds} seconds"));
                });
                let result = tokio::time::timeout(limit, self.run(call, &templar, pass)).await;
                timer.abort();
                result.unwrap_or_else(|_| timed_out(seconds))
            }
        };
        if let Some(patience) = call.patience {
            result = self.await_job(patience, call.target, result).await;
        }
        self.complete(&mut result);
        call.arguments.mask.apply(&mut result);
        result
    }

    async fn run(&self, call: &Call<'_>, templar: &Templar, pass: &Pass) -> ActionResult {
        let progress = |text: &str| self.shared.events.offer(self.about().event(EventKind::Progress(text.to_owned())));
        let say = |text: &str| self.tell(EventKind::Message(text.to_owned()));
        let ask = |question: Question| -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
            Box::pin(self.shared.events.ask(question))
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
            ask: &ask,
        };
        let mut result = match call.resolved.implementation {
            _ if call.patience.is_some() && !background::is_possible(&self.task, call.resolved) => {
                background::refused(&self.task)
            }
            Implementation::Action(action) => (action.run)(&invocation).await,
            Implementation::Module(module) => crate::actions::module::run(&invocation, module).await,
        };
        result.warnings.extend_from_slice(&call.arguments.warnings);
        result
    }

    /// What every result has besides what the action returns.
    fn complete(&self, result: &mut ActionResult) {
        add_lines(&mut result.fields);
        if !self.task.is_include() {
            result.set_acted();
        }
    }

    /// Before the result is judged: `changed_when` has the last word on what a new host means.
    fn foresee(&self, result: &mut ActionResult, pending: &mut Pending) {
        let mut changed = None;
        for effect in &result.effects {
            let Effect::Run(RunEffect::Inventory(change)) = effect else { continue };
            match self.shared.world.inventory().would_change(change, pending) {
                Ok(new) => changed = Some(new || changed == Some(true)),
                Err(err) => {
                    *result = ActionResult::failed(err.message);
                    return;
                }
            }
        }
        if let Some(changed) = changed {
            result.set_changed(changed);
        }
    }

    /// What an item is called, which its own result may say. An item that can't be called anything has failed.
    fn label(&self, scope: &Scope, result: &mut ActionResult, item: Option<&Value>) -> Option<Value> {
        let Some(label) = &self.task.loop_control.label else { return item.cloned() };
        let own = Value::dict(result.to_dict());
        match self.after_item(scope, Some(&own)).render(label) {
            Ok(label) => Some(label),
            Err(err) => {
                if result.is_skipped() {
                    result.fields.insert(Value::str("skipped"), Value::Bool(true));
                }
                result.set_failed(None);
                let message = format!("Failed to template loop_control.label: {}", err.message);
                result.fields.insert(Value::str("msg"), Value::str(message));
                if self.task.is_builtin("debug") { Some(Value::Null) } else { item.cloned() }
            }
        }
    }

    fn breaks(&self, scope: &Scope, results: &Combined) -> bool {
        let Some(condition) = &self.task.loop_control.break_when else { return false };
        self.after_item(scope, results.last()).condition(condition).is_ok_and(|condition| condition.result)
    }

    /// Knows an item's result under the name that the task registers.
    fn after_item(&self, scope: &Scope, result: Option<&Value>) -> Templar {
        let scope = match (self.register(), result) {
            (Some(name), Some(result)) => {
                scope.with_locals(Arc::new(Dict::from_iter([(Value::str(name), result.clone())])))
            }
            _ => scope.clone(),
        };
        self.shared.templar(&scope, &self.search_path)
    }

    /// What events of this task on this host are about.
    fn about(&self) -> About {
        About::play(&self.play.info).task(&self.info).host(&self.host)
    }

    pub fn tell(&self, kind: EventKind) {
        self.shared.send(self.about(), kind);
    }

    pub fn register(&self) -> Option<String> {
        self.task.keyword(Keyword::Register).map(Value::to_text)
    }
}

/// What an attempt needs and the next one needs again.
struct Call<'a> {
    resolved: &'a Resolved,
    arguments: &'a Arguments,
    target: &'a Target,
    patience: Option<Patience>,
    check: bool,
    diff: bool,
}

/// Seconds, as long as Ansible lets a task's timeout be.
const LONGEST_TIMEOUT: i64 = 100_000_000;

fn timed_out(seconds: i64) -> ActionResult {
    let cause = Cause { message: format!("Timed out after {seconds} second(s)."), ..Cause::default() };
    let result = ActionResult::fails(Trouble { failed_in: FailedIn::Task, causes: vec![cause] });
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

/// What an item's effects mean for the variables of the items after it.
fn note_variables(scope: &Scope, set: &mut Arc<Dict>, effects: &[Effect]) {
    for effect in effects {
        let Effect::Host { of: FactsOf::Task, effect } = effect else { continue };
        let known = |dict: &Dict| dict.iter().map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>();
        match effect {
            HostEffect::SetFacts { facts, .. } | HostEffect::IncludeVars(facts) => {
                Arc::make_mut(set).extend(known(facts));
            }
            HostEffect::Facts(facts) => {
                let before = set.get("ansible_facts").cloned().or_else(|| scope.find("ansible_facts"));
                let mut all = match before {
                    Some(Value::Dict(dict)) => (*dict).clone(),
                    _ => Dict::new(),
                };
                all.extend(known(facts.namespaced()));
                let set = Arc::make_mut(set);
                set.insert(Value::str("ansible_facts"), Value::dict(all));
                set.extend(known(facts.injected()));
            }
        }
    }
}

/// Of a variable that several items set, only the last value is kept.
fn add_effect(effects: &mut Vec<Effect>, effect: Effect) {
    if let Effect::Host { of, effect: HostEffect::SetFacts { facts: new, cacheable: also } } = &effect
        && let Some(Effect::Host { of: before, effect: HostEffect::SetFacts { facts, cacheable } }) = effects.last_mut()
        && (&*before, &*cacheable) == (of, also)
    {
        facts.extend(new.iter().map(|(name, value)| (name.clone(), value.clone())));
    } else {
        effects.push(effect);
    }
}
