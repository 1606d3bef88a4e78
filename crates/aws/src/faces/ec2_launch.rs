//! The arguments of `ec2` as requests to AWS. Nothing here talks to AWS.

use aws_sdk_ec2::operation::request_spot_instances::RequestSpotInstancesInput;
use aws_sdk_ec2::operation::request_spot_instances::builders::RequestSpotInstancesInputBuilder;
use aws_sdk_ec2::operation::run_instances::RunInstancesInput;
use aws_sdk_ec2::operation::run_instances::builders::RunInstancesInputBuilder;
use aws_sdk_ec2::primitives::DateTime;
use aws_sdk_ec2::types::{
    BlockDeviceMapping, EbsBlockDevice, Filter, IamInstanceProfileSpecification, Instance,
    InstanceNetworkInterfaceSpecification, InstanceType, Placement, RequestSpotLaunchSpecification, ResourceType,
    RunInstancesMonitoringEnabled, ShutdownBehavior, SpotInstanceType, SpotPlacement, TagSpecification, Tenancy,
    VolumeType,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rplay_module_api::{Failure, Json, Map};

use super::ec2::Args;
use super::written::{boolean, integer};
use crate::api::tags::{self, Tags, text_of};

/// Security groups in the form the launch takes: names in the default VPC, ids elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    pub names: Vec<String>,
    pub ids: Vec<String>,
}

/// Refuses what can't go together, before anything is asked of AWS.
pub fn check(args: &Args) -> Result<(), Failure> {
    let fail = |text: &str| Err(Failure::new(text));
    if args.image.is_none() {
        return fail("image parameter is required for new instance");
    }
    if !args.group.is_empty() && !args.group_id.is_empty() {
        return fail("Use only one type of parameter (group_name) or (group_id)");
    }
    if args.assign_public_ip.is_some_and(|wanted| wanted) && args.vpc_subnet_id.is_none() {
        return fail("assign_public_ip only available with vpc_subnet_id");
    }
    if args.spot_price.is_some() {
        if args.private_ip.is_some() {
            return fail("private_ip only available with on-demand (non-spot) instances");
        }
        if args.instance_initiated_shutdown_behavior.as_deref() == Some("stop") {
            return fail("instance_initiated_shutdown_behavior=stop is not supported for spot instances.");
        }
    }
    block_devices(&args.volumes).map(|_| ())
}

/// The launch of `count` instances.
pub fn run_instances(args: &Args, groups: &Groups, count: i32) -> Result<RunInstancesInputBuilder, Failure> {
    let tags = args.instance_tags();
    let tag_specifications = (!tags.is_empty()).then(|| {
        vec![
            TagSpecification::builder()
                .resource_type(ResourceType::Instance)
                .set_tags(Some(tags::to_ec2(&tags)))
                .build(),
        ]
    });
    let mut input = RunInstancesInput::builder()
        .set_image_id(args.image.clone())
        .min_count(count)
        .max_count(count)
        .set_key_name(args.key_name.clone())
        .set_instance_type(args.instance_type.as_deref().map(InstanceType::from))
        .set_kernel_id(args.kernel.clone())
        .set_ramdisk_id(args.ramdisk.clone())
        .set_user_data(encoded_user_data(args))
        .set_client_token(args.id.clone())
        .set_iam_instance_profile(instance_profile(args))
        .set_block_device_mappings(block_devices(&args.volumes)?)
        .placement(
            Placement::builder()
                .set_availability_zone(args.zone.clone())
                .set_group_name(args.placement_group.clone())
                .tenancy(Tenancy::from(args.tenancy.as_str()))
                .build(),
        )
        // Tags are given with the launch, so that an interrupted run leaves no machine behind that nobody counts.
        .set_tag_specifications(tag_specifications);
    if args.monitoring {
        input = input.monitoring(RunInstancesMonitoringEnabled::builder().enabled(true).build());
    }
    if args.ebs_optimized {
        input = input.ebs_optimized(true);
    }
    if let Some(behavior) = args.instance_initiated_shutdown_behavior.as_deref() {
        input = input.instance_initiated_shutdown_behavior(ShutdownBehavior::from(behavior));
    }
    let interfaces = interfaces(args, groups);
    if interfaces.is_empty() {
        input = input
            .set_subnet_id(args.vpc_subnet_id.clone())
            .set_private_ip_address(args.private_ip.clone())
            .set_security_groups(some(&groups.names))
            .set_security_group_ids(some(&groups.ids));
    } else {
        input = input.set_network_interfaces(Some(interfaces));
    }
    Ok(input)
}

