//! The AWS modules, sorted by name.

use crate::AwsModule;
use crate::faces::{ec2, ec2_group, rds};

pub const MODULES: &[AwsModule] = &[
    ec2::MODULE,
    ec2_group::MODULE,
    ec2_group::EC2_SECURITY_GROUP,
    rds::MODULE,
];
