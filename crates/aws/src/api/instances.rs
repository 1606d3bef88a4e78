//! Instances: find, launch, wait, start, stop, reboot, terminate, attributes.

use std::time::Duration;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::request_spot_instances::builders::RequestSpotInstancesInputBuilder;
use aws_sdk_ec2::operation::run_instances::builders::RunInstancesInputBuilder;
use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, Instance, InstanceAttributeName, ShutdownBehavior};

use crate::error::{ApiError, api_error};
use crate::task::{Task, TimedOut};

/// States of instances that still count: the others are gone, or as good as.
pub const LIVING: &[&str] = &["pending", "running", "stopping", "stopped"];

pub fn id_of(instance: &Instance) -> &str {
    instance.instance_id().unwrap_or_default()
}

pub fn state_of(instance: &Instance) -> &str {
    instance.state().and_then(|state| state.name()).map_or("", |name| name.as_str())
}

pub fn ids_of(instances: &[Instance]) -> Vec<String> {
    instances.iter().map(|instance| id_of(instance).to_owned()).collect()
}

pub fn state_filter(states: &[&str]) -> Filter {
    let states = states.iter().map(|state| (*state).to_owned()).collect();
    Filter::builder().name("instance-state-name").set_values(Some(states)).build()
}

/// All instances that fit the filters, sorted by id.
pub async fn find(client: &Client, filters: Vec<Filter>) -> Result<Vec<Instance>, ApiError> {
    let mut pages = client.describe_instances().set_filters(Some(filters)).into_paginator().send();
    let mut instances = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(api_error("DescribeInstances"))?;
        for reservation in page.reservations.unwrap_or_default() {
            instances.extend(reservation.instances.unwrap_or_default());
        }
    }
    sort(&mut instances);
    Ok(instances)
}

/// The instances of these ids, sorted; an unknown id is AWS's error.
pub async fn by_ids(client: &Client, ids: &[String]) -> Result<Vec<Instance>, ApiError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let answer = client
        .describe_instances()
        .set_instance_ids(Some(ids.to_vec()))
        .send()
        .await
        .map_err(api_error("DescribeInstances"))?;
    let mut instances: Vec<Instance> = answer
        .reservations
        .unwrap_or_default()
        .into_iter()
        .flat_map(|reservation| reservation.instances.unwrap_or_default())
        .collect();
    sort(&mut instances);
    Ok(instances)
}

fn sort(instances: &mut [Instance]) {
    instances.sort_by(|a, b| a.instance_id().cmp(&b.instance_id()));
}

/// Launches instances and returns their ids. An image that can't be stopped is launched to terminate instead.
pub async fn launch(client: &Client, input: RunInstancesInputBuilder) -> Result<Vec<String>, ApiError> {
    let stops = matches!(input.get_instance_initiated_shutdown_behavior(), Some(ShutdownBehavior::Stop));
    let first = input.clone().send_with(client).await.map_err(api_error("RunInstances"));
    let launched = match first {
        Err(err) if stops && err.is("InvalidParameterCombination") => input
            .instance_initiated_shutdown_behavior(ShutdownBehavior::Terminate)
            .send_with(client)
            .await
            .map_err(api_error("RunInstances"))?,
        other => other?,
    };
    Ok(ids_of(launched.instances()))
}

/// Why waiting for instances ended without them.
#[derive(Debug)]
pub enum WaitProblem {
    TimedOut,
    Api(ApiError),
    /// An instance went away instead; with AWS's reason.
    Died(String),
}

impl From<TimedOut> for WaitProblem {
    fn from(_: TimedOut) -> Self {
        Self::TimedOut
    }
}

/// Polls until AWS shows all of these instances. Right after the launch it may not know them yet.
pub async fn wait_until_visible(task: &Task, client: &Client, ids: &[String]) -> Result<Vec<Instance>, WaitProblem> {
    let wait = task.wait("launching instances", Duration::from_mins(5));
    loop {
        match by_ids(client, ids).await {
            Ok(instances) if instances.len() >= ids.len() => return Ok(instances),
            Ok(_) => {}
            Err(err) if err.is("InvalidInstanceID.NotFound") => {}
            Err(err) => return Err(WaitProblem::Api(err)),
        }
        wait.pause("not visible yet", 2).await?;
    }
}

/// Polls until all of these instances are in `state`. A waiting task must not sleep through a failed launch.
pub async fn wait_for_state(
    task: &Task,
    client: &Client,
    ids: &[String],
    state: &str,
    timeout: Duration,
) -> Result<Vec<Instance>, WaitProblem> {
    let wait = task.wait(format!("waiting for {} to be {state}", counted(ids.len())), timeout);
    loop {
        let instances = match by_ids(client, ids).await {
            Ok(instances) => instances,
            Err(err) if state == "terminated" && err.is("InvalidInstanceID.NotFound") => {
                return Ok(Vec::new());
            }
            Err(err) => return Err(WaitProblem::Api(err)),
        };
        let there = instances.iter().filter(|instance| state_of(instance) == state).count();
        if there == instances.len() && there >= ids.len() {
            return Ok(instances);
        }
        if state != "terminated"
            && let Some(dead) = instances.iter().find(|it| matches!(state_of(it), "terminated" | "shutting-down"))
        {
            return Err(WaitProblem::Died(why_dead(dead)));
        }
        wait.pause(&seen_states(&instances), 5).await?;
    }
}

fn counted(count: usize) -> String {
    if count == 1 { "1 instance".to_owned() } else { format!("{count} instances") }
}

fn why_dead(instance: &Instance) -> String {
    let reason = instance.state_reason().and_then(|reason| reason.message()).unwrap_or("AWS gives no reason");
    format!("instance {} is {}: {reason}", id_of(instance), state_of(instance))
}

