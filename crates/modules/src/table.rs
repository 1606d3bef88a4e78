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
