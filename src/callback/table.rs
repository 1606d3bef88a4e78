//! The callbacks by name, and those of a run: one that owns the screen, and any number besides.

use std::sync::LazyLock;

use super::awx::{self, Awx};
use super::default::Default;
use super::dense::Dense;
use super::files::{LogPlays, Tree};
use super::json::Json;
use super::junit::Junit;
use super::minimal::Minimal;
use super::oneline::Oneline;
use super::times::{ProfileRoles, ProfileTasks, Timer};
use super::unixy::Unixy;
use super::{Callback, Display};
use crate::catalog::{Kind, Missing, Scope, Table, not_there};
use crate::config::{Config, ResultFormat, setting};
use crate::error::Notices;

/// What a callback does, which decides what setting names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Shows the run (`stdout_callback`).
    Screen,
    /// Comes besides (`callbacks_enabled`).
    Besides,
}

pub struct Row {
    /// What is no full name is in `ansible.builtin`.
    pub name: &'static str,
    role: Role,
    make: fn(&Config, Display) -> Box<dyn Callback>,
}

/// Sorted by name.
pub const CALLBACKS: &[Row] = &[
    screen("ansible.posix.debug", |_, display| Box::new(Default::with_texts_apart(display.in_json()))),
    screen("ansible.posix.json", |config, display| {
        Box::new(Json::document(&display, config.get(setting::CALLBACK_JSON_INDENT)))
    }),
    screen("ansible.posix.jsonl", |config, display| {
        Box::new(Json::lines(&display, config.get(setting::CALLBACK_JSON_INDENT)))
    }),
    besides("ansible.posix.profile_roles", |config, _| Box::new(ProfileRoles::new(config))),
    besides("ansible.posix.profile_tasks", |config, display| Box::new(ProfileTasks::new(config, display.verbosity))),
    besides("ansible.posix.timer", |_, _| Box::new(Timer::start())),
    screen("awx_display", |config, display| Box::new(Awx::new(config, &display, under_awx(config, display.clone())))),
    screen("community.general.dense", |_, display| Box::new(Dense::new(display.in_json()))),
    besides("community.general.log_plays", |config, _| {
        Box::new(LogPlays::new(config.get(setting::CALLBACK_LOG_PLAYS_FOLDER)))
    }),
    screen("community.general.unixy", |_, display| Box::new(Unixy::new(display.in_json()))),
    // Gone since version 12, in favor of the format.
    screen("community.general.yaml", |_, display| {
        Box::new(Default::new(Display { result_format: ResultFormat::Yaml, ..display }))
    }),
    DEFAULT,
    besides("junit", |config, display| Box::new(Junit::new(config, display.in_json()))),
    screen("minimal", |_, display| Box::new(Minimal::new(display))),
    screen("oneline", |_, display| Box::new(Oneline::new(display.in_json()))),
    besides("tree", |config, display| Box::new(Tree::new(config.get(setting::CALLBACK_TREE_DIR), display))),
];

const DEFAULT: Row = screen("default", |_, display| Box::new(Default::new(display)));

/// The callback whose output has the signs of `awx_display` in it.
fn under_awx(config: &Config, display: Display) -> Box<dyn Callback> {
    let named = row(&awx::base_name()).ok().filter(|row| row.role == Role::Screen && row.name != "awx_display");
    (named.unwrap_or(&DEFAULT).make)(config, display)
}

const fn screen(name: &'static str, make: fn(&Config, Display) -> Box<dyn Callback>) -> Row {
    Row { name, role: Role::Screen, make }
}

const fn besides(name: &'static str, make: fn(&Config, Display) -> Box<dyn Callback>) -> Row {
    Row { name, role: Role::Besides, make }
}

static TABLE: LazyLock<Table<Row>> =
    LazyLock::new(|| Table::new(Kind::Callback, CALLBACKS.iter().map(|row| (row.name, row))));

/// The callbacks of a run: the one of this name on the screen, then, if `besides`, those that the configuration enables, in its
/// order. A warning tells of names that mean none.
pub fn of_run(
    screen: &str,
    besides: bool,
    config: &Config,
    display: &Display,
    notices: &Notices,
) -> Vec<Box<dyn Callback>> {
    let mut rows = vec![row(screen).unwrap_or_else(|why| {
        notices.warn(format!("Could not load '{screen}' callback plugin, 'default' shows the run: {why}"), None);
        &DEFAULT
    })];
    for name in config.get(setting::CALLBACKS_ENABLED).into_iter().filter(|_| besides) {
        match row(&name) {
            Ok(row) if row.role == Role::Screen || rows.iter().any(|known| known.name == row.name) => {}
            Ok(row) => rows.push(row),
            Err(why) => notices.warn(format!("Skipping callback plugin '{name}', unable to load: {why}"), None),
        }
    }
    rows.into_iter().map(|row| (row.make)(config, display.clone())).collect()
}

fn row(name: &str) -> Result<&'static Row, String> {
    match TABLE.resolve(name, &Scope::default()) {
        Ok(found) => found.native().ok_or_else(|| not_there(Kind::Callback, &found.full_name)),
        Err(Missing::Removed(removed)) => Err(removed.message().to_owned()),
        Err(Missing::Unknown { near: Some(near) }) => Err(format!("there is no such callback; did you mean {near}?")),
        Err(Missing::Unknown { near: None }) => Err("there is no such callback".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_found_by_each_name() {
        assert!(CALLBACKS.is_sorted_by_key(|row| row.name));
        for name in
            ["json", "ansible.posix.json", "debug", "profile_tasks", "yaml", "community.general.yaml", "minimal"]
        {
            assert!(row(name).is_ok(), "{name}");
        }
        assert!(row("community.general.json").is_err());
    }
}
