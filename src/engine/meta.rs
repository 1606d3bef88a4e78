//! `meta`: tasks that are about the run itself.

use std::sync::Arc;

use super::endpoint::Deciders;
use super::event::{EventKind, Status, TaskReport};
use super::judge;
use super::keyword_values::KeywordReader;
use super::play_state::{HostId, PlayState};
use super::strategy::Ending;
use crate::error::Error;
use crate::playbook::Task;
use crate::value::Value;

/// These are carried out host by host; the others once for all.
const PER_HOST: &[&str] = &["end_host", "end_role", "flush_handlers", "noop", "reset_connection"];

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
            let wanted = self.shared.scope(&self.play, task, self.name(*host), &search_path).and_then(|scope| {
                let templar = self.shared.templar(&scope, &search_path);
                judge::when(task, &templar)
            });
            let (result, status) = match wanted {
                Ok(None) => {
                    if let Some(ending) = self.carry_out(&what, task, *host, hosts)? {
                        return Ok(Some(ending));
                    }
                    continue;
                }
                Ok(Some(skipped)) => (skipped, Status::Skipped),
                Err(failure) => (*failure, Status::Failed),
            };
            let mut report = TaskReport::new(&info, self.name(*host), status, result.to_dict());
            (report.trouble, report.warnings) = (result.trouble().cloned(), result.warnings.clone());
            let about = self.about().task(&info).host(self.name(*host));
            self.shared.send(about, EventKind::Finished(Box::new(report)));
            if status == Status::Failed {
                self.fail(*host, &[*host], task, &result.to_dict());
            }
        }
        Ok(None)
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

/// What a `meta` task asks for.
fn meta_of(task: &Task) -> String {
    match &task.raw_params {
        Some(text) => text.trim().to_owned(),
        None => task.args.values().next().map(Value::to_text).unwrap_or_default(),
    }
}
