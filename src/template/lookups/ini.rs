//! `ini`: values of INI and properties files.

use rplay_module_api::config_parser::{self, Line, Mistake, MistakeKind, Rules, Section};

use super::files::{pick, term_options};
use super::{Request, file};
use crate::template::engine::encoding::decode;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::template::filters::regex::{Flags, compile};
use crate::value::python::str_repr;

const OPTIONS: &[&str] =
    &["type", "file", "section", "re", "encoding", "default", "case_sensitive", "allow_no_value", "allow_none"];
/// Properties have no sections: all of them are in one.
const PROPERTIES: &str = "java_properties";
const MOST_REFERENCES: usize = 10;

pub fn run(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut out = Vec::new();
    for term in request.texts()? {
        let (key, options) = term_options(&term);
        if let Some((name, _)) = options.iter().find(|(name, _)| !OPTIONS.contains(&name.as_str())) {
            return Err(raised(format!("'{key} {name}' is not a valid option.")));
        }
        let name = pick(&request, &options, "file", "ansible.ini")?;
        let properties = pick(&request, &options, "type", "ini")? == "properties";
        let section = if properties { PROPERTIES.to_owned() } else { pick(&request, &options, "section", "global")? };
        let encoding = pick(&request, &options, "encoding", "utf-8")?;
        let truth = |text: &str| matches!(text.to_lowercase().as_str(), "true" | "yes" | "1" | "on" | "y" | "t");
        let by_pattern = truth(&pick(&request, &options, "re", "no")?);
        let text = decode(&file::read(scope, "files", &name)?, &encoding, "strict")?;
        let rules = Rules {
            inline_comments: false,
            case_sensitive: properties || truth(&pick(&request, &options, "case_sensitive", "no")?),
            allow_no_value: truth(&pick(&request, &options, "allow_no_value", "no")?)
                || truth(&pick(&request, &options, "allow_none", "no")?),
            unnamed_section: properties.then_some(PROPERTIES),
        };
        let sections = config_parser::read(&text, rules).map_err(|mistake| raised(said(&mistake, &name)))?;
        let Some(entries) = entries_of(sections, &section) else {
            return Err(raised(format!("No section '{section}' in '{name}'.")));
        };
        if by_pattern {
            let regex = compile(&key, Flags::default())?;
            for (name, _) in &entries {
                if regex.find(name).ok().flatten().is_some_and(|found| found.start() == 0) {
                    out.extend(interpolated(&entries, name, 0)?.map(Val::str));
                }
            }
            continue;
        }
        let wanted = if rules.case_sensitive { key } else { key.to_lowercase() };
        if entries.iter().any(|(name, _)| *name == wanted) {
            out.extend(interpolated(&entries, &wanted, 0)?.map(Val::str));
        } else {
            out.push(Val::str(pick(&request, &options, "default", "")?));
        }
    }
    Ok(out)
}

/// Names and values in the order of the file.
type Entries = Vec<(String, Option<String>)>;

/// The entries of a section, and those of `DEFAULT` that it does not have itself.
fn entries_of(sections: Vec<Section>, name: &str) -> Option<Entries> {
    if name != "DEFAULT" && !sections.iter().any(|section| section.name == name) {
        return None;
    }
    let (own, others): (Vec<_>, Vec<_>) = sections.into_iter().partition(|section| section.name == name);
    let defaults = others.into_iter().filter(|section| section.name == "DEFAULT");
    let mut entries = Entries::new();
    for entry in own.into_iter().chain(defaults).flat_map(|section| section.entries) {
        if !entries.iter().any(|(known, _)| *known == entry.name) {
            entries.push((entry.name, entry.value));
        }
    }
    Some(entries)
}

/// What Ansible says of an option that is there twice, and Python of other mistakes in a text that has no name.
fn said(mistake: &Mistake, file: &str) -> String {
    let Line { number, content, .. } = &mistake.line;
    match &mistake.kind {
        kind @ MistakeKind::NoSection => format!("{kind}\nfile: '<???>', line: {number}\n'{content}\\n'"),
        kind @ MistakeKind::NoOption => format!("{kind}: '<???>'\n\t[line {number:2}]: '{content}\\n'"),
        MistakeKind::OptionTwice { .. } => format!("Duplicate option in {}.", str_repr(file)),
        kind => format!("While reading from '<???>' [line {number:2}]: {kind}"),
    }
}

/// A value with `%(name)s` replaced by other values, and `%%` by a percent sign.
fn interpolated(entries: &Entries, name: &str, depth: usize) -> Res<Option<String>> {
    let Some((_, value)) = entries.iter().find(|(known, _)| known == name) else {
        return Err(raised(format!("Bad value substitution: option '{name}' is not there")));
    };
    let Some(value) = value else { return Ok(None) };
    if depth > MOST_REFERENCES {
        return Err(raised(format!("Recursion limit exceeded in value substitution: option '{name}'")));
    }
    let mut out = String::new();
    let mut rest = value.as_str();
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
        } else if let Some((reference, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(")s")) {
            out += &interpolated(entries, &reference.to_lowercase(), depth + 1)?.unwrap_or_default();
            rest = after;
        } else {
            return Err(raised(format!("'%' must be followed by '%' or '(', found: '%{rest}'")));
        }
    }
    out.push_str(rest);
    Ok(Some(out))
}
