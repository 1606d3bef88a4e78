//! `rplay pull`: fetches a repository of playbooks onto this machine and runs one of them here, as `ansible-pull` does.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chrono::Local;
use clap::Parser;
use serde_json::json;

use super::options::{ConnectionOptions, SourceOptions};
use super::session;
use crate::callback;
use crate::config::{Config, setting};
use crate::error::{Error, ErrorKind, Notices};

/// Fetches a repository of playbooks and runs one of them on this machine.
#[derive(Debug, Parser)]
#[command(name = "rplay pull", version, disable_version_flag = true, args_override_self = true)]
#[command(
    after_help = "Without the name of a playbook it is FQDN.yml, HOSTNAME.yml or local.yml of the repository.\n\n\
                        Examples:\n  rplay pull -U https://example.com/site.git\n  \
                        rplay pull -U git@example.com:site.git -d /srv/site -C production -o web.yml"
)]
pub struct PullOptions {
    /// Playbooks of the repository
    #[arg(value_name = "PLAYBOOK")]
    pub playbooks: Vec<String>,
    /// The repository
    #[arg(short = 'U', long)]
    pub url: Option<String>,
    /// Where it is checked out
    #[arg(short = 'd', long = "directory", value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Branch, tag or commit
    #[arg(short = 'C', long)]
    pub checkout: Option<String>,
    /// The module that fetches it
    #[arg(short = 'm', long, value_name = "MODULE", default_value = "git")]
    pub module_name: String,
    /// Fetch the whole history
    #[arg(long)]
    pub full: bool,
    /// Take the key of the repository's host as it is
    #[arg(long)]
    pub accept_host_key: bool,
    /// The commit must have a good signature
    #[arg(long)]
    pub verify_commit: bool,
    /// Changes in the checkout are thrown away
    #[arg(long)]
    pub clean: bool,
    /// Submodules follow their branches
    #[arg(long)]
    pub track_subs: bool,
    /// Run the playbook only if the repository has changed
    #[arg(short = 'o', long)]
    pub only_if_changed: bool,
    /// Run the playbook even if the repository cannot be fetched
    #[arg(short = 'f', long)]
    pub force: bool,
    /// Remove the checkout after the run
    #[arg(long)]
    pub purge: bool,
    /// Wait for up to so many seconds first
    #[arg(short = 's', long, value_name = "SECONDS")]
    pub sleep: Option<String>,
    /// Change nothing, say what would change
    #[arg(long)]
    pub check: bool,
    /// Show what changes inside files
    #[arg(long)]
    pub diff: bool,
    /// Only list the hosts that would be worked on
    #[arg(long)]
    pub list_hosts: bool,
    /// Only run what has one of these tags
    #[arg(short = 't', long, value_name = "TAGS")]
    pub tags: Vec<String>,
    /// Only run what has none of these tags
    #[arg(long, value_name = "TAGS")]
    pub skip_tags: Vec<String>,
    /// Folders of modules, separated by colons, that go before the configured ones
    #[arg(short = 'M', long, value_name = "PATHS")]
    pub module_path: Vec<String>,
    /// Ask for the password that becoming needs
    #[arg(short = 'K', long = "ask-become-pass", conflicts_with = "become_password_file")]
    pub ask_become_pass: bool,
    /// Read the password that becoming needs from a file
    #[arg(long, visible_alias = "become-pass-file", value_name = "FILE")]
    pub become_password_file: Option<PathBuf>,
    #[command(flatten)]
    pub sources: SourceOptions,
    #[command(flatten)]
    pub connection: ConnectionOptions,
}

const MODULES: [&str; 4] = ["git", "subversion", "hg", "bzr"];

pub fn run(options: &PullOptions, program: Option<&'static str>) -> Result<u8, Error> {
    let notices = Notices::default();
    let config = Config::from_process(&notices)?;
    let mut terminal = session::terminal(&config);
    session::say_notices(&config, &notices, &mut terminal);
    let names = HostNames::of_this_machine();
    let pull = Pull::new(options, &config, program, &names)?;
    let arguments: Vec<String> = std::env::args_os().map(|it| it.to_string_lossy().into_owned()).collect();
    let now = Local::now().format("%Y-%m-%d %H:%M:%S");
    callback::print(&format!("Starting Ansible Pull at {now}\n{}\n", arguments.join(" ")))?;
    if let Some(most) = pull.sleep {
        let seconds = rand::random_range(0..most);
        if seconds > 0 {
            callback::print(&format!("Sleeping for {seconds} seconds...\n"))?;
            std::thread::sleep(std::time::Duration::from_secs(seconds));
        }
    }
    let fetched = pull.fetch()?;
    if fetched.code != 0 {
        if !options.force {
            return Ok(fetched.code);
        }
        terminal.error_line(
            "[WARNING]: Unable to update repository. Continuing with (forced) run of playbook.",
            Some(callback::Color::Warn),
        );
    } else if options.only_if_changed && !fetched.has_changed() {
        callback::print(&format!("Repository has not changed, quitting: {}\n", bytes_repr(&fetched.output)))?;
        return Ok(0);
    }
    let playbooks = match pull.playbooks() {
        Ok(playbooks) => playbooks,
        Err(missing) => {
            let text = format!("[WARNING]: {}", missing.join("\n"));
            terminal.error_line(&text, Some(callback::Color::Warn));
            return Err(wrong("Could not find a playbook to run."));
        }
    };
    let code = pull.play(&playbooks)?;
    if options.purge
        && let Err(err) = fs::remove_dir_all(&pull.directory)
    {
        let text = format!("[ERROR]: Failed to remove {}: {err}", pull.directory.display());
        terminal.error_line(&text, Some(callback::Color::Error));
    }
    Ok(code)
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, message).with_exit_code(5)
}

