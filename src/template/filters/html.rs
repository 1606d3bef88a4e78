//! HTML.

use std::sync::LazyLock;

use regex::Regex;

use crate::template::engine::arguments::Bound;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

static TAGS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?s)<!--.*?-->|<[^>]*>").expect("a constant pattern"));
static LINK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(https?://|www\.)(([\w%-]+\.)+)?([a-zA-Z]{2,63}|[\w%-]{2,63}|\d{1,3}(\.\d{1,3}){3}|\[[\da-fA-F:]+\]|localhost)(:\d{1,5})?(?:[/?#]\S*)?$")
        .expect("a constant pattern")
});
static MAIL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\S+@\w[\w.-]*\.\w+$").expect("a constant pattern"));

pub fn escape_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('>', "&gt;").replace('<', "&lt;").replace('\'', "&#39;").replace('"', "&#34;")
}

pub fn escape(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(Val::str(escape_text(&print::text(&args.val(0))?)))
}

/// Marks text as safe, which matters only where output is escaped, and that it never is.
pub fn safe(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(match args.val(0) {
        Val::Str(text) => Val::Str(text),
        other => Val::str(print::text(&other)?),
    })
}

pub fn striptags(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = print::text(&args.val(0))?;
    let bare = TAGS.replace_all(&text, "");
    let words: Vec<&str> = bare.split_whitespace().collect();
    let plain = words.join(" ");
    let plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'").replace("&#34;", "\"");
    Ok(Val::str(plain.replace("&quot;", "\"").replace("&nbsp;", "\u{a0}").replace("&amp;", "&")))
}

pub fn xmlattr(_scope: &Scope, args: Bound) -> Res<Val> {
    let Val::Dict(dict) = args.val(0) else {
        return Err(raised(format!("'{}' object has no attribute 'items'", args.val(0).type_name())));
    };
    let mut parts = Vec::new();
    for (key, value) in dict.to_map() {
        if matches!(value, Val::Null) || value.is_undefined() {
            continue;
        }
        let key = key.to_text();
        if key.contains(|char: char| char.is_whitespace() || matches!(char, '/' | '>' | '=')) {
            return Err(raised(format!(
                "Invalid character in attribute name: {}",
                crate::value::python::str_repr(&key)
            )));
        }
        parts.push(format!("{}=\"{}\"", escape_text(&key), escape_text(&print::text(&value)?)));
    }
    let joined = parts.join(" ");
    Ok(Val::str(if args.bool(1, true)? && !joined.is_empty() { format!(" {joined}") } else { joined }))
}

pub fn urlize(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = print::text(&args.val(0))?;
    let limit = if args.some(1).is_some() { usize::try_from(args.int(1, 0)?).ok() } else { None };
    let mut rel: Vec<String> =
        args.some(4).map(print::text).transpose()?.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    if args.bool(2, false)? {
        rel.push("nofollow".into());
    }
    rel.push("noopener".into());
    rel.sort();
    rel.dedup();
    let rel = format!(" rel=\"{}\"", escape_text(&rel.join(" ")));
    let target = args
        .some(3)
        .map(print::text)
        .transpose()?
        .map_or_else(String::new, |it| format!(" target=\"{}\"", escape_text(&it)));
    let shorten = |text: &str| match limit {
        Some(limit) if text.chars().count() > limit => format!("{}...", text.chars().take(limit).collect::<String>()),
        _ => text.to_owned(),
    };
    let escaped = escape_text(&text);
    let mut out = String::new();
    let mut rest = escaped.as_str();
    while !rest.is_empty() {
        let space = rest.find(|char: char| !char.is_whitespace()).unwrap_or(rest.len());
        out.push_str(&rest[..space]);
        rest = &rest[space..];
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        let start = word.len() - word.trim_start_matches(['(', '<']).len();
        let start = if word[start..].starts_with("&lt;") { start + 4 } else { start };
        let (head, middle) = word.split_at(start);
        let trimmed = middle.trim_end_matches([')', '>', '.', ',', '\n']);
        let trimmed = trimmed.strip_suffix("&gt;").unwrap_or(trimmed);
        let (middle, tail) = middle.split_at(trimmed.len());
        out.push_str(head);
        if LINK.is_match(middle) {
            let href = if middle.starts_with("http") { middle.to_owned() } else { format!("https://{middle}") };
            out += &format!("<a href=\"{href}\"{rel}{target}>{}</a>", shorten(middle));
        } else if let Some(address) = middle.strip_prefix("mailto:").filter(|it| MAIL.is_match(it)) {
            out += &format!("<a href=\"{middle}\">{address}</a>");
        } else if MAIL.is_match(middle) && !middle.contains(':') && !middle.starts_with("www.") {
            out += &format!("<a href=\"mailto:{middle}\">{middle}</a>");
        } else {
            out.push_str(middle);
        }
        out.push_str(tail);
    }
    Ok(Val::str(out))
}
