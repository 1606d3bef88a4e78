//! Security groups: find, create, bring the rules to what is wanted, delete.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, SecurityGroup};
use rplay_module_api::{Failure, Json, Map, json};

use super::rules::{self, Rule, RuleChange};
use super::tags;
use crate::error::{ApiError, api_error};
use crate::task::Task;

/// Which way the traffic of a rule goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    pub fn word(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }

    pub fn rules_of(self, group: &SecurityGroup) -> Vec<Rule> {
        rules::from_permissions(match self {
            Self::Ingress => group.ip_permissions(),
            Self::Egress => group.ip_permissions_egress(),
        })
    }
}

pub fn filter(name: &str, value: impl Into<String>) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// All groups that fit the filters.
pub async fn list(client: &Client, filters: Vec<Filter>) -> Result<Vec<SecurityGroup>, ApiError> {
    let mut pages = client.describe_security_groups().set_filters(Some(filters)).into_paginator().send();
    let mut groups = Vec::new();
    while let Some(page) = pages.next().await {
        groups.extend(page.map_err(api_error("DescribeSecurityGroups"))?.security_groups.unwrap_or_default());
    }
    Ok(groups)
}

/// The group of that name, narrowed to a VPC if one is given. Of several the last one is meant.
pub async fn find_by_name(client: &Client, name: &str, vpc: Option<&str>) -> Result<Option<SecurityGroup>, ApiError> {
    let mut filters = vec![filter("group-name", name)];
    filters.extend(vpc.map(|vpc| filter("vpc-id", vpc)));
    Ok(list(client, filters).await?.pop())
}

pub async fn find_by_id(client: &Client, id: &str) -> Result<Option<SecurityGroup>, ApiError> {
    Ok(list(client, vec![filter("group-id", id)]).await?.pop())
}

/// What a new group is made from.
#[derive(Clone, Debug)]
pub struct NewGroup<'a> {
    pub name: &'a str,
    pub description: &'a str,
    pub vpc: Option<&'a str>,
}

/// Creates a group and waits until AWS shows it, with the egress rule it begins with: a rule that is changed
/// before that would reappear.
pub async fn create(task: &Task, client: &Client, new: &NewGroup<'_>) -> Result<SecurityGroup, Failure> {
    let created = client
        .create_security_group()
        .group_name(new.name)
        .description(new.description)
        .set_vpc_id(new.vpc.map(str::to_owned))
        .send()
        .await
        .map_err(|err| api_error("CreateSecurityGroup")(err).because("Unable to create security group"))?;
    let id = created.group_id.unwrap_or_default();
    let wait = task.wait(format!("creating security group {}", new.name), std::time::Duration::from_mins(1));
    loop {
        let seen = find_by_id(client, &id).await.map_err(|err| err.because("Unable to describe security group"))?;
        let complete = |group: &SecurityGroup| group.vpc_id().is_none() || !group.ip_permissions_egress().is_empty();
        match seen {
            Some(group) if complete(&group) => return Ok(group),
            // Without the permission to wait longer the group is used as it is.
            Some(group) if wait.pause("waiting for its default egress rule", 3).await.is_err() => {
                return Ok(group);
            }
            Some(_) => {}
            None => wait.pause("not visible yet", 3).await.map_err(|_| {
                Failure::new(format!("Timed out waiting for security group {} ({id}) to appear", new.name))
            })?,
        }
    }
}

pub async fn delete(client: &Client, id: &str) -> Result<(), ApiError> {
    client.delete_security_group().group_id(id).send().await.map_err(api_error("DeleteSecurityGroup"))?;
    Ok(())
}

