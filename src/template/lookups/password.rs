//! `password`: a password kept in a file, made when the file does not exist.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::Request;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::template::filters::chance::Chance;
use crate::template::filters::digests::{Crypt, crypt, random_salt, salt_length};
use crate::value::{Str, mask};

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
            None => request.text(name),
        }
    };
    let length: usize =
        option("length")?.map_or(Ok(20), |text| text.parse().map_err(|_| raised(format!("invalid length: {text}"))))?;
    let encrypt = option("encrypt")?.filter(|kind| !kind.is_empty() && kind != "None");
    let chars: Vec<char> = match (options.iter().find(|(name, _)| name == "chars"), request.option("chars")) {
        (Some((_, text)), _) => alphabet(&split_alphabet(text)),
        (None, Some(list @ (Val::List(_) | Val::Tuple(_)))) => {
            alphabet(&list.iterate()?.iter().map(print::text).collect::<Res<Vec<_>>>()?)
        }
        (None, Some(other)) => alphabet(&split_alphabet(&print::text(other)?)),
        (None, None) => alphabet(&["ascii_letters", "digits", ".,:-_"].map(str::to_owned)),
    };
    if length > 100_000 {
        return Err(raised("the password is too long"));
    }
    if chars.is_empty() && length > 0 {
        return Err(raised("Cannot choose from an empty sequence"));
    }
    let mut chance = Chance::new(option("seed")?.map(Val::str).as_ref())?;
    let ident = option("ident")?;
    let kept = path != "/dev/null";
    let file = scope.context.templar.search().basedir.join(PathBuf::from(&path));
    // From here to the end of this function nobody else looks for this password: the first one makes it for all.
    let _alone = if kept { Some(lock(&file)?) } else { None };
    let existing = if kept { read(&file)? } else { None };
    let (made, mut stored) = match existing {
        Some(stored) => (false, stored),
        None => {
            let password = (0..length).filter_map(|_| chars.get(chance.index(chars.len()))).collect();
            (true, Stored { password, ..Stored::default() })
        }
    };
    let mut changed = made;
    if let (Some(kind), None) = (&encrypt, &stored.salt) {
        stored.salt = Some(random_salt(salt_length(kind)));
        stored.ident = ident.clone().or_else(|| (kind == "bcrypt").then(|| "2b".to_owned()));
        changed = true;
    }
    if changed && kept {
        write(&file, &stored)?;
    }
    let Stored { mut password, salt, ident: stored_ident } = stored;
    if let Some(kind) = encrypt {
        mask::remember(&password);
        let ident = ident.or(stored_ident);
        password = crypt(password.as_bytes(), &Crypt { kind, salt, ident, ..Crypt::default() })?;
    }
    let password = Str::data(password).into_secret();
    mask::remember(&password);
    scope.context.note_secret(&password);
    Ok(Val::Str(password))
}

/// What the file holds: `PASSWORD`, `PASSWORD salt=SALT` or `PASSWORD salt=SALT ident=IDENT`.
#[derive(Default)]
struct Stored {
    password: String,
    salt: Option<String>,
    ident: Option<String>,
}

/// Holds the folder until it is dropped, against other hosts of this run and other runs.
fn lock(file: &Path) -> Res<File> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    let explain = |error: &io::Error| raised(format!("cannot create the path for the password lookup: {error}"));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| explain(&error))?;
    let handle = File::open(folder).map_err(|error| explain(&error))?;
    rustix::fs::flock(&handle, rustix::fs::FlockOperation::LockExclusive)
        .map_err(|error| raised(format!("cannot lock {} for the password lookup: {error}", folder.display())))?;
    Ok(handle)
}

/// None when there is no such file. Whatever else keeps it from being read is an error: the password in it is not to be replaced.
fn read(file: &Path) -> Res<Option<Stored>> {
    let failed = |why: &str| raised(format!("cannot read the password file {}: {why}", file.display()));
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error.to_string())),
    };
    let text = String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8 text"))?;
    let content = text.trim_end_matches('\n');
    let Some((password, rest)) = content.rsplit_once(" salt=") else {
        return Ok(Some(Stored { password: content.to_owned(), ..Stored::default() }));
    };
    let (salt, ident) = match rest.split_once(" ident=") {
        Some((salt, ident)) => (salt, Some(ident.to_owned())),
        None => (rest, None),
    };
    Ok(Some(Stored { password: password.to_owned(), salt: Some(salt.to_owned()), ident }))
}

/// Whoever reads the file sees the old content or the new one, never a part.
fn write(file: &Path, stored: &Stored) -> Res<()> {
    let mut content = stored.password.clone();
    for (name, value) in [("salt", &stored.salt), ("ident", &stored.ident)] {
        if let Some(value) = value {
            content.push_str(&format!(" {name}={value}"));
        }
    }
    content.push('\n');
    // A link stays one: what it points to is replaced.
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let folder = file.parent().unwrap_or(Path::new("/"));
    let written = tempfile::Builder::new().prefix(".rplay-").tempfile_in(folder).and_then(|mut pending| {
        pending.write_all(content.as_bytes())?;
        pending.as_file().sync_all()?;
        pending.persist(&file).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    });
    written.map_err(|error| raised(format!("cannot write the password file {}: {error}", file.display())))
}

/// Parts are separated by commas; two commas stand for the comma itself.
fn split_alphabet(text: &str) -> Vec<String> {
    let mut parts: Vec<String> =
        text.replace(",,", ",").split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if text.contains(",,") {
        parts.push(",".to_owned());
    }
    parts
}

/// Names of Python's character classes, or characters as they are. Quotes are left out of passwords.
fn alphabet(parts: &[String]) -> Vec<char> {
    const DIGITS: &str = "0123456789";
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const PUNCTUATION: &str = "!#$%&()*+,-./:;<=>?@[\\]^_`{|}~";
    const SPACE: &str = " \t\n\r\u{b}\u{c}";
    let mut out = String::new();
    for part in parts {
        match part.as_str() {
            "ascii_letters" => out.push_str(LETTERS),
            "ascii_lowercase" => out.extend('a'..='z'),
            "ascii_uppercase" => out.extend('A'..='Z'),
            "digits" => out.push_str(DIGITS),
            "hexdigits" => out.push_str("0123456789abcdefABCDEF"),
            "octdigits" => out.push_str("01234567"),
            "punctuation" => out.push_str(PUNCTUATION),
            "whitespace" => out.push_str(SPACE),
            "printable" => out.extend([DIGITS, LETTERS, PUNCTUATION, SPACE]),
            other => out.push_str(other),
        }
    }
    out.chars().filter(|char| !matches!(char, '"' | '\'')).collect()
}
