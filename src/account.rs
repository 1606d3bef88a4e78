//! Accounts of this machine, as the C library knows them: from files, LDAP or whatever else it is set up to ask.

use std::path::PathBuf;

use nix::unistd::{Uid, User};

pub struct Account {
    pub name: String,
    pub home: PathBuf,
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self { name: user.name, home: user.dir }
    }
}

pub fn of_id(uid: u32) -> Option<Account> {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map(Account::from)
}

pub fn of_name(name: &str) -> Option<Account> {
    User::from_name(name).ok().flatten().map(Account::from)
}

/// The account that this process belongs to.
pub fn own() -> Option<Account> {
    of_id(Uid::current().as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_both_ways() {
        let root = of_id(0).expect("every system has it");
        assert_eq!(of_name(&root.name).expect("the same").home, root.home);
        assert!(of_name("no such account, surely").is_none());
    }
}
