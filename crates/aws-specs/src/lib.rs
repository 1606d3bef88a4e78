//! What the AWS modules take. The controller checks arguments against it before a run, without linking the AWS SDK;
//! `crates/aws`, a program of its own, has the modules.

mod connection;
mod ec2;
mod ec2_group;
mod ec2_key;
mod rds;

use rplay_module_api::Spec;

pub use connection::CONNECTION_ARGS;
pub use ec2::EC2;
pub use ec2_group::{EC2_GROUP, EC2_SECURITY_GROUP};
pub use ec2_key::EC2_KEY;
pub use rds::RDS;

/// Sorted by name.
pub const SPECS: &[&Spec] = &[&EC2, &EC2_GROUP, &EC2_KEY, &EC2_SECURITY_GROUP, &RDS];

#[cfg(test)]
mod tests {
    use rplay_module_api::validate::validate;
    use rplay_module_api::{Map, json};

    use super::SPECS;

    #[test]
    fn specs_are_sorted_and_documented() {
        assert!(SPECS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for spec in SPECS {
            assert!(spec.args.windows(2).all(|pair| pair[0].name < pair[1].name), "{}", spec.name);
            for arg in spec.all_args() {
                assert!(!arg.summary.is_empty(), "{}.{}", spec.name, arg.name);
                assert_eq!(spec.find(arg.name).map(|found| found.summary), Some(arg.summary));
                for alias in arg.aliases {
                    let owner = spec.find(alias).map(|found| found.name);
                    assert_eq!(owner, Some(arg.name), "{}.{alias}", spec.name);
                }
            }
        }
    }

    #[test]
    fn defaults_are_what_the_modules_take() {
        let needed = [("command", json!("facts")), ("name", json!("x")), ("instance_name", json!("x"))];
        for spec in SPECS {
            let given: Map<_, _> = needed
                .iter()
                .filter(|(name, _)| spec.find(name).is_some())
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect();
            assert!(validate(spec, given).is_ok(), "{}", spec.name);
        }
    }
}
