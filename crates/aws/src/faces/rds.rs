//! `rds`, the module of Ansible 2: commands for databases and their snapshots.

use std::time::Duration;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::DbInstance;
use rplay_module_api::{Failure, Json, Map, ModuleResult, Outcome, parse_args};
use serde::Deserialize;

use super::{rds_commands, rds_json};
use crate::AwsModule;
use crate::api::databases::{self, WaitProblem, status_of};
use crate::api::tags;
use crate::connection::Secret;
use crate::error::{ApiError, api_error};
use crate::services::Rds;
use crate::task::{Task, run};

pub const MODULE: AwsModule = AwsModule { spec: &rplay_aws_specs::RDS, run: run!(rds) };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    apply_immediately: bool,
    backup_retention: Option<String>,
    backup_window: Option<String>,
    character_set_name: Option<String>,
    command: String,
    db_engine: Option<String>,
    db_name: Option<String>,
    engine_version: Option<String>,
    force_failover: bool,
    instance_name: Option<String>,
    instance_type: Option<String>,
    iops: Option<String>,
    license_model: Option<String>,
    maint_window: Option<String>,
    multi_zone: Option<bool>,
    new_instance_name: Option<String>,
    option_group: Option<String>,
    parameter_group: Option<String>,
    password: Option<Secret>,
    port: Option<i32>,
    publicly_accessible: Option<bool>,
    security_groups: Option<String>,
    size: Option<String>,
    snapshot: Option<String>,
    source_instance: Option<String>,
    subnet: Option<String>,
    tags: Option<Map<String, Json>>,
    upgrade: bool,
    username: Option<String>,
    vpc_security_groups: Option<Vec<String>>,
    wait: Option<bool>,
    wait_timeout: Option<u64>,
    zone: Option<String>,
}

impl Args {
    fn name(&self) -> &str {
        self.instance_name.as_deref().unwrap_or_default()
    }

    fn wait(&self) -> bool {
        self.wait.unwrap_or(false)
    }

    /// Half an hour unless told otherwise: a database takes longer than the five minutes of old.
    fn timeout(&self) -> Duration {
        Duration::from_secs(self.wait_timeout.unwrap_or(1800))
    }

    fn groups(&self) -> Option<Vec<String>> {
        let groups = self.vpc_security_groups.as_ref()?;
        let groups: Vec<String> = groups.iter().map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect();
        (!groups.is_empty()).then_some(groups)
    }

    fn classic_groups(&self) -> Option<Vec<String>> {
        let groups = self.security_groups.as_deref().filter(|text| !text.is_empty())?;
        Some(groups.split(',').map(|name| name.trim().to_owned()).collect())
    }

    fn rds_tags(&self) -> Option<Vec<aws_sdk_rds::types::Tag>> {
        self.tags.as_ref().map(|tags| databases::to_rds_tags(&tags::from_written(tags)))
    }

    fn password(&self) -> Option<String> {
        self.password.as_ref().map(|password| password.reveal().to_owned())
    }

    fn engine(&self) -> String {
        self.db_engine.as_deref().unwrap_or_default().to_ascii_lowercase()
    }
}

/// A number that is written as text.
fn number(name: &str, text: Option<&String>) -> Result<Option<i32>, Failure> {
    let Some(text) = text.map(|text| text.trim()).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| Failure::new(format!("{name} must be a number, not `{text}`")))
}

fn text(value: Option<&String>) -> Option<String> {
    value.filter(|text| !text.is_empty()).cloned()
}

async fn rds(written: Map<String, Json>, task: &Task) -> ModuleResult {
    let command = written.get("command").and_then(Json::as_str).unwrap_or_default().to_owned();
    for name in rds_commands::check(&command, &written)? {
        task.warn(format!("parameter {name} has no effect on the {command} command"));
    }
    let args: Args = parse_args(written)?;
    let client = task.client::<Rds>().await?;
    match args.command.as_str() {
        "create" => create(&args, task, &client).await,
        "replicate" => replicate(&args, task, &client).await,
        "delete" => delete(&args, task, &client).await,
        "facts" => facts(&args, &client).await,
        "modify" => modify(&args, task, &client).await,
        "promote" => promote(&args, task, &client).await,
        "snapshot" => snapshot(&args, task, &client).await,
        "reboot" => reboot(&args, task, &client).await,
        "restore" => restore(&args, task, &client).await,
        other => Err(Failure::new(format!("rds has no command {other}"))),
    }
}

fn bare(err: &ApiError) -> Failure {
    err.failure(err.message.clone())
}

async fn look_up(client: &Client, name: &str) -> Result<Option<DbInstance>, Failure> {
    databases::instance(client, name).await.map_err(|err| bare(&err))
}

