//! Reads playbooks, task files and roles. Every mistake of a playbook is collected, so that all are shown together.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::keywords;
use super::types::{Context, Loaded, Playbook, Role, RoleUse};
use crate::catalog;
use crate::error::{Error, ErrorKind, Notices};
use crate::python;
use crate::source::Span;
use crate::template;
use crate::value::{Dict, Value, variable_name};
use crate::yaml::{Node, Reader};

/// From the name of an action, where it is written, to its full name.
pub type FullAction = fn(&str, &catalog::Scope<'_>) -> Result<Arc<str>, catalog::Missing>;

/// What reading a project needs to know; lives as long as the run, since includes are read while it runs.
pub struct Loader {
    pub reader: Reader,
    /// Renders the names in static imports.
    pub templates: Arc<template::Engine>,
    pub extra_vars: Arc<Dict>,
    /// Directories searched for roles besides `roles/` next to the playbook.
    pub roles_path: Vec<PathBuf>,
    pub collections_path: Vec<PathBuf>,
    /// Whether the configuration keeps roles' variables from other tasks; none where it doesn't say.
    pub private_role_vars: Option<bool>,
    /// What the name of an action means.
    pub full_action: FullAction,
    /// Told of every folder where the project may have modules of its own.
    pub on_library: fn(PathBuf),
    pub(super) task_keywords: Vec<&'static str>,
    pub notices: Notices,
    next_task_id: AtomicU64,
}

/// Said of a file of variables, or a part of one, that is no mapping.
pub(super) const INVALID_VARIABLES: &str = "Invalid variable file contents.";
pub(super) const INVALID_VARIABLES_HINT: &str =
    "Variable files must contain either a dictionary of variables, or a list of dictionaries.";

/// The play that a task list is read for.
#[derive(Clone)]
pub struct PlayScope {
    pub playbook_dir: Arc<Path>,
    /// `vars:` of the play, for names in static imports.
    pub vars: Arc<Dict>,
}

/// One reading: a playbook, or a file included at run time.
pub(super) struct Parser<'a> {
    pub loader: &'a Loader,
    pub scope: PlayScope,
    pub errors: Vec<Error>,
    pub imported_roles: Vec<RoleUse>,
}

impl Loader {
    pub fn new(
        reader: Reader,
        templates: Arc<template::Engine>,
        extra_vars: Arc<Dict>,
        full_action: FullAction,
        notices: Notices,
    ) -> Self {
        Self {
            reader,
            templates,
            extra_vars,
            roles_path: Vec::new(),
            collections_path: Vec::new(),
            private_role_vars: None,
            full_action,
            on_library: |_| {},
            task_keywords: keywords::names_at_tasks(),
            notices,
            next_task_id: AtomicU64::new(1),
        }
    }

    /// Reads a playbook with everything it imports. All mistakes come back in one error.
    pub fn playbook(&self, path: &Path) -> Result<Playbook, Error> {
        let path = std::path::absolute(path)
            .map_err(|err| Error::new(ErrorKind::File, format!("cannot resolve {}: {err}", path.display())))?;
        let playbook_dir = directory_of(&path);
        python::add_playbook(playbook_dir.to_path_buf());
        (self.on_library)(playbook_dir.join("library"));
        let mut parser = self.parser(PlayScope { playbook_dir, vars: Arc::default() });
        let plays = parser.playbook_file(&path, &Context::default(), &mut Vec::new());
        parser.finish(())?;
        Ok(Playbook { path, plays })
    }

    /// A playbook that is in no file.
    pub fn playbook_of(&self, node: &Node, directory: &Path) -> Result<Playbook, Error> {
        python::add_playbook(directory.to_path_buf());
        (self.on_library)(directory.join("library"));
        let mut parser = self.parser(PlayScope { playbook_dir: Arc::from(directory), vars: Arc::default() });
        let plays = parser.plays(node, node.span.path(), &Context::default(), &mut Vec::new());
        parser.finish(())?;
        Ok(Playbook { path: directory.join("<command line>"), plays })
    }

    /// Reads the file of an `include_tasks` (or `include_role`'s parts) for a place with this context.
    pub fn task_file(&self, path: &Path, context: &Context, scope: &PlayScope) -> Result<Loaded, Error> {
        let mut parser = self.parser(scope.clone());
        let entries = parser.task_file(path, context);
        let imported_roles = std::mem::take(&mut parser.imported_roles);
        parser.finish(Loaded { entries, imported_roles })
    }

    /// Reads a file of variables: a mapping, or nothing.
    pub fn vars_file(&self, path: &Path) -> Result<Arc<Dict>, Error> {
        let node = self.reader.read_file(path)?;
        vars_of(&node).map_err(|place| {
            Error::project(INVALID_VARIABLES, Some(&place)).hint(INVALID_VARIABLES_HINT).with_exit_code(1)
        })
    }

