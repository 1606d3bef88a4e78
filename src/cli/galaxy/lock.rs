//! The lock file beside a file of requirements: which versions were installed, with their hashes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// `requirements.yml` has `requirements.lock.json`.
pub fn path_of(requirements: &Path) -> PathBuf {
    requirements.with_extension("lock.json")
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Version of this file's form.
    pub format: u32,
    pub collections: BTreeMap<String, Locked>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    pub version: String,
    /// Of the archive, where it came as one; otherwise of MANIFEST.json, or of galaxy.yml.
    pub sha256: String,
    /// Where it came from.
    pub source: String,
}

pub const FORMAT: u32 = 1;

impl Lock {
    /// None where there is no lock.
    pub fn read(file: &Path) -> Result<Option<Self>, Error> {
        let bytes = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(wrong(file, &err)),
        };
        let lock: Self = serde_json::from_slice(&bytes).map_err(|err| wrong(file, &err))?;
        if lock.format != FORMAT {
            return Err(wrong(file, &format!("its format {} is not {FORMAT}", lock.format)));
        }
        Ok(Some(lock))
    }

    pub fn write(&self, file: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).map_err(|err| wrong(file, &err))?;
        fs::write(file, text + "\n").map_err(|err| wrong(file, &err))
    }
}

fn wrong(file: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::File, format!("the lock {}: {why}", file.display()))
        .hint("`rplay galaxy collection install -r FILE --lock` writes a new one")
}
