//! Who the modules run as, and with what environment.

use rplay_module_api::{Json, Map};

use super::{Facts, Gathering, facts};
use crate::support::accounts;

pub fn user(gathering: &mut Gathering) -> Facts {
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let mut found = facts([
        ("real_user_id", uid.into()),
        ("effective_user_id", rustix::process::geteuid().as_raw().into()),
        ("real_group_id", gid.into()),
        ("effective_group_id", rustix::process::getegid().as_raw().into()),
        ("user_uid", uid.into()),
        ("user_gid", gid.into()),
    ]);
    let Some(account) = accounts::user_by_id(uid, gathering.ctx) else { return found };
    let mut fields = account.rest.split(':').map(str::to_owned);
    let mut next = || fields.next().unwrap_or_default();
    if let Ok(gid) = next().parse::<u32>() {
        found.insert("user_gid".into(), gid.into());
    }
    for (name, value) in
        [("user_gecos", next()), ("user_dir", next()), ("user_shell", next()), ("user_id", account.name.clone())]
    {
        found.insert(name.into(), value.into());
    }
    found
}

pub fn env(gathering: &mut Gathering) -> Facts {
    let own = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()));
    let of_task = gathering.ctx.environment.clone();
    let env: Map<String, Json> = own.chain(of_task).map(|(name, value)| (name, value.into())).collect();
    facts([("env", env.into())])
}
