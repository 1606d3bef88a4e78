//! `ec2`, the module of Ansible 2: launch, count, terminate, start, stop and reboot instances.

use std::time::Duration;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, Instance};
use rplay_module_api::validate::python_repr;
use rplay_module_api::{Failure, Json, Map, ModuleResult, Outcome, json};
use serde::Deserialize;

use super::ec2_launch::{self, CountTag, Groups};
use crate::AwsModule;
use crate::api::instances::{self, LIVING, SpotProblem, WaitProblem, id_of, ids_of, state_of};
use crate::api::security_groups::{self, filter};
use crate::api::tags::{self, Tags};
use crate::services::Ec2;
use crate::task::{Task, asctime, run};

pub const MODULE: AwsModule = AwsModule { spec: &rplay_aws_specs::EC2, run: run!(ec2) };

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Args {
    pub assign_public_ip: Option<bool>,
    pub count: i32,
    pub count_tag: Option<Json>,
    pub ebs_optimized: bool,
    pub exact_count: Option<i32>,
    #[serde(default, deserialize_with = "list")]
    pub group: Vec<String>,
    #[serde(default, deserialize_with = "list")]
    pub group_id: Vec<String>,
    pub id: Option<String>,
    pub image: Option<String>,
    #[serde(default, deserialize_with = "list")]
    pub instance_ids: Vec<String>,
    pub instance_initiated_shutdown_behavior: Option<String>,
    pub instance_profile_name: Option<String>,
    pub instance_tags: Option<Map<String, Json>>,
    pub instance_type: Option<String>,
    pub kernel: Option<String>,
    pub key_name: Option<String>,
    pub monitoring: bool,
    #[serde(default, deserialize_with = "list")]
    pub network_interfaces: Vec<String>,
    pub placement_group: Option<String>,
    pub private_ip: Option<String>,
    pub ramdisk: Option<String>,
    pub source_dest_check: Option<bool>,
    pub spot_launch_group: Option<String>,
    pub spot_price: Option<String>,
    pub spot_type: String,
    pub spot_wait_timeout: u64,
    pub state: String,
    pub tenancy: String,
    pub termination_protection: Option<bool>,
    pub user_data: Option<String>,
    #[serde(default, deserialize_with = "list")]
    pub volumes: Vec<Map<String, Json>>,
    pub vpc_subnet_id: Option<String>,
    pub wait: bool,
    pub wait_timeout: u64,
    pub zone: Option<String>,
}

/// A list that may be null.
fn list<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Args {
    pub fn instance_tags(&self) -> Tags {
        self.instance_tags.as_ref().map(tags::from_written).unwrap_or_default()
    }

    fn wait_timeout(&self) -> Duration {
        Duration::from_secs(self.wait_timeout)
    }

    /// Empty texts are what templates make of undefined settings; they mean that nothing was given.
    fn without_empty_texts(mut self) -> Self {
        for text in [
            &mut self.id,
            &mut self.image,
            &mut self.instance_initiated_shutdown_behavior,
            &mut self.instance_profile_name,
            &mut self.instance_type,
            &mut self.kernel,
            &mut self.key_name,
            &mut self.placement_group,
            &mut self.private_ip,
            &mut self.ramdisk,
            &mut self.spot_launch_group,
            &mut self.spot_price,
            &mut self.vpc_subnet_id,
            &mut self.zone,
        ] {
            *text = text.take().filter(|text| !text.is_empty());
        }
        for names in [&mut self.group, &mut self.group_id, &mut self.instance_ids, &mut self.network_interfaces] {
            names.retain(|name| !name.is_empty());
        }
        self
    }
}

/// What a state made of its instances.
struct Done {
    changed: bool,
    /// The instances launched, changed or terminated; none when `exact_count` was met already.
    ids: Option<Vec<String>>,
    instances: Vec<Json>,
    tagged: Vec<Json>,
}

async fn ec2(args: Args, task: &Task) -> ModuleResult {
    let args = args.without_empty_texts();
    let done = match args.state.as_str() {
        "absent" => absent(&args, task).await?,
        "running" | "stopped" => start_or_stop(&args, task).await?,
        "restarted" => restart(&args, task).await?,
        _ if args.exact_count.is_some() => exact_count(&args, task).await?,
        _ => launch_count(&args, task).await?,
    };
    let ids = done.ids.map(|mut ids| {
        ids.sort_unstable();
        ids
    });
    Ok(Outcome::changed(done.changed)
        .with("instance_ids", json!(ids))
        .with("instances", done.instances)
        .with("tagged_instances", done.tagged))
}

