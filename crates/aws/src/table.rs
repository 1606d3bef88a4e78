//! The AWS modules, sorted by name: as they are, and as the program runs them.

use rplay_module_api::Module;

use crate::faces::{ec2, ec2_group, ec2_key, rds};
use crate::{AwsModule, program};

pub const MODULES: &[AwsModule] =
    &[ec2::MODULE, ec2_group::MODULE, ec2_key::MODULE, ec2_group::EC2_SECURITY_GROUP, rds::MODULE];

macro_rules! in_program {
    ($module:path) => {
        &Module { spec: *$module.spec, run: |args, ctx| program::run(&$module, args, ctx) }
    };
}

pub const PROGRAM: &[&Module] = &[
    in_program!(ec2::MODULE),
    in_program!(ec2_group::MODULE),
    in_program!(ec2_key::MODULE),
    in_program!(ec2_group::EC2_SECURITY_GROUP),
    in_program!(rds::MODULE),
];

#[cfg(test)]
mod tests {
    use rplay_aws_specs::SPECS;

    use super::{MODULES, PROGRAM};

    #[test]
    fn every_spec_has_its_module() {
        let names = |list: &mut dyn Iterator<Item = &'static str>| list.collect::<Vec<_>>();
        let specs = names(&mut SPECS.iter().map(|spec| spec.name));
        assert_eq!(names(&mut MODULES.iter().map(|module| module.spec.name)), specs);
        assert_eq!(names(&mut PROGRAM.iter().map(|module| module.spec.name)), specs);
    }
}
