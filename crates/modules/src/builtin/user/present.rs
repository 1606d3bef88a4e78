//! What the host says about a user.

use rplay_module_api::Ctx;

use super::shadow::{self, Shadow};
use crate::support::accounts;

#[derive(Clone, Debug, Default)]
pub struct Present {
    pub uid: u32,
    pub gid: u32,
    pub comment: String,
    pub home: String,
    pub shell: String,
    pub password: String,
    pub shadow: Shadow,
    /// Groups that list the user, the primary one too if it does.
    pub groups: Vec<String>,
}

impl Present {
    pub fn read(name: &str, ctx: &mut Ctx) -> Option<Self> {
        let account = accounts::user(name, ctx)?;
        let mut fields = account.rest.split(':').map(str::to_owned);
        let mut next = || fields.next().unwrap_or_default();
        let gid = next().parse().ok()?;
        let shadow = shadow::read(name);
        Some(Self {
            uid: account.id,
            gid,
            comment: next(),
            home: next(),
            shell: next(),
            password: shadow.password.clone(),
            shadow,
            groups: groups_of(name),
        })
    }
}

fn groups_of(name: &str) -> Vec<String> {
    let text = std::fs::read("/etc/group").unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [group, _, _, members] = fields.as_slice() else { return None };
            members.split(',').any(|member| member == name).then(|| (*group).to_owned())
        })
        .collect()
}