/// The bid for `count` instances, open until `valid_until` (seconds since 1970).
pub fn request_spot(
    args: &Args,
    groups: &Groups,
    count: i32,
    valid_until: i64,
) -> Result<RequestSpotInstancesInputBuilder, Failure> {
    let mut launch = RequestSpotLaunchSpecification::builder()
        .set_image_id(args.image.clone())
        .set_key_name(args.key_name.clone())
        .set_instance_type(args.instance_type.as_deref().map(InstanceType::from))
        .set_kernel_id(args.kernel.clone())
        .set_ramdisk_id(args.ramdisk.clone())
        .set_user_data(encoded_user_data(args))
        .set_iam_instance_profile(instance_profile(args))
        .set_block_device_mappings(block_devices(&args.volumes)?);
    if args.zone.is_some() || args.placement_group.is_some() {
        let placement = SpotPlacement::builder()
            .set_availability_zone(args.zone.clone())
            .set_group_name(args.placement_group.clone());
        launch = launch.placement(placement.build());
    }
    if args.monitoring {
        launch = launch.monitoring(RunInstancesMonitoringEnabled::builder().enabled(true).build());
    }
    if args.ebs_optimized {
        launch = launch.ebs_optimized(true);
    }
    let interfaces = interfaces(args, groups);
    if interfaces.is_empty() {
        launch = launch
            .set_subnet_id(args.vpc_subnet_id.clone())
            .set_security_groups(some(&groups.names))
            .set_security_group_ids(some(&groups.ids));
    } else {
        launch = launch.set_network_interfaces(Some(interfaces));
    }
    Ok(RequestSpotInstancesInput::builder()
        .set_spot_price(args.spot_price.clone())
        .instance_count(count)
        .r#type(SpotInstanceType::from(args.spot_type.as_str()))
        .set_launch_group(args.spot_launch_group.clone())
        .set_client_token(args.id.clone())
        .valid_until(DateTime::from_secs(valid_until))
        .launch_specification(launch.build()))
}

fn some(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_vec())
}

fn encoded_user_data(args: &Args) -> Option<String> {
    args.user_data.as_ref().map(|text| STANDARD.encode(text))
}

fn instance_profile(args: &Args) -> Option<IamInstanceProfileSpecification> {
    let name = args.instance_profile_name.as_ref()?;
    Some(IamInstanceProfileSpecification::builder().name(name).build())
}

/// Interfaces that exist already, or the one that an answer about public addresses needs.
fn interfaces(args: &Args, groups: &Groups) -> Vec<InstanceNetworkInterfaceSpecification> {
    if !args.network_interfaces.is_empty() {
        return (0..)
            .zip(&args.network_interfaces)
            .map(|(index, id)| {
                InstanceNetworkInterfaceSpecification::builder().network_interface_id(id).device_index(index).build()
            })
            .collect();
    }
    let (Some(public), Some(subnet)) = (args.assign_public_ip, &args.vpc_subnet_id) else {
        return Vec::new();
    };
    vec![
        InstanceNetworkInterfaceSpecification::builder()
            .device_index(0)
            .subnet_id(subnet)
            .associate_public_ip_address(public)
            .set_private_ip_address(args.private_ip.clone())
            .set_groups(some(&groups.ids))
            .delete_on_termination(true)
            .build(),
    ]
}

/// `volumes` as AWS takes them. A size of 0 means that this entry is not wanted.
pub fn block_devices(volumes: &[Map<String, Json>]) -> Result<Option<Vec<BlockDeviceMapping>>, Failure> {
    let mut mappings = Vec::new();
    for volume in volumes {
        let get = |key: &str| volume.get(key).filter(|value| !value.is_null() && value.as_str() != Some(""));
        let Some(device) = get("device_name") else {
            return Err(Failure::new("Device name must be set for volume"));
        };
        if let Some(unknown) = volume.keys().find(|key| !VOLUME_KEYS.contains(&key.as_str())) {
            return Err(Failure::new(format!("volumes: {unknown} is not a key of a volume")));
        }
        if get("volume_size").and_then(integer) == Some(0) {
            continue;
        }
        mappings.push(block_device(&text_of(device), &get)?);
    }
    Ok((!mappings.is_empty()).then_some(mappings))
}

const VOLUME_KEYS: &[&str] = &[
    "delete_on_termination",
    "device_name",
    "device_type",
    "encrypted",
    "ephemeral",
    "iops",
    "snapshot",
    "volume_size",
    "volume_type",
];

