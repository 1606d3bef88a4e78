//! Ansible's colors, and text that is ready for a terminal.

use std::borrow::Cow;

use super::plain::plain;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    Ok,
    Changed,
    Skip,
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

impl Color {
    fn code(self) -> &'static str {
        match self {
            Color::Ok | Color::DiffAdd => "0;32",
            Color::Changed => "0;33",
            Color::Skip | Color::DiffLines => "0;36",
            Color::Unreachable => "1;31",
            Color::Error | Color::DiffRemove => "0;31",
            Color::Warn => "1;35",
            Color::Deprecate => "0;35",
            Color::Verbose => "0;34",
            Color::Debug => "1;30",
        }
    }
}

/// Text that may be written to a terminal: it went through `plain`, and whatever escapes it has are ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Painted(String);

/// The text in this color, line by line, so that a pager shows it right. A text that is given away is not copied where it stays as it is.
pub fn paint<'a>(text: impl Into<Cow<'a, str>>, color: Option<Color>) -> Painted {
    let given = text.into();
    let changed = match plain(&given) {
        Cow::Owned(changed) => Some(changed),
        Cow::Borrowed(_) => None,
    };
    let text = changed.unwrap_or_else(|| given.into_owned());
    let Some(color) = color else { return Painted(text) };
    let code = color.code();
    Painted(text.split('\n').map(|line| format!("\x1b[{code}m{line}\x1b[0m")).collect::<Vec<_>>().join("\n"))
}

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

    #[must_use]
    pub fn trimmed(self) -> Self {
        Self(self.0.trim_end_matches('\n').to_owned())
    }

    /// Fills up with spaces; escapes count.
    #[must_use]
    pub fn padded(self, width: usize) -> Self {
        Self(format!("{:<width$}", self.0))
    }
}
