//! The first words on a channel: a shell script that finds or receives the agent's file and becomes it.
//! No I/O here, so that the controller and an agent that starts another one share it.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

/// One architecture's agent, as the script has to know it.
#[derive(Clone, Copy, Debug)]
pub struct AgentFile<'a> {
    /// As `uname -m` says it, with alternatives separated by `|`.
    pub machine: &'a str,
    /// Part of the file's name, made from its content.
    pub hash: &'a str,
    pub size: usize,
}

/// Tells one executable from another in a folder that only its owner can write; it guards against nobody.
pub fn content_hash(content: &[u8]) -> String {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, content).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
}

/// What the agent prints before its first frame. Everything ahead of it is noise from login scripts.
pub const HELLO_LINE: &str = "RPLAY-HELLO";
const NEED_LINE: &str = "RPLAY-NEED ";
const FAIL_LINE: &str = "RPLAY-FAIL ";
/// Noise that is kept to explain a failure.
const MAX_NOISE: usize = 16 * 1024;

/// The script, in one line and without quote, backslash and exclamation mark, so that every login shell hands it on unharmed
/// when it stands between single quotes. `running` is a path under which the wanted agent may be executable already.
///
/// `test -x` alone does not notice `noexec` everywhere: a folder is tried by running a file in it (without `#!`, the shell runs it itself).
/// The space for the file is reserved before the file is asked for, so that a full disk moves on to the next folder.
pub fn script(agents: &[AgentFile], running: Option<&str>) -> String {
    let mut script = String::new();
    if let (Some(path), Some(agent)) = (running, agents.first()) {
        let _ = write!(script, "[ -x {path} ] && exec {path} serve {}; ", agent.hash);
    }
    script.push_str("m=$(uname -m); case $m in ");
    for agent in agents {
        let _ = write!(script, "{}) h={}; n={};; ", agent.machine, agent.hash, agent.size);
    }
    script.push_str(concat!(
        "*) echo; echo RPLAY-FAIL no agent for the architecture $m; exit 3;; esac; ",
        "f=agent-$h; ",
        // Owner, length and permission are checked on every start: a half-written or foreign file is never run.
        "s() { [ -f \"$1/$f\" ] && [ -O \"$1/$f\" ] && [ -x \"$1/$f\" ] && [ $(wc -c <\"$1/$f\") -eq $n ] && exec \"$1/$f\" serve $h; }; ",
        "c=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/rplay; s \"$c\"; ",
        "i=$(id -u); for d in /var/tmp /dev/shm /tmp; do s $d/.rplay-$i; done; ",
        "a=; for d in \"$c\" /var/tmp/.rplay-$i /dev/shm/.rplay-$i /tmp/.rplay-$i; do ",
        "a=\"$a $d\"; (umask 77; mkdir -p \"$d\") 2>/dev/null; ",
        "[ -L \"$d\" ] && continue; [ -d \"$d\" ] && [ -O \"$d\" ] && [ -w \"$d\" ] || continue; ",
        "chmod 700 \"$d\"; t=$d/new-$$; rm -f \"$t\"; ",
        "(umask 77; echo exit 0 >\"$t\") 2>/dev/null && chmod 700 \"$t\" && \"$t\" 2>/dev/null && head -c $n /dev/zero >\"$t\" 2>/dev/null || { rm -f \"$t\"; continue; }; ",
        "echo; echo RPLAY-NEED $m; head -c $n >\"$t\"; ",
        "[ $(wc -c <\"$t\") -eq $n ] || { rm -f \"$t\"; echo; echo RPLAY-FAIL the agent could not be written to $d; exit 3; }; ",
        "find \"$d\" -name \"agent-*\" -mtime +30 -exec rm -f {} + 2>/dev/null; ",
        "mv -f \"$t\" \"$d/$f\" && exec \"$d/$f\" serve $h; done; ",
        "echo; echo RPLAY-FAIL no folder with space for the agent that permits execution, tried$a; exit 3",
    ));
    script
}

/// The script as a command for a login shell.
pub fn command(agents: &[AgentFile]) -> String {
    format!("exec /bin/sh -c '{}'", script(agents, None))
}

/// What to do after some output of the script.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Read on.
    More,
    /// Send the agent's file for this machine.
    Upload(String),
    /// The agent runs; these bytes are the first of its frames.
    Ready(Vec<u8>),
    /// The script gave up.
    Failed(String),
}

/// Reads the script's output.
#[derive(Debug, Default)]
pub struct Bootstrap {
    buffer: Vec<u8>,
    noise: String,
}

impl Bootstrap {
    pub fn feed(&mut self, bytes: &[u8]) -> Step {
        self.buffer.extend_from_slice(bytes);
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim();
            if line == HELLO_LINE {
                return Step::Ready(std::mem::take(&mut self.buffer));
            }
            if let Some(machine) = line.strip_prefix(NEED_LINE) {
                return Step::Upload(machine.to_owned());
            }
            if let Some(reason) = line.strip_prefix(FAIL_LINE) {
                return Step::Failed(reason.to_owned());
            }
            if !line.is_empty() && self.noise.len() < MAX_NOISE {
                self.noise.push_str(line);
                self.noise.push('\n');
            }
        }
        if self.buffer.len() > MAX_NOISE {
            self.buffer.clear();
        }
        Step::More
    }

    /// What was printed besides, to explain why no agent appeared.
    pub fn noise(&self) -> String {
        let rest = String::from_utf8_lossy(&self.buffer);
        format!("{}{}", self.noise, rest.trim()).trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENTS: &[AgentFile] = &[AgentFile { machine: "x86_64|amd64", hash: "abc", size: 3 }];

    #[test]
    fn script_survives_single_quotes_in_any_shell() {
        let script = script(AGENTS, Some("/proc/1/exe"));
        assert!(!script.contains(['\'', '\\', '!', '\n']), "{script}");
    }

    #[test]
    fn noise_ahead_of_the_agent_is_skipped() {
        let mut bootstrap = Bootstrap::default();
        assert_eq!(bootstrap.feed(b"Welcome\nto the\nRPLAY-NE"), Step::More);
        assert_eq!(bootstrap.feed(b"ED x86_64\n"), Step::Upload("x86_64".into()));
        assert_eq!(bootstrap.feed(b"\nRPLAY-HELLO\n\x05rest"), Step::Ready(b"\x05rest".to_vec()));
        assert_eq!(bootstrap.noise(), "Welcome\nto the");
    }

    #[test]
    fn endless_noise_is_not_kept() {
        let mut bootstrap = Bootstrap::default();
        for _ in 0..1000 {
            assert_eq!(bootstrap.feed(&[b'x'; 1000]), Step::More);
        }
        assert!(bootstrap.noise().len() <= 2 * MAX_NOISE);
    }

    #[test]
    fn giving_up_says_why() {
        let step = Bootstrap::default().feed(b"RPLAY-FAIL no agent for the architecture mips\r\n");
        assert_eq!(step, Step::Failed("no agent for the architecture mips".into()));
    }
}
