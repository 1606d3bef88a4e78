use aws_config::SdkConfig;

use super::Service;

pub struct Ec2;

impl Service for Ec2 {
    type Client = aws_sdk_ec2::Client;

    const ENDPOINT: &str = "AWS_ENDPOINT_URL_EC2";
    const NO_REGION: &str = "Either region or ec2_url must be specified";

    fn client(config: &SdkConfig, endpoint: Option<&str>) -> Self::Client {
        let mut builder = aws_sdk_ec2::config::Builder::from(config);
        if let Some(endpoint) = endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        Self::Client::from_conf(builder.build())
    }
}
