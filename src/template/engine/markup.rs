//! Text that is HTML already: what is joined with it or formatted into it is escaped first.
//! Output is never escaped by itself; only the filters `escape`, `safe` and a few others make such text.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::arguments::Arguments;
use super::methods::format::{Shown, percent};
use super::methods::text;
use super::print;
use super::tree::Operator;
use super::val::Val;
use crate::template::error::{Res, raised};
use crate::value::Str;

pub const OWN_METHODS: &[&str] = &["escape", "striptags", "unescape"];

/// Methods of `str` whose result is marked, too.
pub const KEEPING_METHODS: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "expandtabs",
    "format",
    "format_map",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];

static TAGS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?s)<!--.*?-->|<[^>]*>").expect("a constant pattern"));
static ENTITIES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]*;?)").expect("a constant pattern")
});

/// Those that pages use; the whole list has more than two thousand.
const NAMED_ENTITIES: &[(&str, char)] = &[
    ("amp", '&'),
    ("apos", '\''),
    ("auml", 'ä'),
    ("Auml", 'Ä'),
    ("bull", '•'),
    ("cent", '¢'),
    ("copy", '©'),
    ("deg", '°'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("euro", '€'),
    ("gt", '>'),
    ("hellip", '…'),
    ("laquo", '«'),
    ("ldquo", '“'),
    ("lsquo", '‘'),
    ("lt", '<'),
    ("mdash", '—'),
    ("middot", '·'),
    ("nbsp", '\u{a0}'),
    ("ndash", '–'),
    ("ouml", 'ö'),
    ("Ouml", 'Ö'),
    ("para", '¶'),
    ("pound", '£'),
    ("quot", '"'),
    ("raquo", '»'),
    ("rdquo", '”'),
    ("reg", '®'),
    ("rsquo", '’'),
    ("sect", '§'),
    ("szlig", 'ß'),
    ("times", '×'),
    ("trade", '™'),
    ("uuml", 'ü'),
    ("Uuml", 'Ü'),
    ("yen", '¥'),
];

pub fn escape_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('>', "&gt;").replace('<', "&lt;").replace('\'', "&#39;").replace('"', "&#34;")
}

/// A value as HTML: marked text as it is, anything else escaped.
pub fn escaped(value: &Val) -> Res<String> {
    match value {
        Val::Str(text) if text.is_markup() => Ok(text.to_string()),
        other => Ok(escape_text(&print::text(other)?)),
    }
}

pub fn marked(text: impl Into<std::sync::Arc<str>>) -> Val {
    Val::Str(Str::data(text).into_markup())
}

/// A text that a filter made from `value` is marked when that was.
pub fn like(value: &Val, text: String) -> Val {
    match value {
        Val::Str(original) if original.is_markup() => marked(text),
        _ => Val::str(text),
    }
}

/// `+` and `%` with marked text; other operators work on it as on any text.
pub fn operator(operator: Operator, left: &Val, right: &Val) -> Option<Res<Val>> {
    let is_marked = |value: &Val| matches!(value, Val::Str(text) if text.is_markup());
    let result = match operator {
        Operator::Add if is_marked(left) || is_marked(right) => {
            let (Val::Str(_), Val::Str(_)) = (left, right) else { return None };
            escaped(left).and_then(|left| Ok(left + &escaped(right)?))
        }
        Operator::Rem if is_marked(left) => percent(left.as_str().unwrap_or(""), right, Shown::Escaped),
        _ => return None,
    };
    Some(result.map(|text| {
        let text = Str::data(text).into_markup();
        Val::Str(if left.is_secret() || right.is_secret() { text.into_secret() } else { text })
    }))
}

pub fn call_method(this: &Str, name: &str, mut arguments: Arguments) -> Res<Val> {
    match name {
        "escape" => {
            let value = arguments.positional.into_iter().next().unwrap_or(Val::Null);
            return Ok(marked(escaped(&value)?));
        }
        "striptags" => return Ok(Val::str(strip_tags(this))),
        "unescape" => return Ok(Val::str(unescape(this))),
        "join" => {
            if let Some(items) = arguments.positional.first_mut() {
                let all = items.iterate().map_err(|_| raised("can only join an iterable"))?;
                *items = Val::list(all.iter().map(|item| escaped(item).map(Val::str)).collect::<Res<_>>()?);
            }
        }
        "replace" | "center" | "ljust" | "rjust" => {
            let named = arguments.named.iter_mut().filter(|(name, _)| matches!(&**name, "new" | "fillchar"));
            for value in arguments.positional.get_mut(1).into_iter().chain(named.map(|(_, value)| value)) {
                *value = Val::str(escaped(value)?);
            }
        }
        _ => {}
    }
    let out = text::call_plain(this, name, arguments, Shown::Escaped)?;
    if KEEPING_METHODS.contains(&name) { text::map_texts(out, &Str::into_markup) } else { Ok(out) }
}

pub fn strip_tags(text: &str) -> String {
    let bare = TAGS.replace_all(text, "");
    let words: Vec<&str> = bare.split_whitespace().collect();
    unescape(&words.join(" "))
}

fn unescape(text: &str) -> String {
    let replaced = ENTITIES.replace_all(text, |found: &Captures<'_>| {
        let name = found.get(1).map_or("", |name| name.as_str());
        entity(name.trim_end_matches(';')).map_or_else(|| found[0].to_owned(), String::from)
    });
    replaced.into_owned()
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => number.parse().ok(),
        };
        return Some(code.and_then(char::from_u32).unwrap_or('\u{fffd}'));
    }
    NAMED_ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, char)| *char)
}
