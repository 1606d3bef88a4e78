//! Every module by name, wherever it runs: on the target (`crates/modules`) or in the controller (`crates/aws`).

use rplay_module_api::Spec;

#[derive(Clone, Copy)]
pub enum Module {
    Target(&'static rplay_module_api::Module),
    #[cfg(feature = "aws")]
    Aws(&'static rplay_aws::AwsModule),
}

impl Module {
    pub fn spec(&self) -> &'static Spec {
        match self {
            Module::Target(module) => &module.spec,
            #[cfg(feature = "aws")]
            Module::Aws(module) => &module.spec,
        }
    }
}

/// Collections whose modules rplay has built in, under their last name.
const COLLECTIONS: &[&str] =
    &["amazon.aws.", "ansible.builtin.", "ansible.legacy.", "ansible.posix.", "community.aws.", "community.general."];

/// A name without the collection that is part of rplay.
pub fn short_name(name: &str) -> &str {
    COLLECTIONS.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// The module that `name` means, with or without its collection.
pub fn find(name: &str) -> Option<Module> {
    #[cfg(feature = "aws")]
    if let Some(module) = rplay_aws::find(name) {
        return Some(Module::Aws(module));
    }
    rplay_modules::table::find(short_name(name)).map(Module::Target)
}

/// The specifications of all modules.
pub fn specs() -> impl Iterator<Item = &'static Spec> {
    let target = rplay_modules::table::MODULES.iter().map(|module| &module.spec);
    #[cfg(feature = "aws")]
    let target = target.chain(rplay_aws::MODULES.iter().map(|module| &module.spec));
    target
}
