//! Real Debian hosts, booted by `lab/hosts`, and the command run where they can be reached.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::project::{Ended, Project};

pub struct Hosts {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    description: Value,
}

impl Hosts {
    /// Boots `count` hosts named h1, h2, … with a disk of this size.
    pub fn boot(count: usize, disk: &str) -> Self {
        let mut child = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/hosts"))
            .args([&count.to_string(), "--disk", disk])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("lab/hosts starts");
        let mut answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        answers.read_line(&mut line).expect("lab/hosts answers");
        let description = serde_json::from_str(&line).unwrap_or_else(|err| panic!("lab/hosts said {line:?}: {err}"));
        let orders = child.stdin.take();
        Self { child, orders, answers, description }
    }

    fn text(&self, pointer: &str) -> String {
        self.description
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("lab/hosts gave no {pointer}"))
            .to_owned()
    }

    pub fn key(&self) -> String {
        self.text("/key")
    }

    pub fn sudo_password(&self) -> String {
        self.text("/operator/sudo_password")
    }

    /// An inventory of all hosts, the user and key that work among their variables.
    pub fn inventory(&self) -> String {
        let hosts = self.description["hosts"].as_array().expect("a list of hosts");
        let lines: String = hosts
            .iter()
            .map(|host| {
                format!(
                    "{} ansible_host={}\n",
                    host["name"].as_str().unwrap_or_default(),
                    host["address"].as_str().unwrap_or_default()
                )
            })
            .collect();
        format!("[all]\n{lines}[all:vars]\nansible_user=ubuntu\nansible_ssh_private_key_file={}\n", self.key())
    }

    /// `kill`, `start` or `rekey` of a host.
    pub fn order(&mut self, order: &str) {
        let orders = self.orders.as_mut().expect("lab/hosts runs");
        writeln!(orders, "{order}").expect("lab/hosts listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("lab/hosts answers");
        assert!(line.contains("done"), "{order}: {line}");
    }

    /// Takes the host's cable away: nobody is told anything.
    pub fn unplug(&self, host: &str) {
        let mut ip = Command::new("ip");
        ip.args(["link", "set", &format!("vb-{}-{}", self.text("/lab"), host.trim_start_matches('h')), "down"]);
        assert!(self.enter(Path::new("/"), &ip).status().expect("ip starts").success());
    }

    /// A command where the hosts can be reached, in this folder.
    pub fn enter(&self, folder: &Path, command: &Command) -> Command {
        let enter = self.description["enter"].as_array().expect("how to enter");
        let mut words = enter.iter().filter_map(Value::as_str);
        let mut entered = Command::new(words.next().expect("a program"));
        entered.args(words).arg(folder).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => entered.env(name, value),
                None => entered.env_remove(name),
            };
        }
        entered.stdin(Stdio::null());
        entered
    }

    /// Runs rplay in the project, where the hosts can be reached.
    pub fn run(&self, project: &Project, arguments: &[&str]) -> Ended {
        let mut command = self.enter(project.path(), &project.command(arguments));
        project.ended(command.output().expect("rplay starts"))
    }

    /// Runs a command line on a host over plain ssh.
    pub fn ssh(&self, host: &str, command_line: &str) -> String {
        let mut ssh = Command::new("ssh");
        ssh.args(["-i", &self.key(), "-o", "BatchMode=yes", &format!("ubuntu@{host}"), command_line]);
        let output = self.enter(&PathBuf::from("/"), &ssh).output().expect("ssh starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        // The hosts end with the standard input of lab/hosts.
        self.orders.take();
        let _ = self.child.wait();
    }
}