async fn launch_count(args: &Args, task: &Task) -> Result<Done, Failure> {
    ec2_launch::check(args)?;
    let client = task.client::<Ec2>().await?;
    let mut count = args.count;
    let mut existing = Vec::new();
    if let Some(token) = &args.id {
        let filters = vec![filter("client-token", token), instances::state_filter(&["running"])];
        existing = instances::find(&client, filters).await.map_err(|err| describe_failure(&err))?;
        count = count.saturating_sub(i32::try_from(existing.len()).unwrap_or(i32::MAX));
    }
    if count <= 0 {
        let instances = existing.iter().map(to_json).collect();
        return Ok(Done { changed: false, ids: Some(ids_of(&existing)), instances, tagged: Vec::new() });
    }
    let launched = launch(args, task, &client, count).await?;
    let instances = launched.iter().map(to_json).collect();
    Ok(Done { changed: true, ids: Some(ids_of(&launched)), instances, tagged: Vec::new() })
}

async fn exact_count(args: &Args, task: &Task) -> Result<Done, Failure> {
    let wanted = usize::try_from(args.exact_count.unwrap_or_default()).unwrap_or(0);
    let selection = match &args.count_tag {
        Some(written) => CountTag::parse(written)?,
        None => CountTag::default(),
    };
    if selection == CountTag::default() {
        return Err(Failure::new("you must use the 'count_tag' option with exact_count"));
    }
    if !selection.accepts(&args.instance_tags()) {
        task.warn("instance_tags do not satisfy count_tag: instances made by this task will never be counted");
    }
    let client = task.client::<Ec2>().await?;
    let mut tagged = counted(args, &client, &selection).await?;
    if tagged.len() < wanted {
        ec2_launch::check(args)?;
        let missing = i32::try_from(wanted - tagged.len()).unwrap_or(i32::MAX);
        let launched = launch(args, task, &client, missing).await?;
        let instances: Vec<Json> = launched.iter().map(to_json).collect();
        let ids = ids_of(&launched);
        tagged.extend(launched);
        return Ok(Done { changed: true, ids: Some(ids), instances, tagged: tagged.iter().map(to_json).collect() });
    }
    if tagged.len() > wanted {
        let surplus = tagged.len() - wanted;
        let removed: Vec<Instance> = tagged.drain(..surplus).collect();
        let mut done = terminate(args, task, &client, removed).await?;
        for instance in &mut done.instances {
            instance["state"] = json!("terminated");
        }
        done.tagged = tagged.iter().map(to_json).collect();
        return Ok(done);
    }
    let tagged = tagged.iter().map(to_json).collect();
    Ok(Done { changed: false, ids: None, instances: Vec::new(), tagged })
}

/// The instances that count. Pending ones do, too: a second run right after the first must not launch again.
async fn counted(args: &Args, client: &Client, selection: &CountTag) -> Result<Vec<Instance>, Failure> {
    let mut filters = selection.filters();
    filters.push(instances::state_filter(LIVING));
    filters.extend(args.zone.as_ref().map(|zone| filter("availability-zone", zone)));
    filters.extend(args.vpc_subnet_id.as_ref().map(|subnet| filter("subnet-id", subnet)));
    filters.extend(args.id.as_ref().map(|token| filter("client-token", token)));
    let mut found = instances::find(client, filters).await.map_err(|err| describe_failure(&err))?;
    found.retain(|instance| selection.selects(instance));
    Ok(found)
}

/// Launches and configures `count` instances, and waits for them if the task wants that.
async fn launch(args: &Args, task: &Task, client: &Client, count: i32) -> Result<Vec<Instance>, Failure> {
    let groups = groups(args, client).await?;
    let failed = |err: &crate::error::ApiError| err.failure(format!("Instance creation failed => {}", err.short()));
    let ids = if args.spot_price.is_some() {
        spot(args, task, client, &groups, count).await?
    } else {
        let input = ec2_launch::run_instances(args, &groups, count)?;
        instances::launch(client, input).await.map_err(|err| failed(&err))?
    };
    let timed_out = || Failure::new(format!("wait for instances running timeout on {}", asctime()));
    let problem = |problem: WaitProblem| match problem {
        WaitProblem::TimedOut => timed_out(),
        WaitProblem::Api(err) => failed(&err),
        WaitProblem::Died(reason) => Failure::new(format!("Instance creation failed => {reason}")),
    };
    instances::wait_until_visible(task, client, &ids).await.map_err(problem)?;
    if args.spot_price.is_some() && !args.instance_tags().is_empty() {
        let change = tags::TagChange { set: args.instance_tags(), remove: Vec::new() };
        tags::apply(client, &ids, &change)
            .await
            .map_err(|err| err.failure(format!("Instance tagging failed => {}", err.short())))?;
    }
    for id in &ids {
        if args.source_dest_check == Some(false) {
            instances::set_source_dest_check(client, id, false).await.map_err(|err| failed(&err))?;
        }
        if args.termination_protection == Some(true) {
            instances::set_termination_protection(client, id, true).await.map_err(|err| failed(&err))?;
        }
    }
    if args.wait {
        let waited = instances::wait_for_state(task, client, &ids, "running", args.wait_timeout()).await;
        return waited.map_err(|err| with_ids(problem(err), &ids));
    }
    instances::by_ids(client, &ids).await.map_err(|err| describe_failure(&err))
}