fn wait_failure(problem: WaitProblem, name: &str, changed: bool) -> Failure {
    let mut failure = match problem {
        WaitProblem::TimedOut => Failure::new(format!("Timeout waiting for RDS resource {name}")),
        WaitProblem::Api(err) => bare(&err),
        WaitProblem::Gone => Failure::new(format!("RDS resource {name} vanished while it was waited for")),
        WaitProblem::DeadEnd(status) => {
            Failure::new(format!("RDS resource {name} has status {status} and will not become available by itself"))
        }
    };
    failure.changed = changed;
    failure
}

/// Ends a command that leaves an instance: waits for it if wanted, then returns it as AWS shows it.
async fn finish(
    args: &Args,
    task: &Task,
    client: &Client,
    name: &str,
    changed: bool,
    wait: Option<&str>,
) -> ModuleResult {
    let instance = match wait {
        Some(doing) => {
            let what = format!("{doing} database {name}");
            databases::wait_for_instance(task, client, name, "available", &what, args.timeout())
                .await
                .map_err(|problem| wait_failure(problem, name, changed))?
        }
        None => look_up(client, name)
            .await?
            .ok_or_else(|| Failure { changed, ..Failure::new(format!("DB instance {name} does not exist")) })?,
    };
    Ok(Outcome::changed(changed).with("instance", rds_json::instance(&instance)))
}

async fn create(args: &Args, task: &Task, client: &Client) -> ModuleResult {
    let name = args.name();
    let exists = look_up(client, name).await?.is_some();
    if !exists {
        client
            .create_db_instance()
            .db_instance_identifier(name)
            .engine(args.engine())
            .set_allocated_storage(number("size", args.size.as_ref())?)
            .set_db_instance_class(args.instance_type.clone())
            .set_master_username(args.username.clone())
            .set_master_user_password(args.password())
            .set_backup_retention_period(number("backup_retention", args.backup_retention.as_ref())?)
            .set_preferred_backup_window(text(args.backup_window.as_ref()))
            .set_character_set_name(text(args.character_set_name.as_ref()))
            .set_db_name(text(args.db_name.as_ref()))
            .set_engine_version(text(args.engine_version.as_ref()))
            .set_iops(number("iops", args.iops.as_ref())?)
            .set_license_model(text(args.license_model.as_ref()))
            .set_preferred_maintenance_window(text(args.maint_window.as_ref()))
            .set_multi_az(args.multi_zone)
            .set_option_group_name(text(args.option_group.as_ref()))
            .set_db_parameter_group_name(text(args.parameter_group.as_ref()))
            .set_port(args.port.or_else(|| rds_commands::default_port(&args.engine())))
            .set_publicly_accessible(args.publicly_accessible)
            .set_db_security_groups(args.classic_groups())
            .set_vpc_security_group_ids(args.groups())
            .set_db_subnet_group_name(text(args.subnet.as_ref()))
            .set_availability_zone(text(args.zone.as_ref()))
            .auto_minor_version_upgrade(args.upgrade)
            .set_tags(args.rds_tags())
            .send()
            .await
            .map_err(|err| {
                let err = api_error("CreateDBInstance")(err);
                err.failure(format!("Failed to create instance: {}", err.message))
            })?;
    }
    // The endpoint of a database is known only when it is available, and it is what the task was written for.
    let wait = args.wait.unwrap_or(true).then_some("creating");
    finish(args, task, client, name, !exists, wait).await
}

async fn replicate(args: &Args, task: &Task, client: &Client) -> ModuleResult {
    let name = args.name();
    let exists = look_up(client, name).await?.is_some();
    if !exists {
        create_replica(args, task, client).await?;
    }
    finish(args, task, client, name, !exists, args.wait().then_some("creating")).await
}

/// AWS refuses to replicate a database that isn't available, so unless told not to wait, this waits for it.
async fn create_replica(args: &Args, task: &Task, client: &Client) -> Result<(), Failure> {
    let source = args.source_instance.as_deref().unwrap_or_default();
    let may_wait = args.wait.unwrap_or(true);
    let mut waited = false;
    loop {
        if may_wait {
            wait_for_source(args, task, client, source).await?;
        }
        let request = client
            .create_db_instance_read_replica()
            .db_instance_identifier(args.name())
            .source_db_instance_identifier(source)
            .set_db_instance_class(text(args.instance_type.as_ref()))
            .set_iops(number("iops", args.iops.as_ref())?)
            .set_option_group_name(text(args.option_group.as_ref()))
            .set_port(args.port)
            .set_publicly_accessible(args.publicly_accessible)
            .set_availability_zone(text(args.zone.as_ref()))
            .set_vpc_security_group_ids(args.groups())
            .auto_minor_version_upgrade(args.upgrade)
            .set_tags(args.rds_tags());
        let Err(err) = request.send().await.map_err(api_error("CreateDBInstanceReadReplica")) else {
            return Ok(());
        };
        let status = match look_up(client, source).await {
            Ok(Some(instance)) => status_of(&instance).to_owned(),
            _ => String::new(),
        };
        // A database that has just become available may go into its first backup at once.
        if err.is("InvalidDBInstanceState") && may_wait && !waited && status != "available" {
            waited = true;
            continue;
        }
        let mut text = format!("Failed to create replica instance: {} ", err.message);
        if !status.is_empty() && status != "available" {
            text = format!("{text}(the source {source} has status {status})");
        }
        return Err(err.failure(text));
    }
}

