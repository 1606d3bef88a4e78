//! Every module that runs on a target, one line each, sorted by name.

use rplay_module_api::Module;

#[rustfmt::skip]
pub const MODULES: &[&Module] = &[
    &crate::posix::acl::MODULE,
    &crate::general::alternatives::MODULE,
    &crate::builtin::apt::MODULE,
    &crate::builtin::apt_key::MODULE,
    &crate::builtin::apt_repository::MODULE,
    &crate::builtin::assemble::MODULE,
    &crate::builtin::async_status::MODULE,
    &crate::posix::authorized_key::MODULE,
    &crate::builtin::blockinfile::MODULE,
    &crate::builtin::command::MODULE,
    &crate::builtin::copy::MODULE,
    &crate::builtin::cron::MODULE,
    &crate::builtin::debconf::MODULE,
    &crate::builtin::dnf::MODULE,
    &crate::builtin::dnf::DNF5,
    &crate::builtin::dpkg_selections::MODULE,
    &crate::builtin::fetch::MODULE,
    &crate::builtin::file::MODULE,
    &crate::builtin::find::MODULE,
    &crate::builtin::get_url::MODULE,
    &crate::builtin::getent::MODULE,
    &crate::builtin::git::MODULE,
    &crate::builtin::group::MODULE,
    &crate::builtin::hostname::MODULE,
    &crate::general::ini_file::MODULE,
    &crate::builtin::iptables::MODULE,
    &crate::builtin::known_hosts::MODULE,
    &crate::builtin::lineinfile::MODULE,
    &crate::general::modprobe::MODULE,
    &crate::posix::mount::MODULE,
    &crate::builtin::package::MODULE,
    &crate::builtin::package_facts::MODULE,
    &crate::general::pam_limits::MODULE,
    &crate::builtin::ping::MODULE,
    &crate::builtin::pip::MODULE,
    &crate::builtin::replace::MODULE,
    &crate::builtin::rpm_key::MODULE,
    &crate::posix::seboolean::MODULE,
    &crate::builtin::service::MODULE,
    &crate::builtin::service_facts::MODULE,
    &crate::builtin::setup::MODULE,
    &crate::builtin::shell::MODULE,
    &crate::builtin::slurp::MODULE,
    &crate::builtin::stat::MODULE,
    &crate::posix::sysctl::MODULE,
    &crate::builtin::systemd::MODULE,
    &crate::builtin::systemd::SYSTEMD_SERVICE,
    &crate::builtin::tempfile::MODULE,
    &crate::general::timezone::MODULE,
    &crate::general::ufw::MODULE,
    &crate::builtin::unarchive::MODULE,
    &crate::builtin::uri::MODULE,
    &crate::builtin::user::MODULE,
    &crate::builtin::wait_for::MODULE,
    &crate::builtin::yum_repository::MODULE,
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
            assert!(!module.spec.example.is_empty(), "{} has no example", module.spec.name);
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
