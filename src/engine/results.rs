//! What a result does to the play: variables, effects, notifications, the numbers of the recap, and what failures lead to.

use std::sync::Arc;

use super::driver::OpenTurn;
use super::event::{EventKind, Status};
use super::play_iterator::AfterFailure;
use super::play_state::{HostId, PlayState};
use super::strategy::Ending;
use super::task_report::Executed;
use crate::actions::Include;
use crate::error::{Error, ErrorKind};
use crate::playbook::Task;
use crate::playbook::keywords::{Keyword, warn_of_reserved};
use crate::value::Value;

/// Takes a host's result into account.
pub fn take_in(play: &mut PlayState<'_>, turn: &mut OpenTurn, host: HostId, executed: Executed) -> Result<(), Error> {
    let Executed { report, fields, effects, notify, ignored, ignore_unreachable, told } = executed;
    let task = Arc::clone(&turn.task);
    let affected = turn.affected(host);
    if let Some(written) = task.keyword(Keyword::Register) {
        warn_of_reserved([written], &play.shared.notices);
        let name = written.to_text();
        let result = Value::dict(fields.clone());
        for other in &affected {
            play.variables(*other).set([(Value::str(name.as_str()), result.clone())]);
        }
    }
    let includes: Vec<Include> = super::effects::apply(play, host, &affected, effects)?;
    // With `run_once` the others have not been through the role.
    if let Some(role) = task.role()
        && !matches!(report.status, Status::Skipped | Status::Unreachable)
    {
        play.iterator.role_begun(host, role);
    }
    if task.context.handlers {
        for other in &affected {
            play.iterator.handled(*other, task.id);
        }
    }
    self::notify(play, &task, &notify, host)?;
    let including = !includes.is_empty();
    turn.includes.extend(includes.into_iter().map(|include| (host, include)));
    match report.status {
        Status::Ok | Status::Changed if including => {}
        Status::Ok => play.count(host, |stats| stats.ok += 1),
        Status::Changed => play.count(host, |stats| {
            stats.ok += 1;
            stats.changed += 1;
        }),
        Status::Skipped => play.count(host, |stats| stats.skipped += 1),
        Status::Failed if ignored => {
            let changed = fields.get("changed").is_some_and(Value::is_truthy);
            play.count(host, |stats| {
                stats.ok += 1;
                stats.ignored += 1;
                stats.changed += u32::from(changed);
            });
        }
        Status::Unreachable if ignore_unreachable => play.count(host, |stats| {
            stats.ok += 1;
            stats.ignored += 1;
        }),
        Status::Unreachable => {
            play.count(host, |stats| stats.unreachable += 1);
            play.mark_unreachable(host);
            turn.failed.extend(&affected);
        }
        Status::Failed => {
            play.fail(host, &affected, &task, &fields);
            turn.failed.extend(&affected);
        }
    }
    if !told {
        let about = play.about().task(&turn.info).host(play.name(host));
        play.shared.send(about, EventKind::Finished(Box::new(report)));
    }
    Ok(())
}

fn notify(play: &mut PlayState<'_>, task: &Arc<Task>, names: &[String], host: HostId) -> Result<(), Error> {
    for name in names {
        let found = play.handlers.find(name, &play.shared.notices);
        if found.is_empty() {
            let message = format!(
                "The requested handler '{name}' was not found in either the main handlers list nor in the listening handlers list"
            );
            if play.shared.options.error_on_missing_handler {
                return Err(Error::new(ErrorKind::Project, message)
                    .at(task.keywords.span(Keyword::Notify))
                    .with_exit_code(1));
            }
            play.shared.notices.warn(message, task.keywords.span(Keyword::Notify));
        }
        for handler in &found {
            if play.iterator.notify(host, *handler) {
                let about = play.about().host(play.name(host));
                play.shared.send(about, EventKind::HandlerNotified { handler: name.clone() });
            }
        }
    }
    Ok(())
}

/// `any_errors_fatal` and `max_fail_percentage`.
pub fn after_failures(play: &mut PlayState<'_>, turn: &OpenTurn) -> Result<Option<Ending>, Error> {
    let Some(first) = turn.hosts.first().copied() else { return Ok(None) };
    let fatal = play
        .keyword(&turn.task, first, &turn.search_path, |reader| reader.bool(Keyword::AnyErrorsFatal))
        // Where the keyword can't be read, the task has failed for that.
        .unwrap_or(None)
        .unwrap_or(play.shared.options.any_errors_fatal);
    if fatal {
        let failed: std::collections::HashSet<HostId> = turn.failed.iter().copied().collect();
        let others: Vec<HostId> = play.hosts_left().filter(|host| !failed.contains(host)).collect();
        for host in others {
            if !play.is_failed(host) && play.iterator.fail(host) == AfterFailure::Lost {
                play.mark_failed(host);
            }
        }
    }
    let Some(percentage) = play.max_fail_percentage else { return Ok(None) };
    // A host that still has an `always` section before it is not counted yet.
    let lost = play.lost_for_good();
    #[expect(clippy::cast_precision_loss, reason = "counts of hosts")]
    let share = lost as f64 / play.len().max(1) as f64 * 100.0;
    if share <= percentage {
        return Ok(None);
    }
    let left: Vec<HostId> = play.hosts_left().filter(|host| !play.is_failed(*host)).collect();
    for host in left {
        play.iterator.end_host(host);
        play.mark_failed(host);
    }
    play.tell(EventKind::NoHostsRemaining);
    play.tell(EventKind::NoHostsRemaining);
    Ok(Some(Ending::Break))
}
