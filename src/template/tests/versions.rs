//! `version`: comparisons of version numbers in four schemes.

use std::cmp::Ordering;

use crate::template::engine::arguments::Bound;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::error::{Res, raised};

pub fn version(_scope: &Scope, args: Bound) -> Res<bool> {
    let operator = args.text_or(2, "eq")?;
    let strict = if args.some(3).is_some() { Some(args.bool(3, false)?) } else { None };
    let kind = args.some(4).map(print::text).transpose()?;
    let value = args.val(0);
    let (Ok(left), Ok(right)) = (print::text(&value), print::text(&args.val(1))) else {
        return Err(raised("Input version value cannot be empty"));
    };
    if !value.truthy()? && value.as_str().is_some() {
        return Err(raised("Input version value cannot be empty"));
    }
    if right.is_empty() {
        return Err(raised("Version parameter to compare against cannot be empty"));
    }
    if strict.is_some() && kind.is_some() {
        return Err(raised("Cannot specify both 'strict' and 'version_type'"));
    }
    let kind = kind.unwrap_or_else(|| if strict == Some(true) { "strict".into() } else { "loose".into() });
    let order = match kind.as_str() {
        "loose" => loose(&left, &right).map_err(|message| failed(&message))?,
        "strict" => compare_with(strict_version, &left, &right)?,
        "semver" | "semantic" => compare_with(semantic, &left, &right)?,
        "pep440" => compare_with(pep440, &left, &right)?,
        other => {
            return Err(raised(format!(
                "Invalid version type ({other}). Must be one of loose, strict, semver, semantic, pep440"
            )));
        }
    };
    Ok(match operator {
        "==" | "=" | "eq" => order == Ordering::Equal,
        "<" | "lt" => order == Ordering::Less,
        "<=" | "le" => order != Ordering::Greater,
        ">" | "gt" => order == Ordering::Greater,
        ">=" | "ge" => order != Ordering::Less,
        "!=" | "<>" | "ne" => order != Ordering::Equal,
        other => {
            return Err(raised(format!(
                "Invalid operator type ({other}). Must be one of ==, =, eq, <, lt, <=, le, >, gt, >=, ge, !=, <>, ne"
            )));
        }
    })
}

fn failed(message: &str) -> crate::template::error::Fault {
    raised(format!("Version comparison failed: {message}"))
}

fn compare_with<T: Ord>(parse: fn(&str) -> Result<T, String>, left: &str, right: &str) -> Res<Ordering> {
    let left = parse(left).map_err(|message| failed(&message))?;
    let right = parse(right).map_err(|message| failed(&message))?;
    Ok(left.cmp(&right))
}

#[derive(PartialEq, Eq)]
enum Part {
    Number(u128),
    Text(String),
}

/// Runs of digits and of letters; comparing a number with a word is an error, as in Python.
pub fn loose(left: &str, right: &str) -> Result<Ordering, String> {
    let (left, right) = (loose_parts(left), loose_parts(right));
    for (a, b) in left.iter().zip(&right) {
        let order = match (a, b) {
            (Part::Number(a), Part::Number(b)) => a.cmp(b),
            (Part::Text(a), Part::Text(b)) => a.cmp(b),
            (Part::Number(_), Part::Text(_)) => {
                return Err("'<' not supported between instances of 'int' and 'str'".into());
            }
            (Part::Text(_), Part::Number(_)) => {
                return Err("'<' not supported between instances of 'str' and 'int'".into());
            }
        };
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
    Ok(left.len().cmp(&right.len()))
}

fn loose_parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let class = |char: char| {
            if char.is_ascii_digit() {
                0
            } else if char.is_ascii_lowercase() {
                1
            } else if char == '.' {
                2
            } else {
                3
            }
        };
        let kind = class(first);
        let length = if kind == 2 { 1 } else { rest.find(|char| class(char) != kind).unwrap_or(rest.len()) };
        let (part, after) = rest.split_at(length);
        match kind {
            0 => parts.push(Part::Number(part.parse().unwrap_or(u128::MAX))),
            2 => {}
            _ => parts.push(Part::Text(part.to_owned())),
        }
        rest = after;
    }
    parts
}

type Strict = ([u64; 3], u8, Option<(char, u64)>);

fn strict_version(text: &str) -> Result<Strict, String> {
    let invalid = || format!("invalid version number '{text}'");
    let split = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let (numbers, tail) = text.split_at(split);
    let numbers: Vec<u64> =
        numbers.split('.').map(|part| part.parse::<u64>().map_err(|_| invalid())).collect::<Result<_, _>>()?;
    if !(2..=3).contains(&numbers.len()) {
        return Err(invalid());
    }
    let pre = if tail.is_empty() {
        None
    } else {
        let mut chars = tail.chars();
        let letter = chars.next().filter(|char| matches!(char, 'a' | 'b')).ok_or_else(invalid)?;
        Some((letter, chars.as_str().parse().map_err(|_| invalid())?))
    };
    let number = |index: usize| numbers.get(index).copied().unwrap_or(0);
    Ok(([number(0), number(1), number(2)], u8::from(pre.is_none()), pre))
}

fn semantic(text: &str) -> Result<Semantic, String> {
    let version = semver::Version::parse(text).map_err(|_| format!("invalid semantic version '{text}'"))?;
    Ok(Semantic(version))
}

/// Build metadata has no precedence.
#[derive(PartialEq, Eq)]
struct Semantic(semver::Version);

impl PartialOrd for Semantic {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Semantic {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp_precedence(&other.0)
    }
}

fn pep440(text: &str) -> Result<pep440_rs::Version, String> {
    text.trim().parse().map_err(|_| format!("Invalid version: '{text}'"))
}
