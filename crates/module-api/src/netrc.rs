//! Credentials in the text of a `.netrc`.

/// Login and password of a host, or those of `default`.
pub fn find(text: &str, host: &str) -> Option<(String, String)> {
    let mut words = text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace);
    let (mut applies, mut login, mut password) = (false, None, None);
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => {
                if applies && login.is_some() {
                    break;
                }
                applies = word == "default" || words.next() == Some(host);
                (login, password) = (None, None);
            }
            "login" => login = words.next(),
            "password" => password = words.next(),
            "account" => {
                words.next();
            }
            _ => {}
        }
    }
    (applies && login.is_some()).then(|| (login.unwrap_or("").to_owned(), password.unwrap_or("").to_owned()))
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn finds_the_host() {
        let text = "# mine\nmachine a.example login u password p\nmachine b.example\n login v\n password q\ndefault login d password e\n";
        for (host, expected) in [("a.example", ("u", "p")), ("b.example", ("v", "q")), ("c.example", ("d", "e"))] {
            assert_eq!(find(text, host), Some((expected.0.to_owned(), expected.1.to_owned())), "{host}");
        }
        assert_eq!(find("machine a login u password p", "b"), None);
    }
}
