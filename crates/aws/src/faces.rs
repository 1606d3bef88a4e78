//! What tasks write and what they get back: argument names, validation, return values.

pub mod ec2;
pub mod ec2_group;
pub mod ec2_key;
mod ec2_launch;
mod group_rules;
pub mod rds;
mod rds_commands;
mod rds_json;
mod written;
