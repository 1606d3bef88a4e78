//! Ansible's colors.

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

/// The text in this color, line by line, so that a pager shows it right.
pub fn paint(text: &str, color: Option<Color>) -> String {
    let Some(color) = color else { return text.to_owned() };
    let code = color.code();
    text.split('\n').map(|line| format!("\x1b[{code}m{line}\x1b[0m")).collect::<Vec<_>>().join("\n")
}
