//! Roles with a specification of their arguments (`meta/argument_specs.yml`).

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use super::{DocOptions, base_folder, text};
use crate::callback::{Color, Terminal};
use crate::config::{Config, setting};
use crate::error::{Error, Notices};
use crate::inventory::export;
use crate::yaml::{DuplicateKeys, Reader};

struct Role {
    name: String,
    folder: PathBuf,
    collection: String,
    /// By entry point.
    specs: Map<String, Json>,
}

const FILES: [&str; 4] = ["argument_specs.yml", "argument_specs.yaml", "main.yml", "main.yaml"];

fn read(name: &str, folder: PathBuf, collection: &str) -> Result<Option<Role>, Error> {
    let reader = Reader { notices: Notices::default(), vault: None, duplicate_keys: DuplicateKeys::Ignore };
    for file in FILES.map(|file| folder.join("meta").join(file)).into_iter().filter(|file| file.is_file()) {
        let json = reader.read_file(&file)?.to_value().to_json();
        if let Json::Object(specs) = &json["argument_specs"] {
            let (name, collection) = (name.to_owned(), collection.to_owned());
            return Ok(Some(Role { name, collection, specs: specs.clone(), folder }));
        }
    }
    Ok(None)
}

fn found(options: &DocOptions, config: &Config) -> Result<Vec<Role>, Error> {
    let base = base_folder(config, options);
    let given = options.roles_path.iter().flat_map(|paths| paths.split(':')).map(|path| config.path(path, false));
    let folders = given.chain([base.join("roles")]).chain(config.get(setting::DEFAULT_ROLES_PATH));
    let mut roles: Vec<Role> = Vec::new();
    for (name, folder) in folders.flat_map(|folder| names_in(&folder)) {
        if !roles.iter().any(|role| role.name == name) {
            roles.extend(read(&name, folder, "")?);
        }
    }
    let collections = std::iter::once(base.join("collections")).chain(config.get(setting::COLLECTIONS_PATHS));
    for root in collections.map(|path| path.join("ansible_collections")) {
        for (namespace, path) in names_in(&root) {
            for (collection, path) in names_in(&path) {
                let collection = format!("{namespace}.{collection}");
                for (name, folder) in names_in(&path.join("roles")) {
                    let name = format!("{collection}.{name}");
                    if !roles.iter().any(|role| role.name == name) {
                        roles.extend(read(&name, folder, &collection)?);
                    }
                }
            }
        }
    }
    roles.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(roles)
}

fn names_in(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).ok().into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> =
        folders.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect();
    names.sort();
    names
}

impl Role {
    fn entry_points(&self, options: &DocOptions) -> Map<String, Json> {
        let wanted = |name: &String| options.entry_point.as_ref().is_none_or(|wanted| wanted == name);
        self.specs.iter().filter(|(name, _)| wanted(name)).map(|(name, spec)| (name.clone(), spec.clone())).collect()
    }

    fn summaries(&self, options: &DocOptions) -> Map<String, Json> {
        let short = |spec: &Json| spec.get("short_description").cloned().unwrap_or_else(|| Json::from(""));
        self.entry_points(options).into_iter().map(|(name, spec)| (name, short(&spec))).collect()
    }
}

pub fn all(options: &DocOptions, config: &Config) -> Result<Map<String, Json>, Error> {
    let roles = found(options, config)?;
    Ok(roles.into_iter().map(|role| (role.name.clone(), described(&role, options))).collect())
}

fn described(role: &Role, options: &DocOptions) -> Json {
    json!({"collection": role.collection, "entry_points": role.entry_points(options), "path": role.folder.display().to_string()})
}

pub fn shown(options: &DocOptions, config: &Config, terminal: &mut Terminal) -> Result<String, Error> {
    let roles = found(options, config)?;
    if options.list {
        let wanted = |role: &&Role| options.plugins.is_empty() || options.plugins.contains(&role.collection);
        let listed: Vec<&Role> = roles.iter().filter(wanted).collect();
        if options.json {
            let entries = listed.iter().map(|role| {
                let about = json!({"collection": role.collection, "entry_points": role.summaries(options)});
                (role.name.clone(), about)
            });
            return Ok(export::to_text(&Json::Object(entries.collect())) + "\n");
        }
        let rows: Vec<(String, String, String)> = listed
            .iter()
            .flat_map(|role| {
                let short = |text: Json| text.as_str().unwrap_or_default().to_owned();
                role.summaries(options).into_iter().map(move |(entry, text)| (role.name.clone(), entry, short(text)))
            })
            .collect();
        let names = rows.iter().map(|row| row.0.len()).max().unwrap_or(0);
        let entries = rows.iter().map(|row| row.1.len()).max().unwrap_or(0);
        return Ok(rows.iter().map(|(name, entry, text)| format!("{name:names$} {entry:entries$} {text}\n")).collect());
    }
    let mut wanted = Vec::new();
    for name in &options.plugins {
        match roles.iter().find(|role| role.name == *name) {
            Some(role) => wanted.push(role),
            None => {
                let near = crate::config::did_you_mean(name, roles.iter().map(|role| role.name.as_str()));
                let text =
                    format!("[WARNING]: role {name} not found, or it has no specification of its arguments{near}");
                terminal.error_line(&text, Some(Color::Warn));
            }
        }
    }
    if options.json {
        let entries = wanted.iter().map(|role| (role.name.clone(), described(role, options)));
        return Ok(export::to_text(&Json::Object(entries.collect())) + "\n");
    }
    Ok(wanted.iter().map(|role| text::role(&role.name, &role.folder, &role.entry_points(options))).collect())
}
