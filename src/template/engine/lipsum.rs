//! `lipsum()`: filler text.

use super::arguments::{Arguments, parameters};
use super::val::Val;
use crate::template::error::Res;

const WORDS: &[&str] = &[
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "consectetur",
    "adipiscing",
    "elit",
    "sed",
    "do",
    "eiusmod",
    "tempor",
    "incididunt",
    "ut",
    "labore",
    "et",
    "dolore",
    "magna",
    "aliqua",
    "enim",
    "minim",
    "veniam",
    "quis",
    "nostrud",
];

pub fn lipsum(arguments: Arguments) -> Res<Val> {
    let bound = arguments.bind("lipsum", &parameters(&["n", "html", "min", "max"], 0))?;
    let paragraphs = bound.int(0, 5)?.clamp(0, 1000);
    let html = bound.bool(1, true)?;
    let least = bound.int(2, 20)?.clamp(0, 1000);
    let most = bound.int(3, 100)?.clamp(least + 1, 1001);
    let mut out = Vec::new();
    for _ in 0..paragraphs {
        let length = rand::random_range(least..most);
        let mut words: Vec<String> = (0..length)
            .map(|_| WORDS.get(rand::random_range(0..WORDS.len())).copied().unwrap_or("lorem").to_owned())
            .collect();
        if let Some(first) = words.first_mut() {
            first[..1].make_ascii_uppercase();
        }
        let text = format!("{}.", words.join(" "));
        out.push(if html { format!("<p>{text}</p>") } else { text });
    }
    Ok(Val::str(out.join(if html { "\n" } else { "\n\n" })))
}
