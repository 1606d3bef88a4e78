//! `collection_version` of community.general: which version of a collection is installed here.

use std::path::{Path, PathBuf};

use super::Request;
use crate::source::SourceFile;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::template::search::expand_user;
use crate::value::Value;
use crate::yaml::Reader;

pub fn run(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let not_found = request.option("result_not_found").cloned().unwrap_or(Val::Null);
    let no_version = request.option("result_no_version").cloned().unwrap_or_else(|| Val::str("*"));
    let folders = folders(scope);
    let mut out = Vec::new();
    for term in request.texts()? {
        let is_word = |word: &str| !word.is_empty() && word.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
        let Some((namespace, name)) = term.split_once('.').filter(|(one, two)| is_word(one) && is_word(two)) else {
            return Err(raised(format!("\"{term}\" is not a FQCN")));
        };
        let folder = folders.iter().map(|it| it.join("ansible_collections").join(namespace).join(name));
        out.push(match folder.into_iter().find(|folder| folder.is_dir()) {
            None => not_found.clone(),
            Some(folder) => version(&folder)
                .map_err(|why| raised(format!("Error while loading metadata for {term}: {why}")))?
                .unwrap_or_else(|| no_version.clone()),
        });
    }
    Ok(out)
}

/// Where collections may be: beside the playbook, and where the settings say.
fn folders(scope: &Scope) -> Vec<PathBuf> {
    let templar = &scope.context.templar;
    let mut folders = vec![templar.search().basedir.join("collections")];
    let paths = templar.engine().settings.config.as_ref().and_then(|config| config("COLLECTIONS_PATHS"));
    let paths = match paths {
        Some(Value::List(paths)) => paths.iter().map(Value::to_text).collect(),
        Some(Value::Str(paths)) => paths.split(':').map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    folders.extend(paths.iter().map(|path| expand_user(path)));
    folders
}

/// What the manifest says, and without one `galaxy.yml`.
fn version(folder: &Path) -> Result<Option<Val>, String> {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    if let Some(text) = read("MANIFEST.json") {
        let manifest: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let version = manifest.pointer("/collection_info/version").and_then(serde_json::Value::as_str);
        return version.map(|version| Some(Val::str(version))).ok_or_else(|| "the manifest has no version".into());
    }
    let path = folder.join("galaxy.yml");
    let Some(text) = read("galaxy.yml") else { return Ok(None) };
    let node = Reader::default().read(&SourceFile::new(path, text)).map_err(|error| error.to_string())?;
    let Value::Dict(galaxy) = node.to_value() else { return Err("galaxy.yml is no dict".into()) };
    let version = galaxy.get("version").map(Value::to_text).filter(|text| !text.is_empty());
    Ok(version.map(Val::str))
}
