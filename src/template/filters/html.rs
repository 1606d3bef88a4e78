//! HTML.

use std::sync::LazyLock;

use regex::Regex;

use crate::template::engine::arguments::Bound;
use crate::template::engine::markup::{escape_text, escaped, marked, strip_tags};
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::value::python::str_repr;

/// With a scheme or `www.` any host is a link; without one only a name below an old top-level domain.
static LINK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)^(?:
            (?:https?://|www\.) (?:[\w%-]+\.)* (?:[a-z]{2,63} | xn--[\w%]{2,59})
            | (?:[\w%-]{2,63}\.)+ (?:com|edu|gov|info|int|mil|net|org)
            | https?:// (?: \d{1,3}(?:\.\d{1,3}){3} | \[ [\da-f:]{2,} \] )
        ) (?::\d{1,5})? (?:[/?\#]\S*)? $",
    )
    .expect("a constant pattern")
});
static MAIL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\S+@\w[\w.-]*\.\w+$").expect("a constant pattern"));
static SCHEME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[\w.+-]{2,}:/{0,2}$").expect("a constant pattern"));

pub fn escape(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(marked(escaped(&args.val(0))?))
}

/// Escapes text that is marked already, too.
pub fn force_escape(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(marked(escape_text(&print::text(&args.val(0))?)))
}

pub fn safe(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(match args.val(0) {
        Val::Str(text) => Val::Str(text.into_markup()),
        other => marked(print::text(&other)?),
    })
}

pub fn striptags(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(Val::str(strip_tags(&print::text(&args.val(0))?)))
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
            return Err(raised(format!("Invalid character in attribute name: {}", str_repr(&key))));
        }
        parts.push(format!("{}=\"{}\"", escape_text(&key), escaped(&value)?));
    }
    let joined = parts.join(" ");
    Ok(Val::str(if args.bool(1, true)? && !joined.is_empty() { format!(" {joined}") } else { joined }))
}

/// How `urlize` writes its links.
struct Links {
    /// Attributes behind the address.
    attributes: String,
    longest: Option<usize>,
    schemes: Vec<String>,
}

pub fn urlize(_scope: &Scope, args: Bound) -> Res<Val> {
    let mut rel: Vec<String> =
        args.some(4).map(print::text).transpose()?.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    if args.bool(2, false)? {
        rel.push("nofollow".into());
    }
    rel.push("noopener".into());
    rel.sort();
    rel.dedup();
    let mut attributes = format!(" rel=\"{}\"", escape_text(&rel.join(" ")));
    if let Some(target) = args.some(3) {
        attributes += &format!(" target=\"{}\"", escape_text(&print::text(target)?));
    }
    let schemes = match args.some(5) {
        Some(list) => list.iterate()?.iter().map(print::text).collect::<Res<Vec<_>>>()?,
        None => Vec::new(),
    };
    if let Some(wrong) = schemes.iter().find(|scheme| !SCHEME.is_match(scheme)) {
        return Err(raised(format!("{} is not a valid URI scheme prefix.", str_repr(wrong))));
    }
    let longest = if args.some(1).is_some() { usize::try_from(args.int(1, 0)?).ok() } else { None };
    let links = Links { attributes, longest, schemes };
    let text = escaped(&args.val(0))?;
    let mut out = String::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let space = rest.find(|char: char| !char.is_whitespace()).unwrap_or(rest.len());
        out.push_str(&rest[..space]);
        rest = &rest[space..];
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        let (head, middle, tail) = without_punctuation(word);
        out.push_str(head);
        out += &links.link(middle).unwrap_or_else(|| middle.to_owned());
        out.push_str(tail);
    }
    Ok(Val::str(out))
}

impl Links {
    fn link(&self, text: &str) -> Option<String> {
        let attributes = &self.attributes;
        if LINK.is_match(text) {
            let plain = !text.starts_with("https://") && !text.starts_with("http://");
            let address = if plain { format!("https://{text}") } else { text.to_owned() };
            return Some(format!("<a href=\"{address}\"{attributes}>{}</a>", self.shortened(text)));
        }
        if let Some(address) = text.strip_prefix("mailto:").filter(|it| MAIL.is_match(it)) {
            return Some(format!("<a href=\"{text}\">{address}</a>"));
        }
        if MAIL.is_match(text) && !text.contains(':') && !text.starts_with("www.") {
            return Some(format!("<a href=\"mailto:{text}\">{text}</a>"));
        }
        let known = self.schemes.iter().any(|scheme| text != scheme && text.starts_with(scheme.as_str()));
        known.then(|| format!("<a href=\"{text}\"{attributes}>{text}</a>"))
    }

    fn shortened(&self, text: &str) -> String {
        match self.longest {
            Some(longest) if text.chars().count() > longest => {
                format!("{}...", text.chars().take(longest).collect::<String>())
            }
            _ => text.to_owned(),
        }
    }
}

/// A word and what surrounds it; brackets that the word opens are closed inside it.
fn without_punctuation(word: &str) -> (&str, &str, &str) {
    let mut start = 0;
    while let Some(open) = ["(", "<", "&lt;"].into_iter().find(|open| word[start..].starts_with(open)) {
        start += open.len();
    }
    let mut end = word.len();
    while let Some(close) = [")", ">", ".", ",", "&gt;"].into_iter().find(|it| word[start..end].ends_with(it)) {
        end -= close.len();
    }
    for (open, close) in [("(", ")"), ("<", ">"), ("&lt;", "&gt;")] {
        let opened = word[start..end].matches(open).count();
        if opened <= word[start..end].matches(close).count() {
            continue;
        }
        for _ in 0..opened {
            match word[end..].find(close) {
                Some(at) => end += at + close.len(),
                None => break,
            }
        }
    }
    (&word[..start], &word[start..end], &word[end..])
}