async fn wait_for_source(args: &Args, task: &Task, client: &Client, source: &str) -> Result<(), Failure> {
    let what = format!("waiting for {source}, the source of {}", args.name());
    let waited = databases::wait_for_instance(task, client, source, "available", &what, args.timeout()).await;
    match waited {
        // What AWS says about a source that isn't there, or never will be available, is AWS's to say.
        Ok(_) | Err(WaitProblem::Gone | WaitProblem::DeadEnd(_)) => Ok(()),
        Err(problem) => Err(wait_failure(problem, source, false)),
    }
}

async fn delete(args: &Args, task: &Task, client: &Client) -> ModuleResult {
    let snapshot = args.snapshot.as_deref().filter(|name| !name.is_empty());
    match (args.instance_name.as_deref().filter(|name| !name.is_empty()), snapshot) {
        (Some(name), last) => {
            let living = look_up(client, name).await?.filter(|instance| status_of(instance) != "deleting");
            if living.is_none() {
                return Ok(Outcome::changed(false));
            }
            client
                .delete_db_instance()
                .db_instance_identifier(name)
                .skip_final_snapshot(last.is_none())
                .set_final_db_snapshot_identifier(last.map(str::to_owned))
                .send()
                .await
                .map_err(|err| delete_failure(&api_error("DeleteDBInstance")(err)))?;
            if args.wait() {
                databases::wait_until_gone(task, client, name, args.timeout())
                    .await
                    .map_err(|problem| wait_failure(problem, name, true))?;
            }
        }
        (None, Some(name)) => {
            let found = databases::snapshot(client, name, false).await.map_err(|err| bare(&err))?;
            if found.is_none_or(|snapshot| snapshot.status() == Some("deleting")) {
                return Ok(Outcome::changed(false));
            }
            client
                .delete_db_snapshot()
                .db_snapshot_identifier(name)
                .send()
                .await
                .map_err(|err| delete_failure(&api_error("DeleteDBSnapshot")(err)))?;
            if args.wait() {
                databases::wait_until_snapshot_gone(task, client, name, args.timeout())
                    .await
                    .map_err(|problem| wait_failure(problem, name, true))?;
            }
        }
        (None, None) => {
            return Err(Failure::new("Parameter instance_name or snapshot required for delete command"));
        }
    }
    Ok(Outcome::changed(true))
}

fn delete_failure(err: &ApiError) -> Failure {
    err.failure(format!("Failed to delete instance: {}", err.message))
}

async fn facts(args: &Args, client: &Client) -> ModuleResult {
    let given = |name: &Option<String>| name.as_ref().filter(|name| !name.is_empty()).cloned();
    match (given(&args.instance_name), given(&args.snapshot)) {
        (Some(_), Some(_)) => Err(Failure::new("Facts must be called with either instance_name or snapshot, not both")),
        (Some(name), None) => {
            let found = look_up(client, &name).await?;
            let found = found.ok_or_else(|| Failure::new(format!("DB instance {name} does not exist")))?;
            Ok(Outcome::changed(false).with("instance", rds_json::instance(&found)))
        }
        (None, Some(name)) => {
            let found = databases::snapshot(client, &name, false).await.map_err(|err| bare(&err))?;
            let found = found.ok_or_else(|| Failure::new(format!("DB snapshot {name} does not exist")))?;
            Ok(Outcome::changed(false).with("instance", rds_json::snapshot(&found)))
        }
        (None, None) => Err(Failure::new("Parameter instance_name or snapshot required for facts command")),
    }
}

