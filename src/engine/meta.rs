//! `meta`: tasks that are about the run itself.

use std::sync::Arc;

use super::batch::Batch;
use super::endpoint::Deciders;
use super::event::{Event, Status, TaskReport};
use super::judge;
use super::keyword_values::KeywordReader;
use super::strategy::Ending;
use crate::actions::{ActionResult, META_CHOICES, table};
use crate::error::Error;
use crate::playbook::Task;
use crate::value::Value;

/// These are carried out host by host; the others once for all.
const PER_HOST: &[&str] = &["end_host", "end_role", "flush_handlers", "noop", "reset_connection"];

impl Batch<'_> {
    pub fn meta(&mut self, task: &Arc<Task>, hosts: &[Arc<str>]) -> Result<Option<Ending>, Error> {
        let what = meta_of(task)?;
        let per_host = PER_HOST.contains(&what.as_str());
        let search_path = self.shared.search_path(&self.play, task);
        for host in if per_host { hosts } else { hosts.get(..1).unwrap_or_default() } {
            self.iterator.handled(host, task.id);
            let name: Arc<str> =
                if task.implicit { Arc::from("meta") } else { self.announce(task, host, &search_path) };
            let wanted = self.shared.scope(&self.play, task, host, &search_path).and_then(|scope| {
                let templar = self.shared.templar(&scope, &search_path);
                judge::when(task, &templar)
            });
            match wanted {
                Ok(None) => {}
                Ok(Some(skipped)) => {
                    self.shared.send(Event::Finished(Box::new(report(task, host, &name, skipped, Status::Skipped))));
                    continue;
                }
                Err(failure) => {
                    let fields = failure.fields.clone();
                    self.shared.send(Event::Finished(Box::new(report(task, host, &name, *failure, Status::Failed))));
                    self.fail(host, std::slice::from_ref(host), task, &fields);
                    continue;
                }
            }
            if let Some(ending) = self.carry_out(&what, task, host, hosts)? {
                return Ok(Some(ending));
            }
        }
        Ok(None)
    }

    fn carry_out(
        &mut self,
        what: &str,
        task: &Arc<Task>,
        host: &Arc<str>,
        hosts: &[Arc<str>],
    ) -> Result<Option<Ending>, Error> {
        match what {
            "noop" => {}
            "flush_handlers" => self.flush(std::slice::from_ref(host)),
            "end_host" => self.iterator.end_host(host),
            "end_role" => self.iterator.end_role(host),
            "end_play" | "end_batch" => {
                for host in self.hosts.clone() {
                    self.iterator.end_host(&host);
                }
                return Ok(Some(if what == "end_play" { Ending::EndPlay } else { Ending::Done }));
            }
            "clear_facts" => {
                for host in hosts {
                    self.shared.world.host(host).clear_facts();
                }
            }
            "clear_host_errors" => {
                for host in self.hosts.clone() {
                    self.run.failed.remove(&*host);
                    self.run.unreachable.remove(&*host);
                    self.iterator.revive(&host);
                }
            }
            "refresh_inventory" => self.shared.world.reload_inventory()?,
            "reset_connection" => self.reset_connection(task, host),
            other => {
                return Err(Error::project(format!("invalid meta action requested: {other}"), Some(&task.action_span))
                    .with_exit_code(1));
            }
        }
        Ok(None)
    }

    fn reset_connection(&self, task: &Arc<Task>, host: &Arc<str>) {
        let search_path = self.shared.search_path(&self.play, task);
        let Ok(scope) = self.shared.scope(&self.play, task, host, &search_path) else { return };
        let templar = self.shared.templar(&scope, &search_path);
        let keywords = KeywordReader { keywords: &task.keywords, templar: &templar };
        let deciders = Deciders { scope: &scope, templar: &templar, keywords, options: &self.shared.options };
        if let Ok(endpoint) = deciders.endpoint() {
            self.shared.remote.reset(&endpoint);
        }
    }
}

/// What a `meta` task asks for.
pub fn meta_of(task: &Task) -> Result<String, Error> {
    let what = match &task.raw_params {
        Some(text) => text.trim().to_owned(),
        None => task.args.values().next().map(Value::to_text).unwrap_or_default(),
    };
    if META_CHOICES.contains(&what.as_str()) {
        return Ok(what);
    }
    Err(Error::project(format!("invalid meta action requested: {what}"), Some(&task.action_span)).with_exit_code(1))
}

fn report(task: &Task, host: &Arc<str>, name: &Arc<str>, result: ActionResult, status: Status) -> TaskReport {
    TaskReport {
        task: task.id,
        name: name.to_string(),
        place: task.span.clone(),
        action: table::short_name(&task.action).to_owned(),
        host: Arc::clone(host),
        delegated_to: None,
        status,
        ignored: false,
        fields: result.fields,
        diff: Vec::new(),
        trouble: result.trouble,
        warnings: result.warnings,
        deprecations: Vec::new(),
        item_label: None,
        looped: false,
        always_verbose: false,
        show_diff: false,
        no_log: false,
        include: false,
    }
}
