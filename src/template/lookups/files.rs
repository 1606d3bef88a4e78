//! Lookups of files: `template`, `unvault`, `first_found`, `fileglob`, `csvfile`, `ini`.

use super::file::read;
use super::{Request, flattened};
use crate::source::SourceFile;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::template::file::FileOptions;
use crate::template::filters::regex::{Flags, compile};
use crate::value::Dict;

pub fn template(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut options = FileOptions::default();
    let set = |name: &str, target: &mut String| -> Res<()> {
        if let Some(text) = request.text(name)? {
            *target = text;
        }
        Ok(())
    };
    set("variable_start_string", &mut options.variable_start_string)?;
    set("variable_end_string", &mut options.variable_end_string)?;
    set("comment_start_string", &mut options.comment_start_string)?;
    set("comment_end_string", &mut options.comment_end_string)?;
    options.trim_blocks = request.flag("trim_blocks", true)?;
    options.lstrip_blocks = request.flag("lstrip_blocks", false)?;
    let mut extra = Dict::new();
    if let Some(Val::Dict(vars)) = request.option("template_vars") {
        for (key, value) in vars.to_map() {
            extra.insert(key, crate::template::engine::output::finalize(&value)?);
        }
    }
    let mut out = Vec::new();
    for term in request.texts()? {
        let path = scope
            .context
            .templar
            .search()
            .find("templates", &term)
            .ok_or_else(|| raised(format!("the template file {term} could not be found for the lookup")))?;
        let text = String::from_utf8(read(scope, "templates", &term)?)
            .map_err(|_| raised(format!("the template file {term} is not UTF-8 text")))?;
        let source = SourceFile::new(path, text);
        let value = scope.context.templar.render_file_value(&source, &options, &extra).map_err(Box::new)?;
        out.push(crate::template::engine::val::from_data(&value));
    }
    Ok(out)
}

pub fn unvault(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut out = Vec::new();
    for term in request.texts()? {
        let bytes =
            read(scope, "files", &term).map_err(|_| raised(format!("Unable to find file matching \"{term}\" ")))?;
        out.push(Val::str(String::from_utf8_lossy(&bytes).into_owned()));
    }
    Ok(out)
}

pub fn fileglob(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut out = Vec::new();
    for term in request.texts()? {
        let search = scope.context.templar.search();
        let candidates = if term.contains('/') && term.starts_with('/') {
            vec![std::path::PathBuf::from(&term)]
        } else {
            search.candidates("files", &term)
        };
        for candidate in candidates {
            let Ok(found) = glob::glob(&candidate.display().to_string()) else { continue };
            let files: Vec<Val> = found
                .flatten()
                .filter(|path| path.is_file())
                .map(|path| Val::str(path.display().to_string()))
                .collect();
            if !files.is_empty() {
                out.extend(files);
                break;
            }
        }
    }
    Ok(out)
}

pub fn first_found(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut skip = request.flag("skip", false)?;
    let mut names: Vec<String> = Vec::new();
    let split = |value: &Val| -> Res<Vec<String>> {
        Ok(match value {
            Val::Str(text) => {
                text.split([',', ';', ':']).map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
            }
            Val::Null => Vec::new(),
            other => other.iterate()?.iter().map(print::text).collect::<Res<_>>()?,
        })
    };
    let add = |files: Vec<String>, paths: Vec<String>, names: &mut Vec<String>| {
        if paths.is_empty() {
            names.extend(files);
        } else {
            for path in &paths {
                names.extend(files.iter().map(|file| format!("{}/{file}", path.trim_end_matches('/'))));
            }
        }
    };
    let option = |name: &str| request.option(name).cloned().unwrap_or(Val::Null);
    if request.option("files").is_some() {
        add(split(&option("files"))?, split(&option("paths"))?, &mut names);
    }
    for term in flattened(&request.terms)? {
        match &term {
            Val::Dict(dict) => {
                let field = |name: &str| dict.get_str(name).unwrap_or(Val::Null);
                add(split(&field("files"))?, split(&field("paths"))?, &mut names);
                skip |= field("skip").truthy()?;
            }
            Val::Undefined(_) => {}
            Val::Str(text) => {
                let files: Vec<String> =
                    text.split([',', ';']).map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
                add(files, split(&option("paths"))?, &mut names);
            }
            other => {
                return Err(raised(format!(
                    "Invalid term supplied. A string, dict or list is required, not {:?}).",
                    other.type_name()
                )));
            }
        }
    }
    let search = scope.context.templar.search();
    for name in &names {
        for subdir in ["files", "templates", "vars", "tasks"] {
            if let Some(path) = search.find(subdir, name) {
                return Ok(vec![Val::str(path.display().to_string())]);
            }
        }
    }
    if skip {
        return Ok(Vec::new());
    }
    Err(raised("No file was found when using first_found."))
}