/// A launch that failed late must still tell which machines it leaves behind.
fn with_ids(mut failure: Failure, ids: &[String]) -> Failure {
    failure.changed = true;
    failure.with("instance_ids", ids)
}

async fn spot(args: &Args, task: &Task, client: &Client, groups: &Groups, count: i32) -> Result<Vec<String>, Failure> {
    let timeout = Duration::from_secs(args.spot_wait_timeout);
    let valid_until =
        chrono::Utc::now().timestamp().saturating_add(i64::try_from(args.spot_wait_timeout).unwrap_or(i64::MAX));
    let input = ec2_launch::request_spot(args, groups, count, valid_until)?;
    instances::launch_spot(task, client, input, timeout).await.map_err(|problem| match problem {
        SpotProblem::Api(err) => err.failure(format!("Instance creation failed => {}", err.short())),
        SpotProblem::Failed { id, status, fault } => {
            Failure::new(format!("Spot instance request {id} failed with status {status} and fault {fault}"))
        }
        SpotProblem::Cancelled { id } => {
            Failure::new(format!("Spot instance request {id} was cancelled before it could be fulfilled."))
        }
        SpotProblem::TimedOut => Failure::new(format!("wait for spot requests timeout on {}", asctime())),
    })
}

/// Checks the names of groups. In a subnet the launch takes ids only, so there they are resolved.
async fn groups(args: &Args, client: &Client) -> Result<Groups, Failure> {
    if args.group.is_empty() {
        return Ok(Groups { names: Vec::new(), ids: args.group_id.clone() });
    }
    let mut filters = Vec::new();
    if let Some(subnet) = &args.vpc_subnet_id {
        let vpc = instances::vpc_of_subnet(client, subnet)
            .await
            .map_err(|err| err.failure(format!("Instance creation failed => {}", err.short())))?;
        filters.extend(vpc.map(|vpc| filter("vpc-id", vpc)));
    }
    let known = security_groups::list(client, filters).await.map_err(|err| describe_failure(&err))?;
    let id_of = |name: &String| {
        let group = known.iter().find(|group| group.group_name() == Some(name))?;
        group.group_id().map(str::to_owned)
    };
    let unknown: Vec<&str> = args.group.iter().filter(|name| id_of(name).is_none()).map(String::as_str).collect();
    if !unknown.is_empty() {
        return Err(Failure::new(format!("The following group names are not valid: {}", unknown.join(", "))));
    }
    if args.vpc_subnet_id.is_some() {
        return Ok(Groups { names: Vec::new(), ids: args.group.iter().filter_map(id_of).collect() });
    }
    Ok(Groups { names: args.group.clone(), ids: Vec::new() })
}

async fn absent(args: &Args, task: &Task) -> Result<Done, Failure> {
    if args.instance_ids.is_empty() {
        return Err(Failure::new("instance_ids list is required for absent state"));
    }
    let client = task.client::<Ec2>().await?;
    let mut found = instances::by_ids(&client, &args.instance_ids).await.map_err(|err| describe_failure(&err))?;
    found.retain(|instance| LIVING.contains(&state_of(instance)));
    terminate(args, task, &client, found).await
}

