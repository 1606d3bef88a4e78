//! What a person sees of a run: events in, text out. Nothing else writes to the terminal while plays run.

mod ask;
mod banner;
mod color;
mod default;
mod diff;
mod dump;
mod excerpt;
pub mod log;
mod minimal;
mod oneline;
mod plain;
mod recap;
mod reporter;
mod shown;
mod status_line;
mod terminal;
mod tree;

use std::sync::LazyLock;

use crate::catalog::{Kind, Missing, Scope, Table, not_there};
use crate::engine::Event;
use crate::error::{Error, ErrorKind, Notice, NoticeKind};

pub use ask::SilentTerminal;
use color::Color;
pub use excerpt::error_text;
pub use minimal::Minimal;
pub use oneline::Oneline;
pub use plain::plain;
pub use reporter::{OnTerminal, Reporter, join, report};
pub use terminal::{ColorChoice, Terminal, print};
pub use tree::Tree;

/// One way to show a run.
pub trait Callback: Send {
    fn event(&mut self, event: &Event, terminal: &mut Terminal);
}

/// What of a run is shown; Ansible's settings of the same names.
#[derive(Clone, Debug)]
pub struct Display {
    pub verbosity: u8,
    pub skipped_hosts: bool,
    pub ok_hosts: bool,
    pub failed_to_stderr: bool,
    pub custom_stats: bool,
    pub per_host_start: bool,
    pub check_mode_markers: bool,
    /// Where a failed task stands is shown at every verbosity.
    pub path_on_failure: bool,
    /// Unchanged lines around a difference.
    pub diff_context: usize,
}

impl std::default::Default for Display {
    fn default() -> Self {
        Self {
            verbosity: 0,
            skipped_hosts: true,
            ok_hosts: true,
            failed_to_stderr: false,
            custom_stats: false,
            per_host_start: false,
            check_mode_markers: false,
            path_on_failure: false,
            diff_context: 3,
        }
    }
}

type Make = fn(Display) -> Box<dyn Callback>;

/// The callbacks by name.
const CALLBACKS: &[(&str, Make)] = &[
    ("default", |display| Box::new(default::Default::new(display))),
    ("minimal", |display| Box::new(Minimal::new(display))),
    ("oneline", |display| Box::new(Oneline::new(display.verbosity))),
];

static TABLE: LazyLock<Table<(&str, Make)>> =
    LazyLock::new(|| Table::new(Kind::Callback, CALLBACKS.iter().map(|row| (row.0, row))));

/// The callback of this name (`stdout_callback`).
pub fn named(name: Option<&str>, display: Display) -> Result<Box<dyn Callback>, Error> {
    let name = name.unwrap_or("default");
    let message = match TABLE.resolve(name, &Scope::default()) {
        Ok(found) => match found.native() {
            Some((_, make)) => return Ok(make(display)),
            None => not_there(Kind::Callback, &found.full_name),
        },
        Err(Missing::Removed(removed)) => removed.message().to_owned(),
        Err(Missing::Unknown { .. }) => format!("the callback `{name}` (stdout_callback) is not there"),
    };
    let names: Vec<&str> = CALLBACKS.iter().map(|(name, _)| *name).collect();
    Err(Error::new(ErrorKind::Usage, message).hint(format!("there are {}", names.join(", "))).with_exit_code(1))
}

/// Shows a warning, or a deprecation if those are to be shown.
pub fn show_notice(notice: &Notice, deprecations: bool, terminal: &mut Terminal) {
    let color = match notice.kind {
        NoticeKind::Warning => Color::Warn,
        NoticeKind::Deprecation if deprecations => Color::Deprecate,
        NoticeKind::Deprecation => return,
    };
    terminal.error_line(&excerpt::notice_text(notice), Some(color));
}
