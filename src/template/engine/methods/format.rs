//! `'%s' % x`, `'{}'.format(x)` and the format specifications both share.

use std::sync::Arc;

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};

use crate::template::engine::attributes::{attribute, item};
use crate::template::engine::markup;
use crate::template::engine::number::{Number, float_to_int};
use crate::template::engine::print;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

const MOST_WIDTH: usize = 10_000_000;

#[derive(Default)]
struct Spec {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    zero: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

/// How a value becomes text inside other text: `str()` of it, or escaped for HTML.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    Plain,
    Escaped,
}

impl Shown {
    fn text(self, value: &Val) -> Res<String> {
        match self {
            Shown::Plain => print::text(value),
            Shown::Escaped => markup::escaped(value),
        }
    }

    fn repr(self, value: &Val) -> Res<String> {
        let text = print::repr(value)?;
        Ok(if self == Shown::Plain { text } else { markup::escape_text(&text) })
    }
}

/// Python's `%` on text.
pub fn percent(text: &str, arguments: &Val, shown: Shown) -> Res<String> {
    arguments.check()?;
    let positional = match arguments {
        Val::Tuple(items) => items.to_vec(),
        other => vec![other.clone()],
    };
    let mut next = positional.iter();
    let mut used_mapping = false;
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char != '%' {
            out.push(char);
            continue;
        }
        let mut spec = Spec::default();
        let mut value = None;
        if chars.next_if_eq(&'(').is_some() {
            let key = mapping_key(&mut chars)?;
            let Val::Dict(map) = arguments else { return Err(raised("format requires a mapping")) };
            used_mapping = true;
            value = Some(map.get_str(&key).ok_or_else(|| raised(crate::value::python::str_repr(&key)))?);
        }
        let mut left = false;
        while let Some(flag) = chars.next_if(|char| matches!(char, '-' | '+' | ' ' | '#' | '0')) {
            match flag {
                '-' => left = true,
                '+' => spec.sign = Some('+'),
                ' ' => spec.sign = spec.sign.or(Some(' ')),
                '#' => spec.alternate = true,
                _ => spec.zero = true,
            }
        }
        if chars.next_if_eq(&'*').is_some() {
            match next.next() {
                Some(Val::Int(width)) => {
                    left |= *width < 0;
                    spec.width = usize::try_from(width.unsigned_abs()).unwrap_or(0);
                }
                Some(_) => return Err(raised("* wants int")),
                None => return Err(raised("not enough arguments for format string")),
            }
        } else {
            spec.width = digits(&mut chars)?.unwrap_or(0);
        }
        if chars.next_if_eq(&'.').is_some() {
            if chars.next_if_eq(&'*').is_some() {
                match next.next() {
                    Some(Val::Int(width)) => spec.precision = Some(usize::try_from(*width).unwrap_or(0)),
                    Some(_) => return Err(raised("* wants int")),
                    None => return Err(raised("not enough arguments for format string")),
                }
            } else {
                spec.precision = Some(digits(&mut chars)?.unwrap_or(0));
            }
        }
        while chars.next_if(|char| matches!(char, 'h' | 'l' | 'L')).is_some() {}
        let Some(kind) = chars.next() else { return Err(raised("incomplete format")) };
        if kind == '%' {
            out.push('%');
            continue;
        }
        let value = match value {
            Some(value) => value.used()?,
            None => match next.next() {
                Some(value) => value.clone().used()?,
                None => return Err(raised("not enough arguments for format string")),
            },
        };
        spec.kind = Some(kind);
        spec.align = Some(if left { '<' } else { '>' });
        if left {
            spec.zero = false;
        }
        out.push_str(&percent_one(&value, spec, text, shown)?);
    }
    let leftover = next.next().is_some();
    let mapping = matches!(arguments, Val::Dict(_) | Val::List(_)) || matches!(arguments, Val::Object(_));
    if leftover && !used_mapping && !mapping {
        return Err(raised("not all arguments converted during string formatting"));
    }
    Ok(out)
}

