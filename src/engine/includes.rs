//! Dynamic includes: reads the file or role that a step asks for. Knows no host.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::shared::PlayRun;
use super::steps::{self, Steps};
use super::tags::TagFilter;
use crate::actions::{Include, IncludeTarget};
use crate::error::{Error, ErrorKind};
use crate::playbook::keywords::{Inherit, Keyword};
use crate::playbook::{Context, Keywords, Loader, PlayScope, RoleFiles, RoleRequest, RoleUse, Task, Written};
use crate::value::{Dict, Value, variable_name};

/// Where an include stands, and what it asks for.
pub struct Place<'a> {
    pub loader: &'a Loader,
    pub play: &'a PlayRun,
    pub filter: &'a TagFilter,
    pub task: &'a Task,
    pub include: &'a Include,
}

/// What an include brings.
pub struct Inclusion {
    /// What the output calls it.
    pub what: String,
    pub steps: Steps,
    /// Roles that the play has from now on.
    pub roles: Vec<RoleUse>,
}

pub fn read(place: &Place<'_>) -> Result<Inclusion, Error> {
    match &place.include.target {
        IncludeTarget::Tasks { file } => tasks(place, file),
        IncludeTarget::Role { .. } => role(place),
    }
}

/// What Ansible's parser refuses stops the run, as it would in a static import. Anything else is the failure of the task, so that `rescue` can
/// handle it: a file that is missing or no list of tasks, a role that is nowhere, a variable that cannot be called so.
pub fn is_failure_of_the_task(err: &Error) -> bool {
    matches!(err.kind, ErrorKind::NotATaskList | ErrorKind::MissingRole | ErrorKind::EndlessInclude) || err.code() == 1
}

