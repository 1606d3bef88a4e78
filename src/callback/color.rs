//! Ansible's colors.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    Ok,
    Changed,
    Skip,
    Error,
    Unreachable,
    Warn,
    Deprecate,
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
            Color::Error | Color::DiffRemove => "0;31",
            Color::Unreachable => "1;31",
            Color::Warn => "1;35",
            Color::Deprecate => "0;35",
            Color::Debug => "1;30",
        }
    }

    /// Each line colored for itself, as Ansible does.
    pub fn paint(self, text: &str) -> String {
        let lines: Vec<String> = text.split('\n').map(|line| format!("\x1b[{}m{line}\x1b[0m", self.code())).collect();
        lines.join("\n")
    }
}
