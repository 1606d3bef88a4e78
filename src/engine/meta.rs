//! `meta`: tasks that are about the run itself.

use std::sync::Arc;

use super::endpoint::Deciders;
use super::event::{EventKind, Status, TaskInfo, TaskReport};
use super::judge;
use super::keyword_values::KeywordReader;
use super::play_state::{HostId, PlayState};
use super::strategy::Ending;
use crate::error::Error;
use crate::playbook::Task;
use crate::playbook::keywords::Keyword;
use crate::value::{Dict, Value};

/// These are carried out host by host; the others once for all.
const PER_HOST: &[&str] = &["end_host", "end_role", "flush_handlers", "noop", "reset_connection"];

/// These may have a condition.
const CONDITIONAL: &[&str] =
    &["clear_facts", "clear_host_errors", "end_batch", "end_host", "end_play", "end_role", "flush_handlers"];

impl PlayState<'_> {
    pub fn meta(&mut self, task: &Arc<Task>, hosts: &[HostId]) -> Result<Option<Ending>, Error> {
        let what = meta_of(task);
        let per_host = PER_HOST.contains(&what.as_str());
        let search_path = self.shared.search_path(&self.play, task);
        for host in if per_host { hosts } else { hosts.get(..1).unwrap_or_default() } {
            self.iterator.handled(*host, task.id);
            let info = if task.implicit {
                self.info(task, "meta".to_owned())
            } else {
                self.announce(task, *host, &search_path)
            };
            if !CONDITIONAL.contains(&what.as_str()) && task.keyword(Keyword::When).is_some() {
                self.shared.notices.warn(format!("{what} task does not support when conditional"), None);
                if let Some(ending) = self.begin(&what, task, &info, *host, hosts)? {
                    return Ok(Some(ending));
                }
                continue;
            }
            let wanted = self.shared.scope(&self.play, task, self.name(*host), &search_path).and_then(|scope| {
                let templar = self.shared.templar(&scope, &search_path);
                judge::when(task, &templar)
            });
            let report = match wanted {
                Ok(None) => {
                    if let Some(ending) = self.begin(&what, task, &info, *host, hosts)? {
                        return Ok(Some(ending));
                    }
                    continue;
                }
                Ok(Some(_)) => {
                    let reason = not_done(&what, task, self.name(*host));
                    self.say(&info, *host, &reason);
                    TaskReport::new(&info, self.name(*host), Status::Skipped, skipped(&what, &reason, self.name(*host)))
                }
                Err(failure) => {
                    let mut report = TaskReport::new(&info, self.name(*host), Status::Failed, failure.to_dict());
                    (report.trouble, report.warnings) = (failure.trouble().cloned(), failure.warnings.clone());
                    report
                }
            };
            let failed = (report.status == Status::Failed).then(|| report.fields.clone());
            let about = self.about().task(&info).host(self.name(*host));
            self.shared.send(about, EventKind::Finished(Box::new(report)));
            if let Some(fields) = failed {
                self.fail(*host, &[*host], task, &fields);
            }
        }
        Ok(None)
    }

    /// Does what is asked for, and says so with -vv.
    fn begin(
        &mut self,
        what: &str,
        task: &Arc<Task>,
        info: &Arc<TaskInfo>,
        host: HostId,
        hosts: &[HostId],
    ) -> Result<Option<Ending>, Error> {
        let ending = self.carry_out(what, task, host, hosts)?;
        if !task.implicit {
            let told = done(what, task, self.name(host));
            self.say(info, host, &told);
        }
        Ok(ending)
    }

    fn say(&self, info: &Arc<TaskInfo>, host: HostId, what: &str) {
        if self.shared.options.verbosity >= 2 {
            let about = self.about().task(info).host(self.name(host));
            self.shared.send(about, EventKind::Message(format!("META: {what}")));
        }
    }

    fn carry_out(
        &mut self,
        what: &str,
        task: &Arc<Task>,
        host: HostId,
        hosts: &[HostId],
    ) -> Result<Option<Ending>, Error> {
        match what {
            "noop" => {}
            "flush_handlers" => self.flush(&[host]),
            "end_host" => self.end_host(host),
            "end_role" => self.iterator.end_role(host),
            "end_play" | "end_batch" => {
                self.all().for_each(|host| self.end_host(host));
                return Ok(Some(if what == "end_play" { Ending::EndPlay } else { Ending::Done }));
            }
            "clear_facts" => hosts.iter().for_each(|host| self.shared.world.clear_facts(self.name(*host))),
            "clear_host_errors" => self.clear_errors(),
            "refresh_inventory" => self.shared.world.reload_inventory()?,
            "reset_connection" => self.reset_connection(task, host),
            other => {
                return Err(Error::project(format!("invalid meta action requested: {other}"), Some(&task.action_span))
                    .with_exit_code(1));
            }
        }
        Ok(None)
    }

    fn reset_connection(&self, task: &Arc<Task>, host: HostId) {
        let search_path = self.shared.search_path(&self.play, task);
        let Ok(scope) = self.shared.scope(&self.play, task, self.name(host), &search_path) else { return };
        let templar = self.shared.templar(&scope, &search_path);
        let keywords = KeywordReader { keywords: &task.keywords, templar: &templar };
        let deciders = Deciders { scope: &scope, templar: &templar, keywords, options: &self.shared.options };
        if let Ok(endpoint) = deciders.endpoint() {
            self.shared.remote.reset(&endpoint);
        }
    }
}

/// What has been done.
fn done(what: &str, task: &Task, host: &str) -> String {
    match what {
        "clear_facts" => "facts cleared".to_owned(),
        "clear_host_errors" => "cleared host errors".to_owned(),
        "end_batch" => "ending batch".to_owned(),
        "end_host" => format!("ending play for {host}"),
        "end_play" => "ending play".to_owned(),
        "end_role" => format!("ending role {} for {host}", role_of(task)),
        "flush_handlers" => format!("triggered running handlers for {host}"),
        "refresh_inventory" => "inventory successfully refreshed".to_owned(),
        "reset_connection" => "reset connection".to_owned(),
        other => other.to_owned(),
    }
}

/// Why nothing has been done, and what goes on instead.
fn not_done(what: &str, task: &Task, host: &str) -> String {
    let instead = match what {
        "clear_facts" => format!(", not clearing facts and fact cache for {host}"),
        "clear_host_errors" => format!(", not clearing host error state for {host}"),
        "end_batch" => ", continuing current batch".to_owned(),
        "end_host" => format!(", continuing execution for {host}"),
        "end_play" => ", continuing play".to_owned(),
        "end_role" => format!("continuing role {} for {host}", role_of(task)),
        _ => format!(", not running handlers for {host}"),
    };
    format!("{what} conditional evaluated to False{instead}")
}

/// The result of a task whose condition is false.
fn skipped(what: &str, reason: &str, host: &str) -> Dict {
    let msg = match what {
        "end_host" => format!("end_host conditional evaluated to false, continuing execution for {host}"),
        other => other.to_owned(),
    };
    Dict::from_iter([
        (Value::str("msg"), Value::str(msg)),
        (Value::str("skipped"), Value::Bool(true)),
        (Value::str("skip_reason"), Value::str(reason)),
    ])
}

fn role_of(task: &Task) -> &str {
    task.role().map_or("", |role| &role.full_name)
}

/// What a `meta` task asks for.
fn meta_of(task: &Task) -> String {
    match &task.raw_params {
        Some(text) => text.trim().to_owned(),
        None => task.args.values().next().map(Value::to_text).unwrap_or_default(),
    }
}
