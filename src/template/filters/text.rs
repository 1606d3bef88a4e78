//! Text: case, padding, wrapping, replacing, splitting.

use std::sync::LazyLock;

use fancy_regex::Regex;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use crate::template::engine::arguments::Bound;
use crate::template::engine::markup::like;
use crate::template::engine::methods::text as methods;
use crate::template::engine::operators::arithmetic;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::tree::Operator;
use crate::template::engine::val::{Map, Val};
use crate::template::error::{Fault, Res, raised};
use crate::template::filters::sequences::length_of;
use crate::template::limits;
use crate::value::Value;

fn soft(args: &Bound, index: usize) -> Res<String> {
    print::text(&args.val(index))
}

fn no_attribute(value: &Val, name: &str) -> Fault {
    raised(format!("'{}' object has no attribute '{name}'", value.type_name()))
}

/// Of community.general: a text in one of the four forms of Unicode.
pub fn unicode_normalize(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let Val::Str(text) = &value else {
        let found = value.used()?.type_name();
        return Err(raised(format!("<class '{found}'> is not a valid input type")));
    };
    let normalized = match args.text_or(1, "NFC")? {
        "NFC" => ComposingNormalizerBorrowed::new_nfc().normalize(text),
        "NFD" => DecomposingNormalizerBorrowed::new_nfd().normalize(text),
        "NFKC" => ComposingNormalizerBorrowed::new_nfkc().normalize(text),
        "NFKD" => DecomposingNormalizerBorrowed::new_nfkd().normalize(text),
        other => return Err(raised(format!("{other} is not a valid form"))),
    };
    Ok(Val::str(normalized.into_owned()))
}

pub fn upper(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(like(&args.val(0), soft(&args, 0)?.to_uppercase()))
}

pub fn lower(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(like(&args.val(0), soft(&args, 0)?.to_lowercase()))
}

pub fn capitalize(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(like(&args.val(0), methods::capitalize(&soft(&args, 0)?)))
}

/// Jinja2's own: a word starts after spaces, dashes and opening brackets.
pub fn title(_scope: &Scope, args: Bound) -> Res<Val> {
    let mut start = true;
    let mut out = String::new();
    for char in soft(&args, 0)?.chars() {
        if start {
            out.extend(char.to_uppercase());
        } else {
            out.extend(char.to_lowercase());
        }
        start = char.is_whitespace() || matches!(char, '-' | '(' | '{' | '[' | '<');
    }
    Ok(Val::str(out))
}

pub fn string(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(match args.val(0) {
        Val::Str(text) => Val::Str(text),
        other => Val::str(print::text(&other)?),
    })
}

pub fn trim(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = soft(&args, 0)?;
    let chars = args.some(1).map(|_| args.text(1)).transpose()?;
    Ok(like(&args.val(0), methods::strip(&text, "strip", chars).to_owned()))
}

pub fn center(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = soft(&args, 0)?;
    let width = usize::try_from(args.int(1, 80)?).unwrap_or(0);
    if width > print::MOST_TEXT {
        return Err(limits::too_long());
    }
    let pad = width.saturating_sub(text.chars().count());
    let left = pad / 2 + (pad & width & 1);
    Ok(like(&args.val(0), format!("{}{text}{}", " ".repeat(left), " ".repeat(pad - left))))
}

pub fn replace(_scope: &Scope, args: Bound) -> Res<Val> {
    let count = if args.some(3).is_some() { args.int(3, -1)? } else { -1 };
    Ok(Val::str(methods::replace(&soft(&args, 0)?, &soft(&args, 1)?, &soft(&args, 2)?, count)?))
}

pub fn format(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = match args.val(0) {
        text @ Val::Str(_) => text,
        other => Val::str(print::text(&other)?),
    };
    if !args.rest.is_empty() && !args.named.is_empty() {
        return Err(raised("can't handle positional and keyword arguments at the same time"));
    }
    let arguments = if args.named.is_empty() {
        Val::tuple(args.rest)
    } else {
        let map: Map = args.named.into_iter().map(|(name, value)| (Value::str(name), value)).collect();
        Val::dict(map)
    };
    arithmetic(Operator::Rem, &text, &arguments)
}