async fn terminate(args: &Args, task: &Task, client: &Client, doomed: Vec<Instance>) -> Result<Done, Failure> {
    let ids = ids_of(&doomed);
    // One call each, so that the message names the instance that can't be terminated.
    for id in &ids {
        instances::terminate(client, std::slice::from_ref(id))
            .await
            .map_err(|err| err.failure(format!("Unable to terminate instance {id}, error: {}", err.short())))?;
    }
    let mut terminated = doomed;
    if args.wait && !ids.is_empty() {
        let waited = instances::wait_for_state(task, client, &ids, "terminated", args.wait_timeout()).await;
        let seen = waited.map_err(|problem| match problem {
            WaitProblem::Api(err) => describe_failure(&err),
            WaitProblem::Died(reason) => Failure::new(reason),
            WaitProblem::TimedOut => Failure::new(format!("wait for instance termination timeout on {}", asctime())),
        })?;
        if seen.len() == terminated.len() {
            terminated = seen;
        }
    }
    let instances = terminated.iter().map(to_json).collect();
    Ok(Done { changed: !ids.is_empty(), ids: Some(ids), instances, tagged: Vec::new() })
}

/// The living instances that ids and tags select.
async fn selected(args: &Args, client: &Client) -> Result<Vec<Instance>, Failure> {
    let tags = args.instance_tags();
    if args.instance_ids.is_empty() && tags.is_empty() {
        let written = args.instance_tags.clone().map_or(Json::Null, Json::Object);
        let written = python_repr(&written);
        return Err(Failure::new(format!(
            "running list needs to be a list of instances or set of tags to run: {written}"
        )));
    }
    let mut filters: Vec<Filter> = tags.iter().map(|(name, value)| filter(&format!("tag:{name}"), value)).collect();
    if args.instance_ids.is_empty() {
        filters.push(instances::state_filter(LIVING));
        filters.extend(args.zone.as_ref().map(|zone| filter("availability-zone", zone)));
        return instances::find(client, filters).await.map_err(|err| describe_failure(&err));
    }
    let mut found = instances::by_ids(client, &args.instance_ids).await.map_err(|err| describe_failure(&err))?;
    found.retain(|instance| {
        let present = tags::from_ec2(instance.tags());
        tags.iter().all(|(name, value)| present.get(name) == Some(value))
    });
    Ok(found)
}

async fn start_or_stop(args: &Args, task: &Task) -> Result<Done, Failure> {
    let goal = args.state.as_str();
    let client = task.client::<Ec2>().await?;
    let found = selected(args, &client).await?;
    let mut changed = false;
    let mut acted = Vec::new();
    for instance in &found {
        changed |= reconcile_attributes(args, &client, instance).await?;
        if state_of(instance) == goal {
            continue;
        }
        let id = id_of(instance);
        let done = match goal {
            "running" => instances::start(&client, id).await,
            _ => instances::stop(&client, id).await,
        };
        done.map_err(|err| err.failure(format!("Unable to change state for instance {id}, error: {}", err.short())))?;
        changed = true;
        acted.push(instance.clone());
    }
    let ids = ids_of(&found);
    if args.wait && !ids.is_empty() {
        let waited = instances::wait_for_state(task, &client, &ids, goal, args.wait_timeout()).await;
        acted = waited.map_err(|problem| match problem {
            WaitProblem::Api(err) => describe_failure(&err),
            WaitProblem::Died(reason) => Failure::new(reason),
            WaitProblem::TimedOut => Failure::new(format!("wait for instances running timeout on {}", asctime())),
        })?;
    }
    Ok(Done { changed, ids: Some(ids), instances: acted.iter().map(to_json).collect(), tagged: Vec::new() })
}

/// Attributes of an existing instance that the task spells out.
async fn reconcile_attributes(args: &Args, client: &Client, instance: &Instance) -> Result<bool, Failure> {
    let id = id_of(instance);
    let failed = |err: crate::error::ApiError| {
        err.failure(format!("Unable to change attributes of instance {id}, error: {}", err.short()))
    };
    let mut changed = false;
    if let Some(wanted) = args.source_dest_check
        && instance.source_dest_check().is_some_and(|present| present != wanted)
    {
        instances::set_source_dest_check(client, id, wanted).await.map_err(failed)?;
        changed = true;
    }
    if let Some(wanted) = args.termination_protection
        && instances::termination_protection(client, id).await.map_err(failed)? != wanted
    {
        instances::set_termination_protection(client, id, wanted).await.map_err(failed)?;
        changed = true;
    }
    let Some(vpc) = instance.vpc_id() else {
        return Ok(changed);
    };
    if !args.group.is_empty() || !args.group_id.is_empty() {
        let mut wanted = args.group_id.clone();
        if !args.group.is_empty() {
            let known = security_groups::list(client, vec![filter("vpc-id", vpc)]).await.map_err(failed)?;
            let named = known.iter().filter(|group| args.group.iter().any(|name| group.group_name() == Some(name)));
            wanted.extend(named.filter_map(|group| group.group_id().map(str::to_owned)));
        }
        wanted.sort_unstable();
        wanted.dedup();
        let mut present: Vec<&str> = instance.security_groups().iter().filter_map(|group| group.group_id()).collect();
        present.sort_unstable();
        if !wanted.is_empty() && present != wanted {
            instances::set_groups(client, id, wanted).await.map_err(failed)?;
            changed = true;
        }
    }
    Ok(changed)
}

