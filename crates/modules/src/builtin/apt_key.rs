//! Keys that apt trusts for every source. Neither apt-key, which newer hosts lack, nor gpg is needed: a key is taken out
//! of its armor, named by its fingerprint, and put into a file that apt reads.

use std::fs;
use std::path::{Path, PathBuf};

use rplay_module_api::{Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::support::file_attributes::FileAttributes;
use crate::support::openpgp::{self, PublicKey};
use crate::support::{at, atomic_write, download, os_error};

const MAIN: &str = "/etc/apt/trusted.gpg";
const PARTS: &str = "/etc/apt/trusted.gpg.d";

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(apt_key) };

const EXAMPLE: &str = r"- name: Trust the key of a repository
  apt_key:
    url: https://packages.example.com/key.asc
    keyring: /etc/apt/trusted.gpg.d/example.gpg
";

const RETURNS: &[Return] = &[
    Return::new("key_id", Kind::Str, "success", "Id of the key."),
    Return::new("fp", Kind::Str, "success", "Its fingerprint."),
    Return::new("short_id", Kind::Str, "success", "The last eight digits of it."),
    Return::new("before", Kind::List, "success", "Keys before."),
    Return::new("after", Kind::List, "success", "Keys now."),
];

/// Manage the keys that apt trusts.
#[derive(ModuleArgs)]
#[module(name = "apt_key")]
#[module(mutually_exclusive("data", "file", "keyserver", "url"))]
struct Args {
    /// Id or fingerprint of the key.
    id: Option<String>,
    /// The key.
    data: Option<String>,
    /// A file with the key, on the target.
    file: Option<PathBuf>,
    /// The file to keep it in.
    keyring: Option<PathBuf>,
    /// Where to fetch the key.
    url: Option<String>,
    /// The server to ask for the key.
    keyserver: Option<String>,
    /// Whether it should be trusted.
    #[arg(default = "present", choices("absent", "present"))]
    state: String,
    /// Check certificates when it is fetched.
    #[arg(default = "yes")]
    validate_certs: bool,
}

fn apt_key(args: Args, ctx: &mut Ctx) -> ModuleResult {
    if let Some(id) = &args.id {
        let id = openpgp::normalized(id);
        if id.is_empty() || !id.bytes().all(|it| it.is_ascii_hexdigit()) {
            return Err(Failure::new("Invalid key_id").with("id", id));
        }
    }
    let rings = keyrings(args.keyring.as_deref());
    let before = ids(&rings);
    let trusted = |id: &str| rings.iter().flat_map(|it| &it.keys).any(|key| key.is_called(id));
    if let Some(id) = args.id.as_deref().filter(|_| args.state == "present")
        && trusted(id)
    {
        return Ok(outcome(false, &before, &before, args.id.as_deref()));
    }
    if args.state == "absent" {
        return remove(&args, &rings, &before, ctx);
    }
    let keys = obtain(&args, ctx)?;
    let wanted: Vec<PublicKey> = match &args.id {
        Some(id) => keys.iter().filter(|key| key.is_called(id)).cloned().collect(),
        None => keys,
    };
    if wanted.is_empty() {
        return Err(Failure::new("key does not seem to have been added").with("id", args.id.clone()));
    }
    let missing: Vec<PublicKey> = wanted.iter().filter(|key| !trusted(&key.fingerprint)).cloned().collect();
    let id = wanted.first().map(|it| it.fingerprint.clone());
    if missing.is_empty() {
        return Ok(outcome(false, &before, &before, id.as_deref()));
    }
    if !ctx.check {
        add(&args, &missing, ctx)?;
    }
    let after = if ctx.check { before.clone() } else { ids(&keyrings(args.keyring.as_deref())) };
    Ok(outcome(true, &before, &after, id.as_deref()))
}

fn outcome(changed: bool, before: &[String], after: &[String], id: Option<&str>) -> Outcome {
    let id = id.map(openpgp::normalized).unwrap_or_default();
    let tail = |length: usize| id.get(id.len().saturating_sub(length)..).unwrap_or_default().to_owned();
    Outcome::changed(changed)
        .with("before", before.to_vec())
        .with("after", after.to_vec())
        .with("id", tail(8))
        .with("short_id", tail(8))
        .with("key_id", tail(16))
        .with("fp", id.clone())
}

struct Keyring {
    path: PathBuf,
    keys: Vec<PublicKey>,
}

fn keyrings(only: Option<&Path>) -> Vec<Keyring> {
    let mut paths: Vec<PathBuf> = match only {
        Some(path) => vec![path.to_owned()],
        None => fs::read_dir(PARTS)
            .into_iter()
            .flatten()
            .flatten()
            .map(|it| it.path())
            .filter(|it| it.extension().is_some_and(|it| it == "gpg" || it == "asc"))
            .chain([PathBuf::from(MAIN)])
            .collect(),
    };
    paths.sort();
    paths
        .into_iter()
        .filter_map(|path| {
            let keys = openpgp::read(&at::read(&path).ok()?);
            Some(Keyring { path, keys })
        })
        .collect()
}

