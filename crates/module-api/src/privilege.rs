//! Becoming another user: the command line of sudo, su or doas, and the conversation until the wanted command runs.
//! No I/O here. A password is only ever written to the program's input, never part of a command.

use crate::message::{Become, shell_quote};

/// Output that is kept to recognize prompts and to explain a failure.
const MAX_TEXT: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Sudo,
    Su,
    Doas,
}

/// The texts by which a program says that it wants a password or did not like it.
struct Phrases {
    missing: &'static [&'static str],
    incorrect: &'static [&'static str],
}

impl Method {
    fn phrases(self) -> Phrases {
        match self {
            Method::Sudo => Phrases {
                missing: &["a password is required", "a terminal is required to read the password"],
                incorrect: &["Sorry, try again", "incorrect password attempt"],
            },
            Method::Su => {
                Phrases { missing: &[], incorrect: &["Authentication failure", "incorrect password", "Sorry"] }
            }
            Method::Doas => Phrases {
                missing: &["Authorization required", "Authentication required", "a tty is required"],
                incorrect: &["Authentication failed", "Authorization failed"],
            },
        }
    }
}

/// What the conversation asks for next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Read on.
    More,
    /// Write the password and a line feed.
    Password,
    /// The command runs; these bytes are the beginning of its output.
    Started(Vec<u8>),
    /// It will not run, and why in Ansible's words.
    Failed(String),
}

#[derive(Debug)]
pub struct Elevation {
    method: Method,
    becoming: Become,
    token: String,
    text: Vec<u8>,
    /// How much of the text has been looked at for prompts.
    seen: usize,
    sent: bool,
}

impl Elevation {
    /// What `Become::method` may be.
    pub const METHODS: &[&str] = &["sudo", "su", "doas"];

    /// `token` makes this conversation's prompt and success marker unlike any other output.
    pub fn new(becoming: &Become, token: &str) -> Result<Self, String> {
        let method = match becoming.method.as_str() {
            "sudo" => Method::Sudo,
            "su" => Method::Su,
            "doas" => Method::Doas,
            other => return Err(format!("become method `{other}` is not supported (sudo, su and doas are)")),
        };
        Ok(Self { method, becoming: becoming.clone(), token: token.to_owned(), text: Vec::new(), seen: 0, sent: false })
    }

    fn prompt(&self) -> String {
        format!("[sudo via rplay, key={}] password:", self.token)
    }

    fn marker(&self) -> String {
        format!("BECOME-SUCCESS-{}", self.token)
    }

    /// The words for a shell that run `script` as the other user.
    pub fn command(&self, script: &str) -> String {
        let becoming = &self.becoming;
        let user = shell_quote(&becoming.user);
        let script = format!("/bin/sh -c {}", shell_quote(&format!("echo {}; {script}", self.marker())));
        let exe = |default: &str| becoming.exe.clone().filter(|exe| !exe.is_empty()).unwrap_or(default.to_owned());
        let flags = |default: &str| becoming.flags.clone().unwrap_or(default.to_owned());
        match self.method {
            Method::Sudo => {
                let mut flags = flags("-H -S -n");
                if becoming.password.is_some() {
                    flags = without_non_interactive(&flags);
                    flags = format!("{flags} -p {}", shell_quote(&self.prompt()));
                }
                format!("{} {flags} -u {user} {script}", exe("sudo"))
            }
            Method::Su => format!("{} {} {user} -c {}", exe("su"), flags(""), shell_quote(&script)),
            Method::Doas => {
                let interactive = if becoming.password.is_some() { "" } else { "-n" };
                format!("{} {} {interactive} -u {user} {script}", exe("doas"), flags(""))
            }
        }
    }

    /// Whether the program reads passwords from a terminal only.
    pub fn needs_terminal(&self) -> bool {
        self.method != Method::Sudo
    }

    /// The program wants a terminal that it was not given.
    pub fn wants_terminal(&self) -> bool {
        String::from_utf8_lossy(&self.text).contains("you must have a tty")
    }

    pub fn password(&self) -> Option<&str> {
        self.becoming.password.as_deref()
    }

    /// Takes what the program printed, on either stream.
    pub fn feed(&mut self, bytes: &[u8]) -> Step {
        self.text.extend_from_slice(bytes);
        if let Some(rest) = self.after_marker() {
            return Step::Started(rest);
        }
        if self.text.len() > MAX_TEXT {
            let surplus = self.text.len() - MAX_TEXT;
            self.text.drain(..surplus);
            self.seen = self.seen.saturating_sub(surplus);
        }
        let text = String::from_utf8_lossy(self.text.get(self.seen..).unwrap_or_default()).into_owned();
        let phrases = self.method.phrases();
        if self.sent && phrases.incorrect.iter().any(|phrase| text.contains(phrase)) {
            return Step::Failed(format!("Incorrect {} password", self.name()));
        }
        if phrases.missing.iter().any(|phrase| text.contains(phrase)) {
            return Step::Failed(format!("Missing {} password", self.name()));
        }
        if !self.is_prompt(&text) {
            return Step::More;
        }
        self.seen = self.text.len();
        match (&self.becoming.password, self.sent) {
            (None, _) => Step::Failed(format!("Missing {} password", self.name())),
            (Some(_), true) => Step::Failed(format!("Incorrect {} password", self.name())),
            (Some(_), false) => {
                self.sent = true;
                Step::Password
            }
        }
    }

