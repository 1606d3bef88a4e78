//! What a task changes, as a unified diff.

use rplay_module_api::Diff;
use serde_json::Value as Json;
use similar::TextDiff;

use super::color::{Color, paint};
use super::dump;
use crate::value::Value;

/// The text for one difference; empty when there is none.
pub fn render(diff: &Diff, context: usize, color: bool) -> String {
    let mut out = String::new();
    if let Some(prepared) = &diff.prepared {
        out.push_str(prepared);
        return out;
    }
    let (before, after) = (side(&diff.before), side(&diff.after));
    if before == after {
        return out;
    }
    let header = |side: &str, header: &Option<String>| match header {
        Some(header) => format!("{side}: {header}"),
        None => side.to_owned(),
    };
    let text = TextDiff::from_lines(before.as_str(), after.as_str());
    let unified = text
        .unified_diff()
        .context_radius(context)
        .header(&header("before", &diff.before_header), &header("after", &diff.after_header))
        .to_string();
    for line in unified.lines() {
        let kind = match line.as_bytes().first() {
            Some(b'+') => Some(Color::DiffAdd),
            Some(b'-') => Some(Color::DiffRemove),
            Some(b'@') => Some(Color::DiffLines),
            _ => None,
        };
        out.push_str(&paint(line, kind.filter(|_| color)));
        out.push('\n');
    }
    out.push('\n');
    out
}

fn side(side: &Json) -> String {
    match side {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => dump::json(&Value::from_json(other.clone()), Some(4)) + "\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_mapping_is_shown_as_json() {
        let diff = Diff {
            before: json!({"path": "x", "mode": "0644"}),
            after: json!({"path": "x", "mode": "0600"}),
            ..Diff::default()
        };
        let expected = "--- before\n+++ after\n@@ -1,4 +1,4 @@\n {\n-    \"mode\": \"0644\",\n+    \"mode\": \"0600\",\n     \"path\": \"x\"\n }\n\n";
        assert_eq!(render(&diff, 3, false), expected);
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
        assert_eq!(render(&diff, 3, false), "--- before: old\n+++ after: new\n@@ -1 +1 @@\n-a\n+b\n\n");
    }

    #[test]
    fn no_difference_is_no_text() {
        assert_eq!(render(&Diff { before: json!("a"), after: json!("a"), ..Diff::default() }, 3, false), "");
    }
}
