//! Lines of an authorized_keys file. What is no key is kept as it is.

const TYPES: [&str; 10] = [
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "ssh-dss",
    "ssh-ed25519",
    "ssh-ed448",
    "ssh-rsa",
    "ssh-xmss@openssh.com",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub options: String,
    pub kind: String,
    pub data: String,
    pub comment: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Key(Key),
    Other(String),
}

impl Line {
    pub fn parse(line: &str) -> Self {
        parse_key(line.trim()).map_or_else(|| Self::Other(line.to_owned()), Self::Key)
    }

    pub fn text(&self) -> String {
        match self {
            Self::Other(text) => text.clone(),
            Self::Key(key) => {
                let parts = [&key.options, &key.kind, &key.data, &key.comment];
                parts.into_iter().filter(|it| !it.is_empty()).cloned().collect::<Vec<_>>().join(" ")
            }
        }
    }

    fn key(&self) -> Option<&Key> {
        match self {
            Self::Key(key) => Some(key),
            Self::Other(_) => None,
        }
    }
}

fn parse_key(line: &str) -> Option<Key> {
    if line.starts_with('#') {
        return None;
    }
    let (first, rest) = next_word(line)?;
    let (options, kind, rest) = if TYPES.contains(&first) {
        ("", first, rest)
    } else {
        let (kind, rest) = next_word(rest)?;
        if !TYPES.contains(&kind) {
            return None;
        }
        (first, kind, rest)
    };
    let (data, comment) = next_word(rest)?;
    Some(Key {
        options: options.to_owned(),
        kind: kind.to_owned(),
        data: data.to_owned(),
        comment: comment.trim().to_owned(),
    })
}

/// The text up to a blank outside of quotes, and what follows.
fn next_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let mut quoted = false;
    let mut escaped = false;
    for (index, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            char if char.is_whitespace() && !quoted => return Some(text.split_at(index)),
            _ => {}
        }
    }
    (!text.is_empty()).then_some((text, ""))
}

/// The lines with every wanted key in them; `exclusive` drops all others.
pub fn with(mut lines: Vec<Line>, wanted: &[Key], exclusive: bool) -> Vec<Line> {
    for key in wanted {
        let mut found = false;
        for line in &mut lines {
            if line.key().is_some_and(|it| it.data == key.data) {
                *line = Line::Key(key.clone());
                found = true;
            }
        }
        if !found {
            lines.push(Line::Key(key.clone()));
        }
    }
    if exclusive {
        lines.retain(|line| line.key().is_none_or(|it| wanted.iter().any(|key| key.data == it.data)));
    }
    lines
}

pub fn without(mut lines: Vec<Line>, unwanted: &[Key]) -> Vec<Line> {
    lines.retain(|line| line.key().is_none_or(|it| !unwanted.iter().any(|key| key.data == it.data)));
    lines
}

#[cfg(test)]
mod tests {
    use super::{Line, with, without};

    fn lines(text: &str) -> Vec<Line> {
        text.lines().map(Line::parse).collect()
    }

    fn text(lines: &[Line]) -> String {
        lines.iter().map(|it| it.text() + "\n").collect()
    }

    fn keys(text: &str) -> Vec<super::Key> {
        lines(text).iter().filter_map(|it| it.key().cloned()).collect()
    }

    const FILE: &str = "# note\nssh-rsa AAAA one two\ncommand=\"a \\\" b\",no-pty ssh-ed25519 BBBB\n\nodd line\n";

    #[test]
    fn round_trip() {
        assert_eq!(text(&lines(FILE)), FILE);
        let parsed = keys(FILE);
        assert_eq!(parsed.len(), 2);
        assert_eq!(parsed[0].comment, "one two");
        assert_eq!(parsed[1].options, "command=\"a \\\" b\",no-pty");
    }

    #[test]
    fn changes() {
        assert_eq!(text(&with(lines(FILE), &keys("ssh-rsa AAAA one two"), false)), FILE);
        assert_eq!(
            text(&with(lines(FILE), &keys("ssh-rsa AAAA other\nssh-rsa CCCC"), false)),
            FILE.replace("one two", "other") + "ssh-rsa CCCC\n"
        );
        assert_eq!(text(&with(lines(FILE), &keys("ssh-rsa CCCC"), true)), "# note\n\nodd line\nssh-rsa CCCC\n");
        assert_eq!(text(&without(lines(FILE), &keys("ssh-rsa AAAA"))), FILE.replace("ssh-rsa AAAA one two\n", ""));
    }
}