fn seen_states(instances: &[Instance]) -> String {
    let mut states: Vec<&str> = instances.iter().map(state_of).collect();
    states.sort_unstable();
    states.dedup();
    states
        .iter()
        .map(|state| format!("{} {state}", instances.iter().filter(|instance| state_of(instance) == *state).count()))
        .collect::<Vec<_>>()
        .join(", ")
}

pub async fn terminate(client: &Client, ids: &[String]) -> Result<(), ApiError> {
    let ids = Some(ids.to_vec());
    client.terminate_instances().set_instance_ids(ids).send().await.map_err(api_error("TerminateInstances"))?;
    Ok(())
}

pub async fn start(client: &Client, id: &str) -> Result<(), ApiError> {
    client.start_instances().instance_ids(id).send().await.map_err(api_error("StartInstances"))?;
    Ok(())
}

pub async fn stop(client: &Client, id: &str) -> Result<(), ApiError> {
    client.stop_instances().instance_ids(id).send().await.map_err(api_error("StopInstances"))?;
    Ok(())
}

pub async fn reboot(client: &Client, id: &str) -> Result<(), ApiError> {
    client.reboot_instances().instance_ids(id).send().await.map_err(api_error("RebootInstances"))?;
    Ok(())
}

pub async fn set_source_dest_check(client: &Client, id: &str, check: bool) -> Result<(), ApiError> {
    let value = AttributeBooleanValue::builder().value(check).build();
    client
        .modify_instance_attribute()
        .instance_id(id)
        .source_dest_check(value)
        .send()
        .await
        .map_err(api_error("ModifyInstanceAttribute"))?;
    Ok(())
}

pub async fn termination_protection(client: &Client, id: &str) -> Result<bool, ApiError> {
    let answer = client
        .describe_instance_attribute()
        .instance_id(id)
        .attribute(InstanceAttributeName::DisableApiTermination)
        .send()
        .await
        .map_err(api_error("DescribeInstanceAttribute"))?;
    Ok(answer.disable_api_termination().and_then(aws_sdk_ec2::types::AttributeBooleanValue::value).unwrap_or(false))
}

pub async fn set_termination_protection(client: &Client, id: &str, protected: bool) -> Result<(), ApiError> {
    let value = AttributeBooleanValue::builder().value(protected).build();
    client
        .modify_instance_attribute()
        .instance_id(id)
        .disable_api_termination(value)
        .send()
        .await
        .map_err(api_error("ModifyInstanceAttribute"))?;
    Ok(())
}

pub async fn set_groups(client: &Client, id: &str, groups: Vec<String>) -> Result<(), ApiError> {
    client
        .modify_instance_attribute()
        .instance_id(id)
        .set_groups(Some(groups))
        .send()
        .await
        .map_err(api_error("ModifyInstanceAttribute"))?;
    Ok(())
}

/// The VPC of a subnet.
pub async fn vpc_of_subnet(client: &Client, subnet: &str) -> Result<Option<String>, ApiError> {
    let answer = client.describe_subnets().subnet_ids(subnet).send().await.map_err(api_error("DescribeSubnets"))?;
    Ok(answer.subnets().first().and_then(|subnet| subnet.vpc_id()).map(str::to_owned))
}

/// How a request for spot instances ended, other than with instances.
#[derive(Debug)]
pub enum SpotProblem {
    Api(ApiError),
    Failed { id: String, status: String, fault: String },
    Cancelled { id: String },
    TimedOut,
}

/// Bids for instances and waits until every request is fulfilled; returns the ids of the instances.
pub async fn launch_spot(
    task: &Task,
    client: &Client,
    input: RequestSpotInstancesInputBuilder,
    timeout: Duration,
) -> Result<Vec<String>, SpotProblem> {
    let answer =
        input.send_with(client).await.map_err(|err| SpotProblem::Api(api_error("RequestSpotInstances")(err)))?;
    let mut open: Vec<String> = answer
        .spot_instance_requests()
        .iter()
        .filter_map(|request| request.spot_instance_request_id().map(str::to_owned))
        .collect();
    let mut instances = Vec::new();
    let wait = task.wait("waiting for spot requests", timeout);
    loop {
        let answer = client
            .describe_spot_instance_requests()
            .set_spot_instance_request_ids(Some(open.clone()))
            .send()
            .await
            .map_err(api_error("DescribeSpotInstanceRequests"));
        let answer = match answer {
            Ok(answer) => answer.spot_instance_requests.unwrap_or_default(),
            // A new request may not be visible yet.
            Err(err) if err.is("InvalidSpotInstanceRequestID.NotFound") => Vec::new(),
            Err(err) => return Err(SpotProblem::Api(err)),
        };
        for request in answer {
            let id = request.spot_instance_request_id().unwrap_or_default().to_owned();
            let state = request.state().map_or("", |state| state.as_str());
            if let Some(instance) = request.instance_id() {
                instances.push(instance.to_owned());
                open.retain(|other| *other != id);
            } else if state == "cancelled" {
                return Err(SpotProblem::Cancelled { id });
            } else if state == "failed" {
                let status = request.status().and_then(|status| status.code()).unwrap_or_default().to_owned();
                let fault = request.fault().map(|fault| {
                    format!("{}:{}", fault.code().unwrap_or_default(), fault.message().unwrap_or_default())
                });
                return Err(SpotProblem::Failed { id, status, fault: fault.unwrap_or_default() });
            }
        }
        if open.is_empty() {
            return Ok(instances);
        }
        wait.pause(&format!("{} open", open.len()), 5).await.map_err(|TimedOut| SpotProblem::TimedOut)?;
    }
}
