//! Ansible's colors, and text that is ready for a terminal.

use std::borrow::Cow;

use super::plain::plain;
use crate::config::{Config, setting};

/// What a text is about, by which it is colored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    Ok,
    Changed,
    Skip,
    Included,
    Unreachable,
    Error,
    Warn,
    Deprecate,
    Verbose,
    Debug,
    DiffAdd,
    DiffRemove,
    DiffLines,
}

/// The codes of colors, by `Color`; none where nothing is colored.
#[derive(Clone, Debug, Default)]
pub struct Palette(Option<[String; 13]>);

impl Palette {
    /// The colors of the configuration (`COLOR_*`).
    pub fn of(config: &Config) -> Self {
        Self(Some([
            config.get(setting::COLOR_OK),
            config.get(setting::COLOR_CHANGED),
            config.get(setting::COLOR_SKIP),
            config.get(setting::COLOR_INCLUDED),
            config.get(setting::COLOR_UNREACHABLE),
            config.get(setting::COLOR_ERROR),
            config.get(setting::COLOR_WARN),
            config.get(setting::COLOR_DEPRECATE),
            config.get(setting::COLOR_VERBOSE),
            config.get(setting::COLOR_DEBUG),
            config.get(setting::COLOR_DIFF_ADD),
            config.get(setting::COLOR_DIFF_REMOVE),
            config.get(setting::COLOR_DIFF_LINES),
        ]))
    }

    pub fn is_colored(&self) -> bool {
        self.0.is_some()
    }

    fn code(&self, color: Color) -> Option<&str> {
        self.0.as_ref().map(|codes| codes[color as usize].as_str())
    }

    /// The text in this color, line by line, so that a pager shows it right. A text that is given away is not copied where it stays as it is.
    pub fn paint<'a>(&self, text: impl Into<Cow<'a, str>>, color: Option<Color>) -> Painted {
        let given = text.into();
        let changed = match plain(&given) {
            Cow::Owned(changed) => Some(changed),
            Cow::Borrowed(_) => None,
        };
        let text = changed.unwrap_or_else(|| given.into_owned());
        let Some(code) = color.and_then(|color| self.code(color)) else { return Painted(text) };
        Painted(text.split('\n').map(|line| format!("\x1b[{code}m{line}\x1b[0m")).collect::<Vec<_>>().join("\n"))
    }
}

/// Text that may be written to a terminal: it went through `plain`, and whatever escapes it has are ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Painted(String);

impl Painted {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without colors. No other escapes are in it.
    pub fn uncolored(&self) -> Cow<'_, str> {
        if !self.0.contains('\x1b') {
            return Cow::Borrowed(&self.0);
        }
        let mut pieces = self.0.split('\x1b');
        let mut out = pieces.next().unwrap_or_default().to_owned();
        out.extend(pieces.map(|piece| piece.split_once('m').map_or(piece, |(_, text)| text)));
        Cow::Owned(out)
    }

    pub fn push(&mut self, other: &Painted) {
        self.0.push_str(&other.0);
    }

    /// Moves the cursor or changes how text looks. Nothing of a run is in such a text.
    pub fn push_control(&mut self, control: &'static str) {
        self.0.push_str(control);
    }

    /// Fills up with spaces; escapes count.
    #[must_use]
    pub fn padded(self, width: usize) -> Self {
        Self(format!("{:<width$}", self.0))
    }
}
