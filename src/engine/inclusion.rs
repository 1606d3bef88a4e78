//! Puts what was included in front of the hosts that asked for it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::driver::OpenTurn;
use super::event::{EventKind, Status, TaskReport};
use super::includes::{self, Inclusion, Place};
use super::play_state::{HostId, PlayState};
use super::steps::{self, Step, Steps};
use crate::actions::{Include, IncludeTarget};
use crate::error::Error;
use crate::playbook::Task;
use crate::value::{Dict, Value};

/// The same include wanted by several hosts: read once, run together.
struct Group {
    include: Include,
    hosts: Vec<HostId>,
}

/// Adds what the hosts of a turn asked for to their ways. Those for which it can't be read fail.
pub fn apply(play: &mut PlayState<'_>, turn: &mut OpenTurn) -> Result<(), Error> {
    let mut requests = std::mem::take(&mut turn.includes);
    // Includes are grouped in the order of the hosts, whichever came first.
    requests.sort_by_key(|(host, _)| *host);
    let mut ways: HashMap<HostId, Vec<Steps>> = HashMap::new();
    let mut ids = Vec::new();
    for group in grouped(requests) {
        let place = Place {
            loader: &play.shared.loader,
            play: &play.play,
            filter: &play.filter,
            task: &turn.task,
            include: &group.include,
        };
        match includes::read(&place) {
            Ok(inclusion) => {
                steps::order(&inclusion.steps, &mut ids);
                announce(play, turn, &group, &inclusion);
                for host in &group.hosts {
                    play.count(*host, |stats| stats.ok += 1);
                    ways.entry(*host).or_default().push(Arc::clone(&inclusion.steps));
                }
            }
            Err(err) if includes::is_failure_of_the_task(&err) => {
                fail(play, turn, &group, &err);
                group.hosts.iter().for_each(|host| drop(ways.remove(host)));
                turn.failed.extend(group.hosts);
            }
            Err(err) => return Err(err),
        }
    }
    for (host, way) in ways {
        let steps = match way.as_slice() {
            [only] => Arc::clone(only),
            several => several.iter().flat_map(|steps| steps.iter().cloned()).collect::<Vec<Step>>().into(),
        };
        if !steps.is_empty() && !turn.failed.contains(&host) {
            play.iterator.insert(host, steps);
        }
    }
    play.order.insert(ids);
    Ok(())
}

fn announce(play: &mut PlayState<'_>, turn: &OpenTurn, group: &Group, inclusion: &Inclusion) {
    let (shared, run) = (Arc::clone(&play.shared), Arc::clone(&play.play));
    let templar_of = |task: &Task| shared.templar_of_nobody(&run, task);
    for usage in &inclusion.roles {
        for (old, new) in play.handlers.add_role(usage, &templar_of) {
            play.iterator.rename_handler(old, new);
        }
    }
    for usage in &inclusion.roles {
        play.play.variables.add_role(&usage.role);
    }
    let kind = EventKind::Included {
        what: inclusion.what.clone(),
        hosts: play.names(&group.hosts),
        item: group.include.item.clone(),
    };
    play.shared.send(play.about().task(&turn.info), kind);
}

/// Requests come in the order of their hosts.
fn grouped(requests: Vec<(HostId, Include)>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut alike: HashMap<u64, Vec<usize>> = HashMap::new();
    for (host, include) in requests {
        let known = alike.entry(fingerprint(&include)).or_default();
        let fits = |group: &Group| group.hosts.last() != Some(&host) && group.include == include;
        match known.iter().find(|index| groups.get(**index).is_some_and(fits)) {
            Some(index) => groups[*index].hosts.push(host),
            None => {
                known.push(groups.len());
                groups.push(Group { include, hosts: vec![host] });
            }
        }
    }
    groups
}

/// Equal for equal includes.
fn fingerprint(include: &Include) -> u64 {
    let mut hasher = DefaultHasher::new();
    match &include.target {
        IncludeTarget::Tasks { file } => file.hash(&mut hasher),
        IncludeTarget::Role { name, .. } => name.hash(&mut hasher),
    }
    include.item.hash(&mut hasher);
    hasher.finish()
}

fn fail(play: &mut PlayState<'_>, turn: &OpenTurn, group: &Group, err: &Error) {
    let mut fields = Dict::from_iter([
        (Value::str("changed"), Value::Bool(false)),
        (Value::str("failed"), Value::Bool(true)),
        (Value::str("reason"), Value::str(err.message.as_str())),
    ]);
    if let IncludeTarget::Tasks { file } = &group.include.target {
        fields.insert(Value::str("include"), Value::str(file.display().to_string()));
    }
    let about = play.about().task(&turn.info);
    let told = if err.place.is_some() { err.clone() } else { err.clone().at(Some(&turn.task.span)) };
    play.shared.send(about.clone(), EventKind::IncludeFailed(told));
    for host in &group.hosts {
        let report = TaskReport::new(&turn.info, play.name(*host), Status::Failed, fields.clone());
        play.shared.send(about.clone().host(play.name(*host)), EventKind::Finished(Box::new(report)));
        play.count(*host, |stats| stats.failed += 1);
        // Several includes of a loop that can't be read are one failure.
        if !turn.failed.contains(host) {
            play.fail_include(*host);
        }
    }
}