fn ids(rings: &[Keyring]) -> Vec<String> {
    rings.iter().flat_map(|it| &it.keys).map(|key| key.id().to_owned()).collect()
}

fn obtain(args: &Args, ctx: &mut Ctx) -> Result<Vec<PublicKey>, Failure> {
    let (bytes, source) = if let Some(data) = &args.data {
        (data.clone().into_bytes(), "data".to_owned())
    } else if let Some(file) = &args.file {
        let bytes = fs::read(file)
            .map_err(|err| Failure::new(format!("failed to read {}: {}", file.display(), os_error::numbered(&err))))?;
        (bytes, file.display().to_string())
    } else if let Some(url) = &args.url {
        (fetch(url, args, ctx)?, url.clone())
    } else if let Some(server) = &args.keyserver {
        let id = args.id.as_deref().ok_or_else(|| Failure::new("No key_id given to fetch from the keyserver"))?;
        let url = lookup_url(server, &openpgp::normalized(id));
        (fetch(&url, args, ctx)?, server.clone())
    } else {
        return Err(Failure::new(
            "Unable to install the key: it is not there, and neither data, file, url nor keyserver is given",
        ));
    };
    let keys = openpgp::read(&bytes);
    if keys.is_empty() {
        return Err(Failure::new(format!("Unable to extract a key from {source}: it holds no OpenPGP public key")));
    }
    Ok(keys)
}

fn fetch(url: &str, args: &Args, ctx: &mut Ctx) -> Result<Vec<u8>, Failure> {
    download::bytes(url, args.validate_certs, ctx)
        .map_err(|reason| Failure::new(format!("Failed to download key at {url}: {reason}")))
}

/// Keyservers speak HTTP; `hkp` is only another word for it on port 11371.
fn lookup_url(server: &str, id: &str) -> String {
    let (scheme, host) = server.split_once("://").unwrap_or(("hkps", server));
    let host = host.trim_end_matches('/');
    let base = match scheme {
        "hkp" if host.contains(':') => format!("http://{host}"),
        "hkp" => format!("http://{host}:11371"),
        "hkps" => format!("https://{host}"),
        other => format!("{other}://{host}"),
    };
    format!("{base}/pks/lookup?op=get&options=mr&search=0x{id}")
}

fn add(args: &Args, keys: &[PublicKey], ctx: &mut Ctx) -> Result<(), Failure> {
    let Some(ring) = &args.keyring else {
        for key in keys {
            let path = Path::new(PARTS).join(format!("{}.gpg", key.id()));
            write(&path, &key.packets, ctx)?;
        }
        return Ok(());
    };
    let mut bytes = at::read(ring).unwrap_or_default();
    if openpgp::is_keybox(&bytes) {
        return Err(Failure::new(format!("{} is in gpg's own keybox format, which apt does not read", ring.display())));
    }
    // An armored keyring can't be appended to.
    if openpgp::read(&bytes).is_empty() || bytes.starts_with(b"-----") {
        bytes = openpgp::read(&bytes).into_iter().flat_map(|it| it.packets).collect();
    }
    bytes.extend(keys.iter().flat_map(|it| &it.packets));
    write(ring, &bytes, ctx)
}

fn write(path: &Path, bytes: &[u8], ctx: &mut Ctx) -> Result<(), Failure> {
    let is_new = !path.exists();
    let failed = |err: std::io::Error| Failure::new(format!("{}: {}", path.display(), os_error::numbered(&err)));
    if let Some(directory) = path.parent() {
        at::create_dir_all(directory, 0o777).map_err(failed)?;
    }
    atomic_write::replace(path, bytes, None, &FileAttributes::default(), ctx)?;
    if is_new {
        // apt reads it as a user without rights.
        at::object(path).and_then(|object| object.set_mode(0o644)).map_err(failed)?;
    }
    Ok(())
}

fn remove(args: &Args, rings: &[Keyring], before: &[String], ctx: &mut Ctx) -> ModuleResult {
    let id = match &args.id {
        Some(id) => id.clone(),
        None => {
            let keys = obtain(args, ctx)?;
            keys.first().map(|it| it.fingerprint.clone()).unwrap_or_default()
        }
    };
    let mut changed = false;
    for ring in rings.iter().filter(|ring| ring.keys.iter().any(|key| key.is_called(&id))) {
        changed = true;
        if ctx.check {
            continue;
        }
        let kept: Vec<u8> =
            ring.keys.iter().filter(|key| !key.is_called(&id)).flat_map(|it| it.packets.clone()).collect();
        if kept.is_empty() {
            at::remove_file(&ring.path)
                .map_err(|err| Failure::new(format!("error removing key_id: {}", os_error::numbered(&err))))?;
        } else {
            write(&ring.path, &kept, ctx)?;
        }
    }
    let after = if ctx.check { before.to_vec() } else { ids(&keyrings(args.keyring.as_deref())) };
    Ok(outcome(changed, before, &after, Some(&id)))
}
