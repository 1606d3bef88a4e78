//! `rplay vault set FILE KEY`: one value of a file of variables is another one, and every other line stays as it is.

use std::path::Path;

use crate::error::{Error, ErrorKind, Notices};
use crate::source::SourceFile;
use crate::yaml::{DuplicateKeys, Node, Reader};

/// The text of a file in which `key` has this value. `a.b` is the key b in the mapping of a. `value` is what stands behind the
/// colon, by the key's indentation in spaces.
pub fn replaced(file: &Path, text: &str, key: &str, value: impl Fn(usize) -> String) -> Result<String, Error> {
    let reader = Reader { notices: Notices::default(), vault: None, duplicate_keys: DuplicateKeys::Error };
    let source = SourceFile::new(file, text.to_owned());
    let document = reader.read_yaml(&source)?;
    if !document.is_mapping() && !document.is_null() {
        let message = format!("{} is no file of variables: it holds no mapping", file.display());
        return Err(Error { place: Some(document.span), ..Error::new(ErrorKind::Project, message) });
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let Some(found) = find(&document, key)? else {
        let mut out = text.to_owned();
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        return Ok(out + &format!("{key}: {}", value(0)));
    };
    let start = usize::try_from(found.span.line).unwrap_or(1) - 1;
    let indent = usize::try_from(found.span.column).unwrap_or(1) - 1;
    let line = lines.get(start).copied().unwrap_or_default();
    let is_key_first = line.get(..indent).is_some_and(|before| before.chars().all(|char| char == ' '));
    let colon = line.find(':').filter(|_| is_key_first).ok_or_else(|| {
        let message = format!("the value of {key} cannot be replaced: its key does not begin its line");
        Error { place: Some(found.span.clone()), ..Error::new(ErrorKind::Project, message) }
            .hint("write each key of the mapping on a line of its own")
    })?;
    let depth = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let is_blank = |line: &str| line.trim().is_empty();
    let ends = |line: &&str| !is_blank(line) && depth(line) <= indent && !is_item_at(line, indent);
    let mut end =
        lines.iter().enumerate().skip(start + 1).find(|(_, line)| ends(line)).map_or(lines.len(), |(at, _)| at);
    // Empty lines and comments before the next key belong to it.
    while end > start + 1 && lines.get(end - 1).is_some_and(|line| is_blank(line) || line.trim_start().starts_with('#'))
    {
        end -= 1;
    }
    let mut out: String = lines.iter().take(start).copied().collect();
    out.push_str(&line[..=colon]);
    out.push(' ');
    out.push_str(&value(indent));
    out.extend(lines.iter().skip(end).copied());
    Ok(out)
}

/// An item of a list that stands as deep as its key, as YAML allows it.
fn is_item_at(line: &str, indent: usize) -> bool {
    line.len() - line.trim_start_matches(' ').len() == indent && line.trim_start().starts_with("- ")
}

/// The node of a key; none where a key of the topmost mapping is not there.
fn find<'a>(document: &'a Node, key: &str) -> Result<Option<&'a Node>, Error> {
    let entry = |node: &'a Node, name: &str| node.entries().iter().find(|(key, _)| key.as_str() == Some(name));
    if let Some((found, _)) = entry(document, key) {
        return Ok(Some(found));
    }
    let mut node = document;
    let mut last = None;
    for (depth, name) in key.split('.').enumerate() {
        match entry(node, name) {
            Some((found, inner)) => {
                last = Some(found);
                node = inner;
            }
            None if depth == 0 && !key.contains('.') => return Ok(None),
            None => {
                let message = format!("there is no key {key}: {name} is not there");
                return Err(Error { place: Some(node.span.clone()), ..Error::new(ErrorKind::Project, message) });
            }
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, key: &str, expected: &str) {
        let made = replaced(Path::new("vars.yml"), text, key, |indent| format!("new{indent}\n"));
        assert_eq!(made.expect("it is replaced"), expected);
    }

    #[test]
    fn only_the_value_changes() {
        check("a: 1\n\n# of b\nb: 2\n", "a", "a: new0\n\n# of b\nb: 2\n");
        check("a: |\n  x\n  y\nb: 2\n", "a", "a: new0\nb: 2\n");
        check("a:\n- 1\n- 2\nb: 2\n", "a", "a: new0\nb: 2\n");
        check("a:\n  b:\n    c: 1\n  d: 2\n", "a.b", "a:\n  b: new2\n  d: 2\n");
        check("a: 1", "z", "a: 1\nz: new0\n");
        check("", "z", "z: new0\n");
        check("'a.b': 1\n", "a.b", "'a.b': new0\n");
    }

    #[test]
    fn what_cannot_be_replaced_is_told() {
        let wrong = |text: &str, key: &str| {
            replaced(Path::new("v"), text, key, |_| String::new()).expect_err("an error").message
        };
        assert!(wrong("a: {b: 1}\n", "a.b").contains("does not begin its line"));
        assert!(wrong("a: {b: 1}\n", "a.c").contains("c is not there"));
        assert!(wrong("[1]\n", "a").contains("holds no mapping"));
    }
}