/// Revokes what is too much, then authorizes what is missing, then corrects descriptions.
pub async fn apply(client: &Client, id: &str, direction: Direction, change: &RuleChange) -> Result<(), Failure> {
    let word = direction.word();
    if !change.revoke.is_empty() {
        let permissions = rules::to_permissions(&change.revoke);
        let shown = rules::permissions_to_json(&permissions);
        let permissions = Some(permissions);
        let done = match direction {
            Direction::Ingress => client
                .revoke_security_group_ingress()
                .group_id(id)
                .set_ip_permissions(permissions)
                .send()
                .await
                .map(|_| ())
                .map_err(api_error("RevokeSecurityGroupIngress")),
            Direction::Egress => client
                .revoke_security_group_egress()
                .group_id(id)
                .set_ip_permissions(permissions)
                .send()
                .await
                .map(|_| ())
                .map_err(api_error("RevokeSecurityGroupEgress")),
        };
        done.map_err(|err| err.because(&format!("Unable to revoke {word} rules: {shown}")))?;
    }
    if !change.authorize.is_empty() {
        let permissions = rules::to_permissions(&change.authorize);
        let shown = rules::permissions_to_json(&permissions);
        let permissions = Some(permissions);
        let done = match direction {
            Direction::Ingress => client
                .authorize_security_group_ingress()
                .group_id(id)
                .set_ip_permissions(permissions)
                .send()
                .await
                .map(|_| ())
                .map_err(api_error("AuthorizeSecurityGroupIngress")),
            Direction::Egress => client
                .authorize_security_group_egress()
                .group_id(id)
                .set_ip_permissions(permissions)
                .send()
                .await
                .map(|_| ())
                .map_err(api_error("AuthorizeSecurityGroupEgress")),
        };
        done.map_err(|err| err.because(&format!("Unable to authorize {word} rules: {shown}")))?;
    }
    if !change.describe.is_empty() {
        let permissions = Some(rules::to_permissions(&change.describe));
        let done = match direction {
            Direction::Ingress => client
                .update_security_group_rule_descriptions_ingress()
                .group_id(id)
                .set_ip_permissions(permissions)
                .send()
                .await
                .map(|_| ())
                .map_err(api_error("UpdateSecurityGroupRuleDescriptionsIngress")),
            Direction::Egress => client
                .update_security_group_rule_descriptions_egress()
                .group_id(id)
                .set_ip_permissions(permissions)
                .send()
                .await
                .map(|_| ())
                .map_err(api_error("UpdateSecurityGroupRuleDescriptionsEgress")),
        };
        done.map_err(|err| err.because(&format!("Unable to update {word} rule descriptions")))?;
    }
    Ok(())
}

/// The rules that a group shall have; `None` leaves that direction alone.
pub struct Wanted<'a> {
    pub ingress: &'a [Rule],
    pub egress: Option<&'a [Rule]>,
    pub purge_ingress: bool,
    pub purge_egress: bool,
}

impl Wanted<'_> {
    fn shown_by(&self, group: &SecurityGroup) -> bool {
        let settled = |direction: Direction, wanted: &[Rule], purge: bool| {
            rules::difference(&direction.rules_of(group), wanted, purge).is_empty()
        };
        settled(Direction::Ingress, self.ingress, self.purge_ingress)
            && self.egress.is_none_or(|egress| settled(Direction::Egress, egress, self.purge_egress))
    }
}

/// Reads a changed group until AWS shows the wanted rules, a minute at the most.
pub async fn read_back(
    task: &Task,
    client: &Client,
    id: &str,
    wanted: &Wanted<'_>,
) -> Result<Option<SecurityGroup>, Failure> {
    let wait = task.wait(format!("waiting for the rules of {id}"), std::time::Duration::from_mins(1));
    let mut tries = 0;
    loop {
        let group = find_by_id(client, id).await.map_err(|err| err.because("Unable to describe security group"))?;
        if group.as_ref().is_some_and(|group| wanted.shown_by(group)) {
            return Ok(group);
        }
        tries += 1;
        if tries > 6 || wait.pause("not visible yet", 10).await.is_err() {
            task.warn(format!("Ran out of time waiting for {id}: AWS does not show all of its rules yet"));
            return Ok(group);
        }
    }
}

/// A group as today's modules return it.
pub fn to_json(group: &SecurityGroup) -> Map<String, Json> {
    let mut fields = Map::new();
    fields.insert("description".to_owned(), json!(group.description()));
    fields.insert("group_id".to_owned(), json!(group.group_id()));
    fields.insert("group_name".to_owned(), json!(group.group_name()));
    fields.insert("ip_permissions".to_owned(), rules::permissions_to_json(group.ip_permissions()));
    fields.insert("ip_permissions_egress".to_owned(), rules::permissions_to_json(group.ip_permissions_egress()));
    fields.insert("owner_id".to_owned(), json!(group.owner_id()));
    if let Some(arn) = group.security_group_arn() {
        fields.insert("security_group_arn".to_owned(), json!(arn));
    }
    fields.insert("tags".to_owned(), tags::to_json(&tags::from_ec2(group.tags())));
    if let Some(vpc) = group.vpc_id() {
        fields.insert("vpc_id".to_owned(), json!(vpc));
    }
    fields
}
