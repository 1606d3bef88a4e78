//! Downloads a file to the target. What the server has is compared with what is there, by date or by checksum.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rplay_module_api::{Ctx, Failure, Json, Kind, Map, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::support::atomic_write::{self, PendingFile};
use crate::support::checksum::{self, Algorithm, HashingWriter};
use crate::support::download::{self, Answer, Download, NotReceived, Received};
use crate::support::file_attributes::{FileAttributes, add_path_info, path_json, with_path_info};
use crate::support::os_error;

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(get_url) };

const EXAMPLE: &str = r"- name: Have a release
  get_url:
    url: https://example.com/app.tar.gz
    dest: /opt/app.tar.gz
    checksum: sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
";

const RETURNS: &[Return] = &[
    Return::new("dest", Kind::Path, "success", "The file."),
    Return::new("url", Kind::Str, "always", "Where it came from in the end."),
    Return::new("checksum_dest", Kind::Str, "success", "SHA-1 of the file before."),
    Return::new("checksum_src", Kind::Str, "success", "SHA-1 of what was received."),
    Return::new("md5sum", Kind::Str, "success", "MD5 of what was received."),
    Return::new("status_code", Kind::Int, "always", "Status of the answer."),
    Return::new("elapsed", Kind::Int, "always", "Seconds it took."),
    Return::new("backup_file", Kind::Path, "changed, with backup", "The copy of the file as it was."),
];

/// Download a file to the target.
#[derive(ModuleArgs)]
#[module(name = "get_url")]
#[module(required_by("client_key", "client_cert"))]
struct Args {
    /// Where the file is: http, https or file.
    url: String,
    /// Where it goes, a file or a directory.
    dest: PathBuf,
    /// Download even where the file is there already.
    #[arg(default = "no", alias("thirsty"))]
    force: bool,
    /// Keep a copy of a file that is replaced.
    #[arg(default = "no")]
    backup: bool,
    /// `algorithm:checksum`, or `algorithm:URL` of a file with checksums.
    #[arg(default = "")]
    checksum: String,
    /// Headers to send.
    headers: Option<Map<String, Json>>,
    /// Headers that only the first host gets.
    #[arg(required = false)]
    unredirected_headers: Vec<String>,
    /// User name for basic authentication.
    #[arg(alias("username"))]
    url_username: Option<String>,
    /// Password for basic authentication.
    #[arg(alias("password"), no_log)]
    url_password: Option<String>,
    /// Send the credentials with the first request, as rplay always does.
    #[arg(name = "force_basic_auth", default = "no")]
    _force_basic_auth: bool,
    /// Seconds to wait for the server.
    #[arg(default = "10")]
    timeout: u64,
    /// Directory for the file while it is downloaded.
    tmp_dest: Option<PathBuf>,
    /// Use the proxies that the environment names.
    #[arg(default = "yes")]
    use_proxy: bool,
    /// Take credentials from ~/.netrc.
    #[arg(default = "yes")]
    use_netrc: bool,
    /// Accept only a server whose certificate is valid.
    #[arg(default = "yes")]
    validate_certs: bool,
    /// Decompress content that the server compressed for the transfer.
    #[arg(default = "yes")]
    decompress: bool,
    /// PEM file with a client certificate, perhaps with its key.
    client_cert: Option<PathBuf>,
    /// PEM file with the client certificate's key.
    client_key: Option<PathBuf>,
    /// Name to give as the program that asks.
    #[arg(default = "ansible-httpget")]
    http_agent: String,
    /// Not supported: TLS is as rustls has it.
    ciphers: Option<Vec<String>>,
    /// Not supported.
    #[arg(default = "no")]
    use_gssapi: bool,
    #[arg(flatten)]
    attributes: FileAttributes,
}

/// The checksum that the file must have.
struct Expected {
    algorithm: Algorithm,
    checksum: String,
}