async fn restart(args: &Args, task: &Task) -> Result<Done, Failure> {
    let client = task.client::<Ec2>().await?;
    let found = selected(args, &client).await?;
    for instance in &found {
        reconcile_attributes(args, &client, instance).await?;
        let id = id_of(instance);
        instances::reboot(&client, id)
            .await
            .map_err(|err| err.failure(format!("Unable to change state for instance {id}, error: {}", err.short())))?;
    }
    let instances = found.iter().map(to_json).collect();
    Ok(Done { changed: !found.is_empty(), ids: Some(ids_of(&found)), instances, tagged: Vec::new() })
}

fn describe_failure(err: &crate::error::ApiError) -> Failure {
    err.failure(err.short())
}

/// An instance as boto 2's module returned it.
pub fn to_json(instance: &Instance) -> Json {
    let placement = instance.placement();
    let zone = placement.and_then(|placement| placement.availability_zone());
    let state = instance.state();
    let groups: Map<String, Json> = instance
        .security_groups()
        .iter()
        .filter_map(|group| Some((group.group_id()?.to_owned(), json!(group.group_name()))))
        .collect();
    let devices: Map<String, Json> = instance
        .block_device_mappings()
        .iter()
        .filter_map(|mapping| {
            let ebs = mapping.ebs();
            let entry = json!({
                "status": ebs.and_then(|ebs| ebs.status()).map(aws_sdk_ec2::types::AttachmentStatus::as_str),
                "volume_id": ebs.and_then(|ebs| ebs.volume_id()),
                "delete_on_termination": ebs.and_then(aws_sdk_ec2::types::EbsInstanceBlockDevice::delete_on_termination),
            });
            Some((mapping.device_name()?.to_owned(), entry))
        })
        .collect();
    let public_name = instance.public_dns_name().unwrap_or_default();
    json!({
        "id": instance.instance_id(),
        "ami_launch_index": instance.ami_launch_index().unwrap_or_default().to_string(),
        "private_ip": instance.private_ip_address(),
        "private_dns_name": instance.private_dns_name(),
        "public_ip": instance.public_ip_address(),
        "dns_name": public_name,
        "public_dns_name": public_name,
        "state": state_of(instance),
        "state_code": state.and_then(aws_sdk_ec2::types::InstanceState::code),
        "architecture": instance.architecture().map(aws_sdk_ec2::types::ArchitectureValues::as_str),
        "image_id": instance.image_id(),
        "key_name": instance.key_name(),
        "placement": zone,
        "region": zone.map(region_of_zone),
        "kernel": instance.kernel_id(),
        "ramdisk": instance.ramdisk_id(),
        "launch_time": instance.launch_time().map(launch_time),
        "instance_type": instance.instance_type().map(aws_sdk_ec2::types::InstanceType::as_str),
        "root_device_type": instance.root_device_type().map(aws_sdk_ec2::types::DeviceType::as_str),
        "root_device_name": instance.root_device_name(),
        "hypervisor": instance.hypervisor().map(aws_sdk_ec2::types::HypervisorType::as_str),
        "virtualization_type": instance.virtualization_type().map(aws_sdk_ec2::types::VirtualizationType::as_str),
        "ebs_optimized": instance.ebs_optimized().unwrap_or_default(),
        "tags": tags::to_json(&tags::from_ec2(instance.tags())),
        "groups": groups,
        "block_device_mapping": devices,
        "tenancy": placement.and_then(|placement| placement.tenancy()).map_or("default", |it| it.as_str()),
    })
}

fn region_of_zone(zone: &str) -> &str {
    zone.char_indices().next_back().map_or(zone, |(last, _)| zone.get(..last).unwrap_or(zone))
}

fn launch_time(time: &aws_sdk_ec2::primitives::DateTime) -> Option<String> {
    let time = chrono::DateTime::from_timestamp_millis(time.to_millis().ok()?)?;
    Some(time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}
