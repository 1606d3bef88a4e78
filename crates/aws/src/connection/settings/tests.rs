use std::collections::BTreeMap;

use rplay_module_api::{Json, json};

use super::Settings;

fn take(args: Json, environment: &[(&str, &str)]) -> Result<Settings, String> {
    let environment: BTreeMap<String, String> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut args = args.as_object().cloned().unwrap_or_default();
    Settings::take(&mut args, &environment).map_err(|failure| failure.msg)
}

#[test]
fn arguments_come_before_the_environment() {
    let environment = [
        ("AWS_ACCESS_KEY_ID", "env-key"),
        ("AWS_SECRET_ACCESS_KEY", "env-secret"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL", "http://env:1"),
    ];
    let settings = take(
        json!({"access_key": "key", "secret_key": "hidden", "region": "us-east-2", "endpoint_url": "http://arg:2"}),
        &environment,
    )
    .unwrap();
    assert_eq!(settings.keys.as_ref().unwrap().access, "key");
    assert_eq!(settings.region.as_deref(), Some("us-east-2"));
    assert_eq!(settings.endpoints.of("AWS_ENDPOINT_URL_EC2"), Some("http://arg:2"));
    let settings = take(json!({"region": ""}), &environment).unwrap();
    assert_eq!(settings.keys.as_ref().unwrap().access, "env-key");
    assert_eq!(settings.region.as_deref(), Some("eu-west-1"));
    assert_eq!(settings.endpoints.of("AWS_ENDPOINT_URL_RDS"), Some("http://env:1"));
}

#[test]
fn the_environment_has_an_order() {
    let region = |environment: &[(&str, &str)]| take(json!({}), environment).unwrap().region;
    assert_eq!(region(&[("EC2_REGION", "c"), ("AWS_DEFAULT_REGION", "b"), ("AWS_REGION", "a")]).as_deref(), Some("a"));
    assert_eq!(region(&[("EC2_REGION", "c"), ("AWS_DEFAULT_REGION", "b"), ("AWS_REGION", "")]).as_deref(), Some("b"));
    assert_eq!(region(&[("EC2_REGION", "c")]).as_deref(), Some("c"));
    let endpoint = |environment: &[(&str, &str)]| take(json!({}), environment).unwrap().endpoints;
    let urls = [("AWS_ENDPOINT_URL", "http://any"), ("AWS_ENDPOINT_URL_EC2", "http://ec2"), ("EC2_URL", "old.example")];
    assert_eq!(endpoint(&urls).of("AWS_ENDPOINT_URL_EC2"), Some("https://old.example"));
    assert_eq!(endpoint(&urls[..2]).of("AWS_ENDPOINT_URL_EC2"), Some("http://ec2"));
    assert_eq!(endpoint(&urls[..2]).of("AWS_ENDPOINT_URL_RDS"), Some("http://any"));
}

#[test]
fn a_profile_argument_drops_keys_and_a_profile_in_the_environment_does_not() {
    let keys = [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "hidden"), ("AWS_PROFILE", "dev")];
    let settings = take(json!({"profile": "ops"}), &keys).unwrap();
    assert_eq!((settings.keys, settings.profile.as_deref()), (None, Some("ops")));
    let settings = take(json!({}), &keys).unwrap();
    assert!(settings.keys.is_some());
    assert_eq!(settings.profile.as_deref(), Some("dev"));
}

#[test]
fn half_a_pair_of_keys_is_refused() {
    assert!(take(json!({"access_key": "key"}), &[]).unwrap_err().contains("without a secret key"));
    assert!(take(json!({"secret_key": "hidden"}), &[]).unwrap_err().contains("without an access key"));
}

#[test]
fn secrets_are_not_shown() {
    let settings =
        take(json!({"access_key": "key", "secret_key": "hunter2", "session_token": "hunter3"}), &[]).unwrap();
    assert!(!format!("{settings:?}").contains("hunter"));
}

#[test]
fn client_config_is_read_or_refused_by_name() {
    let settings =
        take(json!({"aws_config": {"connect_timeout": 3, "read_timeout": "7", "retries": {"max_attempts": 2}}}), &[])
            .unwrap();
    assert_eq!((settings.connect_timeout, settings.read_timeout, settings.max_attempts), (Some(3), Some(7), Some(3)));
    assert_eq!(
        take(json!({"aws_config": {"signature_version": "v4"}}), &[]).unwrap_err(),
        "aws_config: signature_version is not supported"
    );
}
