//! The arguments every AWS module has: the union of the old and the present names.

use rplay_module_api::Arg;

pub const CONNECTION_ARGS: &[Arg] = &[
    Arg::str("access_key", "Access key id. Else AWS_ACCESS_KEY_ID, AWS_ACCESS_KEY or EC2_ACCESS_KEY.").aliases(&[
        "aws_access_key_id",
        "aws_access_key",
        "ec2_access_key",
    ]),
    Arg::path("aws_ca_bundle", "File with the certificate authorities to trust. Else AWS_CA_BUNDLE."),
    Arg::dict("aws_config", "Settings of the client: connect_timeout, read_timeout, retries."),
    Arg::bool("debug_botocore_endpoint_logs", "Return the names of the API calls as `resource_actions`.").default("no"),
    Arg::str("endpoint_url", "Address of the API instead of Amazon's. Else AWS_URL, EC2_URL or AWS_ENDPOINT_URL.")
        .aliases(&["aws_endpoint_url", "ec2_url", "s3_url"]),
    Arg::str("profile", "Profile of the shared configuration files. Else AWS_PROFILE or AWS_DEFAULT_PROFILE.")
        .aliases(&["aws_profile"]),
    Arg::str("region", "Region. Else AWS_REGION, AWS_DEFAULT_REGION, EC2_REGION, the profile, the machine's own.")
        .aliases(&["aws_region", "ec2_region"]),
    Arg::str("secret_key", "Secret access key. Else AWS_SECRET_ACCESS_KEY, AWS_SECRET_KEY or EC2_SECRET_KEY.")
        .aliases(&["aws_secret_access_key", "aws_secret_key", "ec2_secret_key"])
        .no_log(),
    Arg::str("session_token", "Session token. Else AWS_SECURITY_TOKEN, AWS_SESSION_TOKEN or EC2_SECURITY_TOKEN.")
        .aliases(&["aws_session_token", "security_token", "aws_security_token", "access_token"])
        .no_log(),
    Arg::bool("validate_certs", "Refuse an endpoint whose certificate can't be verified.").default("yes"),
];
