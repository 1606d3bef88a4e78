//! `password`: a password kept in a file, made when the file does not exist.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::Request;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::template::filters::digests::{crypt, random_salt};
use crate::value::Str;

pub fn run(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut out = Vec::new();
    for term in request.texts()? {
        out.push(one(scope, &request, &term)?);
    }
    Ok(out)
}

fn one(scope: &Scope, request: &Request, term: &str) -> Res<Val> {
    let mut words = term.split_whitespace();
    let mut path = words.next().unwrap_or("").to_owned();
    let mut options: Vec<(String, String)> = Vec::new();
    for word in words {
        match word.split_once('=') {
            Some((name, value)) => options.push((name.to_owned(), value.to_owned())),
            None if options.is_empty() => path = format!("{path} {word}"),
            None => {
                return Err(raised(format!(
                    "Unrecognized value after key=value parameters given to password lookup: {word}"
                )));
            }
        }
    }
    for (name, _) in &options {
        if !matches!(name.as_str(), "length" | "encrypt" | "chars" | "ident" | "seed") {
            return Err(raised(format!("Unrecognized parameter(s) given to password lookup: {name}")));
        }
    }
    let option = |name: &str| -> Res<Option<String>> {
        match options.iter().find(|(known, _)| known == name) {
            Some((_, value)) => Ok(Some(value.clone())),
            None => match request.option(name) {
                Some(list @ (Val::List(_) | Val::Tuple(_))) => {
                    Ok(Some(list.iterate()?.iter().map(print::text).collect::<Res<Vec<_>>>()?.join(",")))
                }
                _ => request.text(name),
            },
        }
    };
    let length: usize =
        option("length")?.map_or(Ok(20), |text| text.parse().map_err(|_| raised(format!("invalid length: {text}"))))?;
    let encrypt = option("encrypt")?.filter(|kind| !kind.is_empty() && kind != "None");
    let chars =
        alphabet(&option("chars")?.unwrap_or_else(|| "ascii_letters,digits,.,:-_".replace(",.,", ",.").clone()));
    if length == 0 || length > 100_000 || chars.is_empty() {
        return Err(raised("the password needs at least one character"));
    }
    let file = scope.context.templar.search().basedir.join(PathBuf::from(&path));
    let existing = if path == "/dev/null" { None } else { fs::read_to_string(&file).ok() };
    let (mut password, mut salt, mut changed) = match existing {
        Some(content) => {
            let content = content.trim_end_matches('\n');
            match content.rsplit_once(" salt=") {
                Some((password, salt)) => {
                    let salt = salt.split(" ident=").next().unwrap_or(salt);
                    (password.to_owned(), Some(salt.to_owned()), false)
                }
                None => (content.to_owned(), None, false),
            }
        }
        None => ((0..length).filter_map(|_| chars.get(rand::random_range(0..chars.len()))).collect(), None, true),
    };
    if encrypt.is_some() && salt.is_none() {
        salt = Some(random_salt(if encrypt.as_deref() == Some("bcrypt") { 22 } else { 16 }));
        changed = true;
    }
    if changed && path != "/dev/null" {
        let content = match &salt {
            Some(salt) => format!("{password} salt={salt}\n"),
            None => format!("{password}\n"),
        };
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)
                .map_err(|error| raised(format!("cannot create the path for the password lookup: {error}")))?;
        }
        let mut handle = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&file)
            .map_err(|error| raised(format!("cannot write the password file: {error}")))?;
        handle
            .write_all(content.as_bytes())
            .map_err(|error| raised(format!("cannot write the password file: {error}")))?;
    }
    if let Some(kind) = encrypt {
        password = crypt(&password, &kind, salt.as_deref(), None)?;
    }
    let password = Str::data(password).into_secret();
    scope.context.note_secret(&password);
    Ok(Val::Str(password))
}

/// Names of Python's character classes, or characters as they are.
fn alphabet(text: &str) -> Vec<char> {
    let mut out: Vec<char> = Vec::new();
    let text = text.replace(",,", "\0");
    let with_comma = text.contains('\0');
    for part in text.split([',', '\0']).filter(|part| !part.is_empty()) {
        match part {
            "ascii_letters" => out.extend(('a'..='z').chain('A'..='Z')),
            "ascii_lowercase" => out.extend('a'..='z'),
            "ascii_uppercase" => out.extend('A'..='Z'),
            "digits" => out.extend('0'..='9'),
            "hexdigits" => out.extend("0123456789abcdefABCDEF".chars()),
            "octdigits" => out.extend('0'..='7'),
            "punctuation" => out.extend("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".chars()),
            "whitespace" => out.extend(" \t\n\r\u{b}\u{c}".chars()),
            "printable" => out.extend(' '..='~'),
            other => out.extend(other.chars()),
        }
    }
    if with_comma {
        out.push(',');
    }
    let mut seen = std::collections::HashSet::new();
    out.retain(|char| seen.insert(*char));
    out
}
