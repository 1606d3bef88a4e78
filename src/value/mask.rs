//! Secrets known by their text. What came back from a target has lost its types: wherever text is shown, whatever this process knows
//! to be secret is hidden in it. One list for the process, so that whoever learns a secret need not know who prints.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, PoisonError, RwLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::python::json_text;

pub const MASK: &str = "********";

#[derive(Default)]
struct Known {
    /// Every form in which a secret may turn up.
    forms: HashSet<String>,
    /// Words that stand in the open anyway, such as the names of hosts.
    open: HashSet<String>,
    /// Finds `forms`; none while they have changed.
    searcher: Option<AhoCorasick>,
}

static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(RwLock::default);
/// Most runs know no secret and never take the lock.
static ANY: AtomicBool = AtomicBool::new(false);

/// From now on this text is hidden wherever it is shown. What could be any word is not: see `is_distinct`.
pub fn remember(secret: &str) {
    let mut forms = Vec::new();
    // Diffs and lists of lines show one line at a time.
    secret.lines().for_each(|line| forms_of(line.trim(), &mut forms));
    if forms.is_empty() {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    for form in forms {
        if !known.open.contains(&form) && known.forms.insert(form) {
            known.searcher = None;
        }
    }
    ANY.store(!known.forms.is_empty(), Ordering::Release);
}

/// These words are no secrets, even if a secret has the same text.
pub fn keep_open<'a>(words: impl IntoIterator<Item = &'a str>) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    for word in words {
        if known.forms.remove(word) {
            known.searcher = None;
        }
        known.open.insert(word.to_owned());
    }
}

/// The text without the secrets in it.
pub fn hide(text: &str) -> Cow<'_, str> {
    if text.is_empty() || !ANY.load(Ordering::Acquire) {
        return Cow::Borrowed(text);
    }
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(searcher) = &known.searcher {
        return replaced(searcher, text);
    }
    drop(known);
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if known.searcher.is_none() {
        known.searcher = searcher(&known.forms);
    }
    match &known.searcher {
        Some(searcher) => replaced(searcher, text),
        // Too many to be searched for: rather nothing than a secret.
        None => Cow::Borrowed(MASK),
    }
}

fn searcher(forms: &HashSet<String>) -> Option<AhoCorasick> {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .kind(Some(AhoCorasickKind::NoncontiguousNFA))
        .build(forms)
        .ok()
}

fn replaced<'a>(searcher: &AhoCorasick, text: &'a str) -> Cow<'a, str> {
    if !searcher.is_match(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    searcher.replace_all_with(text, &mut out, |_, _, out| {
        out.push_str(MASK);
        true
    });
    Cow::Owned(out)
}

/// The text between the quotes of JSON.
fn in_json(text: &str, only_ascii: bool) -> String {
    let mut quoted = String::new();
    json_text(text, only_ascii, &mut quoted);
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

/// A secret as it is, for a shell, in Python's notation, in a URL, and each but the last in JSON and in JSON's JSON.
fn forms_of(secret: &str, forms: &mut Vec<String>) {
    if !is_distinct(secret) {
        return;
    }
    let python = in_json(secret, false).replace("\\\"", "\"");
    let shell = secret.replace('\'', "'\"'\"'");
    for form in [secret, &shell, &python, &python.replace('\'', "\\'")] {
        forms.push(form.to_owned());
        for only_ascii in [false, true] {
            let once = in_json(form, only_ascii);
            forms.push(in_json(&once, only_ascii));
            forms.push(once);
        }
    }
    let mut url = String::new();
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    forms.push(url);
}

/// A short word or number is not looked for: the output would be full of holes, which tell more about it than they hide.
fn is_distinct(secret: &str) -> bool {
    let count = secret.chars().count();
    let plain = secret.chars().all(char::is_lowercase) || secret.chars().all(|char| char.is_ascii_digit());
    !COMMON.contains(&secret) && (count >= 8 || count >= 4 && !plain)
}

/// Words of results and names of accounts that nobody would call secret.
const COMMON: &[&str] = &[
    "False",
    "None",
    "True",
    "null",
    "/bin/bash",
    "/bin/sh",
    "localhost",
    "127.0.0.1",
    "postgres",
    "present",
    "unreachable",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_in_every_form() {
        remember("mask-test \"quo'ted\" \u{e9}\\");
        for shown in [
            "x mask-test \"quo'ted\" \u{e9}\\ y",
            "x mask-test \\\"quo'ted\\\" \u{e9}\\\\ y",
            "x mask-test \\\"quo'ted\\\" \\u00e9\\\\ y",
            "x mask-test%20%22quo%27ted%22%20%C3%A9%5C y",
            "x mask-test \"quo'\"'\"'ted\" \u{e9}\\ y",
            "x mask-test \\\"quo'\\\"'\\\"'ted\\\" \u{e9}\\\\ y",
            "x mask-test \"quo\\'ted\" \u{e9}\\\\ y",
        ] {
            assert_eq!(hide(shown), "x ******** y", "{shown}");
        }
    }

    #[test]
    fn lines_of_a_long_secret_are_hidden_one_by_one() {
        remember("-----BEGIN MASK TEST-----\nMIIabcdef\n");
        assert_eq!(hide("+MIIabcdef\n"), "+********\n");
    }

    #[test]
    fn what_could_be_any_word_stays() {
        for word in ["yes", "prod", "5432", "root", "None", "localhost"] {
            remember(word);
            assert_eq!(hide(word), word);
        }
        keep_open(["mask-test-host"]);
        remember("mask-test-host");
        assert_eq!(hide("mask-test-host"), "mask-test-host");
    }

    #[test]
    fn the_longest_secret_counts() {
        remember("masktest1");
        remember("masktest12345");
        assert_eq!(hide("masktest12345 masktest1"), "******** ********");
    }
}
