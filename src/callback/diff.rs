//! What a task changes, as a unified diff.

use rplay_module_api::Diff;
use serde_json::Value as Json;
use similar::TextDiff;

use super::color::{Color, Painted, Palette};
use super::{Display, dump};
use crate::value::Value;

/// The lines for one difference; none when there is no difference.
pub fn render(diff: &Diff, display: &Display, palette: &Palette) -> Option<Painted> {
    if let Some(prepared) = &diff.prepared {
        return (!prepared.is_empty()).then(|| palette.paint(prepared.strip_suffix('\n').unwrap_or(prepared), None));
    }
    let (before, after) = (side(&diff.before, display), side(&diff.after, display));
    if before == after {
        return None;
    }
    let mut out = Painted::default();
    let header = |side: &str, header: &Option<String>| match header {
        Some(header) => format!("{side}: {header}"),
        None => side.to_owned(),
    };
    let text = TextDiff::from_lines(before.as_str(), after.as_str());
    let unified = text
        .unified_diff()
        .context_radius(display.diff_context)
        .header(&header("before", &diff.before_header), &header("after", &diff.after_header))
        .to_string();
    let mut lines = unified.lines().peekable();
    while let Some(line) = lines.next() {
        let color = match line.as_bytes().first() {
            Some(b'+') => Some(Color::DiffAdd),
            Some(b'-') => Some(Color::DiffRemove),
            Some(b'@') => Some(Color::DiffLines),
            _ => None,
        };
        let mut text = format!("{line}\n");
        // That a last line does not end belongs to it.
        while let Some(remark) = lines.next_if(|next| next.starts_with('\\')) {
            text.push_str(remark);
            text.push('\n');
        }
        out.push(&palette.paint(&text, color));
    }
    Some(out)
}

fn side(side: &Json, display: &Display) -> String {
    match side {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => dump::structure(&Value::from_json(other.clone()), display) + "\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(diff: &Diff) -> Option<String> {
        render(diff, &Display::default(), &Palette::default()).map(|painted| painted.as_str().to_owned())
    }

    #[test]
    fn a_mapping_is_shown_as_json() {
        let diff = Diff {
            before: json!({"path": "x", "mode": "0644"}),
            after: json!({"path": "x", "mode": "0600"}),
            ..Diff::default()
        };
        let expected = "--- before\n+++ after\n@@ -1,4 +1,4 @@\n {\n-    \"mode\": \"0644\",\n+    \"mode\": \"0600\",\n     \"path\": \"x\"\n }\n";
        assert_eq!(shown(&diff).as_deref(), Some(expected));
    }

    #[test]
    fn headers_name_the_sides() {
        let diff = Diff {
            before: json!("a\n"),
            after: json!("b\n"),
            before_header: Some("old".into()),
            after_header: Some("new".into()),
            ..Diff::default()
        };
        assert_eq!(shown(&diff).as_deref(), Some("--- before: old\n+++ after: new\n@@ -1 +1 @@\n-a\n+b\n"));
    }

    #[test]
    fn no_difference_is_no_text() {
        assert_eq!(shown(&Diff { before: json!("a"), after: json!("a"), ..Diff::default() }), None);
    }
}