async fn modify(args: &Args, task: &Task, client: &Client) -> ModuleResult {
    if text(args.db_name.as_ref()).is_some() {
        task.warn("parameter db_name has no effect on the modify command: AWS can't rename a database");
    }
    let new_name = text(args.new_instance_name.as_ref());
    client
        .modify_db_instance()
        .db_instance_identifier(args.name())
        .set_allocated_storage(number("size", args.size.as_ref())?)
        .set_db_instance_class(text(args.instance_type.as_ref()))
        .set_master_user_password(args.password().filter(|password| !password.is_empty()))
        .set_backup_retention_period(number("backup_retention", args.backup_retention.as_ref())?)
        .set_preferred_backup_window(text(args.backup_window.as_ref()))
        .set_engine_version(text(args.engine_version.as_ref()))
        .set_iops(number("iops", args.iops.as_ref())?)
        .set_license_model(text(args.license_model.as_ref()))
        .set_preferred_maintenance_window(text(args.maint_window.as_ref()))
        .set_multi_az(args.multi_zone)
        .set_new_db_instance_identifier(new_name.clone())
        .set_option_group_name(text(args.option_group.as_ref()))
        .set_db_parameter_group_name(text(args.parameter_group.as_ref()))
        .set_db_security_groups(args.classic_groups())
        .set_vpc_security_group_ids(args.groups())
        .auto_minor_version_upgrade(args.upgrade)
        .apply_immediately(args.apply_immediately)
        .send()
        .await
        .map_err(|err| bare(&api_error("ModifyDBInstance")(err)))?;
    let mut name = args.name().to_owned();
    if let Some(new_name) = new_name.filter(|_| args.apply_immediately) {
        name = new_name;
        databases::wait_until_known(task, client, &name, args.timeout())
            .await
            .map_err(|problem| wait_failure(problem, &name, true))?;
    }
    finish(args, task, client, &name, true, args.wait().then_some("modifying")).await
}

async fn promote(args: &Args, task: &Task, client: &Client) -> ModuleResult {
    let name = args.name();
    let found = look_up(client, name).await?;
    let found = found.ok_or_else(|| Failure::new(format!("DB instance {name} does not exist")))?;
    let is_replica = found.read_replica_source_db_instance_identifier().is_some_and(|source| !source.is_empty());
    if is_replica {
        client
            .promote_read_replica()
            .db_instance_identifier(name)
            .set_backup_retention_period(number("backup_retention", args.backup_retention.as_ref())?)
            .set_preferred_backup_window(text(args.backup_window.as_ref()))
            .send()
            .await
            .map_err(|err| bare(&api_error("PromoteReadReplica")(err)))?;
    }
    finish(args, task, client, name, is_replica, args.wait().then_some("promoting")).await
}

async fn snapshot(args: &Args, task: &Task, client: &Client) -> ModuleResult {
    let name = args.snapshot.as_deref().unwrap_or_default();
    let found = databases::snapshot(client, name, true).await.map_err(|err| bare(&err))?;
    let exists = found.is_some();
    if !exists {
        client
            .create_db_snapshot()
            .db_instance_identifier(args.name())
            .db_snapshot_identifier(name)
            .set_tags(args.rds_tags())
            .send()
            .await
            .map_err(|err| bare(&api_error("CreateDBSnapshot")(err)))?;
    }
    let shown = if args.wait() {
        databases::wait_for_snapshot(task, client, name, args.timeout())
            .await
            .map_err(|problem| wait_failure(problem, name, !exists))?
    } else {
        let seen = databases::snapshot(client, name, false).await.map_err(|err| bare(&err))?;
        seen.ok_or_else(|| Failure::new(format!("DB snapshot {name} does not exist")))?
    };
    Ok(Outcome::changed(!exists).with("snapshot", rds_json::snapshot(&shown)))
}

async fn reboot(args: &Args, task: &Task, client: &Client) -> ModuleResult {
    let name = args.name();
    client
        .reboot_db_instance()
        .db_instance_identifier(name)
        .set_force_failover(args.force_failover.then_some(true))
        .send()
        .await
        .map_err(|err| bare(&api_error("RebootDBInstance")(err)))?;
    finish(args, task, client, name, true, args.wait().then_some("rebooting")).await
}

async fn restore(args: &Args, task: &Task, client: &Client) -> ModuleResult {
    let name = args.name();
    let exists = look_up(client, name).await?.is_some();
    if !exists {
        client
            .restore_db_instance_from_db_snapshot()
            .db_instance_identifier(name)
            .set_db_snapshot_identifier(args.snapshot.clone())
            .set_db_instance_class(text(args.instance_type.as_ref()))
            .set_db_name(text(args.db_name.as_ref()))
            .set_iops(number("iops", args.iops.as_ref())?)
            .set_license_model(text(args.license_model.as_ref()))
            .set_multi_az(args.multi_zone)
            .set_option_group_name(text(args.option_group.as_ref()))
            .set_port(args.port)
            .set_publicly_accessible(args.publicly_accessible)
            .set_db_subnet_group_name(text(args.subnet.as_ref()))
            .set_availability_zone(text(args.zone.as_ref()))
            .set_vpc_security_group_ids(args.groups())
            .auto_minor_version_upgrade(args.upgrade)
            .set_tags(args.rds_tags())
            .send()
            .await
            .map_err(|err| bare(&api_error("RestoreDBInstanceFromDBSnapshot")(err)))?;
    }
    finish(args, task, client, name, !exists, args.wait().then_some("restoring")).await
}