/// The name in `%(name)s`; parentheses inside it nest.
fn mapping_key(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Res<String> {
    let mut key = String::new();
    let mut depth = 1;
    for char in chars.by_ref() {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok(key);
        }
        key.push(char);
    }
    Err(raised("incomplete format key"))
}

fn digits(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Res<Option<usize>> {
    let mut number: Option<usize> = None;
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        let value = number.unwrap_or(0).saturating_mul(10).saturating_add(digit.to_digit(10).unwrap_or(0) as usize);
        if value > MOST_WIDTH {
            return Err(raised("width too big"));
        }
        number = Some(value);
    }
    Ok(number)
}

fn percent_one(value: &Val, mut spec: Spec, text: &str, how: Shown) -> Res<String> {
    let kind = spec.kind.unwrap_or('s');
    match kind {
        's' | 'r' | 'a' => {
            let mut shown = if kind == 's' { how.text(value)? } else { how.repr(value)? };
            if let Some(precision) = spec.precision {
                shown = shown.chars().take(precision).collect();
            }
            spec.zero = false;
            Ok(pad(&shown, &spec, '>'))
        }
        'c' => {
            let char = match value {
                Val::Int(code) => u32::try_from(*code).ok().and_then(char::from_u32).map(|char| char.to_string()),
                Val::Str(text) if text.chars().count() == 1 => Some(text.to_string()),
                _ => None,
            };
            let char = char.ok_or_else(|| raised("%c requires int or char"))?;
            Ok(pad(&char, &spec, '>'))
        }
        'd' | 'i' | 'u' => {
            let whole = match value {
                Val::Float(number) => float_to_int(*number)?,
                other => other.clone(),
            };
            let Some(number) = Number::of(&whole).and_then(|number| number.big()) else {
                return Err(raised(format!("%{kind} format: a real number is required, not {}", value.type_name())));
            };
            spec.kind = Some('d');
            if let Some(precision) = spec.precision.take() {
                let digits = number.magnitude().to_string();
                let padded = format!("{}{digits}", "0".repeat(precision.saturating_sub(digits.len())));
                return Ok(pad_number(&padded, number.is_negative(), "", &spec));
            }
            integer(&number, &spec)
        }
        'o' | 'x' | 'X' => {
            let Some(number) = Number::of(value).filter(|_| !matches!(value, Val::Float(_))).and_then(|it| it.big())
            else {
                return Err(raised(format!("%{kind} format: an integer is required, not {}", value.type_name())));
            };
            integer(&number, &spec)
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            let Some(number) = Number::of(value) else {
                return Err(raised(format!("must be real number, not {}", value.type_name())));
            };
            float(number.float(), &spec)
        }
        other => {
            let at = text.find(other).unwrap_or(0);
            Err(raised(format!("unsupported format character '{other}' (0x{:x}) at index {at}", u32::from(other))))
        }
    }
}

/// Python's `str.format`.
pub fn format_method(text: &str, positional: &[Val], named: &[(Arc<str>, Val)], shown: Shown) -> Res<String> {
    let mut automatic = 0;
    format_fields(text, positional, named, &mut automatic, shown, 0)
}