fn get_url(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let started = Instant::now();
    refuse_unsupported(&args)?;
    let into_directory = args.dest.is_dir();
    let mut dest = args.dest.clone();
    if into_directory {
        dest.push(url_filename(&args.url));
    }
    let expected = expected_checksum(&args, &dest, ctx)?;
    if let Some(expected) = &expected
        && !into_directory
        && dest.is_file()
        && !args.force
        && checksum::of_file(&dest, expected.algorithm).is_ok_and(|present| present == expected.checksum)
    {
        return already_there(&args, &dest, started, ctx);
    }
    let parent = dest.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    if !parent.is_dir() || dest.as_os_str().to_string_lossy().ends_with('/') {
        let missing = dest.to_string_lossy().trim_end_matches('/').to_owned();
        let missing = if parent.is_dir() { missing } else { parent.to_string_lossy().into_owned() };
        return Err(failure(&args, &dest, format!("Destination {missing} does not exist"), started, ctx));
    }
    let mut download = request(&args);
    // A directory says nothing about the age of what is to come, and a checksum is better than a date.
    if !args.force && !into_directory && expected.is_none() {
        download.if_modified_since = fs::metadata(&dest).and_then(|meta| meta.modified()).ok();
    }
    download.only_headers = ctx.check;
    let mut pending = new_file(&args, &dest, started, ctx)?;
    let mut writer = HashingWriter::new(&mut pending.file);
    let answer = download.run(&mut writer, ctx).map_err(|err| not_received(&args, &dest, &err, started, ctx))?;
    let checksums = writer.finish();
    let received = match answer {
        Answer::Content(received) => received,
        Answer::NotModified { status, url } => {
            let outcome = base(Outcome::changed(false), &args.url, &dest, started)
                .with("url", url)
                .with("msg", format!("HTTP Error {status}: Not Modified"))
                .with("status_code", status);
            return Ok(with_path_info(outcome, &dest, ctx));
        }
    };
    if into_directory {
        dest = args.dest.join(received.filename.clone().unwrap_or_else(|| url_filename(&received.url)));
    }
    if let (Some(expected), false) = (&expected, ctx.check) {
        verify(&args, &dest, expected, &pending, &checksums.sha1, started, ctx)?;
    }
    place(&args, &dest, pending, &checksums, &received, started, ctx)
}

fn refuse_unsupported(args: &Args) -> Result<(), Failure> {
    if args.use_gssapi {
        return Err(Failure::new("get_url: use_gssapi is not supported"));
    }
    if args.ciphers.as_ref().is_some_and(|ciphers| !ciphers.is_empty()) {
        return Err(Failure::new("get_url: ciphers is not supported"));
    }
    Ok(())
}

fn request(args: &Args) -> Download {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let headers: BTreeMap<_, _> =
        args.headers.iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect();
    Download {
        headers,
        unredirected_headers: args.unredirected_headers.clone(),
        username: args.url_username.clone(),
        password: args.url_password.clone(),
        user_agent: args.http_agent.clone(),
        timeout: Duration::from_secs(args.timeout.max(1)),
        use_proxy: args.use_proxy,
        use_netrc: args.use_netrc,
        validate_certs: args.validate_certs,
        decompress: args.decompress,
        client_cert: args.client_cert.clone(),
        client_key: args.client_key.clone(),
        ..Download::new(&args.url)
    }
}

/// The last part of the URL's path.
fn url_filename(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let path = path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let name = download::percent_decoded(path.rsplit('/').next().unwrap_or(""));
    if name.is_empty() || name == "." || name == ".." || name.contains('/') { "index.html".to_owned() } else { name }
}

fn base(outcome: Outcome, url: &str, dest: &Path, started: Instant) -> Outcome {
    outcome
        .with("url", download::without_credentials(url))
        .with("dest", path_json(dest))
        .with("elapsed", started.elapsed().as_secs())
}

fn failure(args: &Args, dest: &Path, msg: String, started: Instant, ctx: &mut Ctx) -> Failure {
    let mut failure = Failure::new(msg);
    failure.fields = base(Outcome::default(), &args.url, dest, started).fields;
    add_path_info(&mut failure.fields, dest, ctx);
    failure
}

