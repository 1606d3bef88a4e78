//! Programs of modules besides the agent: rplay's own, which stand beside it, and anyone's. A program is a file of this
//! machine; on another one it is kept as the agent is.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use blake2::{Blake2b512, Digest};
use flate2::Compression;
use flate2::write::GzEncoder;
use rplay_module_api::bootstrap::{self, AgentFile, AgentHash};
use rplay_module_api::{Spec, read_specs};
use sha2::Sha256;

const ELF: &[u8] = b"\x7fELF";

/// Opened once, asked once, read once.
pub struct Program {
    path: PathBuf,
    specs: OnceLock<Result<&'static [Spec], String>>,
    upload: OnceLock<Result<Upload, String>>,
}

/// What another host needs of a program.
pub struct Upload {
    machine: &'static str,
    sha256: String,
    blake2b: String,
    pub content: Vec<u8>,
    /// The content compressed by gzip.
    pub packed: Vec<u8>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.path).finish()
    }
}

impl Program {
    /// The program in this file, for the rest of the run.
    pub fn at(path: &Path) -> &'static Program {
        static KNOWN: LazyLock<Mutex<HashMap<PathBuf, &'static Program>>> = LazyLock::new(Mutex::default);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(path.to_owned()).or_insert_with(|| {
            Box::leak(Box::new(Program { path: path.to_owned(), specs: OnceLock::new(), upload: OnceLock::new() }))
        })
    }

    /// A program that comes with rplay: the file that `variable` names, or else the one beside rplay.
    pub fn of_rplay(name: &str, variable: &str) -> Result<&'static Program, String> {
        if let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from) {
            let path = std::path::absolute(&path).unwrap_or(path);
            return if path.is_file() {
                Ok(Self::at(&path))
            } else {
                Err(format!("{variable} names {}, which is no file", path.display()))
            };
        }
        let own = std::env::current_exe().and_then(fs::canonicalize).unwrap_or_default();
        let beside = own.with_file_name(name);
        if beside.is_file() {
            return Ok(Self::at(&beside));
        }
        Err(format!(
            "{name}, the program that has this module, is not beside {} (build it with `cargo build --release --workspace`, or name \
             it in {variable})",
            own.display()
        ))
    }

    /// Whether a file is an executable of this kind of system.
    pub fn is_one(path: &Path) -> bool {
        let mut head = [0; ELF.len()];
        File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == *ELF
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The specifications of its modules, as it tells them.
    pub fn specs(&self) -> Result<&'static [Spec], String> {
        self.specs
            .get_or_init(|| {
                let answer = Command::new(&self.path).arg("specs").stdin(Stdio::null()).output();
                let answer = answer.map_err(|err| format!("{} can't be run: {err}", self.path.display()))?;
                if !answer.status.success() {
                    let said = String::from_utf8_lossy(&answer.stderr);
                    return Err(format!("{} specs failed: {}", self.path.display(), said.trim()));
                }
                read_specs(&answer.stdout).map_err(|err| {
                    format!("{} does not tell the specifications of its modules: {err}", self.path.display())
                })
            })
            .clone()
    }

    pub fn upload(&self) -> Result<&Upload, String> {
        let upload = self.upload.get_or_init(|| {
            let content = fs::read(&self.path).map_err(|err| format!("{}: {err}", self.path.display()))?;
            let machine = machine(&content)
                .ok_or_else(|| format!("{} is no executable for a machine that is known here", self.path.display()))?;
            Ok(Upload {
                machine,
                sha256: hex::encode(Sha256::digest(&content)),
                blake2b: hex::encode(Blake2b512::digest(&content)),
                packed: packed(&content).map_err(|err| err.to_string())?,
                content,
            })
        });
        upload.as_ref().map_err(Clone::clone)
    }
}

impl Upload {
    /// The command that turns a login shell's channel into the program.
    pub fn bootstrap_command(&self, nonce: &str) -> String {
        let file = AgentFile {
            machine: self.machine,
            hash: AgentHash { sha256: &self.sha256, blake2b: &self.blake2b },
            size: self.content.len(),
            packed_size: Some(self.packed.len()),
        };
        bootstrap::command(&[file], nonce)
    }
}

/// Quickly, since most hosts have the file already.
fn packed(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
    writer.write_all(content)?;
    writer.finish()
}

/// What `uname -m` says where an ELF file runs, alternatives separated by `|`.
fn machine(content: &[u8]) -> Option<&'static str> {
    match content {
        [0x7f, b'E', b'L', b'F', ..] => match content.get(18..20)? {
            [62, 0] => Some("x86_64|amd64"),
            [183, 0] => Some("aarch64|arm64"),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_is_a_program_and_its_source_is_not() {
        let own = std::env::current_exe().unwrap();
        assert!(Program::is_one(&own));
        assert!(Program::at(&own).upload().unwrap().bootstrap_command("1f").contains("RPLAY-NEED"));
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text");
        fs::write(&text, "#!/bin/sh\necho '[]'\n").unwrap();
        assert!(!Program::is_one(&text) && !Program::is_one(&folder.path().join("missing")));
        assert!(Program::at(&text).upload().err().unwrap().contains("no executable"));
        assert!(Program::at(&folder.path().join("missing")).specs().unwrap_err().contains("can't be run"));
    }
}