/// By which names this machine may stand in an inventory.
struct HostNames {
    node: String,
    full: String,
}

impl HostNames {
    fn of_this_machine() -> Self {
        let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let asked = Command::new("hostname").arg("--fqdn").stdin(Stdio::null()).stderr(Stdio::null()).output();
        let full = asked.ok().filter(|it| it.status.success());
        let full = full.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned()).filter(|name| !name.is_empty());
        Self { full: full.unwrap_or_else(|| node.clone()), node }
    }

    fn short(name: &str) -> &str {
        name.split('.').next().unwrap_or(name)
    }

    fn limit(&self) -> String {
        let mut names = vec!["localhost"];
        for name in [&self.full, &self.node, Self::short(&self.full), Self::short(&self.node), "127.0.0.1"] {
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(",")
    }
}

struct Pull<'a> {
    options: &'a PullOptions,
    program: Option<&'static str>,
    names: &'a HostNames,
    url: &'a str,
    directory: PathBuf,
    /// The most seconds to wait before anything is done.
    sleep: Option<u64>,
}

/// What came of the command that fetches.
struct Fetched {
    code: u8,
    output: Vec<u8>,
}

impl Fetched {
    /// Whatever form results have.
    fn has_changed(&self) -> bool {
        let output = String::from_utf8_lossy(&self.output);
        ["\"changed\": true", "changed: True", "| CHANGED =>"].iter().any(|sign| output.contains(sign))
    }
}

impl<'a> Pull<'a> {
    fn new(
        options: &'a PullOptions,
        config: &Config,
        program: Option<&'static str>,
        names: &'a HostNames,
    ) -> Result<Self, Error> {
        let directory = match &options.directory {
            Some(directory) => config.path(&directory.to_string_lossy(), false),
            None => config.get(setting::ANSIBLE_HOME).join("pull").join(&names.full),
        };
        if directory.exists() && !directory.is_dir() {
            return Err(wrong(format!("{} is not a valid or accessible directory.", directory.display())));
        }
        let sleep = match &options.sleep {
            Some(text) => Some(text.parse().map_err(|_| wrong(format!("{text} is not a number.")))?),
            None => None,
        };
        let url = options.url.as_deref().ok_or_else(|| wrong("URL for repository not specified, use -h for help"))?;
        let module = options.module_name.as_str();
        if !MODULES.contains(&module) {
            return Err(wrong(format!("Unsupported repo module {module}, choices are {}", MODULES.join(","))));
        }
        Ok(Self { options, program, names, url, directory, sleep: sleep.filter(|most| *most > 0) })
    }

    /// One of the other commands, under the kind of name that this one was called by.
    fn command(&self, word: &str, program: &str) -> Result<Command, Error> {
        let rplay = std::env::current_exe()
            .map_err(|err| Error::new(ErrorKind::Internal, format!("cannot tell where rplay is: {err}")))?;
        let mut command = Command::new(rplay);
        if self.program.is_some() {
            command.arg0(program);
        } else {
            command.arg(word);
        }
        Ok(command)
    }

