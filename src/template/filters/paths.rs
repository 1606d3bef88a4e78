//! File names: parts, joining, and looking at the file system.

use std::path::PathBuf;

use crate::account::{self, Account};
use crate::template::engine::arguments::Bound;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

fn text(args: &Bound) -> Res<String> {
    match args.val(0) {
        Val::Str(text) => Ok(text.to_string()),
        other => {
            other.check()?;
            Err(raised(format!("expected str, bytes or os.PathLike object, not {}", other.type_name())))
        }
    }
}

pub fn basename(_scope: &Scope, args: Bound) -> Res<Val> {
    let path = text(&args)?;
    Ok(Val::str(path.rsplit('/').next().unwrap_or("")))
}

pub fn dirname(_scope: &Scope, args: Bound) -> Res<Val> {
    let path = text(&args)?;
    let head = path.rfind('/').map_or("", |at| &path[..=at]);
    let trimmed = head.trim_end_matches('/');
    Ok(Val::str(if trimmed.is_empty() { head } else { trimmed }))
}

pub fn splitext(_scope: &Scope, args: Bound) -> Res<Val> {
    let path = text(&args)?;
    let name_start = path.rfind('/').map_or(0, |at| at + 1);
    let name = &path[name_start..];
    let leading = name.len() - name.trim_start_matches('.').len();
    let split = name.rfind('.').filter(|at| *at >= leading && leading < name.len() && *at > 0);
    let at = split.map_or(path.len(), |at| name_start + at);
    Ok(Val::tuple(vec![Val::str(&path[..at]), Val::str(&path[at..])]))
}

pub fn normalize(path: &str) -> String {
    if path.is_empty() {
        return ".".into();
    }
    let slashes = if path.starts_with("//") && !path.starts_with("///") {
        "//"
    } else if path.starts_with('/') {
        "/"
    } else {
        ""
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.last().is_some_and(|last| *last != "..") {
                    parts.pop();
                } else if slashes.is_empty() {
                    parts.push("..");
                }
            }
            other => parts.push(other),
        }
    }
    let joined = format!("{slashes}{}", parts.join("/"));
    if joined.is_empty() { ".".into() } else { joined }
}

pub fn normpath(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(Val::str(normalize(&text(&args)?)))
}

pub fn expanduser(_scope: &Scope, args: Bound) -> Res<Val> {
    let path = text(&args)?;
    let Some(rest) = path.strip_prefix('~') else { return Ok(Val::str(path)) };
    let (user, tail) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let home = if user.is_empty() {
        std::env::var("HOME").ok().or_else(|| account::own().map(home))
    } else {
        account::of_name(user).map(home)
    };
    Ok(Val::str(match home {
        Some(home) => format!("{}{tail}", home.trim_end_matches('/')),
        None => path,
    }))
}

fn home(account: Account) -> String {
    account.home.to_string_lossy().into_owned()
}

pub fn expandvars(_scope: &Scope, args: Bound) -> Res<Val> {
    let path = text(&args)?;
    let mut out = String::new();
    let mut rest = path.as_str();
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let length =
                    after.find(|char: char| !(char.is_ascii_alphanumeric() || char == '_')).unwrap_or(after.len());
                (&after[..length], length)
            }
        };
        match std::env::var(name).ok().filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(&rest[at..at + 1 + length]),
        }
        rest = &after[length..];
    }
    out.push_str(rest);
    Ok(Val::str(out))
}

fn absolute(path: &str) -> String {
    if path.starts_with('/') {
        return normalize(path);
    }
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    normalize(&format!("{}/{path}", here.display()))
}

pub fn realpath(_scope: &Scope, args: Bound) -> Res<Val> {
    let path = absolute(&text(&args)?);
    let mut existing = PathBuf::from(&path);
    let mut missing = Vec::new();
    loop {
        if let Ok(real) = existing.canonicalize() {
            let mut full = real;
            full.extend(missing.iter().rev());
            return Ok(Val::str(full.display().to_string()));
        }
        match (existing.file_name().map(ToOwned::to_owned), existing.pop()) {
            (Some(name), true) => missing.push(name),
            _ => return Ok(Val::str(path)),
        }
    }
}

pub fn relpath(_scope: &Scope, args: Bound) -> Res<Val> {
    let path = text(&args)?;
    if path.is_empty() {
        return Err(raised("no path specified"));
    }
    let start = args.text_or(1, ".")?;
    let (path, start) = (absolute(&path), absolute(start));
    let split = |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (path, start) = (split(&path), split(&start));
    let common = path.iter().zip(&start).take_while(|(a, b)| a == b).count();
    let mut parts = vec!["..".to_owned(); start.len() - common];
    parts.extend(path.into_iter().skip(common));
    Ok(Val::str(if parts.is_empty() { ".".into() } else { parts.join("/") }))
}

