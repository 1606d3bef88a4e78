//! Dynamic includes: which files and roles a step asks for, and on which hosts their tasks follow.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::batch::Batch;
use super::event::{Event, Status, TaskReport};
use super::steps::{self, Step, Steps};
use crate::actions::{Include, IncludeTarget, table};
use crate::error::{Error, ErrorKind};
use crate::playbook::keywords::{self, Inherit};
use crate::playbook::{Context, Keyword, Keywords, PlayScope, RoleFiles, RoleRequest, Task};
use crate::value::{Dict, Value};

/// A host that wants something included.
pub struct Request {
    pub host: Arc<str>,
    pub include: Include,
}

/// The same include wanted by several hosts: read once, run together.
struct Group {
    include: Include,
    hosts: Vec<Arc<str>>,
}

/// Adds what was asked for to the hosts' ways. Returns the hosts that were lost because it could not be read.
pub fn apply(
    batch: &mut Batch<'_>,
    task: &Arc<Task>,
    name: &Arc<str>,
    requests: Vec<Request>,
) -> Result<HashSet<Arc<str>>, Error> {
    let mut lost = HashSet::new();
    let mut ways: HashMap<Arc<str>, Vec<Step>> = HashMap::new();
    let mut ids = Vec::new();
    for group in grouped(requests) {
        let read = match &group.include.target {
            IncludeTarget::Tasks { file } => tasks(batch, task, &group.include, file),
            IncludeTarget::Role { .. } => role(batch, task, &group.include),
        };
        match read {
            Ok((what, steps)) => {
                steps::order(&steps, &mut ids);
                batch.shared.send(Event::Included {
                    what,
                    hosts: group.hosts.iter().map(std::string::ToString::to_string).collect(),
                    item: group.include.item.clone(),
                });
                for host in &group.hosts {
                    batch.run.stats.hosts.entry(host.to_string()).or_default().ok += 1;
                    ways.entry(Arc::clone(host)).or_default().extend(steps.iter().cloned());
                }
            }
            // A file that is missing or wrong is the failure of this task, so that `rescue` can handle it.
            Err(err) if is_failure_of_the_task(&err) => {
                fail(batch, task, name, &group, &err);
                lost.extend(group.hosts);
            }
            Err(err) => return Err(err),
        }
    }
    for (host, steps) in ways {
        if !steps.is_empty() && !lost.contains(&host) {
            batch.iterator.insert(&host, steps.into());
        }
    }
    batch.order.insert(ids);
    Ok(lost)
}

/// Mistakes inside an included file stop the run, as they would in a static import.
fn is_failure_of_the_task(err: &Error) -> bool {
    err.kind == ErrorKind::File
        || err.message.contains("must contain a list of tasks")
        || err.message.contains("was not found")
}

fn grouped(requests: Vec<Request>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for Request { host, include } in requests {
        match groups.iter_mut().find(|group| group.include == include && !group.hosts.contains(&host)) {
            Some(group) => group.hosts.push(host),
            None => groups.push(Group { include, hosts: vec![host] }),
        }
    }
    groups
}

fn scope(batch: &Batch<'_>) -> PlayScope {
    let mut vars = Dict::new();
    for layer in &batch.play.variables.vars {
        vars.extend(layer.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    PlayScope { playbook_dir: Arc::clone(&batch.play.playbook_dir), vars: Arc::new(vars) }
}

/// What included tasks inherit: from the place of the include, its parameters, and `apply`.
fn context(task: &Task, include: &Include) -> Context {
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
                context.vars.push(Arc::clone(vars));
            } else if let Some(spec) = keywords::find(&name) {
                apply_keyword(&mut keywords, spec.name, spec.inherit, value, task);
            }
        }
        context.keywords = Arc::new(keywords);
    }
    context
}

fn apply_keyword(keywords: &mut Keywords, name: &'static str, inherit: Inherit, value: &Value, task: &Task) {
    let value = match (keywords.get(name), inherit) {
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
    keywords.entries.insert(name, Keyword { value, span: task.span.clone() });
}

fn tasks(batch: &mut Batch<'_>, task: &Task, include: &Include, file: &Path) -> Result<(String, Steps), Error> {
    let path = find_file(batch, task, file)?;
    let loaded = batch.shared.loader.task_file(&path, &context(task, include), &scope(batch))?;
    let name_of = |task: &Task| task.name.as_ref().map(|name| name.as_str().to_owned());
    for usage in &loaded.imported_roles {
        batch.handlers.add_role(usage, &name_of);
    }
    let steps = steps::of_entries(&loaded.entries, &batch.filter)?;
    Ok((path.display().to_string(), steps.into()))
}

/// Beside the file that includes it, in the role's tasks, beside the playbook.
fn find_file(batch: &Batch<'_>, task: &Task, file: &Path) -> Result<PathBuf, Error> {
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
    dirs.push(batch.play.playbook_dir.to_path_buf());
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

fn role(batch: &mut Batch<'_>, task: &Task, include: &Include) -> Result<(String, Steps), Error> {
    let IncludeTarget::Role {
        name, tasks_from, vars_from, defaults_from, handlers_from, public, allow_duplicates, ..
    } = &include.target
    else {
        return Err(Error::new(ErrorKind::Internal, "not a role"));
    };
    let request = RoleRequest {
        name: name.clone(),
        span: task.span.clone(),
        params: Dict::new(),
        files: RoleFiles {
            tasks_from: tasks_from.clone(),
            vars_from: vars_from.clone(),
            defaults_from: defaults_from.clone(),
            handlers_from: handlers_from.clone(),
        },
        allow_duplicates: Some(*allow_duplicates),
        public: *public,
        included: true,
    };
    let uses = batch.shared.loader.role(&request, &context(task, include), &scope(batch))?;
    let name_of = |task: &Task| task.name.as_ref().map(|name| name.as_str().to_owned());
    let mut steps = Vec::new();
    for usage in &uses {
        batch.handlers.add_role(usage, &name_of);
        if *public {
            batch.play.variables.publish_role(&usage.role);
        }
        let inner = steps::of_entries(&usage.tasks, &batch.filter)?;
        if !inner.is_empty() {
            steps.push(Step::Role { role: Arc::clone(&usage.role), steps: inner.into() });
        }
    }
    Ok((name.clone(), steps.into()))
}

fn fail(batch: &mut Batch<'_>, task: &Arc<Task>, name: &Arc<str>, group: &Group, err: &Error) {
    let wanted = match &group.include.target {
        IncludeTarget::Tasks { file } => file.display().to_string(),
        IncludeTarget::Role { name, .. } => name.clone(),
    };
    let fields = Dict::from_iter([
        (Value::str("changed"), Value::Bool(false)),
        (Value::str("failed"), Value::Bool(true)),
        (Value::str("include"), Value::str(wanted)),
        (Value::str("reason"), Value::str(err.message.as_str())),
    ]);
    batch.shared.send(Event::IncludeFailed(err.clone()));
    for host in &group.hosts {
        let ignored = false;
        batch.shared.send(Event::Finished(Box::new(TaskReport {
            task: task.id,
            name: name.to_string(),
            place: task.span.clone(),
            action: table::short_name(&task.action).to_owned(),
            host: Arc::clone(host),
            delegated_to: None,
            status: Status::Failed,
            ignored,
            fields: fields.clone(),
            diff: Vec::new(),
            trouble: None,
            warnings: Vec::new(),
            deprecations: Vec::new(),
            item_label: None,
            looped: false,
            always_verbose: false,
            show_diff: false,
            no_log: false,
            include: false,
        })));
        batch.fail(host, std::slice::from_ref(host), task, &fields);
    }
}
