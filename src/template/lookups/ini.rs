//! `ini`: values of INI and properties files, read as Python's configparser reads them.

use super::files::{pick, term_options};
use super::{Request, file};
use crate::template::engine::encoding::decode;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::template::filters::regex::{Flags, compile};

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
            case_sensitive: properties || truth(&pick(&request, &options, "case_sensitive", "no")?),
            allow_no_value: truth(&pick(&request, &options, "allow_no_value", "no")?)
                || truth(&pick(&request, &options, "allow_none", "no")?),
        };
        let entries = Sections::parse(&text, properties, &rules)?;
        let Some(entries) = entries.of(&section) else {
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

struct Rules {
    case_sensitive: bool,
    allow_no_value: bool,
}

/// Names and values in the order of the file.
type Entries = Vec<(String, Option<String>)>;

struct Sections(Vec<(String, Entries)>);

impl Sections {
    fn parse(text: &str, properties: bool, rules: &Rules) -> Res<Self> {
        let mut sections: Vec<(String, Entries)> = Vec::new();
        if properties {
            sections.push((PROPERTIES.to_owned(), Entries::new()));
        }
        let mut inside = false;
        for (number, line) in text.lines().enumerate() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with([' ', '\t'])
                && inside
                && let Some((_, Some(value))) = sections.last_mut().and_then(|(_, entries)| entries.last_mut())
            {
                value.push('\n');
                value.push_str(trimmed);
                continue;
            }
            if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name) {
                if name != "DEFAULT" && sections.iter().any(|(known, _)| known == name) {
                    return Err(raised(format!(
                        "While reading from '<???>' [line {:2}]: section '{name}' already exists",
                        number + 1
                    )));
                }
                sections.push((name.to_owned(), Entries::new()));
                inside = false;
                continue;
            }
            let Some((section, entries)) = sections.last_mut() else {
                return Err(raised(format!(
                    "File contains no section headers.\nfile: '<???>', line: {}\n'{line}\\n'",
                    number + 1
                )));
            };
            let (name, value) = match trimmed.find(['=', ':']) {
                Some(at) => (trimmed[..at].trim_end(), Some(trimmed[at + 1..].trim_start().to_owned())),
                None if rules.allow_no_value => (trimmed, None),
                None => {
                    return Err(raised(format!(
                        "Source contains parsing errors: '<???>'\n\t[line {:2}]: '{line}\\n'",
                        number + 1
                    )));
                }
            };
            let name = if rules.case_sensitive { name.to_owned() } else { name.to_lowercase() };
            if entries.iter().any(|(known, _)| *known == name) {
                return Err(raised(format!(
                    "While reading from '<???>' [line {:2}]: option '{name}' in section '{section}' already exists",
                    number + 1
                )));
            }
            inside = true;
            entries.push((name, value));
        }
        Ok(Sections(sections))
    }

    /// The entries of a section, and those of `DEFAULT` that it does not have itself.
    fn of(&self, name: &str) -> Option<Entries> {
        let find = |name: &str| {
            let all = self.0.iter().filter(|(known, _)| known == name).flat_map(|(_, entries)| entries.iter().cloned());
            all.collect::<Entries>()
        };
        if name != "DEFAULT" && !self.0.iter().any(|(known, _)| known == name) {
            return None;
        }
        let mut entries = find(name);
        for (key, value) in find("DEFAULT") {
            if !entries.iter().any(|(known, _)| *known == key) {
                entries.push((key, value));
            }
        }
        Some(entries)
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
