//! `--version` under Ansible's names: what programs read of it.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use crate::callback;
use crate::config::{ANSIBLE_VERSION, Config, setting};
use crate::error::{Error, Notices};
use crate::value::Value;

/// The version of the ansible-core beside it or else the one that rplay follows, and where this run looks for things.
pub fn print(program: &str) -> Result<(), Error> {
    let config = Config::from_process(&Notices::default())?;
    let installed = std::env::var_os("PATH").and_then(|path| installed(&path));
    let (major, minor, revision) = ANSIBLE_VERSION;
    let version = installed.as_ref().map_or_else(|| format!("{major}.{minor}.{revision}"), |core| core.version.clone());
    let python = installed.map(|core| format!("  ansible python module location = {}\n", core.folder.display()));
    let shown = |paths: Vec<PathBuf>| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    let modules = Value::list(shown(config.get(setting::DEFAULT_MODULE_PATH)).into_iter().map(Value::str).collect());
    let file = config.file.as_ref().map_or_else(|| "None".to_owned(), |file| file.display().to_string());
    let executable = std::env::current_exe().map_or_else(|_| program.to_owned(), |path| path.display().to_string());
    callback::print(&format!(
        "{program} [core {version}]\n  config file = {file}\n  configured module search path = {}\n{}  \
         ansible collection location = {}\n  executable location = {executable}\n  rplay version = {}\n",
        modules.repr(),
        python.unwrap_or_default(),
        shown(config.get(setting::COLLECTIONS_PATHS)).join(":"),
        env!("CARGO_PKG_VERSION"),
    ))
}

/// An ansible-core that Python finds. Programs compare its version with what the command says.
struct Core {
    version: String,
    folder: PathBuf,
}

/// The ansible-core of the first `python3` in these folders.
fn installed(path: &OsStr) -> Option<Core> {
    let python = std::env::split_paths(path).find(|folder| folder.join("python3").is_file())?;
    let libraries = fs::read_dir(python.parent()?.join("lib")).ok()?;
    libraries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("python3"))
        .flat_map(|entry| ["site-packages", "dist-packages"].map(|packages| entry.path().join(packages)))
        .find_map(|packages| {
            let folder = packages.join("ansible");
            let release = fs::read_to_string(folder.join("release.py")).ok()?;
            let line = release.lines().find_map(|line| line.strip_prefix("__version__ = "))?;
            Some(Core { version: line.trim_matches(['\'', '"']).to_owned(), folder })
        })
}
