//! The services of AWS that modules call, a file each.

mod ec2;
mod rds;

use aws_config::SdkConfig;

pub use ec2::Ec2;
pub use rds::Rds;

/// A service: how its client is made from what all of them share.
pub trait Service: 'static {
    type Client: Clone + Send + Sync + 'static;

    /// The variable that names its address.
    const ENDPOINT: &str;
    /// What its modules say when neither a region nor an address is known.
    const NO_REGION: &str;

    fn client(config: &SdkConfig, endpoint: Option<&str>) -> Self::Client;
}