fn scope(play: &PlayRun) -> PlayScope {
    let mut vars = Dict::new();
    for layer in &play.variables.vars {
        vars.extend(layer.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    PlayScope { playbook_dir: Arc::clone(&play.playbook_dir), vars: Arc::new(vars) }
}

/// What included tasks inherit: from the place of the include, its parameters, and `apply`.
fn context(task: &Task, include: &Include) -> Result<Context, Error> {
    let mut context = (*task.context).clone();
    if !include.params.is_empty() {
        context.params.push(Arc::clone(&include.params));
    }
    if !include.apply.is_empty() {
        let mut keywords = (*context.keywords).clone();
        for (name, value) in include.apply.iter() {
            let name = name.to_text();
            if name == "vars"
                && let Value::Dict(vars) = value
            {
                if let Some(mistake) = vars.keys().find_map(variable_name::mistake) {
                    return Err(Error::project(mistake, None).hint(variable_name::RULE).with_exit_code(1));
                }
                context.vars.push(Arc::clone(vars));
            } else if let Some(keyword) = Keyword::find(&name) {
                apply_keyword(&mut keywords, keyword, value, task);
            }
        }
        context.keywords = Arc::new(keywords);
    }
    Ok(context)
}

fn apply_keyword(keywords: &mut Keywords, keyword: Keyword, value: &Value, task: &Task) {
    let value = match (keywords.get(keyword), keyword.row().inherit) {
        (Some(Value::List(outer)), Inherit::Extend) => {
            let mut items = outer.to_vec();
            match value {
                Value::List(inner) => items.extend(inner.iter().cloned()),
                single => items.push(single.clone()),
            }
            Value::list(items)
        }
        (_, Inherit::Extend) if !matches!(value, Value::List(_)) => Value::list(vec![value.clone()]),
        _ => value.clone(),
    };
    keywords.entries.insert(keyword, Written::new(value, task.span.clone()));
}

fn tasks(place: &Place<'_>, file: &Path) -> Result<Inclusion, Error> {
    let path = find_file(place, file)?;
    check_depth(place, &path)?;
    let loaded = place.loader.task_file(&path, &context(place.task, place.include)?, &scope(place.play))?;
    let steps = steps::of_entries(&loaded.entries, place.filter)?;
    Ok(Inclusion { what: path.display().to_string(), steps: steps.into(), roles: loaded.imported_roles })
}

/// A chain of includes this long includes itself: what ends sooner is no mistake.
const DEEPEST: usize = 500;

fn check_depth(place: &Place<'_>, path: &Path) -> Result<(), Error> {
    let files = &place.task.context.task_files;
    let roles = place.task.role().map(|role| role.parents.as_slice()).unwrap_or_default();
    let depth = files.len() + roles.len();
    if depth < DEEPEST {
        return Ok(());
    }
    let roles = roles.iter().chain(place.task.role()).map(|role| role.full_name.clone());
    let chain: Vec<String> = roles.chain(files.iter().map(|file| file.display().to_string())).collect();
    let last = chain.get(chain.len().saturating_sub(4)..).unwrap_or_default().join(" → ");
    let message = format!("{depth} includes inside of one another, which has no end: … {last} → {}", path.display());
    Err(Error::new(ErrorKind::EndlessInclude, message).at(Some(&place.task.action_span)))
}

/// Beside the file that includes it, in the role's tasks, beside the playbook.
fn find_file(place: &Place<'_>, file: &Path) -> Result<PathBuf, Error> {
    let task = place.task;
    if file.is_absolute() {
        return Ok(file.to_path_buf());
    }
    let mut dirs: Vec<PathBuf> = Vec::new();
    dirs.extend(task.span.path().parent().map(Path::to_path_buf));
    for outer in task.context.task_files.iter().rev() {
        dirs.extend(outer.parent().map(Path::to_path_buf));
    }
    if let Some(role) = task.role() {
        dirs.push(role.path.join(if task.context.handlers { "handlers" } else { "tasks" }));
        dirs.push(role.path.join("tasks"));
    }
    dirs.push(place.play.playbook_dir.to_path_buf());
    let candidates: Vec<PathBuf> = dirs.iter().map(|dir| crate::template::search::clean(&dir.join(file))).collect();
    if let Some(path) = candidates.iter().find(|path| path.is_file()) {
        return Ok(path.clone());
    }
    let shown = candidates.first().cloned().unwrap_or_else(|| file.to_path_buf());
    let shown = shown.display();
    Err(Error::new(
        ErrorKind::File,
        format!(
            "Could not find or access '{shown}' on the Ansible Controller: Unable to retrieve file contents.\nCould not find or access '{shown}' on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option: [Errno 2] No such file or directory: '{shown}'"
        ),
    ))
}

fn role(place: &Place<'_>) -> Result<Inclusion, Error> {
    let IncludeTarget::Role {
        name,
        tasks_from,
        vars_from,
        defaults_from,
        handlers_from,
        public,
        allow_duplicates,
        validated,
    } = &place.include.target
    else {
        return Err(Error::new(ErrorKind::Internal, "not a role"));
    };
    let request = RoleRequest {
        name: name.clone(),
        span: place.task.span.clone(),
        params: Dict::new(),
        vars: Arc::default(),
        files: RoleFiles {
            tasks_from: tasks_from.clone(),
            vars_from: vars_from.clone(),
            defaults_from: defaults_from.clone(),
            handlers_from: handlers_from.clone(),
        },
        allow_duplicates: Some(*allow_duplicates),
        public: *public,
        validated: *validated,
        is_static: false,
        included: true,
    };
    check_depth(place, Path::new(name))?;
    let (uses, imported) = place.loader.role(&request, &context(place.task, place.include)?, &scope(place.play))?;
    let mut steps = Vec::new();
    for usage in &uses {
        steps.extend(steps::of_role(&usage.role, &usage.tasks, place.filter)?);
    }
    Ok(Inclusion { what: name.clone(), steps: steps.into(), roles: uses.into_iter().chain(imported).collect() })
}
