//! Host names as inventories and patterns write them: ports, IPv6 addresses, ranges such as `web[01:20]`.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::inventory_error;
use crate::error::Error;

/// More hosts than this from one range are a mistake.
const MAX_RANGE: usize = 1_000_000;

static RANGE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\[(?:[0-9]+:[0-9]+|[a-zA-Z]:[a-zA-Z]|[a-fA-F0-9]+:[a-fA-F0-9]+)(?::[0-9]+)?\]"));
static LABEL: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[\w]([\w-]*[\w])?$"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// The name and port of an address, or nothing when it is none.
pub fn parse_address(text: &str, allow_ranges: bool) -> Option<(String, Option<u16>)> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.rsplit_once("]:"));
    if let Some((host, port)) = bracketed.filter(|(_, port)| is_number(port)) {
        return is_host(host, allow_ranges).then(|| (host.to_owned(), port.parse().ok()));
    }
    if is_ipv6(text, allow_ranges) {
        return Some((text.to_owned(), None));
    }
    if let Some((host, port)) = text.rsplit_once(':')
        && is_number(port)
        && is_host(host, allow_ranges)
        && (!host.contains(':') || without_ranges(host) != host)
    {
        return Some((host.to_owned(), port.parse().ok()));
    }
    is_host(text, allow_ranges).then(|| (text.to_owned(), None))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// With a name in place of each range. Patterns take time to be made, and most names need none.
fn without_ranges(text: &str) -> Cow<'_, str> {
    if text.contains('[') { RANGE.replace_all(text, "0") } else { Cow::Borrowed(text) }
}

fn is_host(text: &str, allow_ranges: bool) -> bool {
    is_ipv6(text, allow_ranges) || is_name(text, allow_ranges)
}

/// A name or an IPv4 address: labels with dots between them.
fn is_name(text: &str, allow_ranges: bool) -> bool {
    let plain = without_ranges(text);
    if !allow_ranges && plain != text {
        return false;
    }
    plain.len() <= 4096 && plain.trim_end_matches('.').split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    if !label.is_ascii() {
        return LABEL.is_match(label);
    }
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let ends = [label.bytes().next(), label.bytes().next_back()];
    ends.into_iter().all(|end| end.is_some_and(is_word)) && label.bytes().all(|byte| is_word(byte) || byte == b'-')
}

fn is_ipv6(text: &str, allow_ranges: bool) -> bool {
    let plain = without_ranges(text);
    (allow_ranges || plain == text) && plain.parse::<std::net::Ipv6Addr>().is_ok()
}

/// The hosts of a pattern in an inventory, and their port.
pub fn expand_hosts(text: &str) -> Result<(Vec<String>, Option<u16>), Error> {
    let (pattern, port) = match parse_address(text, true) {
        Some((pattern, port)) => (pattern, port),
        None => (text.to_owned(), None),
    };
    Ok((expand_ranges(&pattern)?, port))
}

/// Every name that a text with ranges stands for; the first range varies slowest.
pub fn expand_ranges(text: &str) -> Result<Vec<String>, Error> {
    let mut names = vec![String::new()];
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (head, after) = rest.split_at(open);
        let Some((range, tail)) = after[1..].split_once(']') else {
            return Err(inventory_error(format!("host range in '{text}' has no closing bracket")));
        };
        let items = range_items(range)?;
        if names.len().saturating_mul(items.len()) > MAX_RANGE {
            return Err(inventory_error(format!("host range in '{text}' stands for more than {MAX_RANGE} hosts")));
        }
        names = names.iter().flat_map(|name| items.iter().map(move |item| format!("{name}{head}{item}"))).collect();
        rest = tail;
    }
    for name in &mut names {
        name.push_str(rest);
    }
    Ok(names)
}

fn range_items(range: &str) -> Result<Vec<String>, Error> {
    let parts: Vec<&str> = range.split(':').collect();
    let (begin, end, step) = match parts.as_slice() {
        [begin, end] => (*begin, *end, "1"),
        [begin, end, step] => (*begin, *end, *step),
        _ => return Err(inventory_error("host range must be begin:end or begin:end:step")),
    };
    if end.is_empty() {
        return Err(inventory_error("host range must specify end value"));
    }
    let begin = if begin.is_empty() { "0" } else { begin };
    let not_a_number = |text: &str| inventory_error(format!("invalid literal for int() with base 10: '{text}'"));
    let step: usize = step.parse().ok().filter(|step| *step > 0).ok_or_else(|| not_a_number(step))?;
    if let (Some(first), Some(last)) = (single_letter(begin), single_letter(end)) {
        if first > last {
            return Err(inventory_error("host range must have begin <= end"));
        }
        return Ok((first..=last).step_by(step).map(String::from).collect());
    }
    if begin.len() > 1 && begin.starts_with('0') && begin.len() != end.len() {
        return Err(inventory_error("host range must specify equal-length begin and end formats"));
    }
    let first: u64 = begin.parse().map_err(|_| not_a_number(begin))?;
    let last: u64 = end.parse().map_err(|_| not_a_number(end))?;
    if last.saturating_sub(first) / step as u64 > MAX_RANGE as u64 {
        return Err(inventory_error(format!("host range [{range}] stands for more than {MAX_RANGE} hosts")));
    }
    let width = if begin.starts_with('0') { begin.len() } else { 0 };
    Ok((first..=last).step_by(step).map(|number| format!("{number:0width$}")).collect())
}

fn single_letter(text: &str) -> Option<char> {
    let mut chars = text.chars();
    let first = chars.next().filter(char::is_ascii_alphabetic)?;
    chars.next().is_none().then_some(first)
}
