//! Tests about dates and addresses inside data.

use crate::template::engine::arguments::Bound;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::Res;

const SCHEMES: &[&str] = &[
    "acap", "cvs+ssh", "data", "dav", "davs", "dict", "dns", "fax", "file", "ftp", "git", "git+ssh", "go", "gopher",
    "hdl", "http", "https", "imap", "imaps", "jdbc", "ldap", "ldaps", "mailto", "mms", "news", "nfs", "nntp",
    "prospero", "redis", "rsync", "rtsp", "rtspu", "s3", "sftp", "shttp", "sip", "sips", "snews", "ssh", "svn",
    "svn+ssh", "telnet", "tftp", "urn", "vnc", "wais", "ws", "wss",
];

/// Scheme, colon, something after it.
fn parts(value: &Val) -> Option<(String, String)> {
    let text = value.as_str()?;
    let (scheme, rest) = text.split_once(':')?;
    let valid = scheme.starts_with(|char: char| char.is_ascii_alphabetic())
        && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char));
    valid.then(|| (scheme.to_ascii_lowercase(), rest.to_owned()))
}

fn schemes_allow(args: &Bound, scheme: &str) -> Res<bool> {
    match args.some(1) {
        None => Ok(true),
        Some(wanted) => {
            for wanted in wanted.iterate()? {
                if wanted.as_str() == Some(scheme) {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

/// Any text may be one, a bare path as well, unless schemes are asked for.
pub fn uri(_scope: &Scope, args: Bound) -> Res<bool> {
    match args.val(0) {
        value @ Val::Str(_) => {
            let scheme = parts(&value).map_or_else(String::new, |(scheme, _)| scheme);
            schemes_allow(&args, &scheme)
        }
        Val::Null => schemes_allow(&args, ""),
        _ => Ok(false),
    }
}

pub fn url(_scope: &Scope, args: Bound) -> Res<bool> {
    let Some((scheme, rest)) = parts(&args.val(0)) else { return Ok(false) };
    let Some(rest) = rest.strip_prefix("//") else { return Ok(false) };
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    let enough = !host.is_empty() || (scheme == "file" && rest.len() > 1);
    Ok(enough && SCHEMES.contains(&scheme.as_str()) | !scheme.is_empty() && schemes_allow(&args, &scheme)?)
}

pub fn urn(_scope: &Scope, args: Bound) -> Res<bool> {
    let Some((scheme, rest)) = parts(&args.val(0)) else { return Ok(false) };
    Ok(scheme == "urn" && rest.split(':').filter(|part| !part.is_empty()).count() >= 2)
}
