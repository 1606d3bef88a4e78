//! All hosts of a batch go through the tasks together: none begins a task before all are done with the one before.

use std::sync::Arc;

use super::Ending;
use crate::actions::table;
use crate::engine::batch::{Batch, Order};
use crate::engine::play_iterator::Next;
use crate::error::Error;

pub async fn run(batch: &mut Batch<'_>) -> Result<Ending, Error> {
    loop {
        let waiting: Vec<(Arc<str>, Next)> = batch
            .hosts_left()
            .into_iter()
            .filter_map(|host| batch.iterator.peek(&host).map(|next| (host, next)))
            .collect();
        let Some(id) = batch.order.choose(&waiting) else { break };
        let mut hosts = Vec::new();
        let mut step = None;
        for (host, next) in waiting {
            if next.id() == id {
                hosts.push(host);
                step = Some(next);
            }
        }
        for host in &hosts {
            batch.iterator.take(host);
        }
        match step {
            None => break,
            Some(Next::Flush(_)) => batch.flush(&hosts),
            Some(Next::Task(task)) if table::is_meta(&task.action) => {
                if let Some(ending) = batch.meta(&task, &hosts)? {
                    return Ok(ending);
                }
            }
            Some(Next::Task(task)) => {
                if let Some(ending) = batch.task(&task, &hosts).await? {
                    return Ok(ending);
                }
            }
        }
    }
    Ok(Ending::Done)
}

impl Order {
    /// The next step in the order of the play that some host waits for; after the last one the search begins anew.
    fn choose(&mut self, waiting: &[(Arc<str>, Next)]) -> Option<u64> {
        if waiting.is_empty() {
            return None;
        }
        let wanted: std::collections::HashSet<u64> = waiting.iter().map(|(_, next)| next.id()).collect();
        let later = self.ids.iter().enumerate().skip(self.next);
        let earlier = self.ids.iter().enumerate().take(self.next);
        let found = later.chain(earlier).find(|(_, id)| wanted.contains(id)).map(|(index, id)| (index, *id));
        match found {
            Some((index, id)) => {
                self.next = index + 1;
                Some(id)
            }
            None => waiting.first().map(|(_, next)| next.id()),
        }
    }
}
