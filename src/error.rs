//! Errors that stop the run, warnings that do not, and how both are drawn.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};

pub use rplay_module_api::closest;

use crate::source::Span;

/// What kind of thing went wrong; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The project's text is wrong: YAML, keywords, modules, arguments, templates.
    Project,
    /// The command line is wrong.
    Usage,
    /// A file cannot be read or written.
    File,
    /// A vault cannot be opened.
    Vault,
    /// Inventory sources or host patterns.
    Inventory,
    /// What should be a list of tasks is none.
    NotATaskList,
    /// Arguments in one text have a quote or a brace without its end.
    Unbalanced,
    /// A role is nowhere.
    MissingRole,
    /// An include that includes itself.
    EndlessInclude,
    /// The output can't be written.
    Output,
    /// Interrupted by the user.
    Interrupted,
    /// Anything that should not happen.
    Internal,
}

impl ErrorKind {
    /// Ansible's exit code: 4 for what its parser refuses, 5 for options, 99 for interruption, 250 for the unexpected.
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::Project
            | ErrorKind::NotATaskList
            | ErrorKind::Unbalanced
            | ErrorKind::MissingRole
            | ErrorKind::EndlessInclude => 4,
            ErrorKind::Usage => 2,
            ErrorKind::File | ErrorKind::Vault | ErrorKind::Inventory | ErrorKind::Output => 1,
            ErrorKind::Interrupted => 99,
            ErrorKind::Internal => 250,
        }
    }
}

/// Something that stops the run: what, where, what to do.
#[derive(Clone, Debug)]
pub struct Error {
    pub kind: ErrorKind,
    pub message: String,
    pub place: Option<Span>,
    pub hints: Vec<String>,
    /// Overrides the exit code of the kind where Ansible has another.
    pub exit_code: Option<u8>,
    /// Further mistakes of the same kind.
    pub also: Vec<Error>,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), place: None, hints: Vec::new(), exit_code: None, also: Vec::new() }
    }

    pub fn project(message: impl Into<String>, place: Option<&Span>) -> Self {
        Self { place: place.cloned(), ..Self::new(ErrorKind::Project, message) }
    }

    #[must_use]
    pub fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    #[must_use]
    pub fn at(mut self, place: Option<&Span>) -> Self {
        self.place = place.cloned();
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    #[must_use]
    pub fn with_exit_code(mut self, exit_code: u8) -> Self {
        self.exit_code = Some(exit_code);
        self
    }

    pub fn code(&self) -> u8 {
        self.exit_code.unwrap_or_else(|| self.kind.exit_code())
    }

    /// Several mistakes as one error; none is no error.
    pub fn collect(errors: Vec<Error>) -> Result<(), Error> {
        let mut errors = errors.into_iter();
        match errors.next() {
            None => Ok(()),
            Some(mut first) => {
                first.also.extend(errors);
                Err(first)
            }
        }
    }

    /// The whole text for a terminal, with the line and a caret.
    pub fn render(&self) -> String {
        let mut out = String::new();
        self.render_into(&mut out);
        for other in &self.also {
            out.push('\n');
            other.render_into(&mut out);
        }
        out
    }

    fn render_into(&self, out: &mut String) {
        let _ = writeln!(out, "error: {}", self.message);
        let margin = self.place.as_ref().map_or(1, |place| place.line.to_string().len());
        if let Some(place) = &self.place {
            draw(place, margin, out);
        }
        for hint in &self.hints {
            let _ = writeln!(out, "{:margin$} = {hint}", "");
        }
    }
}

fn draw(place: &Span, margin: usize, out: &mut String) {
    let _ = writeln!(out, "{:margin$}--> {place}", "");
    let Some(line) = place.file.line(place.line) else {
        draw_end(place, margin, out);
        return;
    };
    let before: String = line
        .chars()
        .take(place.column.saturating_sub(1) as usize)
        .map(|char| if char == '\t' { '\t' } else { ' ' })
        .collect();
    let _ = writeln!(out, "{:margin$} |", "");
    let _ = writeln!(out, "{} | {line}", place.line);
    let _ = writeln!(out, "{:margin$} | {before}{}", "", "^".repeat(place.length.max(1) as usize));
}

/// The end of a file has no line of its own: what is missing is missed after the last one that holds something.
fn draw_end(place: &Span, margin: usize, out: &mut String) {
    let lines = place.file.text.lines().enumerate();
    let Some((index, line)) = lines.filter(|(_, line)| !line.trim().is_empty()).last() else { return };
    let number = index + 1;
    let indent = line.chars().count();
    let _ = writeln!(out, "{:margin$} |", "");
    let _ = writeln!(out, "{number:>margin$} | {line}");
    let _ = writeln!(out, "{:margin$} | {:indent$}^ the file ends here", "", "");
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(place) = &self.place {
            write!(f, " ({place})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    Warning,
    Deprecation,
}

/// Something the user should know that does not stop the run.
#[derive(Clone, Debug)]
pub struct Notice {
    pub kind: NoticeKind,
    pub message: String,
    pub place: Option<Span>,
}

/// Where notices are left until the one who talks to the user picks them up. Each text is kept once per run, a warning once for each place.
#[derive(Clone, Debug, Default)]
pub struct Notices(Arc<Mutex<NoticeQueue>>);

#[derive(Debug, Default)]
struct NoticeQueue {
    waiting: Vec<Notice>,
    seen: std::collections::HashSet<(NoticeKind, String, String)>,
}

impl Notices {
    pub fn warn(&self, message: impl Into<String>, place: Option<&Span>) {
        self.push(NoticeKind::Warning, message.into(), place);
    }

    pub fn deprecated(&self, message: impl Into<String>, place: Option<&Span>) {
        self.push(NoticeKind::Deprecation, message.into(), place);
    }

    fn push(&self, kind: NoticeKind, message: String, place: Option<&Span>) {
        let Ok(mut queue) = self.0.lock() else { return };
        let about = place.filter(|_| kind == NoticeKind::Warning).map(Span::to_string).unwrap_or_default();
        if queue.seen.insert((kind, message.clone(), about)) {
            queue.waiting.push(Notice { kind, message, place: place.cloned() });
        }
    }

    /// Takes what has come since the last call.
    pub fn drain(&self) -> Vec<Notice> {
        self.0.lock().map(|mut queue| std::mem::take(&mut queue.waiting)).unwrap_or_default()
    }
}