fn format_fields(
    text: &str,
    positional: &[Val],
    named: &[(Arc<str>, Val)],
    automatic: &mut usize,
    shown: Shown,
    depth: usize,
) -> Res<String> {
    if depth > 2 {
        return Err(raised("Max string recursion exceeded"));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if rest.starts_with(brace) {
            out.push_str(brace);
            rest = &rest[1..];
            continue;
        }
        if brace == "}" {
            return Err(raised("Single '}' encountered in format string"));
        }
        if rest.is_empty() {
            return Err(raised("Single '{' encountered in format string"));
        }
        let mut depth_here = 1;
        let end = rest.char_indices().find(|(_, char)| {
            match char {
                '{' => depth_here += 1,
                '}' => depth_here -= 1,
                _ => {}
            }
            depth_here == 0
        });
        let Some((end, _)) = end else { return Err(raised("expected '}' before end of string")) };
        let field = &rest[..end];
        rest = &rest[end + 1..];
        let (name, spec) = split_field(field);
        let (name, conversion) = match name.rsplit_once('!') {
            Some((name, conversion)) => (name, Some(conversion)),
            None => (name, None),
        };
        let value = field_value(name, positional, named, automatic)?.used()?;
        let spec = format_fields(spec, positional, named, automatic, Shown::Plain, depth + 1)?;
        let value = match conversion {
            None => value,
            Some("s") => Val::str(print::text(&value)?),
            Some("r" | "a") => Val::str(print::repr(&value)?),
            Some(other) => return Err(raised(format!("Unknown conversion specifier {other}"))),
        };
        out.push_str(&match (shown, &value) {
            (Shown::Plain, _) => format_value(&value, &spec)?,
            (Shown::Escaped, Val::Str(text)) if text.is_markup() => {
                if !spec.is_empty() {
                    return Err(raised("Unsupported format specification for Markup."));
                }
                text.to_string()
            }
            (Shown::Escaped, _) => markup::escape_text(&format_value(&value, &spec)?),
        });
        if out.len() > print::MOST_TEXT {
            return Err(raised("the result is too large"));
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Name and specification; a colon inside brackets belongs to the name.
fn split_field(field: &str) -> (&str, &str) {
    let mut in_brackets = false;
    for (at, char) in field.char_indices() {
        match char {
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            ':' if !in_brackets => return (&field[..at], &field[at + 1..]),
            _ => {}
        }
    }
    (field, "")
}

fn field_value(name: &str, positional: &[Val], named: &[(Arc<str>, Val)], automatic: &mut usize) -> Res<Val> {
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let (first, mut path) = name.split_at(end);
    let by_index = |index: usize| {
        positional
            .get(index)
            .cloned()
            .ok_or_else(|| raised(format!("Replacement index {index} out of range for positional args tuple")))
    };
    let mut value = if first.is_empty() {
        *automatic += 1;
        by_index(*automatic - 1)?
    } else if let Ok(index) = first.parse::<usize>() {
        by_index(index)?
    } else {
        named
            .iter()
            .find(|(known, _)| &**known == first)
            .map(|(_, value)| value.clone())
            .ok_or_else(|| raised(crate::value::python::str_repr(first)))?
    };
    while !path.is_empty() {
        if let Some(rest) = path.strip_prefix('.') {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            value = attribute(&value, &rest[..end]).used()?;
            path = &rest[end..];
        } else if let Some(rest) = path.strip_prefix('[') {
            let end = rest.find(']').ok_or_else(|| raised("Missing ']' in format string"))?;
            let key = &rest[..end];
            let key = key.parse::<i64>().map_or_else(|_| Val::str(key), Val::Int);
            value = item(&value, &key).used()?;
            path = &rest[end + 1..];
        } else {
            return Err(raised("Only '.' or '[' may follow ']' in format field specifier"));
        }
    }
    Ok(value)
}

/// Python's `format(value, spec)`.
pub fn format_value(value: &Val, text: &str) -> Res<String> {
    if text.is_empty() {
        return print::text(value);
    }
    if let Val::DateTime(..) | Val::Date(_) = value {
        let (time, zone) = match value {
            Val::DateTime(time, zone) => (*time, *zone),
            Val::Date(date) => (date.and_time(chrono::NaiveTime::MIN), None),
            _ => return print::text(value),
        };
        return crate::template::filters::dates::strftime(text, time, zone);
    }
    let spec = parse_spec(text)?;
    match value {
        Val::Str(shown) => {
            if spec.kind.is_some_and(|kind| kind != 's') {
                return Err(raised(format!(
                    "Unknown format code '{}' for object of type 'str'",
                    spec.kind.unwrap_or('s')
                )));
            }
            if spec.sign.is_some() {
                return Err(raised("Sign not allowed in string format specifier"));
            }
            let shown: String = match spec.precision {
                Some(precision) => shown.chars().take(precision).collect(),
                None => shown.to_string(),
            };
            let spec = if spec.zero { Spec { fill: spec.fill.or(Some('0')), zero: false, ..spec } } else { spec };
            Ok(pad(&shown, &spec, '<'))
        }
        Val::Int(_) | Val::Big(_) | Val::Bool(_) => match spec.kind {
            None if matches!(value, Val::Bool(_)) && spec.width == 0 => print::text(value),
            None | Some('d' | 'x' | 'X' | 'o' | 'b' | 'n' | 'c') => {
                let number = Number::of(value).and_then(|number| number.big()).unwrap_or_default();
                if spec.kind == Some('c') {
                    let char = number.to_u32().and_then(char::from_u32).unwrap_or('\u{fffd}');
                    return Ok(pad(&char.to_string(), &spec, '<'));
                }
                if spec.precision.is_some() {
                    return Err(raised("Precision not allowed in integer format specifier"));
                }
                integer(&number, &spec)
            }
            Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') => {
                float(Number::of(value).map_or(0.0, |number| number.float()), &spec)
            }
            Some(other) => Err(raised(format!("Unknown format code '{other}' for object of type 'int'"))),
        },
        Val::Float(number) => match spec.kind {
            None | Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%') => float(*number, &spec),
            Some(other) => Err(raised(format!("Unknown format code '{other}' for object of type 'float'"))),
        },
        other => Err(raised(format!("unsupported format string passed to {}.__format__", other.type_name()))),
    }
}

fn parse_spec(text: &str) -> Res<Spec> {
    let mut spec = Spec::default();
    let chars: Vec<char> = text.chars().collect();
    let is_align = |char: Option<&char>| matches!(char, Some('<' | '>' | '^' | '='));
    let mut at = 0;
    if is_align(chars.get(1)) {
        spec.fill = chars.first().copied();
        spec.align = chars.get(1).copied();
        at = 2;
    } else if is_align(chars.first()) {
        spec.align = chars.first().copied();
        at = 1;
    }
    let mut rest = chars.get(at..).unwrap_or(&[]).iter().collect::<String>();
    let take = |rest: &mut String, wanted: &[char]| -> Option<char> {
        let first = rest.chars().next().filter(|char| wanted.contains(char))?;
        rest.remove(0);
        Some(first)
    };
    spec.sign = take(&mut rest, &['+', '-', ' ']);
    take(&mut rest, &['z']);
    spec.alternate = take(&mut rest, &['#']).is_some();
    spec.zero = take(&mut rest, &['0']).is_some();
    let mut chars = rest.chars().peekable();
    spec.width = digits(&mut chars)?.unwrap_or(0);
    spec.grouping = chars.next_if(|char| matches!(char, ',' | '_'));
    if chars.next_if_eq(&'.').is_some() {
        spec.precision = Some(digits(&mut chars)?.ok_or_else(|| raised("Format specifier missing precision"))?);
    }
    spec.kind = chars.next();
    if chars.next().is_some() {
        return Err(raised("Invalid format specifier"));
    }
    Ok(spec)
}

fn integer(number: &BigInt, spec: &Spec) -> Res<String> {
    let magnitude = number.magnitude();
    let (digits, prefix) = match spec.kind {
        Some('x') => (magnitude.to_str_radix(16), "0x"),
        Some('X') => (magnitude.to_str_radix(16).to_uppercase(), "0X"),
        Some('o') => (magnitude.to_str_radix(8), "0o"),
        Some('b') => (magnitude.to_str_radix(2), "0b"),
        _ => (magnitude.to_string(), ""),
    };
    let every = if matches!(spec.kind, Some('x' | 'X' | 'o' | 'b')) { 4 } else { 3 };
    let digits = group(&digits, spec.grouping, every);
    Ok(pad_number(&digits, number.is_negative(), if spec.alternate { prefix } else { "" }, spec))
}

fn float(number: f64, spec: &Spec) -> Res<String> {
    let kind = spec.kind.unwrap_or('\0');
    let magnitude = number.abs();
    let upper = kind.is_ascii_uppercase();
    if spec.precision.is_some_and(|precision| precision > 100_000) {
        return Err(raised("precision too big"));
    }
    let shown = if magnitude.is_nan() {
        "nan".to_owned()
    } else if magnitude.is_infinite() {
        "inf".to_owned()
    } else {
        match kind {
            'f' | 'F' => format!("{magnitude:.*}", spec.precision.unwrap_or(6)),
            '%' => format!("{:.*}%", spec.precision.unwrap_or(6), magnitude * 100.0),
            'e' | 'E' => exponent(magnitude, spec.precision.unwrap_or(6)),
            'g' | 'G' | 'n' => general(magnitude, spec.precision.unwrap_or(6), spec.alternate),
            _ => match spec.precision {
                Some(precision) => {
                    let text = general(magnitude, precision, false);
                    if text.contains(['.', 'e']) { text } else { format!("{text}.0") }
                }
                None => crate::value::python::float_repr(magnitude),
            },
        }
    };
    let shown = if upper { shown.to_uppercase() } else { shown };
    let (whole, fraction) = match shown.find(|char: char| !char.is_ascii_digit()) {
        Some(at) => shown.split_at(at),
        None => (shown.as_str(), ""),
    };
    let grouped = format!("{}{fraction}", group(whole, spec.grouping, 3));
    Ok(pad_number(&grouped, number.is_sign_negative() && !number.is_nan(), "", spec))
}

fn exponent(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn general(number: f64, precision: usize, keep_zeros: bool) -> String {
    let precision = precision.max(1);
    let scientific = format!("{number:.*e}", precision - 1);
    let power: i32 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    let limit = i32::try_from(precision).unwrap_or(i32::MAX);
    let (text, tail) = if power < -4 || power >= limit {
        let text = exponent(number, precision - 1);
        match text.split_once('e') {
            Some((mantissa, power)) => (mantissa.to_owned(), format!("e{power}")),
            None => (text, String::new()),
        }
    } else {
        (format!("{number:.*}", usize::try_from(limit - 1 - power).unwrap_or(0)), String::new())
    };
    let text = if text.contains('.') && !keep_zeros {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    };
    format!("{text}{tail}")
}

fn group(digits: &str, separator: Option<char>, every: usize) -> String {
    let Some(separator) = separator else { return digits.to_owned() };
    let mut out = String::new();
    for (index, char) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(every) {
            out.push(separator);
        }
        out.push(char);
    }
    out
}

fn pad_number(digits: &str, negative: bool, prefix: &str, spec: &Spec) -> String {
    let sign = if negative {
        "-"
    } else {
        match spec.sign {
            Some('+') => "+",
            Some(' ') => " ",
            _ => "",
        }
    };
    let used = sign.len() + prefix.len() + digits.chars().count();
    let missing = spec.width.saturating_sub(used);
    let zero =
        (spec.zero && spec.align.is_none_or(|align| align == '>' && spec.fill.is_none())) || spec.align == Some('=');
    if zero {
        let fill = spec.fill.unwrap_or(if spec.zero { '0' } else { ' ' });
        return format!("{sign}{prefix}{}{digits}", fill.to_string().repeat(missing));
    }
    pad(&format!("{sign}{prefix}{digits}"), spec, '>')
}

fn pad(text: &str, spec: &Spec, default: char) -> String {
    let missing = spec.width.saturating_sub(text.chars().count());
    let fill = spec.fill.unwrap_or(' ').to_string();
    match spec.align.unwrap_or(default) {
        '<' => format!("{text}{}", fill.repeat(missing)),
        '^' => format!("{}{text}{}", fill.repeat(missing / 2), fill.repeat(missing - missing / 2)),
        _ => format!("{}{text}", fill.repeat(missing)),
    }
}
