//! Users and groups by name and by number. The agent is linked statically and has no NSS: it reads the files, and asks `getent`
//! where the host has other sources besides them. Files are read once per run unless they change.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};

use rplay_module_api::{Command, Ctx};

/// A line of passwd or group; the fields after the third differ between the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub id: u32,
    /// `gid:gecos:home:shell` of a user, the members of a group.
    pub rest: String,
}

impl Account {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.splitn(4, ':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let _password = fields.next()?;
        let id = fields.next()?.parse().ok()?;
        Some(Self { name: name.to_owned(), id, rest: fields.next().unwrap_or("").to_owned() })
    }

    /// Home directory, if this is a user.
    pub fn home(&self) -> Option<&str> {
        self.rest.split(':').nth(2)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Database {
    Passwd,
    Group,
}

impl Database {
    const fn name(self) -> &'static str {
        match self {
            Self::Passwd => "passwd",
            Self::Group => "group",
        }
    }
    const fn file(self) -> &'static str {
        match self {
            Self::Passwd => "/etc/passwd",
            Self::Group => "/etc/group",
        }
    }
}

/// What tells one version of a file from another.
type Stamp = (i64, i64, u64, u64);

#[derive(Default)]
struct Cache {
    stamp: Option<Stamp>,
    accounts: Vec<Account>,
    by_name: HashMap<String, usize>,
    by_id: HashMap<u32, usize>,
    /// Whether NSS has sources that the file does not show.
    other_sources: bool,
    /// Answers of `getent`, negative ones too, by the key that was asked for.
    asked: HashMap<String, Option<Account>>,
}

impl Cache {
    fn refresh(&mut self, database: Database) {
        let stamp = fs::metadata(database.file())
            .map(|meta| (meta.mtime(), meta.mtime_nsec(), meta.ino(), meta.size()))
            .unwrap_or_default();
        if self.stamp == Some(stamp) {
            return;
        }
        let text = fs::read(database.file()).unwrap_or_default();
        let accounts: Vec<Account> = String::from_utf8_lossy(&text).lines().filter_map(Account::parse).collect();
        // The first of two lines with the same key wins, as in NSS.
        let (mut by_name, mut by_id) = (HashMap::new(), HashMap::new());
        for (index, account) in accounts.iter().enumerate() {
            by_name.entry(account.name.clone()).or_insert(index);
            by_id.entry(account.id).or_insert(index);
        }
        *self = Self {
            stamp: Some(stamp),
            accounts,
            by_name,
            by_id,
            other_sources: has_other_sources(database),
            asked: HashMap::new(),
        };
    }
}

fn has_other_sources(database: Database) -> bool {
    let Ok(text) = fs::read_to_string("/etc/nsswitch.conf") else { return false };
    text.lines()
        .filter_map(|line| line.split('#').next()?.split_once(':'))
        .filter(|(name, _)| name.trim() == database.name())
        .flat_map(|(_, sources)| sources.split_whitespace())
        .any(|source| !source.starts_with('[') && !matches!(source, "files" | "compat" | "systemd"))
}

static PASSWD: Mutex<Option<Cache>> = Mutex::new(None);
static GROUP: Mutex<Option<Cache>> = Mutex::new(None);

enum Key<'a> {
    Name(&'a str),
    Id(u32),
}

fn look_up(database: Database, key: &Key, ctx: &mut Ctx) -> io::Result<Option<Account>> {
    let cell = match database {
        Database::Passwd => &PASSWD,
        Database::Group => &GROUP,
    };
    let mut cell = cell.lock().unwrap_or_else(PoisonError::into_inner);
    let cache = cell.get_or_insert_with(Cache::default);
    cache.refresh(database);
    let index = match key {
        Key::Name(name) => cache.by_name.get(*name),
        Key::Id(id) => cache.by_id.get(id),
    };
    if let Some(account) = index.and_then(|index| cache.accounts.get(*index)) {
        return Ok(Some(account.clone()));
    }
    if !cache.other_sources {
        return Ok(None);
    }
    let text = match key {
        Key::Name(name) => (*name).to_owned(),
        Key::Id(id) => id.to_string(),
    };
    if let Some(answer) = cache.asked.get(&text) {
        return Ok(answer.clone());
    }
    let output = ctx.command(&Command::new(["getent", database.name(), &text]))?;
    let answer = output.ok().then(|| Account::parse(output.stdout_text().lines().next().unwrap_or(""))).flatten();
    cache.asked.insert(text, answer.clone());
    Ok(answer)
}

pub fn user(name: &str, ctx: &mut Ctx) -> Option<Account> {
    look_up(Database::Passwd, &Key::Name(name), ctx).ok().flatten()
}

pub fn group(name: &str, ctx: &mut Ctx) -> Option<Account> {
    look_up(Database::Group, &Key::Name(name), ctx).ok().flatten()
}

pub fn user_by_id(uid: u32, ctx: &mut Ctx) -> Option<Account> {
    look_up(Database::Passwd, &Key::Id(uid), ctx).ok().flatten()
}

pub fn group_by_id(gid: u32, ctx: &mut Ctx) -> Option<Account> {
    look_up(Database::Group, &Key::Id(gid), ctx).ok().flatten()
}
