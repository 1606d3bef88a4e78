//! Roles: where they are found, what their folders hold, what they depend on.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::keywords::{Keyword, Place};
use super::loader::{Loader, Parser, PlayScope, vars_of};
use super::play::{inheritable, listed, merge};
use super::types::{Context, Entry, Keywords, Role, RoleUse, Written};
use crate::error::{Error, ErrorKind, closest};
use crate::source::Span;
use crate::value::{Dict, Value};
use crate::yaml::{Node, NodeKind};

/// How a role is entered; `None` means its `main` files.
#[derive(Clone, Debug, Default)]
pub struct RoleFiles {
    pub tasks_from: Option<String>,
    pub vars_from: Option<String>,
    pub defaults_from: Option<String>,
    pub handlers_from: Option<String>,
}

/// A role to be read at one place.
#[derive(Clone, Debug)]
pub struct RoleRequest {
    pub name: String,
    pub span: Span,
    pub params: Dict,
    /// `vars:` of this very use.
    pub vars: Arc<Dict>,
    pub files: RoleFiles,
    pub allow_duplicates: Option<bool>,
    /// Whether its variables are visible to the tasks after it; where nothing is said, what the configuration says, else what is usual.
    pub public: Option<bool>,
    /// Its arguments are checked against its specification.
    pub validated: bool,
    /// Known before the run (`roles:`, `import_role`).
    pub is_static: bool,
    /// `include_role` and `import_role` run their role every time.
    pub included: bool,
}

impl Loader {
    /// Reads the role of an `include_role`, its dependencies before it, and the roles that its files import.
    pub fn role(
        &self,
        request: &RoleRequest,
        context: &Context,
        scope: &PlayScope,
    ) -> Result<(Vec<RoleUse>, Vec<RoleUse>), Error> {
        let mut parser = self.parser(scope.clone());
        let uses = parser.role(request, context, &Keywords::default());
        let imported = std::mem::take(&mut parser.imported_roles);
        parser.finish((uses, imported))
    }
}

/// Equal for uses of a role that count as the same: the same folder and entry points, with what is written on the use itself. What the use
/// inherits makes no difference.
fn identity(path: &Path, request: &RoleRequest, keywords: &Keywords) -> u64 {
    let mut hasher = DefaultHasher::new();
    request.included.hash(&mut hasher);
    let RoleFiles { tasks_from, vars_from, defaults_from, handlers_from } = &request.files;
    (path, tasks_from, vars_from, defaults_from, handlers_from).hash(&mut hasher);
    for dict in [&request.params, &*request.vars] {
        Value::dict(dict.clone()).repr().hash(&mut hasher);
    }
    for (keyword, written) in &keywords.entries {
        (keyword.name(), written.value.repr()).hash(&mut hasher);
    }
    hasher.finish()
}

