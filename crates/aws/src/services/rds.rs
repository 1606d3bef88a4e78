use aws_config::SdkConfig;

use super::Service;

pub struct Rds;

impl Service for Rds {
    type Client = aws_sdk_rds::Client;

    const ENDPOINT: &str = "AWS_ENDPOINT_URL_RDS";
    const NO_REGION: &str = "Region must be specified as a parameter, in EC2_REGION or AWS_REGION environment variables or \
                             in boto configuration file";

    fn client(config: &SdkConfig, endpoint: Option<&str>) -> Self::Client {
        let mut builder = aws_sdk_rds::config::Builder::from(config);
        if let Some(endpoint) = endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        Self::Client::from_conf(builder.build())
    }
}
