//! The first words on a channel: a shell script that finds or receives the agent's file and becomes it.
//! No I/O here, so that the controller and an agent that starts another one share it.
//!
//! Nothing is run that the script has not verified. A folder counts only if it is the user's own, closed to everybody else and
//! reached without a link in its last step; the script goes into it before it looks at anything in it, and what it uses from then on
//! are names in the folder where it stands: whoever may write the folder above can move it, but put nothing in its place.
//! The content is verified by a cryptographic hash at every start. Where no program can do that, the file is sent anew each time.

use std::fmt::Write;

/// One architecture's agent, as the script has to know it.
#[derive(Clone, Copy, Debug)]
pub struct AgentFile<'a> {
    /// As `uname -m` says it, with alternatives separated by `|`.
    pub machine: &'a str,
    pub hash: AgentHash<'a>,
    /// Length in bytes.
    pub size: usize,
    /// Length of the same compressed by gzip, if it can be sent so.
    pub packed_size: Option<usize>,
}

/// What the agent's content is verified by, in hexadecimal digits. Two algorithms: every system has a program for SHA-256, and GNU's
/// program for BLAKE2 takes a third of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentHash<'a> {
    pub sha256: &'a str,
    pub blake2b: &'a str,
}

/// How the script leaves the agent: its last argument.
pub mod place {
    /// In the directory where the login shell began.
    pub const HERE: &str = "here";
    /// In the folder of its file; the directory where the login shell began is open as `BEGIN`, if it can be opened.
    pub const AWAY: &str = "away";
    /// As `AWAY`, and its file still has the name that it was received under.
    pub const NEW: &str = "new";
    pub const BEGIN: i32 = 8;
    /// The file that another user's agent was started from, so that what was verified is what runs.
    pub const PROGRAM: i32 = 9;
}

/// What the agent prints on a line of its own before its first frame. Everything ahead of it is noise from login scripts.
/// The nonce is empty where no script comes before the agent.
pub fn greeting(nonce: &str) -> String {
    format!("{HELLO_LINE} {nonce}").trim_end().to_owned()
}

/// Name of the agent's file once it is complete.
pub fn final_name(sha256: &str) -> String {
    format!("agent-{sha256}")
}

/// Name of the file while it is received.
pub fn new_name(nonce: &str) -> String {
    format!("new-{nonce}")
}

const HELLO_LINE: &str = "RPLAY-HELLO";
const NEED_LINE: &str = "RPLAY-NEED ";
const FAIL_LINE: &str = "RPLAY-FAIL ";
/// Noise that is kept to explain a failure.
const MAX_NOISE: usize = 16 * 1024;

/// The script, in one line and without quote, backslash and exclamation mark, so that every login shell hands it on unharmed
/// when it stands between single quotes. `running` is a path under which the wanted agent may be executable already. The `nonce`,
/// hexadecimal digits, is in every line that is meant for the other side: what login scripts print is never taken for one.
///
/// `test -x` alone does not notice `noexec` everywhere: a folder is tried by running a file in it (without `#!`, the shell runs it itself).
/// The space for the file is reserved before the file is asked for, so that a full disk moves on to the next folder.
pub fn script(agents: &[AgentFile], running: Option<&str>, nonce: &str) -> String {
    let mut script = String::from("m=$(uname -m); case $m in ");
    for agent in agents {
        let AgentHash { sha256, blake2b } = agent.hash;
        let packed = agent.packed_size.map(|size| size.to_string()).unwrap_or_default();
        let _ = write!(script, "{}) h={sha256}; k={blake2b}; n={}; z={packed};; ", agent.machine, agent.size);
    }
    let _ =
        write!(script, "*) echo; echo RPLAY-FAIL {nonce} no agent for the architecture $m; exit 3;; esac; r={nonce}; ");
    script.push_str(concat!(
        // Sets x to what the first program there is says of a file; true if that is one of the hashes.
        "v() { x=$( (b2sum || sha256sum || busybox sha256sum || openssl dgst -sha256 || shasum -a 256) <\"$1\" 2>/dev/null); ",
        "case \" $x \" in *\" $h \"*|*\" $k \"*) true;; *) false;; esac; }; ",
    ));
    if let Some(path) = running {
        let (here, program) = (place::HERE, place::PROGRAM);
        let _ = write!(
            script,
            "p={path}; [ -x $p ] && (: <$p) 2>/dev/null && exec {program}<$p && v /proc/self/fd/{program} \
             && exec /proc/self/fd/{program} serve $h $k $r {here}; ",
        );
    }
    // A Korn shell hands on only what is named with the command.
    let (away, new, begin) = (place::AWAY, place::NEW, place::BEGIN);
    let _ = write!(script, "if (: <.) 2>/dev/null; then exec {begin}<.; else exec {begin}</dev/null; fi; ");
    script.push_str(concat!(
        "f=agent-$h; t=new-$r; i=$(id -u); ",
        "b=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}; case $b in /*) ;; *) b=/nonexistent;; esac; ",
        // Goes into folder $2 of folder $1, and is true if it may be used.
        "e() { cd -P \"$1\" 2>/dev/null && p=${PWD%/} && cd -P \"./$2\" 2>/dev/null && [ \"$PWD\" = \"$p/$2\" ] && [ -O . ] && ",
        "case $(ls -ld .) in drwx--?---*) true;; *) false;; esac; }; ",
    ));
    let _ = write!(
        script,
        "g() {{ e \"$1\" \"$2\" && [ -f $f ] && [ -O $f ] && [ -x $f ] && v $f && exec ./$f serve $h $k $r {away} {begin}<&{begin}; }}; ",
    );
    script.push_str(concat!(
        "g \"$b\" rplay; for d in /var/tmp /dev/shm /tmp; do g $d .rplay-$i; done; ",
        "[ -O \"${b%/*}\" ] && (umask 77; mkdir -p \"$b\") 2>/dev/null; ",
        "a=; for d in \"$b\" /var/tmp /dev/shm /tmp; do ",
        "l=.rplay-$i; [ \"$d\" = \"$b\" ] && l=rplay; a=\"$a $d/$l\"; ",
        // Another user's home is no place for this one's files.
        "[ $l = rplay ] && { [ -O \"$d\" ] || continue; }; ",
        "(cd -P \"$d\" && umask 77 && mkdir ./$l) 2>/dev/null; e \"$d\" $l || continue; ",
        "trap \"rm -f $t; exit 3\" HUP INT TERM; ",
        "(umask 77; set -C; echo exit 0 >$t) 2>/dev/null && chmod 700 $t && ./$t 2>/dev/null && head -c $n /dev/zero >$t 2>/dev/null || { rm -f $t; continue; }; ",
        "w=raw; [ $z ] && [ x = \"$(echo x | gzip 2>/dev/null | gzip -dc 2>/dev/null)\" ] && w=gzip; ",
        "echo; echo RPLAY-NEED $r $m $w; ",
        "case $w in gzip) head -c $z | gzip -dc >$t;; *) head -c $n >$t;; esac; ",
        "[ $(wc -c <$t) -eq $n ] || { rm -f $t; echo; echo RPLAY-FAIL $r the agent could not be written to $PWD; exit 3; }; ",
        "v $t || [ -z \"$x\" ] || { rm -f $t; echo; echo RPLAY-FAIL $r the agent was damaged on its way to $PWD; exit 3; }; ",
        "find . -name \"*-*\" -mtime +30 -exec rm -f {} + 2>/dev/null; ",
    ));
    let _ = write!(script, "exec ./$t serve $h $k $r {new} {begin}<&{begin}; done; ");
    script.push_str(
        "echo; echo RPLAY-FAIL $r no folder with space for the agent that permits execution, tried$a; exit 3",
    );
    script
}