/// Options of a term: `key name=value name=value`.
fn term_options(term: &str) -> (String, Vec<(String, String)>) {
    let mut key = Vec::new();
    let mut options = Vec::new();
    for word in term.split_whitespace() {
        match word.split_once('=') {
            Some((name, value)) if !key.is_empty() => {
                options.push((name.to_owned(), value.trim_matches(['"', '\'']).to_owned()));
            }
            _ => key.push(word),
        }
    }
    (key.join(" "), options)
}

fn pick(request: &Request, options: &[(String, String)], name: &str, default: &str) -> Res<String> {
    if let Some((_, value)) = options.iter().find(|(known, _)| known == name) {
        return Ok(value.clone());
    }
    Ok(request.text(name)?.unwrap_or_else(|| default.to_owned()))
}

pub fn csvfile(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut out = Vec::new();
    for term in request.texts()? {
        let (key, options) = term_options(&term);
        if key.is_empty() {
            return Err(raised("Search key is required but was not found"));
        }
        let file = pick(&request, &options, "file", "ansible.csv")?;
        let delimiter = pick(&request, &options, "delimiter", "TAB")?;
        let delimiter = match delimiter.as_str() {
            "TAB" | "\\t" | "t" => '\t',
            other => other.chars().next().unwrap_or(','),
        };
        let column = pick(&request, &options, "col", "1")?;
        let key_column = pick(&request, &options, "keycol", "0")?;
        let column: usize =
            column.parse().map_err(|_| raised(format!("invalid literal for int() with base 10: '{column}'")))?;
        let key_column: usize = key_column
            .parse()
            .map_err(|_| raised(format!("invalid literal for int() with base 10: '{key_column}'")))?;
        let text = String::from_utf8_lossy(&read(scope, "files", &file)?).into_owned();
        let row =
            csv_rows(&text, delimiter).into_iter().find(|row| row.get(key_column).is_some_and(|cell| *cell == key));
        match row.and_then(|row| row.get(column).cloned()) {
            Some(cell) => out.push(Val::str(cell)),
            None => {
                if let Some(default) =
                    options.iter().find(|(name, _)| name == "default").map(|(_, value)| value.clone())
                {
                    out.push(Val::str(default));
                } else if let Some(default) = request.option("default") {
                    out.push(default.clone());
                } else {
                    out.push(Val::list(Vec::new()));
                }
            }
        }
    }
    Ok(out)
}

fn csv_rows(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let mut cell = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            char if char == delimiter && !quoted => row.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}

pub fn ini(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut out = Vec::new();
    for term in request.texts()? {
        let (key, options) = term_options(&term);
        let file = pick(&request, &options, "file", "ansible.ini")?;
        let section = pick(&request, &options, "section", "global")?;
        let kind = pick(&request, &options, "type", "ini")?;
        let default = pick(&request, &options, "default", "")?;
        let by_pattern = match options.iter().find(|(name, _)| name == "re") {
            Some((_, value)) => matches!(value.to_lowercase().as_str(), "true" | "yes" | "1"),
            None => request.flag("re", false)?,
        };
        let case_sensitive = request.flag("case_sensitive", false)?;
        let text = String::from_utf8_lossy(&read(scope, "files", &file)?).into_owned();
        let section = if kind == "properties" { "java_properties".to_owned() } else { section };
        let entries = ini_entries(&text, &section, kind == "properties");
        let fold =
            |name: &str| if case_sensitive || kind == "properties" { name.to_owned() } else { name.to_lowercase() };
        if by_pattern {
            let regex = compile(&key, Flags::default())?;
            for (name, value) in &entries {
                if regex.find(name.as_str()).ok().flatten().is_some_and(|found| found.start() == 0) {
                    out.push(Val::str(value.as_str()));
                }
            }
            continue;
        }
        match entries.iter().rev().find(|(name, _)| fold(name) == fold(&key)) {
            Some((_, value)) => out.push(Val::str(value.as_str())),
            None => out.push(Val::str(default)),
        }
    }
    Ok(out)
}

fn ini_entries(text: &str, section: &str, properties: bool) -> Vec<(String, String)> {
    let mut current = if properties { section.to_owned() } else { String::new() };
    let mut entries: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with([' ', '\t']) && inside && current == section {
            if let Some((_, value)) = entries.last_mut() {
                value.push('\n');
                value.push_str(trimmed);
            }
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            current = name.to_owned();
            inside = false;
            continue;
        }
        let (name, value) = match trimmed.find(['=', ':']) {
            Some(at) => (trimmed[..at].trim_end(), trimmed[at + 1..].trim_start()),
            None => (trimmed, ""),
        };
        inside = true;
        if current == section || current == "DEFAULT" {
            entries.push((name.to_owned(), value.to_owned()));
        }
    }
    entries
}
