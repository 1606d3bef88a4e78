//! Passwords and their terms as /etc/shadow has them.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shadow {
    pub password: String,
    pub minimum: String,
    pub maximum: String,
    pub warning: String,
    pub inactive: String,
    /// Days since 1970; empty for never.
    pub expires: String,
}

pub fn read(name: &str) -> Shadow {
    let text = std::fs::read("/etc/shadow").unwrap_or_default();
    parse(&String::from_utf8_lossy(&text), name).unwrap_or_default()
}

fn parse(text: &str, name: &str) -> Option<Shadow> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let mut next = || fields.next().unwrap_or_default().to_owned();
        let password = next();
        let _last_change = next();
        Some(Shadow { password, minimum: next(), maximum: next(), warning: next(), inactive: next(), expires: next() })
    })
}

/// Whether it has the form that crypt(3) gives a password, the length of the last part included.
pub fn looks_encrypted(password: &str) -> bool {
    let password = password.trim_start_matches('!');
    if password.contains([':', '*', '!']) {
        return false;
    }
    let mut parts = password.split('$');
    let (Some(""), Some(method)) = (parts.next(), parts.next()) else { return password.len() == 13 };
    let hash = parts.next_back().unwrap_or_default();
    let shortest = match method {
        "1" => 22,
        "5" => 43,
        "6" => 86,
        _ => 0,
    };
    hash.len() >= shortest && !hash.is_empty()
}

#[cfg(test)]
mod tests {
    use super::{Shadow, looks_encrypted, parse};

    #[test]
    fn fields() {
        let shadow = parse("root:*:1:0:99999:7:::\nbob:!$6$x:19000:1:2:3:4:5:\n", "bob");
        let expected = Shadow {
            password: "!$6$x".into(),
            minimum: "1".into(),
            maximum: "2".into(),
            warning: "3".into(),
            inactive: "4".into(),
            expires: "5".into(),
        };
        assert_eq!(shadow, Some(expected));
        assert_eq!(parse("root:*\n", "bob"), None);
    }

    #[test]
    fn encrypted() {
        assert!(looks_encrypted(&format!("$6$salt${}", "x".repeat(86))));
        assert!(looks_encrypted(&format!("$y$j9T$salt${}", "x".repeat(43))));
        for plain in ["secret", "$6$abc$def", "a:b", ""] {
            assert!(!looks_encrypted(plain), "{plain}");
        }
    }
}