impl Parser<'_> {
    /// An item of `roles:` or of a role's dependencies.
    pub fn role_entry(&mut self, node: &Node, context: &Context) -> Vec<RoleUse> {
        let mut keywords = Keywords::default();
        let mut context = context.clone();
        let mut params = Dict::new();
        let mut own_vars: Arc<Dict> = Arc::default();
        let mut name = None;
        match &node.kind {
            NodeKind::Scalar(Value::Str(text)) => name = Some(Value::Str(text.clone())),
            NodeKind::Scalar(Value::Int(number)) => name = Some(Value::from(number.to_string())),
            NodeKind::Mapping(entries) => {
                for (key, value) in entries.iter() {
                    match key.to_value().to_text().as_str() {
                        "role" => name = Some(value.to_value()),
                        "name" | "src" if name.is_none() => name = Some(value.to_value()),
                        "name" | "src" | "scm" | "version" => {}
                        "vars" => {
                            own_vars = self.own_vars(value, "RoleInclude").unwrap_or_default();
                            context.vars.push(Arc::clone(&own_vars));
                        }
                        keyword if Keyword::find_at(keyword, Place::Role).is_some() => {
                            self.keyword(key, value, Place::Role, &mut keywords);
                        }
                        _ => {
                            params.insert(key.to_value(), value.to_value());
                        }
                    }
                }
            }
            _ => {}
        }
        let Some(name) = name else {
            self.errors
                .push(Error::project("role definitions must contain a role name", Some(&node.span)).with_exit_code(1));
            return Vec::new();
        };
        let span = name.span().unwrap_or(&node.span).clone();
        let Some(name) = self.render_static(&name, &context, &span) else { return Vec::new() };
        let request = RoleRequest {
            name: name.to_text(),
            span,
            params,
            vars: own_vars,
            files: RoleFiles::default(),
            allow_duplicates: None,
            // What a role exports, its dependencies export.
            public: context.role.as_ref().map(|role| role.public),
            validated: true,
            is_static: true,
            included: false,
        };
        self.role(&request, &context, &keywords)
    }

    /// A role with its dependencies before it.
    pub fn role(&mut self, request: &RoleRequest, context: &Context, keywords: &Keywords) -> Vec<RoleUse> {
        let Some(FoundRole { path, name, collection }) = self.find_role(request, context) else { return Vec::new() };
        (self.loader.on_library)(path.join("library"));
        let parents = self.parents(context);
        let repeats = parents.iter().filter(|parent| parent.path == path).count();
        if repeats > 0 && !request.included {
            let message = "A recursion loop was detected with the roles specified. Make sure child roles do not have dependencies on parent roles: maximum recursion depth exceeded while calling a Python object";
            let chain: Vec<&str> = parents.iter().map(|parent| parent.name.as_str()).chain([name.as_str()]).collect();
            let error = Error::project(message, Some(&request.span)).hint(chain.join(" needs "));
            self.errors.push(error.with_exit_code(1));
            return Vec::new();
        }
        let Some(meta) = self.role_meta(&path) else { return Vec::new() };
        let (Some(defaults), Some(vars)) = (
            self.role_vars(&path, "defaults", request.files.defaults_from.as_deref(), request),
            self.role_vars(&path, "vars", request.files.vars_from.as_deref(), request),
        ) else {
            return Vec::new();
        };
        let identity = identity(&path, request, keywords);
        let keywords = role_keywords(&context.keywords, keywords, &meta);
        let public = request
            .public
            .unwrap_or_else(|| self.loader.private_role_vars.map_or(request.is_static, |private| !private));
        let mut role = Role {
            identity,
            full_name: collection.as_ref().map_or_else(|| name.clone(), |collection| format!("{collection}.{name}")),
            name,
            collection,
            path: path.clone(),
            defaults,
            vars,
            params: Arc::new(request.params.clone()),
            parents,
            dependencies: Vec::new(),
            allow_duplicates: request.allow_duplicates.unwrap_or(meta.allow_duplicates || request.included),
            is_dependency: context.role.is_some() && !request.included,
            public,
        };
        let mut inner = Context { keywords: Arc::new(keywords), role: Some(Arc::new(role.clone())), ..context.clone() };
        inner.task_files.clear();

        let mut uses: Vec<RoleUse> = meta.dependencies.iter().flat_map(|node| self.role_entry(node, &inner)).collect();
        role.dependencies = uses.iter().map(|usage| Arc::clone(&usage.role)).collect();
        let role = Arc::new(role);
        inner.role = Some(Arc::clone(&role));
        let mut tasks = self.role_tasks(&path, "tasks", request.files.tasks_from.as_deref(), request, &inner);
        if request.validated
            && let Some(task) = self.validation(&path, &meta, request, &inner)
        {
            tasks.insert(0, Entry::Task(Arc::new(task)));
        }
        let handler_context = Context { handlers: true, ..inner };
        let handlers =
            self.role_tasks(&path, "handlers", request.files.handlers_from.as_deref(), request, &handler_context);
        uses.push(RoleUse { role, tasks, handlers });
        uses
    }

    fn parents(&self, context: &Context) -> Vec<Arc<Role>> {
        let mut parents = Vec::new();
        if let Some(role) = &context.role {
            parents.extend(role.parents.iter().cloned());
            parents.push(Arc::clone(role));
        }
        parents
    }

    fn find_role(&mut self, request: &RoleRequest, context: &Context) -> Option<FoundRole> {
        let name = request.name.trim();
        if let [namespace, collection, role] = name.split('.').collect::<Vec<_>>()[..]
            && let Some(path) = self.collection_role(&format!("{namespace}.{collection}"), role)
        {
            let collection = Some(format!("{namespace}.{collection}"));
            return Some(FoundRole { path, name: role.to_owned(), collection });
        }
        for collection in context.keywords.get(Keyword::Collections).cloned().map(listed).unwrap_or_default() {
            let collection = collection.to_text();
            if let Some(path) = self.collection_role(&collection, name) {
                return Some(FoundRole { path, name: name.to_owned(), collection: Some(collection) });
            }
        }
        if name.contains(',') {
            self.mistake(format!("Invalid old style role requirement: {name}"), &request.span);
            return None;
        }
        let searched = self.role_folders(context);
        let last =
            Path::new(name).file_name().map_or_else(|| name.to_owned(), |last| last.to_string_lossy().into_owned());
        let direct = searched.iter().map(|folder| folder.join(name)).find(|path| path.is_dir());
        if let Some(path) = direct {
            // Where links lead is what `role_path` and messages name.
            let path = std::fs::canonicalize(&path).unwrap_or(path);
            return Some(FoundRole { path, name: last, collection: None });
        }
        let shown: Vec<String> = searched.iter().map(|folder| folder.display().to_string()).collect();
        let mut error =
            Error::project(format!("the role '{name}' was not found in {}", shown.join(":")), Some(&request.span))
                .of_kind(ErrorKind::MissingRole)
                .with_exit_code(1);
        let known = role_names(&searched);
        if let Some(close) = closest(name, known.iter().map(String::as_str)) {
            error = error.hint(format!("did you mean `{close}`?"));
        }
        self.errors.push(error);
        None
    }

    fn role_folders(&self, context: &Context) -> Vec<PathBuf> {
        let mut folders = vec![self.scope.playbook_dir.join("roles")];
        folders.extend(self.loader.roles_path.iter().cloned());
        if let Some(parent) = context.role.as_ref().and_then(|role| role.path.parent()) {
            folders.push(parent.to_owned());
        }
        folders.push(self.scope.playbook_dir.to_path_buf());
        let mut seen = std::collections::HashSet::new();
        folders.retain(|folder| seen.insert(folder.clone()));
        folders
    }

    fn role_meta(&mut self, path: &Path) -> Option<Meta> {
        let Some(file) = main_file(&path.join("meta"), "main") else { return Some(Meta::default()) };
        let node = self.read(&file)?;
        let NodeKind::Mapping(entries) = &node.kind else {
            if !node.to_value().is_null() {
                self.mistake("the 'meta/main.yml' of a role must be a dictionary", &node.span);
            }
            return Some(Meta::default());
        };
        let mut meta = Meta::default();
        for (key, value) in entries.iter() {
            match key.to_value().as_str() {
                Some("allow_duplicates") => meta.allow_duplicates = value.to_value().is_truthy(),
                Some("collections") => {
                    meta.collections = Some(Written::new(value.to_value(), key.span.clone()));
                }
                Some("argument_specs") => meta.argument_specs = Some(value.clone()),
                Some("dependencies") => match &value.kind {
                    NodeKind::Sequence(items) => meta.dependencies.clone_from(items.as_ref()),
                    NodeKind::Scalar(Value::Null) => {}
                    _ => self.mistake("Expected role dependencies to be a list.", &value.span),
                },
                _ => {}
            }
        }
        Some(meta)
    }

    fn role_vars(&mut self, path: &Path, folder: &str, from: Option<&str>, request: &RoleRequest) -> Option<Arc<Dict>> {
        let folder = path.join(folder);
        let name = from.unwrap_or("main");
        let files = if folder.join(name).is_dir() {
            files_below(&folder.join(name))
        } else {
            main_file(&folder, name).into_iter().collect()
        };
        if files.is_empty() && from.is_some() {
            self.missing_entry(&folder, name, request);
            return None;
        }
        let mut all = Dict::new();
        for file in files {
            let node = self.read(&file)?;
            match vars_of(&node) {
                Ok(vars) => all.extend(vars.iter().map(|(key, value)| (key.clone(), value.clone()))),
                Err(place) => {
                    self.mistake(
                        format!(
                            "The {} file for role '{}' must contain a dictionary of variables",
                            file.display(),
                            request.name
                        ),
                        &place,
                    );
                    return None;
                }
            }
        }
        Some(Arc::new(all))
    }

    fn role_tasks(
        &mut self,
        path: &Path,
        folder: &str,
        from: Option<&str>,
        request: &RoleRequest,
        context: &Context,
    ) -> Vec<Entry> {
        let folder = path.join(folder);
        match main_file(&folder, from.unwrap_or("main")) {
            Some(file) => self.task_file(&file, context),
            None => {
                if let Some(from) = from {
                    self.missing_entry(&folder, from, request);
                }
                Vec::new()
            }
        }
    }

    fn missing_entry(&mut self, folder: &Path, name: &str, request: &RoleRequest) {
        self.errors.push(Error::project(
            format!(
                "Could not find specified file in role: {}/{name}",
                folder.file_name().map(|name| name.to_string_lossy()).unwrap_or_default()
            ),
            Some(&request.span),
        ));
    }

    pub(super) fn read(&mut self, file: &Path) -> Option<Node> {
        self.loader.reader.read_file(file).map_err(|err| self.errors.push(err)).ok()
    }
}

