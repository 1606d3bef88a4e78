//! The AWS modules, sorted by name.

use crate::AwsModule;
use crate::faces::{ec2, ec2_group, ec2_key, rds};

pub const MODULES: &[AwsModule] =
    &[ec2::MODULE, ec2_group::MODULE, ec2_key::MODULE, ec2_group::EC2_SECURITY_GROUP, rds::MODULE];

#[cfg(test)]
mod tests {
    use rplay_module_api::validate::validate;
    use rplay_module_api::{Map, json};

    use super::MODULES;

    #[test]
    fn modules_are_sorted_and_documented() {
        assert!(MODULES.windows(2).all(|pair| pair[0].spec.name < pair[1].spec.name));
        for module in MODULES {
            let spec = &module.spec;
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
        for module in MODULES {
            let given: Map<_, _> = needed
                .iter()
                .filter(|(name, _)| module.spec.find(name).is_some())
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect();
            assert!(validate(&module.spec, given).is_ok(), "{}", module.spec.name);
        }
    }

    #[test]
    fn modules_are_found_under_every_name() {
        for name in ["ec2", "amazon.aws.ec2_group", "amazon.aws.ec2_security_group", "community.aws.ec2_key", "rds"] {
            assert!(crate::find(name).is_some(), "{name}");
        }
        assert!(crate::find("amazon.aws.s3_object").is_none());
    }
}
