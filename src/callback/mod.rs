//! What a person sees of a run: events in, text out. Nothing else writes to the terminal while plays run.

mod ask;
mod awx;
mod banner;
mod color;
mod default;
mod dense;
mod diff;
mod dump;
mod excerpt;
mod files;
mod json;
mod junit;
pub mod log;
mod minimal;
mod oneline;
mod plain;
mod recap;
mod reporter;
mod shown;
mod status_line;
pub mod table;
mod terminal;
mod times;
mod unixy;
mod whole;

use crate::config::{Config, ResultFormat, setting};
use crate::engine::Event;
use crate::error::{Notice, NoticeKind};

pub use ask::SilentTerminal;
pub use color::{Color, Palette};
pub use excerpt::error_text;
pub use files::Tree;
pub use plain::plain;
pub use reporter::{OnTerminal, Reporter, join, report};
pub use terminal::{ColorChoice, Terminal, print};

/// One way to show a run.
pub trait Callback: Send {
    fn event(&mut self, event: &Event, terminal: &mut Terminal);
}

/// What of a run is shown, and how; Ansible's settings of the same names.
#[derive(Clone, Debug)]
pub struct Display {
    pub verbosity: u8,
    /// `--check`
    pub check: bool,
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
    pub result_format: ResultFormat,
    /// Results on many lines, and for people; none leaves it to the format.
    pub pretty_results: Option<bool>,
}

impl Display {
    pub fn new(config: &Config, verbosity: u8, check: bool) -> Self {
        Self {
            verbosity,
            check,
            skipped_hosts: config.get(setting::DISPLAY_SKIPPED_HOSTS),
            ok_hosts: config.get(setting::CALLBACK_DISPLAY_OK_HOSTS),
            failed_to_stderr: config.get(setting::CALLBACK_DISPLAY_FAILED_STDERR),
            custom_stats: config.get(setting::SHOW_CUSTOM_STATS),
            per_host_start: config.get(setting::CALLBACK_SHOW_PER_HOST_START),
            check_mode_markers: config.get(setting::CALLBACK_CHECK_MODE_MARKERS),
            path_on_failure: config.get(setting::CALLBACK_SHOW_TASK_PATH_ON_FAILURE),
            diff_context: config.get(setting::DIFF_CONTEXT),
            result_format: config.get(setting::CALLBACK_RESULT_FORMAT),
            pretty_results: config.get(setting::CALLBACK_FORMAT_PRETTY),
        }
    }

    /// For callbacks that know one format.
    #[must_use]
    fn in_json(self) -> Self {
        Self { result_format: ResultFormat::Json, pretty_results: None, ..self }
    }
}

impl std::default::Default for Display {
    fn default() -> Self {
        Self::new(&Config::default(), 0, false)
    }
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