pub fn indent(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = match args.val(0) {
        Val::Str(text) => text,
        list @ Val::List(_) => return Err(no_attribute(&list, "splitlines")),
        tuple @ Val::Tuple(_) => return arithmetic(Operator::Add, &tuple, &Val::str("\n")),
        other => {
            return Err(raised(format!("unsupported operand type(s) for +=: '{}' and 'str'", other.type_name())));
        }
    };
    let prefix = match args.get(1) {
        Some(Val::Str(text)) => text.to_string(),
        _ => {
            let width = usize::try_from(args.int(1, 4)?).unwrap_or(0);
            if width > print::MOST_TEXT {
                return Err(limits::too_long());
            }
            " ".repeat(width)
        }
    };
    let lines = text.matches(['\n', '\r']).count() + 1;
    if prefix.len().saturating_mul(lines) > print::MOST_TEXT {
        return Err(limits::too_long());
    }
    let (first, blank) = (args.bool(2, false)?, args.bool(3, false)?);
    let text = text.to_string() + "\n";
    let mut out = String::new();
    if blank {
        out = methods::split_lines(&text, false).join(&format!("\n{prefix}"));
    } else {
        for (index, line) in methods::split_lines(&text, false).into_iter().enumerate() {
            if index > 0 {
                out.push('\n');
                if !line.is_empty() {
                    out.push_str(&prefix);
                }
            }
            out.push_str(line);
        }
    }
    Ok(like(&args.val(0), if first { format!("{prefix}{out}") } else { out }))
}

pub fn truncate(_scope: &Scope, args: Bound) -> Res<Val> {
    let length = args.int(1, 255)?;
    let killwords = args.bool(2, false)?;
    let end = args.get(3).map_or_else(|| Ok("...".to_owned()), print::text)?;
    let leeway = if args.some(4).is_some() { args.int(4, 5)? } else { 5 };
    let count = |text: &str| i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    if length < count(&end) {
        return Err(raised(format!("expected length >= {}, got {length}", count(&end))));
    }
    if leeway < 0 {
        return Err(raised(format!("expected leeway >= 0, got {leeway}")));
    }
    let value = args.val(0);
    if i64::try_from(length_of(&value)?).is_ok_and(|own| own <= length.saturating_add(leeway)) {
        return Ok(value);
    }
    let Val::Str(text) = value else {
        return Err(if killwords {
            raised(format!("can only concatenate {0} (not \"str\") to {0}", value.type_name()))
        } else {
            no_attribute(&value, "rsplit")
        });
    };
    let keep = usize::try_from(length - count(&end)).unwrap_or(0);
    let cut: String = text.chars().take(keep).collect();
    if killwords {
        return Ok(like(&args.val(0), cut + &end));
    }
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(before, _)| before);
    Ok(like(&args.val(0), format!("{cut}{end}")))
}

/// Python's pprint. It knows Ansible's containers by their text alone, which makes long strings all that it folds.
pub fn pprint(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let whole = print::repr(&value)?;
    let Val::Str(text) = &value else { return Ok(Val::str(whole)) };
    if width(&whole) <= PRETTY_WIDTH {
        return Ok(Val::str(whole));
    }
    let mut pieces = Vec::new();
    let lines = methods::split_lines(text, true);
    for (index, line) in lines.iter().enumerate() {
        let is_last_line = index + 1 == lines.len();
        // One column is for the opening bracket, and at the very end one for the closing.
        let room = |at_end: bool| PRETTY_WIDTH - 1 - usize::from(at_end);
        let quoted = print::repr(&Val::str(*line))?;
        if width(&quoted) <= room(is_last_line) {
            pieces.push(quoted);
            continue;
        }
        let mut current = String::new();
        let words: Vec<&str> =
            WORD.find_iter(line).flatten().map(|word| word.as_str()).filter(|word| !word.is_empty()).collect();
        for (at, word) in words.iter().enumerate() {
            let longer = print::repr(&Val::str(format!("{current}{word}")))?;
            if width(&longer) > room(is_last_line && at + 1 == words.len()) && !current.is_empty() {
                pieces.push(print::repr(&Val::str(std::mem::take(&mut current)))?);
            }
            current.push_str(word);
        }
        if !current.is_empty() {
            pieces.push(print::repr(&Val::str(current))?);
        }
    }
    Ok(Val::str(if pieces.len() == 1 { whole } else { format!("({})", pieces.join("\n ")) }))
}