pub fn path_join(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let parts = match &value {
        Val::Str(_) => vec![value.clone()],
        Val::List(_) | Val::Tuple(_) | Val::Object(_) => value.iterate()?,
        other => {
            return Err(raised(format!("|path_join expects string or sequence, got {} instead.", other.type_name())));
        }
    };
    let mut out: Option<String> = None;
    for part in parts {
        part.check()?;
        let Val::Str(part) = &part else {
            return Err(raised(format!(
                "join() argument must be str, bytes, or os.PathLike object, not '{}'",
                part.type_name()
            )));
        };
        out = Some(match out {
            None => part.to_string(),
            Some(_) if part.starts_with('/') => part.to_string(),
            Some(before) if before.is_empty() || before.ends_with('/') => before + part,
            Some(before) => format!("{before}/{}", part.as_str()),
        });
    }
    out.map(Val::str).ok_or_else(|| raised("join() missing 1 required positional argument: 'a'"))
}

pub fn commonpath(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    if matches!(value, Val::Str(_) | Val::Dict(_)) || value.iterate().is_err() {
        return Err(raised(format!("|commonpath expects sequence, got {} instead.", value.type_name())));
    }
    let paths: Vec<String> = value
        .iterate()?
        .iter()
        .map(|path| {
            let wrong = || raised(format!("expected str, bytes or os.PathLike object, not {}", path.type_name()));
            path.as_str().map(str::to_owned).ok_or_else(wrong)
        })
        .collect::<Res<_>>()?;
    if paths.is_empty() {
        return Err(raised("commonpath() arg is an empty sequence"));
    }
    let absolute = paths.iter().filter(|path| path.starts_with('/')).count();
    if absolute != 0 && absolute != paths.len() {
        return Err(raised("Can't mix absolute and relative paths"));
    }
    let split: Vec<Vec<&str>> =
        paths.iter().map(|path| path.split('/').filter(|part| !part.is_empty() && *part != ".").collect()).collect();
    let first = split.first().cloned().unwrap_or_default();
    let common = (0..first.len()).take_while(|at| split.iter().all(|path| path.get(*at) == first.get(*at))).count();
    let prefix = if absolute > 0 { "/" } else { "" };
    Ok(Val::str(format!("{prefix}{}", first.get(..common).unwrap_or(&[]).join("/"))))
}

pub fn fileglob(_scope: &Scope, args: Bound) -> Res<Val> {
    let pattern = text(&args)?;
    let found = files_matching(&pattern).map_err(|error| raised(error.to_string()))?;
    Ok(Val::list(found.into_iter().map(|path| Val::str(path.display().to_string())).collect()))
}

/// Files by a pattern as Python's glob reads it: `**` is no more than `*`, and names with a dot are to be asked for.
pub fn files_matching(pattern: &str) -> Result<Vec<PathBuf>, glob::PatternError> {
    let mut pattern = pattern.to_owned();
    while pattern.contains("**") {
        pattern = pattern.replace("**", "*");
    }
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    Ok(glob::glob_with(&pattern, options)?.flatten().filter(|path| path.is_file()).collect())
}

/// Drive (or share) and the rest of a Windows path.
fn split_drive(path: &str) -> (&str, &str) {
    let normal = path.replace('/', "\\");
    if normal.starts_with("\\\\") && !normal.starts_with("\\\\\\") {
        let Some(server_end) = normal.get(2..).and_then(|rest| rest.find('\\')).map(|at| at + 2) else {
            return (path, "");
        };
        let share = normal.get(server_end + 1..).and_then(|rest| rest.find('\\')).map(|at| at + server_end + 1);
        return share.map_or((path, ""), |at| path.split_at(at));
    }
    if normal.as_bytes().get(1) == Some(&b':') { path.split_at(2) } else { ("", path) }
}

pub fn win_splitdrive(_scope: &Scope, args: Bound) -> Res<Val> {
    let path = text(&args)?;
    let (drive, rest) = split_drive(&path);
    Ok(Val::tuple(vec![Val::str(drive), Val::str(rest)]))
}

fn win_split(path: &str) -> (String, String) {
    let (drive, rest) = split_drive(path);
    let at = rest.rfind(['/', '\\']).map_or(0, |at| at + 1);
    let (head, tail) = rest.split_at(at);
    let trimmed = head.trim_end_matches(['/', '\\']);
    let head = if trimmed.is_empty() { head } else { trimmed };
    (format!("{drive}{head}"), tail.to_owned())
}

pub fn win_basename(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(Val::str(win_split(&text(&args)?).1))
}

pub fn win_dirname(_scope: &Scope, args: Bound) -> Res<Val> {
    Ok(Val::str(win_split(&text(&args)?).0))
}
