//! Keys that packages of rpm are signed with.

use std::path::Path;

use rplay_module_api::{Choice, Ctx, Failure, Module, ModuleArgs, ModuleResult, Outcome, Spec, run};

use crate::support::openpgp::{self, PublicKey};
use crate::support::{at, download, os_error, rpm, run};

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, ..Args::SPEC }, run: run!(rpm_key) };

const EXAMPLE: &str = r"- name: Trust a key
  rpm_key:
    key: https://download.example.com/RPM-GPG-KEY-example
    fingerprint: EBC6 E12C 62B1 C734 026B 2122 A20E 5214 6B8D 79E6
";

/// Manage the keys that packages of rpm are signed with.
#[derive(ModuleArgs)]
#[module(name = "rpm_key")]
struct Args {
    /// A URL, a file on the host, or, to remove it, the id of a key.
    key: String,
    /// Whether it should be trusted.
    #[arg(default = "present")]
    state: State,
    /// The fingerprints that what is imported must hold, all of them.
    fingerprint: Option<Vec<String>>,
    /// Check the certificate of the server that the key comes from.
    #[arg(default = "yes")]
    validate_certs: bool,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    Present,
}

fn rpm_key(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let keys = match source(&args, ctx)? {
        Some(bytes) => {
            let keys = openpgp::read(&bytes);
            if keys.is_empty() {
                return Err(Failure::new(format!("Not a valid key {}", shown(&args.key))));
            }
            keys
        }
        None if args.state == State::Present => {
            let id = openpgp::normalized(&args.key);
            return if trusted(ctx)?.iter().any(|it| is_same(&id, it)) {
                Ok(Outcome::changed(false))
            } else {
                Err(Failure::new("When importing a key, a valid file must be given"))
            };
        }
        None => return remove(&[openpgp::normalized(&args.key)], ctx),
    };
    if args.state == State::Absent {
        let ids: Vec<String> = keys.iter().map(|key| key.fingerprint.clone()).collect();
        return remove(&ids, ctx);
    }
    let trusted = trusted(ctx)?;
    let missing: Vec<&PublicKey> =
        keys.iter().filter(|key| !trusted.iter().any(|it| is_same(&key.fingerprint, it))).collect();
    if !missing.is_empty() {
        check_fingerprints(&args, &keys)?;
        if !ctx.check {
            import(&missing, ctx)?;
        }
    }
    Ok(Outcome::changed(!missing.is_empty()))
}

fn shown(key: &str) -> String {
    download::without_credentials(key)
}

/// What the key argument points to; none for an id.
fn source(args: &Args, ctx: &mut Ctx) -> Result<Option<Vec<u8>>, Failure> {
    if args.key.contains("://") {
        let fetched = download::bytes(&args.key, args.validate_certs, ctx);
        let failed =
            |reason| Failure::new(format!("failed to fetch key at {} , error was: {reason}", shown(&args.key)));
        return fetched.map(Some).map_err(failed);
    }
    let digits = openpgp::normalized(&args.key);
    if digits.len() >= 8 && digits.bytes().all(|it| it.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let path = Path::new(&args.key);
    if !path.is_file() {
        return Err(Failure::new(format!("Not a valid key {}", args.key)));
    }
    at::read(path).map(Some).map_err(|err| Failure::new(os_error::with_path(&err, path)))
}

fn check_fingerprints(args: &Args, keys: &[PublicKey]) -> Result<(), Failure> {
    let Some(allowed) = args.fingerprint.as_ref().filter(|it| !it.is_empty()) else { return Ok(()) };
    let allowed: Vec<String> = allowed.iter().map(|it| openpgp::normalized(it)).collect();
    let found: Vec<String> = keys.iter().map(|key| key.fingerprint.clone()).collect();
    if allowed.iter().all(|it| found.contains(it)) {
        return Ok(());
    }
    let set = |items: &[String]| format!("{{'{}'}}", items.join("', '"));
    Err(Failure::new(format!(
        "The specified fingerprint, '{}', does not match any key fingerprints in '{}'",
        set(&allowed),
        set(&found)
    )))
}

/// Versions of the packages that rpm makes of keys: their last eight digits, or with newer releases the whole fingerprint.
fn trusted(ctx: &mut Ctx) -> Result<Vec<String>, Failure> {
    let output = rpm::query("/", &["-q", "gpg-pubkey", "--queryformat", "%{VERSION}\\n"], ctx)?;
    // Without any it says that the package is not installed.
    let text = if output.ok() { output.stdout_text() } else { String::new() };
    Ok(text.lines().map(|line| line.trim().to_uppercase()).filter(|it| !it.is_empty()).collect())
}

fn is_same(one: &str, other: &str) -> bool {
    one.ends_with(other) || other.ends_with(one)
}

fn import(keys: &[&PublicKey], ctx: &mut Ctx) -> Result<(), Failure> {
    for key in keys {
        let file = ctx.tmpdir.join(format!("{}.asc", key.fingerprint));
        std::fs::write(&file, armored(&key.packets)).map_err(|err| Failure::new(os_error::with_path(&err, &file)))?;
        run::checked(&run::command("rpm")?.arg("--import").arg(&file), ctx)?;
    }
    Ok(())
}

/// rpm takes keys as text alone.
fn armored(packets: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(packets);
    let lines: String = text.as_bytes().chunks(64).map(|line| format!("{}\n", String::from_utf8_lossy(line))).collect();
    let sum =
        base64::engine::general_purpose::STANDARD.encode(checksum(packets).to_be_bytes().get(1..).unwrap_or_default());
    format!("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{lines}={sum}\n-----END PGP PUBLIC KEY BLOCK-----\n")
}

/// CRC-24 as OpenPGP has it (RFC 4880, 6.1), in the lower three bytes.
fn checksum(bytes: &[u8]) -> u32 {
    let mut sum: u32 = 0x00b7_04ce;
    for byte in bytes {
        sum ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            sum <<= 1;
            if sum & 0x0100_0000 != 0 {
                sum ^= 0x0186_4cfb;
            }
        }
    }
    sum & 0x00ff_ffff
}

fn remove(ids: &[String], ctx: &mut Ctx) -> ModuleResult {
    let trusted = trusted(ctx)?;
    let found: Vec<&String> = trusted.iter().filter(|it| ids.iter().any(|id| is_same(id, it))).collect();
    if !found.is_empty() && !ctx.check {
        for id in &found {
            let package = format!("gpg-pubkey-{}", id.to_lowercase());
            run::checked(&run::command("rpm")?.arg("--erase").arg("--allmatches").arg(package), ctx)?;
        }
    }
    Ok(Outcome::changed(!found.is_empty()))
}
