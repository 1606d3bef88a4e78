//! Repositories of git: what a version of one holds, as a folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Error, ErrorKind};

pub struct Checkout<'a> {
    pub url: &'a str,
    /// Branch, tag or commit; empty for what the repository's HEAD is.
    pub version: &'a str,
    pub ignore_certificates: bool,
}

impl Checkout<'_> {
    /// Clones into a folder of this name, which does not exist yet, and returns the commit.
    pub fn clone_into(&self, parent: &Path, name: &str) -> Result<String, Error> {
        let mut clone = self.git();
        // What follows is never an option, whatever a file of requirements says.
        clone.args(["clone", "--", self.url, name]);
        self.run(clone, parent)?;
        let folder = parent.join(name);
        if !self.version.is_empty() {
            if self.version.starts_with('-') {
                let message = format!("'{}' is no version of {}", self.version, self.url);
                return Err(Error::new(ErrorKind::Project, message));
            }
            let mut checkout = self.git();
            checkout.args(["checkout", "--quiet", self.version, "--"]);
            self.run(checkout, &folder)?;
        }
        let mut commit = self.git();
        commit.args(["rev-parse", "HEAD"]);
        self.run(commit, &folder).map(|text| text.trim().to_owned())
    }

    fn git(&self) -> Command {
        let mut command = Command::new("git");
        // A repository's commands are not to be run because somebody asked for its files.
        let mut settings = vec![("protocol.ext.allow", "never")];
        if self.ignore_certificates {
            settings.push(("http.sslVerify", "false"));
        }
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (number, (key, value)) in settings.into_iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{number}"), key).env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        command.env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null());
        command
    }

    fn run(&self, mut command: Command, folder: &Path) -> Result<String, Error> {
        let shown = || {
            let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
            format!("git {}", words.join(" "))
        };
        let shown = shown();
        let output = command.current_dir(folder).output().map_err(|err| {
            Error::new(
                ErrorKind::File,
                format!("could not find/use git, it is required to continue with installing {}: {err}", self.url),
            )
        })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let code = output.status.code().unwrap_or(-1);
        let said = String::from_utf8_lossy(&output.stderr);
        let message =
            format!("- command {shown} failed in directory {} (rc={code}) - {}", folder.display(), said.trim());
        Err(Error::new(ErrorKind::File, message))
    }
}

/// `git+URL[#/folder][,VERSION]`: address, folder inside, version.
pub fn split(source: &str) -> (String, PathBuf, String) {
    let source = source.strip_prefix("git+").unwrap_or(source);
    let (source, version) = match source.rsplit_once(',') {
        Some((source, version)) => (source, version),
        None => (source, ""),
    };
    let (url, folder) = source.split_once('#').unwrap_or((source, ""));
    (url.to_owned(), PathBuf::from(folder.trim_matches('/')), version.to_owned())
}
