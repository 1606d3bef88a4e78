//! Databases and their snapshots: look up, and wait until they have a status.

use std::time::Duration;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::{DbInstance, DbSnapshot};

use super::tags::Tags;
use crate::error::{ApiError, api_error};
use crate::task::{Task, TimedOut, Wait};

pub fn is_not_found(err: &ApiError) -> bool {
    err.code
        .as_deref()
        .is_some_and(|code| code.starts_with("DBInstanceNotFound") || code.starts_with("DBSnapshotNotFound"))
}

pub async fn instance(client: &Client, name: &str) -> Result<Option<DbInstance>, ApiError> {
    let answer = client
        .describe_db_instances()
        .db_instance_identifier(name)
        .send()
        .await
        .map_err(api_error("DescribeDBInstances"));
    match answer {
        Ok(answer) => Ok(answer.db_instances.unwrap_or_default().into_iter().next()),
        Err(err) if is_not_found(&err) => Ok(None),
        Err(err) => Err(err),
    }
}

/// A snapshot of that name; `manual` leaves out those that AWS made.
pub async fn snapshot(client: &Client, name: &str, manual: bool) -> Result<Option<DbSnapshot>, ApiError> {
    let answer = client
        .describe_db_snapshots()
        .db_snapshot_identifier(name)
        .set_snapshot_type(manual.then(|| "manual".to_owned()))
        .send()
        .await
        .map_err(api_error("DescribeDBSnapshots"));
    match answer {
        Ok(answer) => Ok(answer.db_snapshots.unwrap_or_default().into_iter().next()),
        Err(err) if is_not_found(&err) => Ok(None),
        Err(err) => Err(err),
    }
}

pub fn status_of(instance: &DbInstance) -> &str {
    instance.db_instance_status().unwrap_or_default()
}

pub fn to_rds_tags(tags: &Tags) -> Vec<aws_sdk_rds::types::Tag> {
    tags.iter().map(|(key, value)| aws_sdk_rds::types::Tag::builder().key(key).value(value).build()).collect()
}

/// Statuses that no waiting changes into `available`.
const DEAD_ENDS: &[&str] = &[
    "deleting",
    "failed",
    "inaccessible-encryption-credentials",
    "incompatible-network",
    "incompatible-option-group",
    "incompatible-parameters",
    "incompatible-restore",
    "insufficient-capacity",
    "restore-error",
    "stopped",
];

pub fn is_dead_end(status: &str) -> bool {
    DEAD_ENDS.contains(&status)
}

/// Why a wait for a database ended without it.
#[derive(Debug)]
pub enum WaitProblem {
    TimedOut,
    Api(ApiError),
    Gone,
    DeadEnd(String),
}

impl From<TimedOut> for WaitProblem {
    fn from(_: TimedOut) -> Self {
        Self::TimedOut
    }
}

/// A poll every 5 seconds, after a minute and a half every 20: databases take minutes.
async fn pause(wait: &Wait<'_>, status: &str) -> Result<(), TimedOut> {
    let seconds = if wait.elapsed() < Duration::from_secs(90) { 5 } else { 20 };
    wait.pause(&format!("status {status}"), seconds).await
}

/// Waits until the database has `status`; `what` says to the user what is going on.
pub async fn wait_for_instance(
    task: &Task,
    client: &Client,
    name: &str,
    status: &str,
    what: &str,
    timeout: Duration,
) -> Result<DbInstance, WaitProblem> {
    let wait = task.wait(what, timeout);
    loop {
        let found = instance(client, name).await.map_err(WaitProblem::Api)?.ok_or(WaitProblem::Gone)?;
        let present = status_of(&found);
        if present == status {
            return Ok(found);
        }
        if is_dead_end(present) {
            return Err(WaitProblem::DeadEnd(present.to_owned()));
        }
        pause(&wait, present).await?;
    }
}

/// Waits until AWS knows nothing of the database any more.
pub async fn wait_until_gone(task: &Task, client: &Client, name: &str, timeout: Duration) -> Result<(), WaitProblem> {
    let wait = task.wait(format!("deleting database {name}"), timeout);
    while let Some(found) = instance(client, name).await.map_err(WaitProblem::Api)? {
        pause(&wait, status_of(&found)).await?;
    }
    Ok(())
}

pub async fn wait_for_snapshot(
    task: &Task,
    client: &Client,
    name: &str,
    timeout: Duration,
) -> Result<DbSnapshot, WaitProblem> {
    let wait = task.wait(format!("creating snapshot {name}"), timeout);
    loop {
        let found = snapshot(client, name, false).await.map_err(WaitProblem::Api)?.ok_or(WaitProblem::Gone)?;
        match found.status().unwrap_or_default() {
            "available" => return Ok(found),
            "failed" => return Err(WaitProblem::DeadEnd("failed".to_owned())),
            other => pause(&wait, other).await?,
        }
    }
}

pub async fn wait_until_snapshot_gone(
    task: &Task,
    client: &Client,
    name: &str,
    timeout: Duration,
) -> Result<(), WaitProblem> {
    let wait = task.wait(format!("deleting snapshot {name}"), timeout);
    while let Some(found) = snapshot(client, name, false).await.map_err(WaitProblem::Api)? {
        pause(&wait, found.status().unwrap_or_default()).await?;
    }
    Ok(())
}

/// Waits until a renamed database is known by its new name.
pub async fn wait_until_known(
    task: &Task,
    client: &Client,
    name: &str,
    timeout: Duration,
) -> Result<DbInstance, WaitProblem> {
    let wait = task.wait(format!("renaming a database to {name}"), timeout);
    loop {
        if let Some(found) = instance(client, name).await.map_err(WaitProblem::Api)? {
            return Ok(found);
        }
        wait.pause("not visible yet", 5).await?;
    }
}
