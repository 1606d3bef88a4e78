//! What was there and what is there now, as a unified diff.

use rplay_module_api::{Diff, Json};
use similar::TextDiff;

use super::color::Color;
use super::dump;
use crate::value::Value;

/// The text of several diffs; each ends with an empty line.
pub fn text(diffs: &[Diff], colored: bool) -> String {
    let mut out = String::new();
    for diff in diffs {
        if let Some(prepared) = &diff.prepared {
            out.push_str(prepared);
        }
        if diff.before.is_null() && diff.after.is_null() {
            continue;
        }
        let (before, after) = (side(&diff.before), side(&diff.after));
        if before == after {
            continue;
        }
        let header = |name: &str, title: &Option<String>| match title {
            Some(title) => format!("{name}: {title}"),
            None => name.to_owned(),
        };
        let compared = TextDiff::from_lines(&before, &after);
        let unified = compared
            .unified_diff()
            .context_radius(3)
            .missing_newline_hint(false)
            .header(&header("before", &diff.before_header), &header("after", &diff.after_header))
            .to_string();
        for line in unified.lines() {
            out.push_str(&if colored { painted(line) } else { line.to_owned() });
            out.push('\n');
        }
        out.push('\n');
    }
    out
}

fn painted(line: &str) -> String {
    match line.as_bytes().first() {
        Some(b'+') => Color::DiffAdd.paint(line),
        Some(b'-') => Color::DiffRemove.paint(line),
        Some(b'@') => Color::DiffLines.paint(line),
        _ => line.to_owned(),
    }
}

fn side(content: &Json) -> String {
    let text = match content {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => format!("{}\n", dump::value(&Value::from_json(other.clone()), Some(4))),
    };
    if text.is_empty() || text.ends_with('\n') { text } else { format!("{text}\n\\ No newline at end of file\n") }
}