fn not_received(args: &Args, dest: &Path, err: &NotReceived, started: Instant, ctx: &mut Ctx) -> Failure {
    if err.status > 0 {
        return failure(args, dest, "Request failed".to_owned(), started, ctx)
            .with("status_code", err.status)
            .with("response", err.msg.as_str());
    }
    failure(args, dest, err.msg.clone(), started, ctx)
}

/// Reads the `checksum` argument; one that is a URL is fetched.
fn expected_checksum(args: &Args, dest: &Path, ctx: &mut Ctx) -> Result<Option<Expected>, Failure> {
    if args.checksum.is_empty() {
        return Ok(None);
    }
    let Some((name, value)) = args.checksum.split_once(':') else {
        let msg = "The checksum parameter has to be in format <algorithm>:<checksum>";
        return Err(failure(args, dest, msg.to_owned(), Instant::now(), ctx));
    };
    let algorithm = Algorithm::named(&name.trim().to_lowercase()).ok_or_else(|| {
        let known: Vec<_> = Algorithm::names().collect();
        Failure::new(format!(
            "Could not hash file '{}' with algorithm '{name}'. Available algorithms: {}",
            dest.display(),
            known.join(", ")
        ))
    })?;
    let value = value.trim();
    let found = if ["http://", "https://", "file://"].iter().any(|scheme| value.starts_with(scheme)) {
        let shown = download::without_credentials(value);
        let mut text = Vec::new();
        let mut download = request(args);
        value.clone_into(&mut download.url);
        download.run(&mut text, ctx).map_err(|err| Failure::new(format!("could not fetch {shown}: {}", err.msg)))?;
        let name = url_filename(&args.url);
        listed_checksum(&String::from_utf8_lossy(&text), &name)
            .ok_or_else(|| Failure::new(format!("Unable to find a checksum for file '{name}' in '{shown}'")))?
    } else {
        value.to_owned()
    };
    let checksum: String =
        found.chars().filter(|letter| letter.is_alphanumeric() || *letter == '_').collect::<String>().to_lowercase();
    if !checksum.chars().all(|letter| letter.is_ascii_hexdigit()) {
        return Err(Failure::new("The checksum format is invalid"));
    }
    Ok(Some(Expected { algorithm, checksum }))
}

/// The checksum of `name` in a list as sha256sum or BSD's sha256 write it, or the only one there is.
fn listed_checksum(list: &str, name: &str) -> Option<String> {
    let mut lines = list.lines().map(str::trim).filter(|line| !line.is_empty());
    let bare_name = |written: &str| {
        let written = written.trim_start().trim_start_matches('*').trim_start_matches("./");
        written.rsplit('/').next().unwrap_or(written).to_owned()
    };
    let found = lines.clone().find_map(|line| {
        if let Some((head, checksum)) = line.rsplit_once(" = ")
            && let Some((_, file)) = head.split_once('(')
        {
            return (bare_name(file.trim_end_matches(')')) == name).then(|| checksum.to_owned());
        }
        let (checksum, file) = line.split_once(char::is_whitespace)?;
        (bare_name(file) == name).then(|| checksum.to_owned())
    });
    let only = lines.next().filter(|line| !line.contains(char::is_whitespace) && lines.next().is_none());
    found.or_else(|| only.map(str::to_owned))
}

fn already_there(args: &Args, dest: &Path, started: Instant, ctx: &mut Ctx) -> ModuleResult {
    let changed = args.attributes.apply(dest, None, ctx)?;
    let msg = if changed { "file already exists but file attributes changed" } else { "file already exists" };
    let outcome = base(Outcome::changed(changed), &args.url, dest, started)
        .with("msg", msg)
        .with("checksum_src", Json::Null)
        .with("checksum_dest", Json::Null);
    Ok(with_path_info(outcome, dest, ctx))
}

