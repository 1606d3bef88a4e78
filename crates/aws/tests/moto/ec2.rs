use rplay_module_api::{Json, json};

use crate::cloud::Cloud;

const IMAGE: &str = "ami-12c6146b";

async fn prepare(cloud: &Cloud) {
    cloud.ok("ec2_key", json!({"name": "key"})).await;
    cloud.ok("ec2_group", json!({"name": "web", "description": "web servers"})).await;
}

fn counted(count: i32) -> Json {
    json!({
        "region": null, "group": "web", "key_name": "key", "instance_type": "t2.micro", "image": IMAGE, "wait": true,
        "exact_count": count, "count_tag": {"Name": "web"}, "instance_tags": {"Name": "web", "Version": 2},
    })
}

#[tokio::test]
async fn exact_count_launches_keeps_and_terminates() {
    let cloud = Cloud::new("us-west-1");
    prepare(&cloud).await;
    let made = cloud.ok("ec2", counted(3)).await;
    assert!(made.changed);
    let instances = made.fields["instances"].as_array().unwrap();
    assert_eq!(instances.len(), 3);
    let first = &instances[0];
    assert_eq!(first["state"], "running");
    assert_eq!(first["tags"], json!({"Name": "web", "Version": "2"}));
    assert_eq!(first["placement"].as_str().unwrap().len(), "us-west-1a".len());
    assert_eq!(first["region"], "us-west-1");
    assert!(first["ami_launch_index"].is_string());
    assert!(first["public_ip"].is_string() && first["public_dns_name"].as_str().is_some_and(|name| !name.is_empty()));
    assert_eq!(first["groups"].as_object().unwrap().values().collect::<Vec<_>>(), [&json!("web")]);
    let time = first["launch_time"].as_str().unwrap();
    assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    let mut ids: Vec<&str> = made.fields["instance_ids"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
    assert!(ids.is_sorted());

    let again = cloud.ok("ec2", counted(3)).await;
    assert!(!again.changed);
    assert_eq!((&again.fields["instance_ids"], &again.fields["instances"]), (&Json::Null, &json!([])));
    assert_eq!(again.fields["tagged_instances"].as_array().unwrap().len(), 3);

    let fewer = cloud.ok("ec2", counted(1)).await;
    assert!(fewer.changed);
    assert_eq!(fewer.fields["instance_ids"], json!(ids[..2]));
    assert!(fewer.fields["instances"].as_array().unwrap().iter().all(|it| it["state"] == "terminated"));
    assert_eq!(fewer.fields["tagged_instances"][0]["id"], ids.remove(2));
    assert!(!cloud.ok("ec2", counted(1)).await.changed);
}

#[tokio::test]
async fn a_count_that_never_matches_is_warned_of() {
    let cloud = Cloud::new("us-west-2");
    prepare(&cloud).await;
    let mut args = counted(1);
    args["count_tag"] = json!({"Name": "Mattermost"});
    for _ in 0..2 {
        let made = cloud.ok("ec2", args.clone()).await;
        assert!(made.changed, "the old result: one more machine with every run");
        assert_eq!(made.warnings.len(), 1);
        assert!(made.warnings[0].contains("instance_tags do not satisfy count_tag"));
    }
    let failure = cloud.fails("ec2", json!({"image": IMAGE, "exact_count": 1})).await;
    assert_eq!(failure.msg, "you must use the 'count_tag' option with exact_count");
}

#[tokio::test]
async fn a_token_launches_once_and_a_plain_count_always() {
    let cloud = Cloud::new("ca-central-1");
    prepare(&cloud).await;
    let plain = json!({"image": IMAGE, "instance_type": "t2.micro", "count": 2, "wait": true});
    let ids = |outcome: &rplay_module_api::Outcome| outcome.fields["instance_ids"].clone();
    let first = cloud.ok("ec2", plain.clone()).await;
    let second = cloud.ok("ec2", plain).await;
    assert!(first.changed && second.changed && ids(&first) != ids(&second));
    assert_eq!(first.fields["tagged_instances"], json!([]));
    let once = json!({"image": IMAGE, "instance_type": "t2.micro", "id": "token-1", "wait": true});
    let first = cloud.ok("ec2", once.clone()).await;
    let second = cloud.ok("ec2", once).await;
    assert_eq!((first.changed, second.changed), (true, false));
    assert_eq!(ids(&first), ids(&second));
}

#[tokio::test]
async fn instances_are_stopped_started_rebooted_and_terminated() {
    let cloud = Cloud::new("sa-east-1");
    prepare(&cloud).await;
    let made = cloud.ok("ec2", counted(1)).await;
    let id = made.fields["instances"][0]["id"].clone();
    let to = |state: &str| json!({"state": state, "instance_ids": id, "wait": true});
    let stopped = cloud.ok("ec2", to("stopped")).await;
    assert_eq!((stopped.changed, &stopped.fields["instances"][0]["state"]), (true, &json!("stopped")));
    assert!(!cloud.ok("ec2", to("stopped")).await.changed);
    let by_tag = json!({"state": "running", "instance_tags": {"Name": "web"}, "wait": true});
    let started = cloud.ok("ec2", by_tag).await;
    assert_eq!((started.changed, &started.fields["instance_ids"]), (true, &json!([id])));
    assert!(cloud.ok("ec2", to("restarted")).await.changed);
    let gone = cloud.ok("ec2", to("absent")).await;
    assert_eq!((gone.changed, &gone.fields["instances"][0]["state"]), (true, &json!("terminated")));
    assert!(!cloud.ok("ec2", to("absent")).await.changed);
}

#[tokio::test]
async fn mistakes_and_refusals_are_told() {
    let mut cloud = Cloud::new("ap-south-1");
    prepare(&cloud).await;
    let cases = [
        (json!({"instance_type": "t2.micro"}), "image parameter is required for new instance"),
        (json!({"state": "absent"}), "instance_ids list is required for absent state"),
        (json!({"state": "running"}), "running list needs to be a list of instances or set of tags to run: None"),
        (json!({"image": IMAGE, "group": ["web", "a", "b"]}), "The following group names are not valid: a, b"),
        (json!({"image": IMAGE, "assign_public_ip": true}), "assign_public_ip only available with vpc_subnet_id"),
        (json!({"image": IMAGE, "exact_count": 1, "count": 2}), "parameters are mutually exclusive: exact_count|count"),
    ];
    for (args, message) in cases {
        assert_eq!(cloud.fails("ec2", args).await.msg, message);
    }
    let mut args = counted(1);
    args["key_name"] = json!("nobody");
    let failure = cloud.fails("ec2", args).await;
    assert!(
        failure.msg.starts_with("Instance creation failed => InvalidKeyPair.NotFound: ")
            && failure.msg.contains("(hint: create the key pair in this region first"),
        "{}",
        failure.msg
    );
    let mut args = counted(1);
    args["image"] = json!("ami-00000000000000000");
    let failure = cloud.fails("ec2", args).await;
    assert!(failure.msg.starts_with("Instance creation failed => InvalidAMIID."), "{}", failure.msg);

    let skipped = cloud.check("ec2", counted(1)).await;
    assert!(skipped.skipped && !skipped.changed);
    assert_eq!(skipped.fields["msg"], "remote module (ec2) does not support check mode");
}

#[tokio::test]
async fn a_subnet_takes_groups_by_id_and_volumes_are_attached() {
    let cloud = Cloud::new("ap-southeast-1");
    prepare(&cloud).await;
    let plain = cloud.ok("ec2", counted(1)).await;
    let zone = plain.fields["instances"][0]["placement"].clone();
    let mut args = counted(1);
    let more = json!({
        "count_tag": {"Name": "big"}, "instance_tags": {"Name": "big"}, "zone": zone, "user_data": "#!/bin/sh\n",
        "termination_protection": true, "source_dest_check": false,
        "volumes": [
            {"device_name": "/dev/sdf", "volume_size": "11", "delete_on_termination": "yes"},
            {"device_name": "/dev/sdg", "volume_size": 0},
        ],
    });
    args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = cloud.ok("ec2", args).await;
    let devices = made.fields["instances"][0]["block_device_mapping"].as_object().unwrap();
    assert_eq!(devices["/dev/sdf"]["status"], "attached");
    assert!(!devices.contains_key("/dev/sdg"));
}
