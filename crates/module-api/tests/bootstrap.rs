//! The script that starts the agent, run by every shell that is a system's `/bin/sh` somewhere, with a shell script for an agent.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rplay_module_api::bootstrap::{AgentFile, AgentHash, Bootstrap, Step, final_name, script};
use tempfile::TempDir;

/// Says who it is, with what arguments, and which directory was open when it began.
const AGENT: &[u8] = b"#!/bin/sh\necho RPLAY-HELLO $4; echo $5; cd /proc/self/fd/8 && pwd -P\n";
const NONCE: &str = "00aa";

/// The shells that are here. Debian's own is always among them.
fn shells() -> Vec<Vec<&'static str>> {
    let all = [vec!["dash"], vec!["bash", "--posix"], vec!["bash"], vec!["busybox", "sh"], vec!["mksh"], vec!["ksh"]];
    let here = |shell: &Vec<&str>| {
        let mut trial = Command::new(shell[0]);
        trial.args(&shell[1..]).args(["-c", ":"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let here: Vec<_> = all.into_iter().filter(here).collect();
    assert!(!here.is_empty());
    here
}

struct Host {
    home: TempDir,
    begin: TempDir,
    shell: Vec<&'static str>,
    path: String,
}

/// How a start went.
#[derive(Debug, PartialEq)]
struct Started {
    uploaded: Option<bool>,
    how: String,
    begin: PathBuf,
}

impl Host {
    fn new(shell: &[&'static str]) -> Self {
        Self {
            home: TempDir::new().expect("a folder"),
            begin: TempDir::new().expect("a folder"),
            shell: shell.to_vec(),
            path: std::env::var("PATH").unwrap_or_default(),
        }
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join(".cache/rplay")
    }

    fn agent(&self) -> PathBuf {
        self.folder().join(final_name(&sha256(AGENT)))
    }

    /// Leaves only these programs, and what the script cannot do without.
    fn only(&mut self, programs: &[&str]) {
        let folder = self.home.path().join("bin");
        fs::create_dir_all(&folder).expect("a folder");
        let needed = ["uname", "id", "ls", "mkdir", "chmod", "rm", "head", "wc", "find", "cat"];
        for program in needed.iter().chain(programs) {
            let path = String::from_utf8(run("sh", &["-c", &format!("command -v {program}")], b"")).expect("a path");
            symlink(path.trim(), folder.join(program)).expect("a link");
        }
        self.path = folder.display().to_string();
    }

    fn start(&self) -> Result<Started, String> {
        let (sha256, blake2b, packed) = (sha256(AGENT), blake2b(AGENT), run("gzip", &["-c"], AGENT));
        let hash = AgentHash { sha256: &sha256, blake2b: &blake2b };
        let machine = String::from_utf8(run("uname", &["-m"], b"")).expect("text");
        let file = AgentFile { machine: machine.trim(), hash, size: AGENT.len(), packed_size: Some(packed.len()) };
        let shell =
            String::from_utf8(run("sh", &["-c", &format!("command -v {}", self.shell[0])], b"")).expect("a path");
        let mut child = Command::new(shell.trim())
            .args(&self.shell[1..])
            .args(["-c", &script(&[file], None, NONCE)])
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", &self.path)
            .current_dir(self.begin.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the shell starts");
        let (mut input, mut output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let mut bootstrap = Bootstrap::new(NONCE);
        let (mut uploaded, mut buffer, mut step) = (None, [0; 4096], Step::More);
        let started = loop {
            match step {
                Step::More => match output.read(&mut buffer).expect("the shell speaks") {
                    0 => break Err(bootstrap.noise()),
                    count => step = bootstrap.feed(&buffer[..count]),
                },
                Step::Upload { packed: is_packed, .. } => {
                    uploaded = Some(is_packed);
                    input.write_all(if is_packed { &packed } else { AGENT }).expect("the shell reads");
                    step = bootstrap.feed(b"");
                }
                Step::Failed(reason) => break Err(reason),
                Step::Ready(first) => {
                    let mut rest = String::from_utf8(first).expect("text");
                    output.read_to_string(&mut rest).expect("text");
                    let (how, begin) = rest.trim_end().split_once('\n').unwrap_or((rest.trim_end(), ""));
                    break Ok(Started { uploaded, how: how.to_owned(), begin: begin.into() });
                }
            }
        };
        drop(input);
        child.wait().expect("it ends");
        started
    }

    fn expect(&self, uploaded: Option<bool>) {
        let how = if uploaded.is_some() { "new" } else { "away" };
        let begin = fs::canonicalize(self.begin.path()).expect("a folder");
        assert_eq!(self.start(), Ok(Started { uploaded, how: how.to_owned(), begin }), "{:?}", self.shell);
        // What the agent itself does at the end of its installation.
        if uploaded.is_some() {
            fs::rename(self.folder().join(format!("new-{NONCE}")), self.agent()).expect("the received file");
        }
        let mode = |path: &Path| fs::symlink_metadata(path).expect("it is there").mode() & 0o7777;
        assert_eq!((mode(&self.folder()), mode(&self.agent())), (0o700, 0o700));
        assert_eq!(fs::read(self.agent()).expect("the agent"), AGENT);
        assert_eq!(fs::read_dir(self.folder()).expect("a folder").count(), 1);
    }
}

fn run(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|err| panic!("{program}: {err}"));
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
    child.wait_with_output().expect("it ends").stdout
}

fn sum(program: &str, content: &[u8]) -> String {
    let said = String::from_utf8(run(program, &[], content)).expect("text");
    said.split(' ').next().expect("a hash").to_owned()
}

fn sha256(content: &[u8]) -> String {
    sum("sha256sum", content)
}

fn blake2b(content: &[u8]) -> String {
    sum("b2sum", content)
}

#[test]
fn received_once_and_verified_from_then_on() {
    for shell in shells() {
        let host = Host::new(&shell);
        host.expect(Some(true));
        host.expect(None);
    }
}

#[test]
fn another_content_is_replaced() {
    for shell in shells() {
        let host = Host::new(&shell);
        host.expect(Some(true));
        let good = AGENT.to_vec();
        let mut changed = good.clone();
        changed[12] ^= 1;
        for bad in
            [vec![0; good.len()], changed, good[..good.len() - 1].to_vec(), Vec::new(), b"#!/bin/true\n".to_vec()]
        {
            fs::write(host.agent(), bad).expect("written");
            host.expect(Some(true));
        }
        fs::set_permissions(host.agent(), fs::Permissions::from_mode(0o600)).expect("permissions");
        host.expect(Some(true));
    }
}

#[test]
fn each_program_that_hashes_will_do() {
    for shell in shells() {
        for program in ["b2sum", "sha256sum", "openssl"] {
            let mut host = Host::new(&shell);
            host.only(&[program]);
            host.expect(Some(false));
            host.expect(None);
            fs::write(host.agent(), vec![0; AGENT.len()]).expect("written");
            host.expect(Some(false));
        }
    }
}

#[test]
fn without_a_program_that_hashes_nothing_is_trusted() {
    for shell in shells() {
        let mut host = Host::new(&shell);
        host.only(&["gzip"]);
        host.expect(Some(true));
        host.expect(Some(true));
        fs::write(host.agent(), "#!/bin/sh\necho planted\n").expect("written");
        host.expect(Some(true));
    }
}

#[test]
fn a_folder_that_others_may_write_or_that_is_a_link_is_left_alone() {
    for shell in shells() {
        for mode in [0o777, 0o770, 0o707, 0o755] {
            let host = Host::new(&shell);
            fs::create_dir_all(host.folder()).expect("a folder");
            fs::set_permissions(host.folder(), fs::Permissions::from_mode(mode)).expect("permissions");
            assert_elsewhere(&host);
        }
        let host = Host::new(&shell);
        let other = host.home.path().join("other");
        fs::create_dir_all(host.home.path().join(".cache")).expect("a folder");
        fs::create_dir(&other).expect("a folder");
        fs::set_permissions(&other, fs::Permissions::from_mode(0o700)).expect("permissions");
        symlink(&other, host.folder()).expect("a link");
        assert_elsewhere(&host);
    }
}

/// Nothing is put into the folder in the home; the machine has others.
fn assert_elsewhere(host: &Host) {
    let started = host.start().expect("there are other folders");
    assert_eq!(started.how, "new");
    assert_eq!(fs::read_dir(host.folder()).expect("a folder").count(), 0, "{:?}", host.shell);
    let user = String::from_utf8(run("id", &["-u"], b"")).expect("a number");
    for folder in ["/var/tmp", "/dev/shm", "/tmp"] {
        let _ = fs::remove_file(format!("{folder}/.rplay-{}/new-{NONCE}", user.trim()));
    }
}

#[test]
fn a_cache_that_is_a_link_of_the_user_will_do() {
    for shell in shells() {
        let host = Host::new(&shell);
        fs::create_dir(host.home.path().join("elsewhere")).expect("a folder");
        symlink(host.home.path().join("elsewhere"), host.home.path().join(".cache")).expect("a link");
        host.expect(Some(true));
        host.expect(None);
    }
}
