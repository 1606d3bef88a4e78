//! Lookups of files: `template`, `unvault`, `first_found`, `fileglob`; and how terms hold options.

use std::path::Path;

use rplay_module_api::truth;

use super::file::read;
use super::{Request, flattened};
use crate::source::SourceFile;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::template::file::FileOptions;
use crate::template::filters::paths::files_matching;
use crate::template::own_variables;
use crate::value::Dict;

/// Lists inside lists of file names.
const MOST_NESTING: usize = 20;

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
    let templar = &scope.context.templar;
    let mut given = Dict::new();
    if let Some(Val::Dict(vars)) = request.option("template_vars") {
        for (key, value) in vars.to_map() {
            given.insert(key, crate::template::engine::output::finalize(&value)?);
        }
    }
    let mut out = Vec::new();
    for term in request.texts()? {
        let path = templar
            .search()
            .find("templates", &term)
            .ok_or_else(|| raised(format!("the template file {term} could not be found for the lookup")))?;
        let text = String::from_utf8(read(scope, "templates", &term)?)
            .map_err(|_| raised(format!("the template file {term} is not UTF-8 text")))?;
        let mut extra = own_variables(templar, &term, &path, None);
        extra.extend(given.clone());
        let source = SourceFile::new(path, text);
        let value = templar.beside(source.path.as_path()).render_file_value(&source, &options, &extra);
        let value = value.map_err(Box::new)?;
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
            let Ok(found) = files_matching(&candidate.display().to_string()) else { continue };
            let files: Vec<Val> = found.iter().map(|path| Val::str(path.display().to_string())).collect();
            if !files.is_empty() {
                out.extend(files);
                break;
            }
        }
    }
    Ok(out)
}

/// The terms, with all lists taken apart.
fn deep(terms: &[Val]) -> Res<Vec<Val>> {
    let mut terms = terms.to_vec();
    for _ in 0..MOST_NESTING {
        if !terms.iter().any(|term| matches!(term, Val::List(_) | Val::Tuple(_))) {
            break;
        }
        terms = flattened(&terms)?;
    }
    Ok(terms)
}

/// The file that exists, of those that `first_found` is told of.
#[derive(Default)]
struct Wanted {
    names: Vec<String>,
    paths: Vec<String>,
    skip: bool,
}

impl Wanted {
    /// The options of a term, or those of the lookup itself. Terms after it have them, too.
    fn options(&mut self, option: impl Fn(&str) -> Val) -> Res<Vec<String>> {
        self.paths = split(&option("paths"), &[',', ':', ';'])?;
        self.skip = match option("skip") {
            Val::Str(text) => truth(&text) == Some(true),
            other => other.truthy()?,
        };
        split(&option("files"), &[',', ';'])
    }

    fn add(&mut self, files: &[String]) {
        let Self { names, paths, .. } = self;
        if paths.is_empty() {
            names.extend_from_slice(files);
        }
        for path in paths {
            names.extend(files.iter().map(|file| Path::new(path).join(file).display().to_string()));
        }
    }
}

/// The parts of a text, or of each text of a list.
fn split(value: &Val, separators: &[char]) -> Res<Vec<String>> {
    let parts = |text: &str| -> Vec<String> { text.split(separators).map(|part| part.trim().to_owned()).collect() };
    Ok(match value {
        Val::Null => Vec::new(),
        Val::Str(text) => parts(text),
        other => {
            let mut all = Vec::new();
            for item in other.iterate()? {
                all.extend(parts(&print::text(&item)?));
            }
            all
        }
    })
}

pub fn first_found(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut wanted = Wanted::default();
    let files = wanted.options(|name| request.option(name).cloned().unwrap_or(Val::Null))?;
    if request.terms.is_empty() {
        wanted.add(&files);
    }
    for term in deep(&request.terms)? {
        let files = match &term {
            Val::Dict(dict) => wanted.options(|name| dict.get_str(name).unwrap_or(Val::Null))?,
            Val::Undefined(it) => return Err(Box::new(it.error.clone())),
            Val::Str(_) => split(&term, &[',', ';'])?,
            other => {
                return Err(raised(format!(
                    "Invalid term supplied. A string, dict or list is required, not {:?}).",
                    other.type_name()
                )));
            }
        };
        wanted.add(&files);
    }
    let search = scope.context.templar.search();
    let folder = request.loop_of.as_deref().map_or("", folder_of_action);
    for name in wanted.names.iter().filter(|name| !name.is_empty()) {
        if let Some(path) = search.find(folder, name) {
            return Ok(vec![Val::str(path.display().to_string())]);
        }
    }
    if wanted.skip { Ok(Vec::new()) } else { Err(raised("No file was found when using first_found.")) }
}

/// The folder beside which an action's name says that its files are.
fn folder_of_action(action: &str) -> &'static str {
    if action.contains("template") {
        "templates"
    } else if action.contains("var") {
        "vars"
    } else {
        "files"
    }
}

/// Options of a term: `key name=value name=value`.
pub fn term_options(term: &str) -> (String, Vec<(String, String)>) {
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

pub fn pick(request: &Request, options: &[(String, String)], name: &str, default: &str) -> Res<String> {
    if let Some((_, value)) = options.iter().find(|(known, _)| known == name) {
        return Ok(value.clone());
    }
    Ok(request.text(name)?.unwrap_or_else(|| default.to_owned()))
}