    /// Why the command did not run, when the program has ended.
    pub fn ended(&self) -> String {
        let text = String::from_utf8_lossy(&self.text);
        let text = text.replace(&self.prompt(), "");
        let incorrect = self.method.phrases().incorrect;
        if self.sent && incorrect.iter().any(|phrase| text.contains(phrase)) {
            return format!("Incorrect {} password", self.name());
        }
        match text.trim() {
            "" => format!("{} ended without running the command", self.name()),
            text => text.to_owned(),
        }
    }

    pub fn name(&self) -> &'static str {
        match self.method {
            Method::Sudo => "sudo",
            Method::Su => "su",
            Method::Doas => "doas",
        }
    }

    fn after_marker(&self) -> Option<Vec<u8>> {
        let marker = self.marker();
        let start = self.text.windows(marker.len()).position(|window| window == marker.as_bytes())?;
        let after = self.text.get(start + marker.len()..)?;
        let end = after.iter().position(|byte| *byte == b'\n')?;
        Some(after[end + 1..].to_vec())
    }

    /// sudo prints the prompt it was given. The others print one in the user's language: an open last line with a colon.
    fn is_prompt(&self, text: &str) -> bool {
        if self.method == Method::Sudo && self.becoming.password.is_some() {
            return text.contains(&self.prompt());
        }
        let last = text.rsplit('\n').next().unwrap_or_default().trim_end();
        match self.method {
            Method::Sudo => last.to_lowercase().contains("password") && last.ends_with(':'),
            Method::Su | Method::Doas => last.ends_with([':', '：']),
        }
    }
}

/// `-n` would make sudo refuse instead of asking.
fn without_non_interactive(flags: &str) -> String {
    let mut kept = Vec::new();
    for word in flags.split_whitespace() {
        match word {
            "-n" | "--non-interactive" => {}
            short
                if short.starts_with('-')
                    && !short.starts_with("--")
                    && short.chars().all(|char| "-HSnEkKbPi".contains(char)) =>
            {
                kept.push(short.replace('n', ""));
            }
            other => kept.push(other.to_owned()),
        }
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elevation(method: &str, password: Option<&str>) -> Elevation {
        let becoming = Become {
            method: method.into(),
            user: "other".into(),
            password: password.map(Into::into),
            ..Become::default()
        };
        Elevation::new(&becoming, "k1").expect("supported")
    }

    #[test]
    fn password_is_never_part_of_the_command() {
        for method in ["sudo", "su", "doas"] {
            assert!(!elevation(method, Some("s3cret")).command("id").contains("s3cret"));
        }
    }

    #[test]
    fn commands() {
        let inner = "/bin/sh -c 'echo BECOME-SUCCESS-k1; id'";
        assert_eq!(elevation("sudo", None).command("id"), format!("sudo -H -S -n -u other {inner}"));
        let prompt = "'[sudo via rplay, key=k1] password:'";
        assert_eq!(elevation("sudo", Some("x")).command("id"), format!("sudo -H -S -p {prompt} -u other {inner}"));
        assert_eq!(elevation("doas", None).command("id"), format!("doas  -n -u other {inner}"));
        assert_eq!(elevation("su", None).command("id"), format!("su  other -c {}", shell_quote(inner)));
        assert_eq!(without_non_interactive("-HSn -E --preserve-env=no"), "-HS -E --preserve-env=no");
    }

    #[test]
    fn right_password() {
        let mut sudo = elevation("sudo", Some("x"));
        assert_eq!(sudo.feed(b"We trust you have received the usual lecture\n[sudo via rplay, "), Step::More);
        assert_eq!(sudo.feed(b"key=k1] password:"), Step::Password);
        assert_eq!(sudo.feed(b"BECOME-SUCCESS-k1"), Step::More);
        assert_eq!(sudo.feed(b"\r\nout"), Step::Started(b"out".to_vec()));
    }

    #[test]
    fn wrong_and_missing_passwords() {
        let mut sudo = elevation("sudo", Some("x"));
        assert_eq!(sudo.feed(b"[sudo via rplay, key=k1] password:"), Step::Password);
        assert_eq!(sudo.feed(b"Sorry, try again.\n"), Step::Failed("Incorrect sudo password".into()));
        let mut sudo = elevation("sudo", None);
        assert_eq!(sudo.feed(b"sudo: a password is required\n"), Step::Failed("Missing sudo password".into()));
        let mut su = elevation("su", None);
        assert_eq!(su.feed("Пароль: ".as_bytes()), Step::Failed("Missing su password".into()));
        let mut su = elevation("su", Some("x"));
        assert_eq!(su.feed(b"Password: "), Step::Password);
        assert_eq!(su.feed(b"\r\nsu: Authentication failure\r\n"), Step::Failed("Incorrect su password".into()));
    }

    #[test]
    fn unknown_method_is_named() {
        let becoming = Become { method: "pbrun".into(), ..Become::default() };
        assert!(Elevation::new(&becoming, "k").expect_err("unsupported").contains("`pbrun`"));
    }
}
