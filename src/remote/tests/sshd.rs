//! A private sshd: its own keys, port and configuration, and no rc files that would do work at login.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{Endpoint, SshSettings};

/// It listens on 127.0.0.1 and so many more.
const ADDRESSES: usize = 6;

pub struct Sshd {
    folder: TempDir,
    port: u16,
    process: Child,
    mounted: std::cell::RefCell<Option<PathBuf>>,
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|err| panic!("{program}: {err}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Sshd {
    /// Needs root and OpenSSH's server, as every machine that runs the tests has them.
    pub fn start() -> Self {
        Self::start_with("", "ed25519")
    }

    /// The same with more lines in its configuration, which go before the others, and this type of host key.
    pub fn start_with(more: &str, key_type: &str) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        for (name, kind) in [("host_key", key_type), ("user_key", "ed25519"), ("other_key", "ed25519")] {
            run("ssh-keygen", &["-q", "-t", kind, "-N", "", "-f", &path(name)]);
        }
        fs::copy(path("user_key.pub"), path("authorized_keys")).expect("copied");
        let _ = fs::create_dir("/run/sshd");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
        fs::create_dir(path("cache")).expect("created");
        let sshd = Self {
            process: Self::serve(folder.path(), port, more, &format!("SHLVL=3 XDG_CACHE_HOME={}", path("cache"))),
            folder,
            port,
            mounted: None.into(),
        };
        sshd.remember_host_key("host_key.pub");
        sshd
    }

    fn serve(folder: &Path, port: u16, more: &str, environment: &str) -> Child {
        let path = |name: &str| folder.join(name).display().to_string();
        let addresses: String = (1..=ADDRESSES).map(|last| format!("ListenAddress 127.0.0.{last}\n")).collect();
        let config = format!(
            "{more}Port {port}\n{addresses}HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
             AllowAgentForwarding yes\nSetEnv {environment}\n",
            path("host_key"),
            path("authorized_keys"),
        );
        fs::write(path("sshd_config"), config).expect("written");
        let mut process = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f", &path("sshd_config")])
            .stderr(Stdio::piped())
            .spawn()
            .expect("sshd is installed");
        let mut stderr = BufReader::new(process.stderr.take().expect("piped"));
        let (mut line, mut listening) = (String::new(), 0);
        while listening < ADDRESSES {
            line.clear();
            assert!(stderr.read_line(&mut line).expect("readable") > 0, "sshd ended");
            listening += usize::from(line.contains("listening"));
        }
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        process
    }

    /// Starts it anew with one more variable for the sessions.
    pub fn set_environment(&self, name: &str, value: &Path) {
        let path = self.folder.path().join("sshd_config");
        let config = fs::read_to_string(&path).expect("readable");
        let cache = format!("XDG_CACHE_HOME={}", self.folder.path().join("cache").display());
        fs::write(&path, config.replace(&cache, &format!("{name}={}", value.display()))).expect("written");
        run("kill", &["-HUP", &self.process.id().to_string()]);
        std::thread::sleep(std::time::Duration::from_millis(500));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn settings(&self) -> SshSettings {
        SshSettings {
            port: Some(self.port),
            user: Some("root".into()),
            private_key_file: Some(self.path("user_key")),
            common_args: format!(
                "-F /dev/null -o UserKnownHostsFile={} -o IdentityAgent=none -o IdentitiesOnly=yes",
                self.path("known_hosts").display()
            ),
            ..SshSettings::new("127.0.0.1")
        }
    }

    /// The same for an address whose key nobody knows.
    pub fn settings_for_any(&self) -> SshSettings {
        SshSettings { host_key_checking: false, ..self.settings() }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path(name)
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn known_hosts(&self) -> String {
        fs::read_to_string(self.path("known_hosts")).expect("readable")
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::Ssh(self.settings().into())
    }

    pub fn other_key(&self) -> PathBuf {
        self.path("other_key")
    }

    fn remember_host_key(&self, public_key: &str) {
        let key = fs::read_to_string(self.path(public_key)).expect("readable");
        fs::write(self.path("known_hosts"), format!("[127.0.0.1]:{} {key}", self.port)).expect("written");
    }

    pub fn forget_host_key(&self) {
        fs::write(self.path("known_hosts"), "").expect("written");
    }

    pub fn write_wrong_host_key(&self) {
        self.remember_host_key("other_key.pub");
    }

    /// A folder on a file system that is too small for the agent.
    pub fn full_disk(&self) -> PathBuf {
        let path = self.path("full");
        fs::create_dir(&path).expect("created");
        run("mount", &["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", &path.display().to_string()]);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("owned");
        *self.mounted.borrow_mut() = Some(path.clone());
        path
    }

    /// Ends the processes that serve connections, as if the host had lost its network.
    pub fn kill_sessions(&self) {
        self.signal_sessions("-9");
    }

    /// Sends a signal to the processes that serve connections.
    pub fn signal_sessions(&self, signal: &str) {
        let children = Command::new("pgrep").args(["-P", &self.process.id().to_string()]).output().expect("pgrep runs");
        for pid in String::from_utf8_lossy(&children.stdout).split_whitespace() {
            run("kill", &[signal, pid]);
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(path) = self.mounted.take() {
            let _ = Command::new("umount").arg(path).status();
        }
    }
}
