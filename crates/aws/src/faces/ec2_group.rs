//! `ec2_group` and its present name `ec2_security_group`.

use std::collections::BTreeMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::SecurityGroup;
use rplay_module_api::{Diff, Failure, Json, Map, ModuleResult, Outcome, json};
use serde::Deserialize;

use super::group_rules::{self, WrittenPeer, WrittenRule};
use crate::AwsModule;
use crate::api::rules::{self, Peer, Rule, RuleChange};
use crate::api::security_groups::{self, Direction, NewGroup, Wanted};
use crate::api::tags;
use crate::services::Ec2;
use crate::task::{Task, run};

pub const MODULE: AwsModule = AwsModule { spec: &rplay_aws_specs::EC2_GROUP, run: run!(ec2_group) };

pub const EC2_SECURITY_GROUP: AwsModule =
    AwsModule { spec: &rplay_aws_specs::EC2_SECURITY_GROUP, run: run!(ec2_group) };

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Args {
    description: Option<String>,
    group_id: Option<String>,
    name: Option<String>,
    purge_rules: bool,
    purge_rules_egress: bool,
    purge_tags: bool,
    rules: Option<Vec<Json>>,
    rules_egress: Option<Vec<Json>>,
    state: String,
    tags: Option<Map<String, Json>>,
    vpc_id: Option<String>,
}

async fn ec2_group(args: Args, task: &Task) -> ModuleResult {
    if args.state == "absent" { absent(&args, task).await } else { present(&args, task).await }
}

async fn find(args: &Args, client: &Client) -> Result<Option<SecurityGroup>, Failure> {
    let found = match (&args.group_id, &args.name) {
        (Some(id), _) if !id.is_empty() => security_groups::find_by_id(client, id).await,
        (_, Some(name)) => security_groups::find_by_name(client, name, args.vpc()).await,
        _ => Ok(None),
    };
    found.map_err(|err| err.because("Error in describe_security_groups"))
}

async fn absent(args: &Args, task: &Task) -> ModuleResult {
    let client = task.client::<Ec2>().await?;
    let Some(group) = find(args, &client).await? else {
        return Ok(Outcome::changed(false).with("group_id", Json::Null));
    };
    if !task.context.check {
        let shown = group.group_name().unwrap_or_default();
        security_groups::delete(&client, group.group_id().unwrap_or_default())
            .await
            .map_err(|err| err.because(&format!("Unable to delete security group '{shown}'")))?;
    }
    let before = Json::Object(security_groups::to_json(&group));
    Ok(with_diff(task, Outcome::changed(true).with("group_id", Json::Null), before, json!({})))
}

async fn present(args: &Args, task: &Task) -> ModuleResult {
    let description = args.description.as_deref().filter(|text| !text.is_empty());
    let description = description.ok_or_else(|| Failure::new("Must provide description when state is present."))?;
    let ingress = parse("rules", args.rules.as_deref(), task)?;
    let egress = parse("rules_egress", args.rules_egress.as_deref(), task)?;

    let client = task.client::<Ec2>().await?;
    let found = find(args, &client).await?;
    let before = found.as_ref().map_or(json!({}), |group| Json::Object(security_groups::to_json(group)));
    if let Some(group) = &found {
        warn_of_description(group, description, task);
    }
    let (group, created) = match found {
        Some(group) => (group, false),
        None if task.context.check => {
            return Ok(Outcome::changed(true).with("group_id", Json::Null));
        }
        None => {
            let name = args.name.as_deref().unwrap_or_default();
            let new = NewGroup { name, description, vpc: args.vpc() };
            (security_groups::create(task, &client, &new).await?, true)
        }
    };
    let id = group.group_id().unwrap_or_default().to_owned();

    let mut peers = PeerGroups::new(task, &client, &group);
    let ingress = peers.resolve(&ingress).await?;
    let egress = match &args.rules_egress {
        Some(_) => Some(peers.resolve(&egress).await?),
        // Leaving egress rules out means what AWS does by itself in a VPC.
        None if group.vpc_id().is_some() => Some(vec![Rule::allow_all_egress()]),
        None => None,
    };
    let peers_created = peers.created;

    let tags_changed = match &args.tags {
        Some(wanted) => {
            let present = tags::from_ec2(group.tags());
            let wanted = tags::from_written(wanted);
            tags::reconcile(&client, &id, &present, &wanted, args.purge_tags, task.context.check).await?
        }
        None => false,
    };

    // A missing `rules` wants no rule at all, and the purge takes the present ones away: so it has always been.
    let ingress_change = rules::difference(&Direction::Ingress.rules_of(&group), &ingress, args.purge_rules);
    let egress_change = match &egress {
        Some(egress) => rules::difference(&Direction::Egress.rules_of(&group), egress, args.purge_rules_egress),
        None => RuleChange::default(),
    };
    let rules_changed = !ingress_change.is_empty() || !egress_change.is_empty();
    let changed = created || peers_created || tags_changed || rules_changed;

    if task.context.check {
        let fields = predicted(args, &group, &ingress_change, &egress_change);
        let outcome = Outcome { fields: fields.clone(), ..Outcome::changed(changed) };
        return Ok(with_diff(task, outcome, before, Json::Object(fields)));
    }
    security_groups::apply(&client, &id, Direction::Ingress, &ingress_change).await?;
    security_groups::apply(&client, &id, Direction::Egress, &egress_change).await?;

    let group = if changed {
        let wanted = Wanted {
            ingress: &ingress,
            egress: egress.as_deref(),
            purge_ingress: args.purge_rules,
            purge_egress: args.purge_rules_egress,
        };
        security_groups::read_back(task, &client, &id, &wanted).await?.unwrap_or(group)
    } else {
        group
    };
    let fields = security_groups::to_json(&group);
    let outcome = Outcome { fields: fields.clone(), ..Outcome::changed(changed) };
    Ok(with_diff(task, outcome, before, Json::Object(fields)))
}

