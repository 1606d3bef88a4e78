//! Failures and warnings with the lines they come from, as Ansible 2.19 draws them.

use std::fmt::Write;

use crate::actions::Trouble;
use crate::error::{Notice, NoticeKind};
use crate::source::Span;

/// The text above a failed result: the whole chain in one line, then each cause with its place.
pub fn trouble_text(trouble: &Trouble, task_place: &Span) -> String {
    let mut out = format!("[ERROR]: {}\n", trouble.text());
    let mut causes = trouble.causes.iter().peekable();
    let single = trouble.causes.len() < 2;
    let mut first = true;
    while let Some(cause) = causes.next() {
        let place = if first { Some(cause.place.as_ref().unwrap_or(task_place)) } else { cause.place.as_ref() };
        if !first {
            out.push_str("\n<<< caused by >>>\n");
        }
        if !single {
            let is_last = causes.peek().is_none();
            let message = if first { format!("Task failed: {}", cause.message) } else { cause.message.clone() };
            let _ = write!(out, "\n{}{}\n", message, if is_last || message.ends_with('.') { "" } else { "." });
        }
        if let Some(hint) = &cause.hint {
            let _ = writeln!(out, "{hint}");
        }
        if let Some(place) = place {
            out.push_str(&origin(place));
        }
        first = false;
    }
    out
}

/// A warning or deprecation, with its lines where they are known.
pub fn notice_text(notice: &Notice) -> String {
    let label = match notice.kind {
        NoticeKind::Warning => "[WARNING]",
        NoticeKind::Deprecation => "[DEPRECATION WARNING]",
    };
    match &notice.place {
        Some(place) => format!("{label}: {}\n{}", notice.message, origin(place)),
        None => format!("{label}: {}", notice.message),
    }
}

/// `Origin: file:line:column`, the line with up to two before it, and a caret.
fn origin(place: &Span) -> String {
    let mut out = format!("Origin: {place}\n");
    let Some(line) = place.file.line(place.line) else { return out };
    let width = place.line.to_string().len();
    out.push('\n');
    for number in place.line.saturating_sub(2).max(1)..place.line {
        let _ = writeln!(out, "{number:>width$} {}", place.file.line(number).unwrap_or_default());
    }
    let _ = writeln!(out, "{:>width$} {line}", place.line);
    let indent = width + place.column as usize;
    let _ = writeln!(out, "{:indent$}^ column {}", "", place.column);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    #[test]
    fn lines_are_numbered_to_one_width() {
        let text = (1..=12).map(|number| format!("line {number}\n")).collect::<String>();
        let place = Span::new(&SourceFile::new("/p/site.yml", text), 10, 3);
        assert_eq!(origin(&place), "Origin: /p/site.yml:10:3\n\n 8 line 8\n 9 line 9\n10 line 10\n     ^ column 3\n");
    }
}
