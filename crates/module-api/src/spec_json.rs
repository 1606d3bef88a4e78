//! Specifications as the programs of modules tell them. What is read lives as long as the controller: a program is asked once.

use serde::Deserialize;

use crate::{Arg, Kind, Return, Rule, Spec};

/// Reads the answer of a program to `specs`: a JSON list of specifications, with the names of their fields.
pub fn read_specs(json: &[u8]) -> Result<&'static [Spec], serde_json::Error> {
    let specs: Vec<SpecJson> = serde_json::from_slice(json)?;
    Ok(leak_all(specs, SpecJson::leak))
}

#[derive(Deserialize)]
struct SpecJson {
    name: String,
    summary: String,
    args: Vec<ArgJson>,
    shared: Vec<Vec<ArgJson>>,
    rules: Vec<RuleJson>,
    check_mode: bool,
    free_form: Option<String>,
    // Programs of an older release say neither.
    #[serde(default)]
    example: String,
    #[serde(default)]
    returns: Vec<ReturnJson>,
}

#[derive(Deserialize)]
struct ReturnJson {
    name: String,
    kind: Kind,
    when: String,
    summary: String,
}

#[derive(Deserialize)]
struct ArgJson {
    name: String,
    summary: String,
    kind: Kind,
    elements: Option<Kind>,
    options: Vec<ArgJson>,
    required: bool,
    default: Option<String>,
    choices: Vec<String>,
    aliases: Vec<String>,
    no_log: bool,
    internal: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RuleJson {
    MutuallyExclusive(Vec<String>),
    RequiredTogether(Vec<String>),
    RequiredOneOf(Vec<String>),
    RequiredIf { arg: String, value: String, needs: Vec<String>, any: bool },
    RequiredBy { arg: String, needs: Vec<String> },
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn leak_all<T, U>(list: Vec<T>, one: fn(T) -> U) -> &'static [U] {
    Box::leak(list.into_iter().map(one).collect())
}

impl SpecJson {
    fn leak(self) -> Spec {
        Spec {
            name: leak(self.name),
            summary: leak(self.summary),
            args: leak_all(self.args, ArgJson::leak),
            shared: leak_all(self.shared, |args| leak_all(args, ArgJson::leak)),
            rules: leak_all(self.rules, RuleJson::leak),
            check_mode: self.check_mode,
            free_form: self.free_form.map(leak),
            example: leak(self.example),
            returns: leak_all(self.returns, ReturnJson::leak),
        }
    }
}

impl ReturnJson {
    fn leak(self) -> Return {
        Return { name: leak(self.name), kind: self.kind, when: leak(self.when), summary: leak(self.summary) }
    }
}

impl ArgJson {
    fn leak(self) -> Arg {
        Arg {
            name: leak(self.name),
            summary: leak(self.summary),
            kind: self.kind,
            elements: self.elements,
            options: leak_all(self.options, ArgJson::leak),
            required: self.required,
            default: self.default.map(leak),
            choices: leak_all(self.choices, leak),
            aliases: leak_all(self.aliases, leak),
            no_log: self.no_log,
            internal: self.internal,
        }
    }
}

impl RuleJson {
    fn leak(self) -> Rule {
        match self {
            RuleJson::MutuallyExclusive(names) => Rule::MutuallyExclusive(leak_all(names, leak)),
            RuleJson::RequiredTogether(names) => Rule::RequiredTogether(leak_all(names, leak)),
            RuleJson::RequiredOneOf(names) => Rule::RequiredOneOf(leak_all(names, leak)),
            RuleJson::RequiredIf { arg, value, needs, any } => {
                Rule::RequiredIf { arg: leak(arg), value: leak(value), needs: leak_all(needs, leak), any }
            }
            RuleJson::RequiredBy { arg, needs } => Rule::RequiredBy { arg: leak(arg), needs: leak_all(needs, leak) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_is_read() {
        const SPEC: Spec = Spec {
            name: "greeting",
            summary: "Writes a greeting.",
            args: &[
                Arg::str("name", "Who is greeted.").required().aliases(&["who"]),
                Arg::list("words", "Words.", Kind::Dict).options(&[Arg::bool("loud", "Shout.").default("no")]),
            ],
            shared: &[&[Arg::path("path", "Where.").no_log()]],
            rules: &[
                Rule::RequiredOneOf(&["name", "words"]),
                Rule::RequiredIf { arg: "name", value: "x", needs: &["words"], any: true },
            ],
            free_form: Some("name"),
            example: "- greeting:\n    name: you\n",
            returns: &[Return::new("text", Kind::Str, "always", "The greeting.")],
            ..Spec::EMPTY
        };
        let told = serde_json::to_vec(&[SPEC]).unwrap();
        let read = read_specs(&told).unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", [SPEC]));
    }

    #[test]
    fn something_else_is_an_error() {
        assert!(read_specs(b"hello").is_err());
        assert!(read_specs(br#"[{"name": "x"}]"#).is_err());
    }
}