impl Args {
    fn vpc(&self) -> Option<&str> {
        self.vpc_id.as_deref().filter(|id| !id.is_empty())
    }
}

fn parse(argument: &str, list: Option<&[Json]>, task: &Task) -> Result<Vec<WrittenRule>, Failure> {
    group_rules::parse(argument, list.unwrap_or_default(), &mut |text| task.warn(text))
}

fn warn_of_description(group: &SecurityGroup, wanted: &str, task: &Task) {
    if group.description().is_some_and(|present| present != wanted) {
        task.warn(
            "Group description does not match existing group. Descriptions cannot be changed without deleting and \
             re-creating the security group.",
        );
    }
}

fn with_diff(task: &Task, outcome: Outcome, before: Json, after: Json) -> Outcome {
    if task.context.diff { outcome.with_diff(Diff { before, after, ..Diff::default() }) } else { outcome }
}

/// The group as it would be, for check mode.
fn predicted(args: &Args, group: &SecurityGroup, ingress: &RuleChange, egress: &RuleChange) -> Map<String, Json> {
    let mut fields = security_groups::to_json(group);
    let mut put = |name: &str, direction: Direction, change: &RuleChange| {
        let rules = rules::after(&direction.rules_of(group), change);
        let permissions = rules::permissions_to_json(&rules::to_permissions(&rules));
        if !change.is_empty() {
            fields.insert(name.to_owned(), permissions);
        }
    };
    put("ip_permissions", Direction::Ingress, ingress);
    put("ip_permissions_egress", Direction::Egress, egress);
    if let Some(wanted) = &args.tags {
        let mut tags = tags::from_ec2(group.tags());
        let change = tags::difference(&tags, &tags::from_written(wanted), args.purge_tags);
        tags.retain(|name, _| !change.remove.contains(name));
        tags.extend(change.set);
        fields.insert("tags".to_owned(), tags::to_json(&tags));
    }
    fields
}

/// Groups that rules name: each is looked up once, and created if its rule describes it.
struct PeerGroups<'a> {
    task: &'a Task,
    client: &'a Client,
    vpc: Option<&'a str>,
    known: BTreeMap<String, Peer>,
    created: bool,
}

impl<'a> PeerGroups<'a> {
    fn new(task: &'a Task, client: &'a Client, own: &'a SecurityGroup) -> Self {
        let name = own.group_name().unwrap_or_default().to_owned();
        let known = BTreeMap::from([(name, peer_of(own))]);
        Self { task, client, vpc: own.vpc_id(), known, created: false }
    }

    async fn resolve(&mut self, written: &[WrittenRule]) -> Result<Vec<Rule>, Failure> {
        let mut rules = Vec::new();
        for rule in written {
            let peer = match &rule.peer {
                WrittenPeer::Known(peer) => peer.clone(),
                WrittenPeer::GroupName { name, description } => {
                    self.named(name, description.as_deref(), &rule.text).await?
                }
            };
            rules.push(rule.with_peer(peer));
        }
        Ok(rules)
    }

    async fn named(&mut self, name: &str, description: Option<&str>, rule: &str) -> Result<Peer, Failure> {
        if let Some(peer) = self.known.get(name) {
            return Ok(peer.clone());
        }
        let describe = |err: crate::error::ApiError| err.because("Error in describe_security_groups");
        let mut found = security_groups::find_by_name(self.client, name, self.vpc).await.map_err(describe)?;
        if found.is_none() && self.vpc.is_some() {
            // A group of a peered VPC.
            found = security_groups::find_by_name(self.client, name, None).await.map_err(describe)?;
        }
        let peer = match (found, description.filter(|text| !text.is_empty())) {
            (Some(group), _) => peer_of(&group),
            (None, None) => return Err(Failure::new(self.unknown(name, rule))),
            (None, Some(_)) if self.task.context.check => {
                self.created = true;
                Peer::Group { owner: None, id: None, name: Some(name.to_owned()) }
            }
            (None, Some(description)) => {
                self.created = true;
                let new = NewGroup { name, description, vpc: self.vpc };
                peer_of(&security_groups::create(self.task, self.client, &new).await?)
            }
        };
        self.known.insert(name.to_owned(), peer.clone());
        Ok(peer)
    }

    fn unknown(&self, name: &str, rule: &str) -> String {
        if self.task.module == "ec2_group" {
            format!("group {name} will be automatically created by rule {rule} but no description was provided")
        } else {
            format!(
                "group '{name}' not found and would be automatically created by rule {rule} but no description was \
                 provided"
            )
        }
    }
}

fn peer_of(group: &SecurityGroup) -> Peer {
    let own = |text: Option<&str>| text.map(str::to_owned);
    Peer::Group { owner: own(group.owner_id()), id: own(group.group_id()), name: own(group.group_name()) }
}
