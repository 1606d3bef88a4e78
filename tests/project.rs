//! A project in a temporary directory, and the real command run in it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub struct Project {
    directory: TempDir,
    environment: Vec<(String, String)>,
}

/// How a run ended, with the project's directory replaced by `<cwd>`, and the user's by `<home>`.
#[derive(Debug)]
pub struct Ended {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Project {
    pub fn new() -> Self {
        Self { directory: TempDir::with_prefix("rplay-test-").expect("a temporary directory"), environment: Vec::new() }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file; one that begins with `#!` is executable.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a file has a directory")).expect("a directory");
        fs::write(&path, &content).expect("a file");
        if content.as_ref().starts_with(b"#!") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
        }
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The command, ready to be started in the project.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rplay"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ANSIBLE_") || name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        // Whether this machine has ansible-core makes no difference.
        command.env("RPLAY_PYTHON", "/nonexistent/python");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.ended(self.command(arguments).output().expect("the command starts"))
    }

    pub fn ended(&self, output: Output) -> Ended {
        let cwd = self.path().to_string_lossy().into_owned();
        let settings = format!("{}/.ansible", std::env::var("HOME").unwrap_or_else(|_| "/root".into()));
        let text =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&cwd, "<cwd>").replace(&settings, "<home>/.ansible");
        Ended { status: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}