struct FoundRole {
    path: PathBuf,
    name: String,
    collection: Option<String>,
}

#[derive(Default)]
pub(super) struct Meta {
    allow_duplicates: bool,
    dependencies: Vec<Node>,
    pub(super) argument_specs: Option<Node>,
    collections: Option<Written>,
}

/// What the tasks of a role inherit. Collections are searched for names as the role says, not as the play does.
fn role_keywords(outer: &Keywords, own: &Keywords, meta: &Meta) -> Keywords {
    let mut outer = outer.clone();
    outer.entries.shift_remove(&Keyword::Collections);
    outer.entries.extend(meta.collections.clone().map(|collections| (Keyword::Collections, collections)));
    merge(&outer, &inheritable(own))
}

/// `name` in a role's folder, with or without an extension.
pub(super) fn main_file(folder: &Path, name: &str) -> Option<PathBuf> {
    let exact = folder.join(name);
    if Path::new(name).extension().is_some() && exact.is_file() {
        return Some(exact);
    }
    ["yml", "yaml", "json"]
        .iter()
        .map(|extension| folder.join(format!("{name}.{extension}")))
        .chain([exact])
        .find(|path| path.is_file())
}

/// Every file of variables below a folder, in order of its path.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .flatten()
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.is_file())
        .filter(|path| {
            path.extension().is_none_or(|extension| ["yml", "yaml", "json"].iter().any(|known| extension == *known))
        })
        .filter(|path| {
            !path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.') || name.to_string_lossy().ends_with('~'))
        })
        .collect();
    files.sort();
    files
}

fn role_names(folders: &[PathBuf]) -> Vec<String> {
    folders
        .iter()
        .filter(|folder| folder.ends_with("roles"))
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(std::iter::Iterator::flatten)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}