    fn common_arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["-c".into(), "local".into()];
        let verbose = usize::from(self.options.sources.verbose);
        if verbose > 0 {
            arguments.push(format!("-{}", "v".repeat(verbose)).into());
        }
        for vars in &self.options.sources.extra_vars {
            arguments.extend(["-e".into(), vars.into()]);
        }
        arguments
    }

    /// The sources of the inventory that are lists, or are there: others may come with the repository.
    fn inventory(&self, folder: &Path) -> Vec<OsString> {
        let given = self.options.sources.inventory.iter();
        let there = given.filter(|source| source.contains(',') || folder.join(source).exists());
        there.flat_map(|source| ["-i".into(), source.into()]).collect()
    }

    fn fetch(&self) -> Result<Fetched, Error> {
        let options = self.options;
        let mut command = self.command("adhoc", "ansible")?;
        let inventory = self.inventory(Path::new(""));
        if inventory.is_empty() {
            command.args(["-i", "localhost,"]);
        }
        command.args(inventory).args(self.common_arguments());
        let mut arguments = json!({"dest": self.directory.to_string_lossy()});
        let (source, version) = match options.module_name.as_str() {
            "subversion" | "hg" => ("repo", "revision"),
            _ => ("name", "version"),
        };
        arguments[source] = json!(self.url);
        if let Some(checkout) = &options.checkout {
            arguments[version] = json!(checkout);
        }
        if options.module_name == "git" {
            let switches = [
                ("accept_hostkey", options.accept_host_key),
                ("verify_commit", options.verify_commit),
                ("track_submodules", options.track_subs),
            ];
            for (name, _) in switches.iter().filter(|(_, on)| *on) {
                arguments[*name] = json!(true);
            }
            if let Some(key) = &options.connection.private_key {
                arguments["key_file"] = json!(key.to_string_lossy());
            }
            if !options.full {
                arguments["depth"] = json!(1);
            }
        } else if options.module_name == "subversion" && !options.full {
            arguments["export"] = json!(true);
        }
        if options.clean {
            arguments["force"] = json!(true);
        }
        command.args(["-m", &options.module_name, "-a", &arguments.to_string(), "all", "-l", &self.names.limit()]);
        self.watched(command)
    }

    /// Runs a command whose output is shown while it comes, and kept.
    fn watched(&self, mut command: Command) -> Result<Fetched, Error> {
        let shown = format!("{command:?}");
        let failed = |err: std::io::Error| Error::new(ErrorKind::Internal, format!("cannot run {shown}: {err}"));
        if self.options.sources.verbose >= 4 {
            callback::print(&format!("EXEC: {shown}\n"))?;
        }
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
        let mut output = Vec::new();
        if let Some(mut stdout) = child.stdout.take() {
            let mut piece = [0; 8192];
            loop {
                match stdout.read(&mut piece) {
                    Ok(0) | Err(_) => break,
                    Ok(length) => {
                        let piece = piece.get(..length).unwrap_or_default();
                        output.extend_from_slice(piece);
                        let mut own = std::io::stdout().lock();
                        // Whoever no longer reads does not keep the work from being done.
                        let _ = own.write_all(piece).and_then(|()| own.flush());
                    }
                }
            }
        }
        let status = child.wait().map_err(|err| Error::new(ErrorKind::Internal, format!("cannot wait: {err}")))?;
        Ok(Fetched { code: status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1), output })
    }

    /// What is to be run, or what was looked for and is not there.
    fn playbooks(&self) -> Result<Vec<PathBuf>, Vec<String>> {
        let trouble = |path: &Path| {
            let why = match fs::File::open(path) {
                Ok(_) => return None,
                Err(_) if path.exists() => "File is not readable",
                Err(_) => "File does not exist",
            };
            Some(format!("{}: {why}", path.display()))
        };
        if !self.options.playbooks.is_empty() {
            let paths: Vec<PathBuf> = self.options.playbooks.iter().map(|name| self.directory.join(name)).collect();
            let errors: Vec<String> = paths.iter().filter_map(|path| trouble(path)).collect();
            return if errors.is_empty() { Ok(paths) } else { Err(errors) };
        }
        let mut errors = Vec::new();
        for name in [self.names.full.as_str(), HostNames::short(&self.names.full), "local"] {
            let path = self.directory.join(format!("{name}.yml"));
            match trouble(&path) {
                None => return Ok(vec![path]),
                Some(error) => errors.push(error),
            }
        }
        Err(errors)
    }

    fn play(&self, playbooks: &[PathBuf]) -> Result<u8, Error> {
        let Self { options, directory, .. } = self;
        let mut command = self.command("playbook", "ansible-playbook")?;
        command.args(self.common_arguments()).args(playbooks);
        for file in &options.sources.vault.vault_password_file {
            command.arg("--vault-password-file").arg(file);
        }
        for id in &options.sources.vault.vault_id {
            command.args(["--vault-id", id]);
        }
        if options.sources.vault.ask_vault_password {
            command.arg("--ask-vault-password");
        }
        for (option, file) in [
            ("--become-password-file", &options.become_password_file),
            ("--connection-password-file", &options.connection.connection_password_file),
        ] {
            if let Some(file) = file {
                command.arg(option).arg(file);
            }
        }
        let switches = [
            ("--ask-become-pass", options.ask_become_pass),
            ("--check", options.check),
            ("--diff", options.diff),
            ("--flush-cache", options.sources.flush_cache),
        ];
        command.args(switches.iter().filter(|(_, on)| *on).map(|(option, _)| option));
        for (option, values) in
            [("--skip-tags", &options.skip_tags), ("--tags", &options.tags), ("--module-path", &options.module_path)]
        {
            for value in values {
                command.args([option, value]);
            }
        }
        command.arg("-l").arg(options.sources.limit().unwrap_or_else(|| self.names.limit()));
        command.args(self.inventory(directory)).current_dir(directory);
        Ok(self.watched(command)?.code)
    }
}

/// Bytes as Python shows them.
fn bytes_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut out = format!("b{quote}");
    for byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            byte if char::from(*byte) == quote => out.extend(['\\', quote]),
            b' '..=b'~' => out.push(char::from(*byte)),
            byte => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_as_python_shows_them() {
        assert_eq!(bytes_repr(b"a\n'\xc3"), "b\"a\\n'\\xc3\"");
        assert_eq!(bytes_repr(b"'\""), "b'\\'\"'");
    }
}
