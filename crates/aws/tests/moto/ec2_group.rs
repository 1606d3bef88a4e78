use rplay_module_api::{Json, json};

use crate::cloud::Cloud;

fn web_group() -> Json {
    json!({
        "name": "ansible-web-secgroup",
        "description": "web servers",
        "region": "eu-west-1",
        "rules": [
            {"proto": "tcp", "from_port": 80, "to_port": 80, "cidr_ip": "0.0.0.0/0"},
            {"proto": "tcp", "from_port": 22, "to_port": 22, "cidr_ip": "0.0.0.0/0"},
        ],
        "rules_egress": [{"proto": "all", "from_port": "all", "to_port": "all", "cidr_ip": "0.0.0.0/0"}],
    })
}

#[tokio::test]
async fn the_old_playbooks_group_is_made_once() {
    let cloud = Cloud::new("eu-west-1");
    let made = cloud.ok("ec2_group", web_group()).await;
    assert!(made.changed);
    assert!(made.fields["group_id"].as_str().unwrap().starts_with("sg-"));
    assert_eq!(made.fields["group_name"], "ansible-web-secgroup");
    assert_eq!(made.fields["ip_permissions"].as_array().unwrap().len(), 2);
    assert_eq!(made.fields["ip_permissions_egress"][0]["ip_protocol"], "-1");
    assert!(made.fields["ip_permissions_egress"][0].get("from_port").is_none());
    let again = cloud.ok("ec2_group", web_group()).await;
    assert!(!again.changed);
    assert_eq!(again.fields, made.fields);
    assert!(again.warnings.is_empty(), "{:?}", again.warnings);
}

#[tokio::test]
async fn rules_are_added_removed_and_kept() {
    let mut cloud = Cloud::new("eu-west-2");
    cloud.context.diff = true;
    let group = |rules: Json, purge: bool| json!({"name": "g", "description": "d", "rules": rules, "purge_rules": purge, "tags": {"a": 1}});
    let http = json!({"ports": [80, "8000-8010"], "cidr_ip": ["10.0.0.0/8", "11.0.0.0/8"]});
    let ping = json!({"proto": "icmp", "cidr_ipv6": "::/0"});
    let made = cloud.ok("ec2_group", group(json!([http, ping]), true)).await;
    assert_eq!(made.fields["tags"], json!({"a": "1"}));
    assert_eq!(made.diff.len(), 1);
    assert!(!cloud.ok("ec2_group", group(json!([http, ping]), true)).await.changed);

    let predicted = cloud.check("ec2_group", group(json!([ping]), true)).await;
    assert!(predicted.changed);
    assert_eq!(predicted.fields["ip_permissions"].as_array().unwrap().len(), 1);
    assert!(!cloud.ok("ec2_group", group(json!([http, ping]), true)).await.changed, "check mode changes nothing");

    assert!(!cloud.ok("ec2_group", group(json!([ping]), false)).await.changed, "without purge nothing is removed");
    let purged = cloud.ok("ec2_group", group(json!([ping]), true)).await;
    assert!(purged.changed);
    assert_eq!(purged.fields["ip_permissions"].as_array().unwrap().len(), 1);
    let egress = &purged.fields["ip_permissions_egress"];
    assert_eq!(egress[0]["ip_protocol"], "-1", "left out, egress stays as AWS makes it");

    let mut silent = group(json!([]), true);
    silent.as_object_mut().unwrap().remove("rules");
    let emptied = cloud.ok("ec2_group", silent).await;
    assert!(emptied.changed, "no rules at all means that none is wanted");
    assert_eq!(emptied.fields["ip_permissions"], json!([]));

    let closed = json!({"name": "g", "description": "d", "rules_egress": []});
    assert_eq!(cloud.ok("ec2_group", closed).await.fields["ip_permissions_egress"], json!([]));
}

#[tokio::test]
async fn rules_name_groups() {
    let mut cloud = Cloud::new("eu-west-3");
    let db = |rule: Json| json!({"name": "db", "description": "databases", "rules": [rule]});
    let from_web = json!({"ports": 5432, "group_name": "web"});
    let failure = cloud.fails("ec2_group", db(from_web.clone())).await;
    assert!(
        failure.msg.starts_with("group web will be automatically created by rule {'ports': 5432"),
        "{}",
        failure.msg
    );
    let mut described = from_web.clone();
    described["group_desc"] = json!("web servers");
    assert!(cloud.check("ec2_group", db(described.clone())).await.changed);
    let made = cloud.ok("ec2_group", db(described)).await;
    assert!(made.changed);
    let pair = &made.fields["ip_permissions"][0]["user_id_group_pairs"][0];
    let web = cloud.ok("ec2_security_group", json!({"name": "web", "description": "web servers"})).await;
    assert!(!web.changed);
    assert_eq!(pair["group_id"], web.fields["group_id"]);
    assert!(!cloud.ok("ec2_group", db(from_web)).await.changed);
    assert!(!cloud.ok("ec2_group", db(json!({"ports": 5432, "group_id": web.fields["group_id"]}))).await.changed);
    let own = json!({"ports": 5432, "group_name": "db"});
    assert!(cloud.ok("ec2_group", db(own.clone())).await.changed);
    assert!(!cloud.ok("ec2_group", db(own)).await.changed);
}

#[tokio::test]
async fn a_group_is_deleted_once() {
    let mut cloud = Cloud::new("eu-central-1");
    let group = |state: &str| json!({"name": "g", "description": "d", "state": state});
    assert_eq!(cloud.check("ec2_group", group("present")).await.fields["group_id"], Json::Null);
    assert!(!cloud.ok("ec2_group", group("absent")).await.changed);
    cloud.ok("ec2_group", group("present")).await;
    assert!(cloud.check("ec2_group", group("absent")).await.changed);
    let gone = cloud.ok("ec2_group", group("absent")).await;
    assert_eq!((gone.changed, &gone.fields["group_id"]), (true, &Json::Null));
    assert!(!cloud.ok("ec2_group", group("absent")).await.changed);
}

#[tokio::test]
async fn mistakes_are_told() {
    let cloud = Cloud::new("ap-southeast-2");
    let failure = cloud.fails("ec2_group", json!({"name": "g"})).await;
    assert_eq!(failure.msg, "Must provide description when state is present.");
    cloud.ok("ec2_group", json!({"name": "g", "description": "d"})).await;
    let other = cloud.ok("ec2_group", json!({"name": "g", "description": "other"})).await;
    assert!(!other.changed);
    assert!(other.warnings[0].starts_with("Group description does not match existing group."), "{:?}", other.warnings);
    let unknown = json!({"ports": 22, "group_id": "sg-00000000000000000"});
    let failure = cloud.fails("ec2_group", json!({"name": "g", "description": "d", "rules": [unknown]})).await;
    assert!(
        failure.msg.starts_with("Unable to authorize ingress rules: ")
            && failure.msg.contains(
                "An error occurred (InvalidGroup.NotFound) when calling the AuthorizeSecurityGroupIngress operation: "
            ),
        "{}",
        failure.msg
    );
    assert_eq!(failure.fields["error"]["code"], "InvalidGroup.NotFound");
    assert_eq!(failure.fields["response_metadata"]["http_status_code"], 400);
}
