//! URLs as they may be shown: a password in one is nobody's business.

use std::borrow::Cow;

const MASK: &str = "********";
/// What stands before `@` without a colon is a name, unless it is as long as a token.
const LONGEST_NAME: usize = 20;

/// The text with the passwords of all URLs in it hidden.
pub fn without_url_passwords(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("://").map(|index| index + 3) {
        let (before, authority) = rest.split_at(start);
        out.push_str(before);
        let end = authority.find(|char: char| char.is_whitespace() || "/?#\"'<>\\,".contains(char));
        let (authority, after) = authority.split_at(end.unwrap_or(authority.len()));
        match authority.rsplit_once('@') {
            Some((user, host)) => match user.split_once(':') {
                Some((name, _)) => out.push_str(&format!("{name}:{MASK}@{host}")),
                None if user.len() > LONGEST_NAME => out.push_str(&format!("{MASK}@{host}")),
                None => out.push_str(authority),
            },
            // What looks like its end may be the begin of another URL.
            None => {
                rest = &rest[start..];
                continue;
            }
        }
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::without_url_passwords;

    #[test]
    fn only_passwords_are_hidden() {
        for (text, shown) in [
            ("x http://u:p@ss@h:80/a@b y", "x http://u:********@h:80/a@b y"),
            ("ssh://git@github.com:22/x, postgres://u:p@h", "ssh://git@github.com:22/x, postgres://u:********@h"),
            ("https://ghp_0123456789abcdefghij@github.com/x", "https://********@github.com/x"),
            ("http://:p@h", "http://:********@h"),
            ("http://h/?a=u:p@h", "http://h/?a=u:p@h"),
            ("://", "://"),
            ("a://b://c:d@e", "a://b://c:********@e"),
        ] {
            assert_eq!(without_url_passwords(text), shown, "{text}");
        }
    }
}
