use rplay_module_api::{Json, json};

use crate::cloud::Cloud;

fn create(name: &str) -> Json {
    json!({
        "command": "create", "db_name": "mattermost", "instance_name": name, "vpc_security_groups": "sg-12345678",
        "db_engine": "postgres", "size": 10, "instance_type": "db.t3.micro", "username": "mattermost",
        "password": "s3cret-password", "tags": {"Application": "mattermost"},
    })
}

#[tokio::test]
async fn a_new_database_is_awaited_and_its_endpoint_is_a_text() {
    let cloud = Cloud::new("us-east-1");
    let made = cloud.ok("rds", create("awaited")).await;
    assert!(made.changed);
    let instance = &made.fields["instance"];
    assert_eq!((&instance["id"], &instance["status"]), (&json!("awaited"), &json!("available")));
    assert!(instance["endpoint"].as_str().unwrap().starts_with("awaited."), "{instance}");
    assert_eq!((&instance["port"], &instance["engine"]), (&json!(5432), &json!("postgres")));
    assert_eq!((&instance["vpc_security_groups"], &instance["DBName"]), (&json!("sg-12345678"), &Json::Null));
    assert_eq!(instance["db_name"], "mattermost");
    assert!(instance["create_time"].is_f64());
    assert!(cloud.shown("creating database awaited: status creating, "));
    assert!(!format!("{:?}", made.fields).contains("s3cret"));
    let again = cloud.ok("rds", create("awaited")).await;
    assert!(!again.changed);
    assert_eq!(again.fields["instance"]["endpoint"], instance["endpoint"]);
}

#[tokio::test]
async fn a_replica_waits_for_its_source() {
    let cloud = Cloud::new("us-east-2");
    let mut early = create("source");
    early["wait"] = json!(false);
    let early = cloud.ok("rds", early).await;
    assert_eq!(early.fields["instance"]["status"], "creating");
    assert_eq!((&early.fields["instance"]["endpoint"], &early.fields["instance"]["port"]), (&Json::Null, &Json::Null));
    let replicate = |name: &str, wait: Json| json!({"command": "replicate", "instance_name": name, "source_instance": "source", "wait": wait});
    let failure = cloud.fails("rds", replicate("hasty", json!(false))).await;
    assert!(
        failure.msg.starts_with(
            "Failed to create replica instance: DB instance is not in the available state. (the source source has \
             status creating)"
        ),
        "{}",
        failure.msg
    );
    let replica = cloud.ok("rds", replicate("patient", Json::Null)).await;
    assert!(replica.changed);
    assert_eq!(replica.fields["instance"]["replication_source"], "source");
    assert!(cloud.shown("waiting for source, the source of patient: status creating"));
    let waited = cloud.ok("rds", replicate("patient", json!(true))).await;
    assert_eq!((waited.changed, &waited.fields["instance"]["status"]), (false, &json!("available")));
    let promoted = cloud.ok("rds", json!({"command": "promote", "instance_name": "patient"})).await;
    assert!(promoted.changed);
    assert!(!cloud.ok("rds", json!({"command": "promote", "instance_name": "source"})).await.changed);
}

#[tokio::test]
async fn waiting_has_an_end() {
    let cloud = Cloud::new("ap-northeast-1");
    let mut args = create("slow");
    args["wait_timeout"] = json!(0);
    let failure = cloud.fails("rds", args).await;
    assert_eq!(failure.msg, "Timeout waiting for RDS resource slow");
    assert!(failure.changed, "the database has been created");
}

#[tokio::test]
async fn commands_do_what_they_say() {
    let cloud = Cloud::new("ap-northeast-2");
    cloud.ok("rds", create("db")).await;
    let facts = cloud.ok("rds", json!({"command": "facts", "instance_name": "db"})).await;
    assert_eq!((facts.changed, &facts.fields["instance"]["instance_type"]), (false, &json!("db.t3.micro")));
    let failure = cloud.fails("rds", json!({"command": "facts", "instance_name": "no"})).await;
    assert_eq!(failure.msg, "DB instance no does not exist");

    let modify = json!({"command": "modify", "instance_name": "db", "size": "20", "apply_immediately": true});
    let modified = cloud.ok("rds", modify).await;
    assert_eq!((modified.changed, &modified.fields["instance"]["allocated_storage"]), (true, &json!(20)));
    let reboot = json!({"command": "reboot", "instance_name": "db", "wait": true});
    assert!(cloud.ok("rds", reboot).await.changed);

    let snapshot = json!({"command": "snapshot", "instance_name": "db", "snapshot": "snap", "wait": true});
    let taken = cloud.ok("rds", snapshot.clone()).await;
    assert_eq!((taken.changed, &taken.fields["snapshot"]["id"]), (true, &json!("snap")));
    assert_eq!(taken.fields["snapshot"]["instance_id"], "db");
    assert!(!cloud.ok("rds", snapshot).await.changed);
    let restore =
        json!({"command": "restore", "instance_name": "copy", "snapshot": "snap", "wait": true, "wait_timeout": 60});
    let restored = cloud.ok("rds", restore.clone()).await;
    assert_eq!((restored.changed, &restored.fields["instance"]["id"]), (true, &json!("copy")));
    assert!(!cloud.ok("rds", restore).await.changed);
    let seen = cloud.ok("rds", json!({"command": "facts", "snapshot": "snap"})).await;
    assert_eq!(seen.fields["instance"]["id"], "snap");

    let rename = json!({
        "command": "modify", "instance_name": "copy", "new_instance_name": "renamed", "apply_immediately": true,
    });
    assert_eq!(cloud.ok("rds", rename).await.fields["instance"]["id"], "renamed");
    for (name, changed) in [("renamed", true), ("renamed", false), ("never", false)] {
        let delete = json!({"command": "delete", "instance_name": name, "wait": true});
        assert_eq!(cloud.ok("rds", delete).await.changed, changed, "{name}");
    }
    assert!(cloud.ok("rds", json!({"command": "delete", "snapshot": "snap", "wait": true})).await.changed);
    assert!(!cloud.ok("rds", json!({"command": "delete", "snapshot": "snap"})).await.changed);
}

#[tokio::test]
async fn mistakes_are_told_before_anything_is_asked() {
    let cloud = Cloud::new("ap-northeast-3");
    let failure = cloud.fails("rds", json!({"command": "create", "instance_name": "db"})).await;
    assert_eq!(failure.msg, "Parameter db_engine required for create command");
    let failure = cloud.fails("rds", json!({"command": "reboot", "instance_name": "db", "size": 10})).await;
    assert_eq!(failure.msg, "Parameter size is not valid for reboot command");
    let mut args = create("db");
    args["size"] = json!("ten");
    assert_eq!(cloud.fails("rds", args).await.msg, "size must be a number, not `ten`");
}