    pub(super) fn parser(&self, scope: PlayScope) -> Parser<'_> {
        Parser { loader: self, scope, errors: Vec::new(), imported_roles: Vec::new() }
    }

    pub(super) fn next_task_id(&self) -> u64 {
        self.next_task_id.fetch_add(1, Ordering::Relaxed)
    }
}

impl Parser<'_> {
    /// The result, unless a mistake was found on the way.
    pub fn finish<T>(self, result: T) -> Result<T, Error> {
        Error::collect(self.errors).map(|()| result)
    }

    pub fn mistake(&mut self, message: impl Into<String>, place: &Span) {
        self.errors.push(Error::project(message, Some(place)));
    }

    /// The variables of a keyword `vars`, whose names are checked. `owner` is what has them.
    pub fn own_vars(&mut self, node: &Node, owner: &str) -> Option<Arc<Dict>> {
        let vars = match vars_of(node) {
            Ok(vars) => vars,
            Err(place) => {
                self.mistake(format!("Vars in a {owner} must be specified as a dictionary."), &place);
                return None;
            }
        };
        for name in vars.keys() {
            let Some(mistake) = variable_name::mistake(name) else { continue };
            let place = node.entries().iter().find(|(key, _)| key.to_value() == *name).map(|(key, _)| &key.span);
            let error = Error::project(mistake, Some(place.unwrap_or(&node.span)));
            self.errors.push(error.hint(variable_name::RULE).with_exit_code(1));
        }
        Some(vars)
    }

    /// Renders a name that must be known while reading. Literals pass unchanged.
    pub fn render_static(&mut self, value: &Value, context: &Context, place: &Span) -> Option<Value> {
        let Value::Str(text) = value else { return Some(value.clone()) };
        if !text.is_trusted() || !template::Templar::is_template(text) {
            return Some(value.clone());
        }
        let mut layers = vec![Arc::clone(&self.scope.vars)];
        if let Some(role) = &context.role {
            layers.splice(0..0, [Arc::clone(&role.defaults)]);
            layers.extend([Arc::clone(&role.vars), Arc::clone(&role.params)]);
        }
        layers.extend(context.vars.iter().chain(&context.params).cloned());
        layers.push(Arc::clone(&self.loader.extra_vars));
        let search = template::SearchPath {
            dirs: vec![self.scope.playbook_dir.to_path_buf()],
            basedir: self.scope.playbook_dir.to_path_buf(),
        };
        let templar = self.loader.templates.templar(
            Arc::new(StaticVariables {
                layers,
                playbook_dir: Arc::clone(&self.scope.playbook_dir),
                role: context.role.clone(),
            }),
            Arc::new(search),
        );
        match templar.render(value) {
            Ok(value) => Some(value),
            Err(err) => {
                self.errors.push(
                    Error::project(err.message, Some(err.place.as_ref().unwrap_or(place)))
                        .hint("an import is read before the run starts: only variables of the play, of roles and from -e are known; use include_tasks for facts and results")
                        .with_exit_code(1),
                );
                None
            }
        }
    }
}

/// What is known before a host is: variables of the play and the command line.
struct StaticVariables {
    layers: Vec<Arc<Dict>>,
    playbook_dir: Arc<Path>,
    role: Option<Arc<Role>>,
}

impl template::Variables for StaticVariables {
    fn get(&self, name: &str) -> Option<Value> {
        let role = self.role.as_ref();
        let magic = match name {
            "playbook_dir" => Some(Value::str(self.playbook_dir.to_string_lossy())),
            "role_path" => role.map(|role| Value::str(role.path.to_string_lossy())),
            "role_name" => role.map(|role| Value::str(role.name.as_str())),
            "ansible_role_name" => role.map(|role| Value::str(role.full_name.as_str())),
            _ => None,
        };
        magic.or_else(|| self.layers.iter().rev().find_map(|layer| layer.get(name).cloned()))
    }

    fn names(&self) -> Vec<String> {
        self.layers.iter().flat_map(|layer| layer.keys().map(Value::to_text)).collect()
    }
}

/// The variables in a mapping, a list of mappings, or nothing; the place of what is neither.
pub(super) fn vars_of(node: &Node) -> Result<Arc<Dict>, Span> {
    match node.to_value() {
        Value::Null => Ok(Arc::default()),
        Value::Dict(dict) => Ok(dict),
        Value::List(items) => {
            let mut all = Dict::new();
            for item in items.iter() {
                let Value::Dict(dict) = item else { return Err(node.span.clone()) };
                all.extend(dict.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            Ok(Arc::new(all))
        }
        _ => Err(node.span.clone()),
    }
}

pub(super) fn directory_of(path: &Path) -> Arc<Path> {
    Arc::from(path.parent().unwrap_or_else(|| Path::new("/")))
}