const PRETTY_WIDTH: usize = 80;
static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\S*\s*").expect("a constant pattern"));

fn width(text: &str) -> usize {
    text.chars().count()
}

pub fn wordcount(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = soft(&args, 0)?;
    let count =
        text.split(|char: char| !(char.is_alphanumeric() || char == '_')).filter(|word| !word.is_empty()).count();
    Ok(Val::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

pub fn wordwrap(_scope: &Scope, args: Bound) -> Res<Val> {
    let Val::Str(text) = args.val(0) else { return Err(no_attribute(&args.val(0), "splitlines")) };
    let width = usize::try_from(args.int(1, 79)?).ok().filter(|width| *width > 0);
    let Some(width) = width else { return Err(raised(format!("invalid width {} (must be > 0)", args.int(1, 79)?))) };
    let (break_long, on_hyphens) = (args.bool(2, true)?, args.bool(4, true)?);
    let newline = args.some(3).map_or_else(|| Ok("\n".to_owned()), print::text)?;
    let lines: Vec<String> = methods::split_lines(&text, false)
        .into_iter()
        .map(|line| wrap_line(line, width, break_long, on_hyphens).join(&newline))
        .collect();
    Ok(Val::str(lines.join(&newline)))
}

/// Python's textwrap without touching white space inside the line.
fn wrap_line(line: &str, width: usize, break_long: bool, on_hyphens: bool) -> Vec<String> {
    let mut chunks = std::collections::VecDeque::from(chunks_of(line, on_hyphens));
    let length = |text: &str| text.chars().count();
    let mut lines: Vec<String> = Vec::new();
    while !chunks.is_empty() {
        if !lines.is_empty() && chunks.front().is_some_and(|chunk| chunk.trim().is_empty()) {
            chunks.pop_front();
        }
        let mut current: Vec<String> = Vec::new();
        let mut used = 0;
        while let Some(chunk) = chunks.front() {
            if used + length(chunk) > width {
                break;
            }
            used += length(chunk);
            current.extend(chunks.pop_front());
        }
        if chunks.front().is_some_and(|chunk| length(chunk) > width) {
            if break_long {
                if let Some(chunk) = chunks.pop_front() {
                    let room = end_of_piece(&chunk, width - used, on_hyphens);
                    current.push(chunk.chars().take(room).collect());
                    let rest: String = chunk.chars().skip(room).collect();
                    if !rest.is_empty() {
                        chunks.push_front(rest);
                    }
                }
            } else if current.is_empty() {
                current.extend(chunks.pop_front());
            }
        }
        if current.last().is_some_and(|chunk| chunk.trim().is_empty()) {
            current.pop();
        }
        if !current.is_empty() {
            lines.push(current.concat());
        }
    }
    lines
}

/// Where a word that is too long for a line is cut: behind its last hyphen, if that fits.
fn end_of_piece(chunk: &str, room: usize, on_hyphens: bool) -> usize {
    let head: Vec<char> = chunk.chars().take(room).collect();
    let hyphen = head.iter().rposition(|char| *char == '-');
    match hyphen.filter(|at| on_hyphens && head.iter().take(*at).any(|char| *char != '-')) {
        Some(at) => at + 1,
        None => room,
    }
}

/// White space, words, parts of hyphenated words with their hyphen, and dashes between words.
static CHUNK: LazyLock<Regex> = LazyLock::new(|| {
    let letter = r"[^\d\W]";
    Regex::new(&format!(
        r#"[\t\n\x0b\x0c\r ]+|(?<=[\w!"'&.,?])-{{2,}}(?=\w)|[^\t\n\x0b\x0c\r ]+?(?:-(?:(?<={letter}{letter}-)|(?<={letter}-{letter}-))(?={letter}-?{letter})|(?=[\t\n\x0b\x0c\r ]|\z)|(?<=[\w!"'&.,?])(?=-{{2,}}\w))"#
    ))
    .expect("a constant pattern")
});
static SPACE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[\t\n\x0b\x0c\r ]+|[^\t\n\x0b\x0c\r ]+").expect("a constant pattern"));

fn chunks_of(line: &str, on_hyphens: bool) -> Vec<String> {
    let pattern = if on_hyphens { &*CHUNK } else { &*SPACE };
    pattern.find_iter(line).flatten().map(|found| found.as_str().to_owned()).collect()
}

pub fn split(_scope: &Scope, args: Bound) -> Res<Val> {
    let Val::Str(text) = args.val(0) else { return Err(no_attribute(&args.val(0), "split")) };
    let separator = args.some(1).map(|_| args.text(1)).transpose()?;
    let most = args.int(2, -1)?;
    Ok(Val::list(methods::split(&text, separator, most)?.into_iter().map(Val::from).collect()))
}

/// Quotes for a shell, as Python's shlex does.
pub fn quote(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = match args.val(0) {
        Val::Null => String::new(),
        other => print::text(&other)?,
    };
    Ok(like(&args.val(0), shell_quote(&text)))
}

pub fn shell_quote(text: &str) -> String {
    let safe = |char: char| char.is_ascii_alphanumeric() || "@%+=:,./-_".contains(char);
    if !text.is_empty() && text.chars().all(safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

pub fn comment(_scope: &Scope, args: Bound) -> Res<Val> {
    let Val::Str(text) = args.val(0) else { return Err(no_attribute(&args.val(0), "replace")) };
    let style = args.text_or(1, "plain")?;
    let (beginning, decoration, end, prefix_count, postfix_count) = match style {
        "plain" => ("", "# ", "", 1, 1),
        "erlang" => ("", "% ", "", 1, 1),
        "c" => ("", "// ", "", 1, 1),
        "cblock" => ("/*", " * ", " */", 1, 1),
        "xml" => ("<!--", " - ", "-->", 1, 1),
        other => return Err(raised(format!("Invalid style '{other}'."))),
    };
    let pick = |name: &str, default: &str| -> Res<String> {
        args.named
            .iter()
            .find(|(known, _)| &**known == name)
            .map_or_else(|| Ok(default.to_owned()), |(_, value)| print::text(value))
    };
    let number = |name: &str, default: i64| -> Res<usize> {
        let value = args.named.iter().find(|(known, _)| &**known == name).map(|(_, value)| value.clone());
        match value {
            None => Ok(usize::try_from(default).unwrap_or(1)),
            Some(Val::Int(number)) => Ok(usize::try_from(number.clamp(0, 10_000)).unwrap_or(0)),
            Some(other) => Err(raised(format!("can't multiply sequence by non-int of type '{}'", other.type_name()))),
        }
    };
    let newline = pick("newline", "\n")?;
    let beginning = pick("beginning", beginning)?;
    let decoration = pick("decoration", decoration)?;
    let end = pick("end", end)?;
    let stripped = decoration.trim_end().to_owned();
    let prefix = pick("prefix", &stripped)?;
    let postfix = pick("postfix", &stripped)?;
    let (prefix_count, postfix_count) =
        (number("prefix_count", prefix_count)?, number("postfix_count", postfix_count)?);
    let mut out = String::new();
    if !beginning.is_empty() {
        out += &format!("{beginning}{newline}");
    }
    if prefix == newline {
        out += &newline.repeat(prefix_count);
    } else if !prefix.is_empty() {
        out += &format!("{prefix}{newline}").repeat(prefix_count);
    }
    let body = format!("{decoration}{}", text.replace(&newline, &format!("{newline}{decoration}")));
    // Lines that hold only the decoration lose the space at their end.
    out += &body.replace(&format!("{decoration}{newline}"), &format!("{stripped}{newline}"));
    for _ in 0..postfix_count {
        out += &format!("{newline}{postfix}");
    }
    if !end.is_empty() {
        out += &format!("{newline}{end}");
    }
    Ok(Val::str(out))
}
