//! Signatures of collections, checked by gpg.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::options::SignatureOptions;
use super::resolve::Chosen;
use super::server::download;
use super::{Galaxy, failed};
use crate::error::Error;

pub struct Signatures {
    /// Nothing where signatures are not checked.
    keyring: Option<PathBuf>,
    wanted: bool,
    required: Required,
    ignored: Vec<String>,
}

/// How many signatures must be right.
struct Required {
    /// None is all of them.
    count: Option<usize>,
    /// There must be a signature.
    strict: bool,
}

impl Signatures {
    pub fn new(wanted: bool, options: &SignatureOptions, galaxy: &Galaxy) -> Result<Self, Error> {
        let configured = |name: &str| galaxy.setting(name).and_then(|value| value.as_str().map(str::to_owned));
        let keyring = options.keyring.as_deref().map(|path| path.to_string_lossy().into_owned());
        let keyring = keyring.or_else(|| configured("GALAXY_GPG_KEYRING")).map(|path| galaxy.config.path(&path, false));
        let disabled = galaxy.setting("GALAXY_DISABLE_GPG_VERIFY").is_some_and(|value| value.is_truthy());
        let count = options.required_valid_signature_count.clone();
        let count =
            count.or_else(|| configured("GALAXY_REQUIRED_VALID_SIGNATURE_COUNT")).unwrap_or_else(|| "1".to_owned());
        let (strict, number) = count.strip_prefix('+').map_or((false, count.as_str()), |rest| (true, rest));
        let number = match number {
            "all" | "-1" => None,
            number => {
                Some(number.parse().map_err(|_| failed(format!("{count} is not a valid signature count value")))?)
            }
        };
        let ignored = galaxy.setting("GALAXY_IGNORE_INVALID_SIGNATURE_STATUS_CODES");
        let ignored = ignored.iter().flat_map(|value| value.as_list().unwrap_or_default().to_vec());
        let ignored = ignored.map(|value| value.to_text()).chain(options.ignore_signature_status_codes.iter().cloned());
        Ok(Self {
            keyring,
            wanted: wanted && !disabled,
            required: Required { count: number, strict },
            ignored: ignored.collect(),
        })
    }

    /// What the server has and what the user names must be right, as many as are required.
    pub fn check(
        &self,
        it: &Chosen,
        manifest: &[u8],
        published: &[String],
        named: &[String],
        scratch: &Path,
        galaxy: &Galaxy,
    ) -> Result<(), Error> {
        if !self.wanted {
            return Ok(());
        }
        let Some(keyring) = &self.keyring else {
            if !named.is_empty() {
                return Err(failed(format!(
                    "Signatures were provided to verify {} but no keyring was configured.",
                    it.name
                )));
            }
            if !published.is_empty() {
                galaxy.output.warn(
                    "The GnuPG keyring used for collection signature verification was not configured but signatures \
                     were provided by the Galaxy server to verify authenticity. Configure a keyring for ansible-galaxy \
                     to use or disable signature verification. Skipping signature verification.",
                );
            }
            return Ok(());
        };
        let signed = scratch.join("signed-manifest.json");
        let signature = scratch.join("manifest.asc");
        let written = |path: &Path, bytes: &[u8]| {
            fs::write(path, bytes).map_err(|err| failed(format!("cannot write {}: {err}", path.display())))
        };
        written(&signed, manifest)?;
        let total = published.len() + named.len();
        let mut right = 0;
        let mut refused = Vec::new();
        for (number, source) in published.iter().chain(named).enumerate() {
            if number < published.len() {
                written(&signature, source.as_bytes())?;
            } else {
                self.fetch(source, &signature, galaxy)?;
            }
            match self.gpg(keyring, &signature, &signed)? {
                None => right += 1,
                Some(why) => refused.push(why),
            }
        }
        for why in &refused {
            galaxy.output.verbose(4, why);
        }
        let enough = match self.required.count {
            _ if total == 0 => !self.required.strict,
            None => refused.is_empty(),
            Some(count) => right >= count,
        };
        if enough {
            return Ok(());
        }
        let why = if total == 0 {
            "no successful signatures"
        } else if self.required.count.is_none() {
            "some signatures failed"
        } else {
            "fewer successful signatures than required"
        };
        galaxy.output.line(format!("Signature verification failed for '{}': {why}", it.name));
        Err(failed(format!("Not installing {} because GnuPG signature verification failed.", it.name)))
    }

    fn fetch(&self, source: &str, to: &Path, galaxy: &Galaxy) -> Result<(), Error> {
        if source.starts_with("http://") || source.starts_with("https://") {
            return download(&galaxy.agent(), source, None, to);
        }
        let path = source.strip_prefix("file://").unwrap_or(source);
        let copied = fs::copy(galaxy.config.path(path, false), to);
        copied.map(drop).map_err(|err| failed(format!("cannot read the signature {source}: {err}")))
    }

    /// None where the signature is right, otherwise what gpg says.
    fn gpg(&self, keyring: &Path, signature: &Path, signed: &Path) -> Result<Option<String>, Error> {
        let mut command = Command::new("gpg");
        command.args(["--verify", "--batch", "--no-tty", "--no-default-keyring", "--status-fd=1"]);
        command.arg(format!("--keyring={}", keyring.display())).arg(signature).arg(signed).stdin(Stdio::null());
        let output =
            command.output().map_err(|err| failed(format!("gpg cannot be run, which checks signatures: {err}")))?;
        let status = String::from_utf8_lossy(&output.stdout).into_owned();
        let codes: Vec<&str> = status
            .lines()
            .filter_map(|line| line.strip_prefix("[GNUPG:] "))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        const WRONG: [&str; 12] = [
            "EXPSIG",
            "EXPKEYSIG",
            "REVKEYSIG",
            "BADSIG",
            "ERRSIG",
            "NO_PUBKEY",
            "MISSING_PASSPHRASE",
            "BAD_PASSPHRASE",
            "NODATA",
            "UNEXPECTED",
            "ERROR",
            "FAILURE",
        ];
        let wrong: Vec<&str> = codes
            .iter()
            .copied()
            .filter(|code| WRONG.contains(code) && !self.ignored.iter().any(|it| it == code))
            .collect();
        let right = codes.contains(&"GOODSIG") || codes.contains(&"VALIDSIG");
        if wrong.is_empty() && (right || !self.ignored.is_empty()) {
            return Ok(None);
        }
        Ok(Some(format!("gpg says {}: {}", wrong.join(", "), String::from_utf8_lossy(&output.stderr).trim())))
    }
}
