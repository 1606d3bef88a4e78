use rplay_module_api::{Json, json};

use super::{CountTag, block_devices};
use crate::api::tags::{Tags, from_written};

fn tags(written: Json) -> Tags {
    from_written(written.as_object().unwrap())
}

fn filters(written: Json) -> Vec<String> {
    let selection = CountTag::parse(&written).unwrap();
    let shown = |filter: &aws_sdk_ec2::types::Filter| {
        format!("{}={}", filter.name().unwrap_or_default(), filter.values().join(","))
    };
    selection.filters().iter().map(shown).collect()
}

#[test]
fn count_tag_becomes_filters() {
    assert_eq!(filters(json!("foo")), ["tag-key=foo"]);
    assert_eq!(filters(json!(7)), ["tag-key=7"]);
    assert_eq!(filters(json!({"foo": null})), ["tag:foo="]);
    assert_eq!(filters(json!({"foo": "bar", "baz": 1})), ["tag:baz=1", "tag:foo=bar"]);
    assert_eq!(filters(json!(["foo", "bar", {"baz": "bang"}])), ["tag:baz=bang", "tag-key=foo"]);
    assert_eq!(filters(json!("{'Name': 'web'}")), ["tag:Name=web"]);
    assert!(filters(json!("")).is_empty() && filters(json!([])).is_empty());
    assert!(CountTag::parse(&json!({"foo": ["bar"]})).is_err());
}

#[test]
fn all_of_count_tag_must_hold() {
    let selection = CountTag::parse(&json!(["foo", "bar", {"baz": "bang"}])).unwrap();
    assert!(selection.accepts(&tags(json!({"foo": 1, "bar": 2, "baz": "bang"}))));
    assert!(!selection.accepts(&tags(json!({"foo": 1, "baz": "bang"}))));
    assert!(!selection.accepts(&tags(json!({"foo": 1, "bar": 2, "baz": "other"}))));
    let empty = CountTag::parse(&json!({"foo": ""})).unwrap();
    assert!(empty.accepts(&tags(json!({"foo": null}))) && !empty.accepts(&tags(json!({}))));
}

fn devices(volume: Json) -> Result<Option<usize>, String> {
    let volumes = [volume.as_object().unwrap().clone()];
    block_devices(&volumes).map(|found| found.map(|list| list.len())).map_err(|failure| failure.msg)
}

#[test]
fn volumes_are_checked() {
    assert_eq!(devices(json!({"device_name": "/dev/sdb", "volume_size": "8"})), Ok(Some(1)));
    assert_eq!(devices(json!({"device_name": "/dev/sdb", "volume_size": 0})), Ok(None));
    assert_eq!(devices(json!({"device_name": "/dev/sdb", "ephemeral": "ephemeral0"})), Ok(Some(1)));
    let cases = [
        (json!({"volume_size": 8}), "Device name must be set for volume"),
        (
            json!({"device_name": "/dev/sdb"}),
            "Size must be specified when creating a new volume or modifying the root volume",
        ),
        (
            json!({"device_name": "/dev/sdb", "volume_size": 8, "volume_type": "io1"}),
            "io1 volumes must have an iops value set",
        ),
        (
            json!({"device_name": "/dev/sdb", "volume_size": 8, "device_type": "io1", "iops": 241}),
            "IOPS must be at most 30 times greater than size",
        ),
        (
            json!({"device_name": "/dev/sdb", "ephemeral": "ephemeral0", "snapshot": "snap-1"}),
            "Cannot set both ephemeral and snapshot",
        ),
        (
            json!({"device_name": "/dev/sdb", "volume_size": "big"}),
            "volumes: volume_size of /dev/sdb must be a number, not `big`",
        ),
        (json!({"device_name": "/dev/sdb", "size": 8}), "volumes: size is not a key of a volume"),
    ];
    for (volume, message) in cases {
        assert_eq!(devices(volume).unwrap_err(), message);
    }
}

#[test]
fn volumes_outlive_their_instance_unless_told_otherwise() {
    let volumes = [json!({"device_name": "/dev/sdb", "volume_size": 8}).as_object().unwrap().clone()];
    let found = block_devices(&volumes).unwrap().unwrap();
    assert_eq!(found[0].ebs().unwrap().delete_on_termination(), Some(false));
}