fn new_file(args: &Args, dest: &Path, started: Instant, ctx: &mut Ctx) -> Result<PendingFile, Failure> {
    let place = match &args.tmp_dest {
        Some(directory) if directory.is_dir() => directory.join("download"),
        Some(directory) => {
            let what =
                if directory.exists() { "is a file but should be a directory" } else { "directory does not exist" };
            let msg = format!("{} {what}.", directory.display());
            return Err(Failure::new(msg).with("elapsed", started.elapsed().as_secs()));
        }
        None => dest.to_owned(),
    };
    PendingFile::beside(&place)
        .map_err(|err| failure(args, dest, atomic_write::cannot_write(&place, &err).msg, started, ctx))
}

fn verify(
    args: &Args,
    dest: &Path,
    expected: &Expected,
    pending: &PendingFile,
    sha1: &str,
    started: Instant,
    ctx: &mut Ctx,
) -> Result<(), Failure> {
    let found = checksum::of_file(pending.path(), expected.algorithm)
        .map_err(|err| failure(args, dest, os_error::with_path(&err, pending.path()), started, ctx))?;
    if found == expected.checksum {
        return Ok(());
    }
    let msg =
        format!("The checksum for {} did not match {}; it was {found}.", pending.path().display(), expected.checksum);
    Err(failure(args, dest, msg, started, ctx).with("src", path_json(pending.path())).with("checksum_src", sha1))
}

fn place(
    args: &Args,
    dest: &Path,
    pending: PendingFile,
    checksums: &checksum::Checksums,
    received: &Received,
    started: Instant,
    ctx: &mut Ctx,
) -> ModuleResult {
    let src = path_json(pending.path());
    let present = checksum::of_file(dest, Algorithm::Sha1).ok();
    let mut changed = present.as_deref() != Some(checksums.sha1.as_str());
    let mut backup = None;
    if changed && !ctx.check {
        if args.backup {
            backup = atomic_write::back_up(dest)?;
        }
        // The server may have given another name than the URL has.
        let is_beside = args.tmp_dest.is_none() && dest.file_name() == Some(pending.target_name());
        let pending = if is_beside { Ok(pending) } else { moved_beside(dest, pending) };
        pending
            .and_then(|pending| pending.put(&args.attributes))
            .map_err(|err| failure(args, dest, atomic_write::cannot_write(dest, &err).msg, started, ctx))?;
    }
    if dest.exists() {
        changed |= args.attributes.apply(dest, None, ctx)?;
    }
    let mut outcome = base(Outcome::changed(changed), &received.url, dest, started)
        .with("src", src)
        .with("checksum_src", checksums.sha1.as_str())
        .with("checksum_dest", present)
        .with("msg", received.msg.as_str());
    if !ctx.check {
        outcome = outcome.with("md5sum", checksums.md5.as_str()).with("status_code", received.status);
    }
    if let Some(backup) = backup {
        outcome = outcome.with("backup_file", path_json(&backup));
    }
    Ok(with_path_info(outcome, dest, ctx))
}

/// A new file beside `dest`: one in `tmp_dest` may be on another file system.
fn moved_beside(dest: &Path, mut from: PendingFile) -> io::Result<PendingFile> {
    let mut pending = PendingFile::beside(dest)?;
    from.file.rewind()?;
    io::copy(&mut from.file, &mut pending.file)?;
    Ok(pending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_files_by_their_url() {
        for (url, expected) in [
            ("http://h/a/b.tar.gz?x=/y", "b.tar.gz"),
            ("http://h/", "index.html"),
            ("http://h", "index.html"),
            ("http://h/a%20b", "a b"),
            ("http://h/..%2f..%2fetc", "index.html"),
            ("http://h/..", "index.html"),
        ] {
            assert_eq!(url_filename(url), expected, "{url}");
        }
    }

    #[test]
    fn finds_listed_checksums() {
        for (list, expected) in [
            ("00aa  other\n11bb *a.txt\n", Some("11bb")),
            ("11bb ./dir/a.txt", Some("11bb")),
            ("SHA256 (a.txt) = 22cc", Some("22cc")),
            ("33dd\n", Some("33dd")),
            ("33dd\n44ee\n", None),
            ("11bb other", None),
        ] {
            assert_eq!(listed_checksum(list, "a.txt").as_deref(), expected, "{list}");
        }
    }
}