/// The script as a command for a login shell.
pub fn command(agents: &[AgentFile], nonce: &str) -> String {
    format!("exec /bin/sh -c '{}'", script(agents, None, nonce))
}

/// What to do after some output of the script.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Read on.
    More,
    /// Send the agent's file for this machine, compressed by gzip or as it is.
    Upload { machine: String, packed: bool },
    /// The agent runs; these bytes are the first of its frames.
    Ready(Vec<u8>),
    /// The script gave up.
    Failed(String),
}

/// Reads the script's output.
#[derive(Debug)]
pub struct Bootstrap {
    nonce: String,
    buffer: Vec<u8>,
    noise: String,
}

impl Bootstrap {
    /// For a script that was given this nonce.
    pub fn new(nonce: &str) -> Self {
        Self { nonce: nonce.to_owned(), buffer: Vec::new(), noise: String::new() }
    }

    pub fn feed(&mut self, bytes: &[u8]) -> Step {
        self.buffer.extend_from_slice(bytes);
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim();
            if let Some(step) = self.step(line) {
                return step;
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

    /// What a line asks for, if it was printed for this side.
    fn step(&mut self, line: &str) -> Option<Step> {
        let rest = |prefix: &str| line.strip_prefix(prefix)?.strip_prefix(self.nonce.as_str());
        if line == greeting(&self.nonce) {
            return Some(Step::Ready(std::mem::take(&mut self.buffer)));
        }
        if let Some(wanted) = rest(NEED_LINE) {
            let mut words = wanted.split_whitespace();
            let machine = words.next().unwrap_or_default().to_owned();
            return Some(Step::Upload { machine, packed: words.next() == Some("gzip") });
        }
        rest(FAIL_LINE).map(|reason| Step::Failed(reason.trim_start().to_owned()))
    }

    /// What was printed besides, to explain why no agent appeared.
    pub fn noise(&self) -> String {
        let rest = String::from_utf8_lossy(&self.buffer);
        format!("{}{}", self.noise, rest.trim()).trim().to_owned()
    }
}

/// What may have kept the agent from starting, where the shell's own words say it to experts only.
pub fn hint(code: Option<i32>, said: &str) -> Option<&'static str> {
    let said = said.to_lowercase();
    let one_of = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
    if one_of(&["exec format error", "cannot execute binary file"]) {
        return Some("the system does not run programs of the architecture that `uname -m` names");
    }
    if one_of(&["restricted"]) {
        return Some("the login shell is a restricted one (rbash); rplay needs one that may run /bin/sh");
    }
    if one_of(&["account is currently not available", "nologin"]) {
        return Some("the user's login shell is nologin; rplay needs one that runs commands");
    }
    if said.trim().is_empty() && code.is_some_and(|code| code != 0) {
        return Some("the login shell ended without a word; is it /bin/false or nologin?");
    }
    None
}

#[cfg(test)]
mod tests;
