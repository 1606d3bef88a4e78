//! Tasks in the background (`async`, `poll`): started like any other, then asked about until they have ended.

use std::time::Duration;

use rplay_module_api::message::Background;

use super::event::EventKind;
use super::keyword_values::{KeywordReader, KeywordResult};
use super::task_executor::Job;
use crate::actions::table::Resolved;
use crate::actions::{ActionResult, FailedIn, Target, async_status, module};
use crate::playbook::Task;
use crate::playbook::keywords::Keyword;
use crate::value::Value;

/// How often and how long after its time a job is asked for what its guard wrote.
const LAST_LOOKS: u32 = 20;
const BETWEEN_LAST_LOOKS: Duration = Duration::from_millis(100);

/// How long a task in the background is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Seconds in all.
    limit: i64,
    /// Seconds between two looks; 0 for not waiting at all.
    poll: i64,
}

/// Whether Ansible runs such a task in the background.
pub fn is_possible(task: &Task, resolved: &Resolved) -> bool {
    resolved.takes_async() && !task.is_builtin("gather_facts")
}

pub fn refused(task: &Task) -> ActionResult {
    ActionResult::failed(format!("This action ({}) does not support async.", task.action))
}

impl Job {
    /// Makes the target run the task's module in the background, if the task says so.
    pub fn background(&self, reader: &KeywordReader<'_>, target: &mut Target) -> KeywordResult<Option<Patience>> {
        let Some(limit) = reader.int(Keyword::Async)?.filter(|seconds| *seconds > 0) else { return Ok(None) };
        let poll = reader.int(Keyword::Poll)?.unwrap_or(self.shared.options.poll_interval).max(0);
        target.background = Some(Background {
            limit: limit.unsigned_abs(),
            directory: target.async_directory.clone(),
            name: format!("j{}", rand::random_range(0..999_999_999_999_u64)),
        });
        Ok(Some(Patience { limit, poll }))
    }

    /// The result of a job that was started, once it has one or nobody waits any longer.
    pub async fn await_job(&self, patience: Patience, target: &Target, started: ActionResult) -> ActionResult {
        let is_over = |result: &ActionResult| result.is_failed() || result.is_skipped() || result.is_unreachable();
        if patience.poll == 0 || is_over(&started) {
            return started;
        }
        let id = started.get("ansible_job_id").map(Value::to_text);
        let mut result = match &id {
            Some(id) => self.poll(patience, &Target { background: None, ..target.clone() }, id).await,
            None => ActionResult::failed("No job id was returned by the async task"),
        };
        module::take_facts(&mut result);
        if !result.is_unreachable() {
            self.tell(EventKind::JobEnded { job: id, failed: result.is_failed() });
        }
        result
    }

    async fn poll(&self, patience: Patience, target: &Target, id: &str) -> ActionResult {
        let mut left = patience.limit;
        loop {
            tokio::time::sleep(Duration::from_secs(patience.poll.unsigned_abs())).await;
            let result = async_status::of_job(target, id).await;
            let says = |name: &str| result.get(name).is_some_and(Value::is_truthy);
            let finished = says("finished");
            left -= patience.poll;
            if finished || result.is_failed() || result.is_skipped() {
                return if finished { result } else { not_in_time(patience, &result) };
            }
            if result.is_unreachable() {
                // The job does not need the connection: it is asked about again over a new one.
                if left <= 0 {
                    return result;
                }
                continue;
            }
            self.tell(EventKind::JobPolled { job: id.to_owned(), started: says("started"), finished });
            if left <= 0 {
                // Looks take Ansible so long that after several of them the guard has spoken; after the first it has not.
                let word = if patience.limit > patience.poll { self.last_word(target, id).await } else { None };
                return word.unwrap_or_else(|| not_in_time(patience, &result));
            }
        }
    }

    /// What the job's own guard says, which ends it when its time is over: at this very moment.
    async fn last_word(&self, target: &Target, id: &str) -> Option<ActionResult> {
        for _ in 0..LAST_LOOKS {
            tokio::time::sleep(BETWEEN_LAST_LOOKS).await;
            let result = async_status::of_job(target, id).await;
            if result.get("finished").is_some_and(Value::is_truthy) {
                return Some(result);
            }
        }
        None
    }
}

fn not_in_time(patience: Patience, last: &ActionResult) -> ActionResult {
    let message = format!("async task did not complete within the requested time - {}s", patience.limit);
    ActionResult::failed_in(FailedIn::Action, message).with("async_result", Value::dict(last.to_dict()))
}
