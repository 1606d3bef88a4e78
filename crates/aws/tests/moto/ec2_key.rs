use std::os::unix::fs::PermissionsExt;

use rplay_module_api::{Json, json};

use crate::cloud::Cloud;

const RSA: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC9H3sJRlcWtKH91vcMrb86uqpLB2z+GQypwrGVY16xGQGPhF5REDI7jya8VN9JUfXJTFRRT5AUoURSHDQdx7wGwPB9zhC4BwcptM82qmL4cfbFLey+flEDQeTmJcRhrBNcDrYsPPraagexv4nRusZb9AgB1+MMvqwUbG4UXMWCxQ== test";
const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICDBuOgQV2uasDq44MHtL0SbtX3pLdPw6z9mK8ymbljv test";

#[tokio::test]
async fn a_key_is_made_once_and_its_private_part_is_told_once() {
    let mut cloud = Cloud::new("eu-north-1");
    assert_eq!(cloud.check("ec2_key", json!({"name": "k"})).await.fields["key"], Json::Null);
    let made = cloud.ok("ec2_key", json!({"name": "k", "tags": {"a": "b"}})).await;
    assert_eq!((made.changed, &made.fields["msg"]), (true, &json!("key pair created")));
    assert!(made.fields["key"]["private_key"].as_str().unwrap().starts_with("-----BEGIN "));
    assert_eq!(made.fields["key"]["tags"], json!({"a": "b"}));
    let again = cloud.ok("ec2_key", json!({"name": "k"})).await;
    assert_eq!((again.changed, &again.fields["msg"]), (false, &json!("key pair already exists")));
    assert!(again.fields["key"].get("private_key").is_none());
    let gone = cloud.ok("ec2_key", json!({"name": "k", "state": "absent"})).await;
    assert_eq!((gone.changed, &gone.fields["key"], &gone.fields["msg"]), (true, &Json::Null, &json!("key deleted")));
    let gone = cloud.ok("ec2_key", json!({"name": "k", "state": "absent"})).await;
    assert_eq!((gone.changed, &gone.fields["msg"]), (false, &json!("key did not exist")));
}

#[tokio::test]
async fn a_private_key_goes_into_a_file_of_the_owner() {
    let cloud = Cloud::new("eu-south-1");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("k.pem");
    let made = cloud.ok("ec2_key", json!({"name": "k", "file_name": path.to_str()})).await;
    assert!(made.fields["key"].get("private_key").is_none());
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("-----BEGIN "));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let nowhere = json!({"name": "other", "file_name": dir.path().join("no/k.pem").to_str()});
    assert!(cloud.fails("ec2_key", nowhere).await.msg.contains("could not open"));
    let left = cloud.ok("ec2_key", json!({"name": "other", "state": "absent"})).await;
    assert!(!left.changed, "no key is made whose private part can't be kept");
}

#[tokio::test]
async fn another_public_key_replaces_the_present_one() {
    let cloud = Cloud::new("eu-south-2");
    let import = |material: &str, force: bool| json!({"name": "k", "key_material": material, "force": force});
    assert!(cloud.ok("ec2_key", import(RSA, true)).await.changed);
    assert!(!cloud.ok("ec2_key", import(RSA, true)).await.changed);
    assert!(!cloud.ok("ec2_key", import(ED25519, false)).await.changed);
    let replaced = cloud.ok("ec2_key", import(ED25519, true)).await;
    assert_eq!((replaced.changed, &replaced.fields["msg"]), (true, &json!("key pair updated")));
    assert!(!cloud.ok("ec2_key", import(ED25519, true)).await.changed);
}
