//! Why a task failed: the chain of causes, each with the lines of the file that it is about.

use std::fmt::Write;

use crate::actions::{FailedIn, Trouble};
use crate::engine::event::TaskReport;
use crate::error::{Error, Notice, NoticeKind};
use crate::source::Span;

/// Why a task failed. The very text of a task with `no_log` may hold what must not be shown: only its place is.
pub fn of_report(report: &TaskReport) -> Option<String> {
    let trouble = report.trouble.as_ref()?;
    // What rplay itself began stands in no file.
    let place = Some(&report.task.place).filter(|_| !report.task.implicit);
    Some(match place {
        Some(place) if report.no_log => format!("[ERROR]: {}\nOrigin: {place}\n", trouble.text()),
        None if report.no_log => format!("[ERROR]: {}\n", trouble.text()),
        place => trouble_text(trouble, place),
    })
}

struct Block {
    message: String,
    place: Option<Span>,
    hint: Option<String>,
}

/// The text above a failed result: the whole chain in one line, then each cause with its place.
fn trouble_text(trouble: &Trouble, task: Option<&Span>) -> String {
    let blocks = blocks(trouble, task);
    let mut out = "[ERROR]: ".to_owned();
    if let [only] = blocks.as_slice() {
        write_block(only, &mut out);
        return without_last_newline(out);
    }
    let _ = write!(out, "{}\n\n", trouble.text());
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 {
            out.push_str("<<< caused by >>>\n\n");
        }
        write_block(block, &mut out);
    }
    without_last_newline(out)
}

/// The terminal ends every text with one of its own.
fn without_last_newline(mut text: String) -> String {
    text.pop();
    text
}

fn blocks(trouble: &Trouble, task: Option<&Span>) -> Vec<Block> {
    let prefix: &[&str] = match trouble.failed_in {
        FailedIn::Action => &["Task failed.", "Action failed."],
        FailedIn::Module => &["Task failed.", "Module failed."],
        FailedIn::Task => &["Task failed."],
        FailedIn::Plain => &[],
    };
    let mut blocks: Vec<Block> = Vec::new();
    for message in prefix {
        add(&mut blocks, message, task, None);
    }
    for cause in trouble.causes.iter().filter(|cause| !cause.message.is_empty()) {
        let fallback = task.filter(|_| blocks.is_empty());
        add(&mut blocks, &cause.message, cause.place.as_ref().or(fallback), cause.hint.clone());
    }
    blocks
}

/// What Ansible tells of a keyword stands by itself.
const OF_A_KEYWORD: &str = "Error processing keyword";

/// Causes at the same place are one sentence.
fn add(blocks: &mut Vec<Block>, message: &str, place: Option<&Span>, hint: Option<String>) {
    if let Some(last) = blocks.last_mut()
        && !last.message.starts_with(OF_A_KEYWORD)
        && place.is_none_or(|place| last.place.as_ref().is_some_and(|known| same(known, place)))
    {
        let joined = format!("{}: {message}", last.message.trim_end_matches('.'));
        last.message = joined;
        last.hint = hint.or(last.hint.take());
        return;
    }
    blocks.push(Block { message: message.to_owned(), place: place.cloned(), hint });
}

fn same(a: &Span, b: &Span) -> bool {
    a.line == b.line && a.column == b.column && a.path() == b.path()
}

fn write_block(block: &Block, out: &mut String) {
    out.push_str(&block.message);
    out.push('\n');
    if let Some(place) = &block.place {
        out.push_str(&origin(place));
    }
    out.push('\n');
    if let Some(hint) = &block.hint {
        let _ = write!(out, "{hint}\n\n");
    }
}

/// An error that ends the command, in Ansible's form: message, place, advice; then any further ones.
pub fn error_text(err: &Error) -> String {
    let mut out = String::new();
    for one in std::iter::once(err).chain(&err.also) {
        let hint = (!one.hints.is_empty()).then(|| one.hints.join("\n"));
        out.push_str("[ERROR]: ");
        write_block(&Block { message: one.message.clone(), place: one.place.clone(), hint }, &mut out);
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

/// Where something is: the line with up to two before it, and a mark under the column.
fn origin(place: &Span) -> String {
    let mut out = format!("Origin: {place}\n");
    if place.file.line(place.line).is_none() {
        return out;
    }
    out.push('\n');
    let width = place.line.to_string().len();
    for number in place.line.saturating_sub(2).max(1)..=place.line {
        let line = place.file.line(number).unwrap_or_default().replace('\t', " ");
        let shown = format!("{number:>width$} {}", shortened(&line));
        let _ = writeln!(out, "{}", shown.trim_end());
    }
    let indent = width + 1 + (place.column.saturating_sub(1) as usize).min(MAX_LINE);
    let _ = writeln!(out, "{:indent$}^ column {}", "", place.column);
    out
}

const MAX_LINE: usize = 120;

fn shortened(line: &str) -> String {
    if line.chars().count() <= MAX_LINE {
        return line.to_owned();
    }
    let kept: String = line.chars().take(MAX_LINE - 5).collect();
    format!("{kept}[...]")
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
