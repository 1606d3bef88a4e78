//! Every module that runs on a target, one line each, sorted by name.

use rplay_module_api::Module;

#[rustfmt::skip]
pub const MODULES: &[&Module] = &[
    &crate::apt::MODULE,
    &crate::apt_key::MODULE,
    &crate::apt_repository::MODULE,
    &crate::authorized_key::MODULE,
    &crate::blockinfile::MODULE,
    &crate::command::MODULE,
    &crate::copy::MODULE,
    &crate::fetch::MODULE,
    &crate::file::MODULE,
    &crate::find::MODULE,
    &crate::get_url::MODULE,
    &crate::getent::MODULE,
    &crate::group::MODULE,
    &crate::lineinfile::MODULE,
    &crate::package::MODULE,
    &crate::ping::MODULE,
    &crate::replace::MODULE,
    &crate::service::MODULE,
    &crate::setup::MODULE,
    &crate::shell::MODULE,
    &crate::slurp::MODULE,
    &crate::stat::MODULE,
    &crate::systemd::MODULE,
    &crate::systemd::SYSTEMD_SERVICE,
    &crate::tempfile::MODULE,
    &crate::unarchive::MODULE,
    &crate::user::MODULE,
    &crate::wait_for::MODULE,
];

/// The module of this name (without collection prefix).
pub fn find(name: &str) -> Option<&'static Module> {
    let index = MODULES.binary_search_by(|module| module.spec.name.cmp(name)).ok()?;
    MODULES.get(index).copied()
}

#[cfg(test)]
mod tests {
    use rplay_module_api::{Map, validate};

    use super::{MODULES, find};

    #[test]
    fn names_are_sorted_and_every_argument_is_described() {
        assert!(MODULES.is_sorted_by(|a, b| a.spec.name < b.spec.name));
        for module in MODULES {
            assert!(find(module.spec.name).is_some());
            assert!(!module.spec.summary.is_empty());
            for arg in module.spec.all_args() {
                assert!(!arg.summary.is_empty(), "{} of {}", arg.name, module.spec.name);
            }
        }
    }

    #[test]
    fn defaults_have_their_types() {
        for module in MODULES {
            // Only what is missing may be wrong with no arguments at all.
            if let Err(problem) = validate::validate(&module.spec, Map::new()) {
                let is_missing = ["missing", "required"].iter().any(|it| problem.message.contains(it));
                assert!(is_missing, "{}: {}", module.spec.name, problem.message);
            }
        }
    }
}
