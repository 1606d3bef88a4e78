//! `random_string` of community.general. A seed gives what Python's `random` gives, which is no secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Request;
use crate::template::engine::number::parse_int;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::template::filters::chance::Chance;

pub const OPTIONS: &[&str] = &[
    "base64",
    "ignore_similar_chars",
    "length",
    "lower",
    "min_lower",
    "min_numeric",
    "min_special",
    "min_upper",
    "numbers",
    "override_all",
    "override_special",
    "seed",
    "similar_chars",
    "special",
    "upper",
];

pub fn run(_scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let seed = request.text("seed")?.map(Val::str);
    let mut chance = Chance::new(seed.as_ref())?;
    let similar = if request.flag("ignore_similar_chars", false)? {
        request.text("similar_chars")?.unwrap_or_else(|| "il1LoO0".into())
    } else {
        String::new()
    };
    let kind = |chars: &mut dyn Iterator<Item = char>| chars.filter(|it| !similar.contains(*it)).collect::<String>();
    let numbers = kind(&mut ('0'..='9'));
    let lower = kind(&mut ('a'..='z'));
    let upper = kind(&mut ('A'..='Z'));
    let special = kind(&mut ('!'..='~').filter(char::is_ascii_punctuation));
    let given = |name: &str| request.text(name).map(|text| text.filter(|text| !text.is_empty()));
    let mut picked = Vec::new();
    let available = match given("override_all")? {
        Some(all) => all,
        None => {
            let special = given("override_special")?.unwrap_or(special);
            let mut available = String::new();
            for (option, chars) in [("upper", &upper), ("lower", &lower), ("numbers", &numbers), ("special", &special)]
            {
                if request.flag(option, true)? {
                    available += chars;
                }
            }
            let least =
                [("min_numeric", &numbers), ("min_lower", &lower), ("min_upper", &upper), ("min_special", &special)];
            for (option, chars) in least {
                let count = number(&request, option, 0)?;
                if count != 0 {
                    pick(&mut chance, chars, count, &mut picked)?;
                }
            }
            available
        }
    };
    let length = number(&request, "length", 8)?;
    let missing = length.saturating_sub(i64::try_from(picked.len()).unwrap_or(i64::MAX));
    pick(&mut chance, &available, missing, &mut picked)?;
    if seed.is_none() {
        for at in (1..picked.len()).rev() {
            let other = chance.index(at + 1);
            picked.swap(at, other);
        }
    }
    let text: String = picked.into_iter().collect();
    Ok(vec![Val::str(if request.flag("base64", false)? { STANDARD.encode(text) } else { text })])
}

const MOST_CHARS: i64 = 1_000_000;

fn pick(chance: &mut Chance, chars: &str, count: i64, out: &mut Vec<char>) -> Res<()> {
    let chars: Vec<char> = chars.chars().collect();
    if chars.is_empty() {
        return Err(raised("Available characters cannot be None, please change constraints"));
    }
    if count > MOST_CHARS {
        return Err(raised(format!("a random string may have {MOST_CHARS} characters")));
    }
    out.extend((0..count).filter_map(|_| chars.get(chance.index(chars.len()))));
    Ok(())
}

fn number(request: &Request, option: &str, default: i64) -> Res<i64> {
    let Some(text) = request.text(option)? else { return Ok(default) };
    let number = parse_int(&text, 10).and_then(|it| i64::try_from(it).ok());
    number.ok_or_else(|| raised(format!("the option '{option}' is not a whole number: {text}")))
}