fn block_device<'a>(device: &str, get: &impl Fn(&str) -> Option<&'a Json>) -> Result<BlockDeviceMapping, Failure> {
    let fail = |text: &str| Err(Failure::new(text));
    let number = |key: &str| -> Result<Option<i32>, Failure> {
        let Some(value) = get(key) else {
            return Ok(None);
        };
        let number = integer(value).and_then(|number| i32::try_from(number).ok());
        let wrong = || Failure::new(format!("volumes: {key} of {device} must be a number, not `{}`", text_of(value)));
        number.map(Some).ok_or_else(wrong)
    };
    let yes_no = |key: &str| -> Result<Option<bool>, Failure> {
        let Some(value) = get(key) else {
            return Ok(None);
        };
        let wrong = || Failure::new(format!("volumes: {key} of {device} must be yes or no, not `{}`", text_of(value)));
        boolean(value).map(Some).ok_or_else(wrong)
    };
    let (size, iops) = (number("volume_size")?, number("iops")?);
    let kind = get("volume_type").or_else(|| get("device_type")).map(text_of);
    let snapshot = get("snapshot").map(text_of);
    let mapping = BlockDeviceMapping::builder().device_name(device);
    if let Some(ephemeral) = get("ephemeral") {
        if snapshot.is_some() {
            return fail("Cannot set both ephemeral and snapshot");
        }
        return Ok(mapping.virtual_name(text_of(ephemeral)).build());
    }
    if size.is_none() && snapshot.is_none() {
        return fail("Size must be specified when creating a new volume or modifying the root volume");
    }
    if kind.as_deref() == Some("io1") && iops.is_none() {
        return fail("io1 volumes must have an iops value set");
    }
    if let (Some(iops), Some(size)) = (iops, size) {
        // AWS allows more per GiB for the newer types.
        if matches!(kind.as_deref(), None | Some("io1")) && i64::from(iops) > 30 * i64::from(size) {
            return fail("IOPS must be at most 30 times greater than size");
        }
    }
    let ebs = EbsBlockDevice::builder()
        .set_volume_size(size)
        .set_volume_type(kind.as_deref().map(VolumeType::from))
        .set_iops(iops)
        .set_snapshot_id(snapshot)
        .set_encrypted(yes_no("encrypted")?)
        .delete_on_termination(yes_no("delete_on_termination")?.unwrap_or(false));
    Ok(mapping.ebs(ebs.build()).build())
}

/// What `count_tag` selects by: tags with a value, and names of tags whose value doesn't matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountTag {
    pub values: Tags,
    pub names: Vec<String>,
}

impl CountTag {
    pub fn parse(written: &Json) -> Result<Self, Failure> {
        let mut selection = Self::default();
        selection.add(written)?;
        Ok(selection)
    }

    fn add(&mut self, written: &Json) -> Result<(), Failure> {
        match written {
            Json::Null => {}
            Json::Object(tags) => {
                for (name, value) in tags {
                    if value.is_array() || value.is_object() {
                        return Err(Failure::new(format!("count_tag: the value of {name} must be a text")));
                    }
                    self.values.insert(name.clone(), text_of(value));
                }
            }
            Json::Array(items) => {
                for item in items {
                    self.add(item)?;
                }
            }
            Json::String(text) if text.is_empty() => {}
            Json::String(text) => match literal(text) {
                Some(value) => self.add(&value)?,
                None => self.names.push(text.clone()),
            },
            other => self.names.push(text_of(other)),
        }
        Ok(())
    }

    /// Filters for the query. AWS joins equal names in one filter by or, so that only one name of a tag goes there;
    /// `selects` sees to the others.
    pub fn filters(&self) -> Vec<Filter> {
        let by_value =
            self.values.iter().map(|(name, value)| Filter::builder().name(format!("tag:{name}")).values(value).build());
        let by_name = self.names.first().map(|name| Filter::builder().name("tag-key").values(name).build());
        by_value.chain(by_name).collect()
    }

    pub fn selects(&self, instance: &Instance) -> bool {
        self.accepts(&tags::from_ec2(instance.tags()))
    }

    /// Whether an instance with these tags is counted.
    pub fn accepts(&self, tags: &Tags) -> bool {
        self.values.iter().all(|(name, value)| tags.get(name) == Some(value))
            && self.names.iter().all(|name| tags.contains_key(name))
    }
}

/// Old playbooks wrote `"{'Name': 'web'}"`, a Python literal in a text.
fn literal(text: &str) -> Option<Json> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&text.replace('\'', "\""))).ok()
}

#[cfg(test)]
mod tests;
