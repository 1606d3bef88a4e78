use rplay_module_api::json;

use crate::cloud::Cloud;

#[tokio::test]
async fn throttled_calls_are_repeated() {
    let cloud = Cloud::with_key("me-south-1", "THROTTLED");
    let made = cloud.ok("ec2_group", json!({"name": "g", "description": "d"})).await;
    assert!(made.changed);
}

#[tokio::test]
async fn endless_throttling_is_told() {
    let cloud = Cloud::with_key("me-south-1", "EXHAUSTED");
    let failure = cloud.fails("ec2_group", json!({"name": "g", "description": "d"})).await;
    assert!(failure.msg.contains("(RequestLimitExceeded)") && failure.msg.contains("throttles"), "{}", failure.msg);
    assert_eq!(failure.fields["response_metadata"]["http_status_code"], 503);
}

#[tokio::test]
async fn settings_come_from_arguments_profile_and_files() {
    let mut cloud = Cloud::new("me-central-1");
    let endpoint = cloud.endpoint().to_owned();
    let dir = tempfile::tempdir().unwrap();
    let (config, credentials) = (dir.path().join("config"), dir.path().join("credentials"));
    std::fs::write(&config, "[profile ops]\nregion = me-central-1\n").unwrap();
    std::fs::write(&credentials, "[ops]\naws_access_key_id = testing\naws_secret_access_key = hidden\n").unwrap();
    let group = |extra: serde_json::Value| {
        let mut args = json!({"name": "g", "description": "d", "ec2_url": endpoint});
        args.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        args
    };
    let by_environment = cloud.ok("ec2_group", group(json!({}))).await;
    let environment = &mut cloud.context.environment;
    environment.clear();
    environment.insert("AWS_CONFIG_FILE".into(), config.to_str().unwrap().into());
    environment.insert("AWS_SHARED_CREDENTIALS_FILE".into(), credentials.to_str().unwrap().into());
    let by_profile = cloud.ok("ec2_group", group(json!({"profile": "ops"}))).await;
    assert!(!by_profile.changed, "the profile's region has the group already");
    assert_eq!(by_profile.fields["group_id"], by_environment.fields["group_id"]);
    let unknown = cloud.fails("ec2_group", group(json!({"profile": "nobody", "region": "me-central-1"}))).await;
    assert_eq!(unknown.msg, "Profile given for AWS was not found.  Please fix and retry.");
    let args = json!({"aws_access_key": "testing", "ec2_secret_key": "hidden", "aws_region": "me-central-1"});
    assert!(!cloud.ok("ec2_group", group(args)).await.changed);
}

#[tokio::test]
async fn an_unreachable_endpoint_is_told() {
    let mut cloud = Cloud::new("me-central-1");
    cloud.context.environment.insert("AWS_ENDPOINT_URL".into(), "http://127.0.0.1:1".into());
    let failure = cloud.fails("rds", json!({"command": "facts", "instance_name": "db"})).await;
    assert!(failure.msg.contains("got no answer") || failure.msg.contains("refused"), "{}", failure.msg);
    assert!(failure.msg.contains("is the endpoint right"), "{}", failure.msg);
    assert!(!failure.msg.contains("hidden-key"));
}
