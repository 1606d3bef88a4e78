//! The modules against moto. Every test has a region of its own, so that they don't see each other's machines.

#[path = "moto/cloud.rs"]
mod cloud;
#[path = "moto/connection.rs"]
mod connection;
#[path = "moto/ec2.rs"]
mod ec2;
#[path = "moto/ec2_group.rs"]
mod ec2_group;
#[path = "moto/ec2_key.rs"]
mod ec2_key;
#[path = "moto/rds.rs"]
mod rds;
