//! Static imports: `import_tasks` and `import_role` are replaced by what they name while the playbook is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::loader::Parser;
use super::role::{RoleFiles, RoleRequest};
use super::types::{Context, Entry, Task};
use crate::error::Error;
use crate::source::Span;
use crate::value::{Dict, Value};

/// What an action means to the reader of playbooks.
enum Import {
    Tasks,
    Role,
    /// `include:` of old playbooks: static unless it loops or its name holds a template.
    Legacy,
}

/// Options that both `import_role` and `include_role` have.
const ROLE_OPTIONS: &[&str] = &[
    "name",
    "role",
    "tasks_from",
    "vars_from",
    "defaults_from",
    "handlers_from",
    "allow_duplicates",
    "public",
    "rolespec_validate",
];

fn import_of(task: &Task) -> Option<Import> {
    match task.full_action.as_deref()? {
        "ansible.builtin.import_tasks" => Some(Import::Tasks),
        "ansible.builtin.import_role" => Some(Import::Role),
        "ansible.builtin.include" => Some(Import::Legacy),
        _ => None,
    }
}

fn ends_role(task: &Task) -> bool {
    task.is_builtin("meta") && task.raw_params.as_ref().is_some_and(|what| what.trim() == "end_role")
}

impl Parser<'_> {
    /// The task itself, or what it imports.
    pub fn expand(&mut self, mut task: Task, context: &Arc<Context>) -> Vec<Entry> {
        match import_of(&task) {
            None if ends_role(&task) && context.role.is_none() => {
                self.mistake("Cannot execute 'end_role' from outside of a role", &task.action_span);
                Vec::new()
            }
            None if !self.check_include(&task) => Vec::new(),
            None => vec![Entry::Task(Arc::new(task))],
            Some(Import::Tasks) => self.import_tasks(&task, context),
            Some(Import::Role) => self.import_role(&task, context),
            Some(Import::Legacy) => {
                self.loader.notices.deprecated(
                    "`include` was removed from Ansible; use import_tasks or include_tasks",
                    Some(&task.action_span),
                );
                let is_dynamic =
                    task.loop_.is_some() || task.raw_params.as_ref().is_some_and(|name| name.contains("{{"));
                if !is_dynamic {
                    return self.import_tasks(&task, context);
                }
                "include_tasks".clone_into(&mut task.action);
                task.full_action = Some("ansible.builtin.include_tasks".into());
                vec![Entry::Task(Arc::new(task))]
            }
        }
    }

    fn refuse_loop(&mut self, task: &Task, use_instead: &str) -> bool {
        if task.loop_.is_none() {
            return false;
        }
        self.errors.push(Error::project(
            format!("You cannot use loops on '{}' statements. You should use '{use_instead}' instead.", task.action),
            task.loop_span.as_ref(),
        ));
        true
    }

    /// Whether the options of a dynamic include are ones that it has.
    fn check_include(&mut self, task: &Task) -> bool {
        let (known, needed): (&[&str], _) = if task.is_builtin("include_tasks") {
            (&["file"], ["file", "_raw_params"])
        } else if task.is_builtin("include_role") {
            (ROLE_OPTIONS, ["name", "role"])
        } else {
            return true;
        };
        let is_role = needed.contains(&"role");
        let is_given = needed.iter().any(|name| task.args.get(*name).is_some_and(|value| !value.is_null()))
            || (!is_role && task.raw_params.is_some())
            || task.variable_args.is_some();
        if is_role && !is_given {
            self.mistake(format!("'name' is a required field for {}.", task.action), &task.span);
            return false;
        }
        if !self.check_options(task, &[known, &["apply"]].concat()) {
            return false;
        }
        if !is_given {
            self.mistake(format!("No file specified for {}", task.action), &task.span);
            return false;
        }
        if let Some(apply) = task.args.get("apply").filter(|apply| apply.as_dict().is_none()) {
            let message = format!("Expected a dict for apply but got <class '{}'> instead", apply.type_name());
            self.mistake(message, &task.span);
            return false;
        }
        true
    }

    fn check_options(&mut self, task: &Task, known: &[&str]) -> bool {
        let unknown = task.args.keys().filter(|name| !known.contains(&name.to_text().as_str()));
        let unknown: Vec<String> = unknown.map(Value::to_text).collect();
        if unknown.is_empty() {
            return true;
        }
        self.mistake(format!("Invalid options for {}: {}", task.action, unknown.join(",")), &task.span);
        false
    }

    fn import_tasks(&mut self, task: &Task, context: &Arc<Context>) -> Vec<Entry> {
        if self.refuse_loop(task, "include_tasks") {
            return Vec::new();
        }
        let mut inner = self.import_context(task, context);
        let file = task.raw_params.clone().map(Value::Str).or_else(|| task.args.get("file").cloned());
        let Some(file) = file else {
            self.mistake(format!("No file specified for {}", task.action), &task.action_span);
            return Vec::new();
        };
        // Old playbooks pass variables as `include: file.yml a=b`.
        let params: Dict = task
            .args
            .iter()
            .filter(|(key, _)| key.as_str() != Some("file"))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !params.is_empty() {
            inner.vars.push(Arc::new(params));
        }
        let Some(file) = self.render_static(&file, &inner, &task.action_span) else { return Vec::new() };
        let name = file.to_text();
        let candidates = self.task_file_candidates(&name, context);
        let Some(path) = candidates.iter().find(|path| path.is_file()) else {
            let last = candidates.last().cloned().unwrap_or_default();
            let searched: Vec<String> = candidates.iter().map(|path| path.display().to_string()).collect();
            let error = missing_import(&last, &task.action_span);
            self.errors.push(error.hint(format!("searched: {}", searched.join(", "))));
            return Vec::new();
        };
        if inner.task_files.iter().filter(|open| ***open == **path).count() > 0 {
            self.errors.push(
                Error::project(format!("the task file {} imports itself", path.display()), Some(&task.action_span))
                    .with_exit_code(1),
            );
            return Vec::new();
        }
        self.task_file(path, &inner)
    }

    fn import_role(&mut self, task: &Task, context: &Arc<Context>) -> Vec<Entry> {
        if self.refuse_loop(task, "include_role") {
            return Vec::new();
        }
        let inner = self.import_context(task, context);
        let text = |parser: &mut Self, name: &str| -> Option<String> {
            let value = task.args.get(name)?.clone();
            parser.render_static(&value, &inner, &task.action_span).map(|value| value.to_text())
        };
        if !self.check_options(task, ROLE_OPTIONS) {
            return Vec::new();
        }
        let Some(name) = text(self, "name").or_else(|| text(self, "role")) else {
            self.mistake("'name' is a required field for import_role.", &task.action_span);
            return Vec::new();
        };
        let request = RoleRequest {
            name,
            span: task.action_span.clone(),
            params: Dict::new(),
            vars: Arc::default(),
            files: RoleFiles {
                tasks_from: text(self, "tasks_from"),
                vars_from: text(self, "vars_from"),
                defaults_from: text(self, "defaults_from"),
                handlers_from: text(self, "handlers_from"),
            },
            allow_duplicates: task.args.get("allow_duplicates").map(Value::is_truthy),
            public: task.args.get("public").map(Value::is_truthy),
            validated: task.args.get("rolespec_validate").is_none_or(Value::is_truthy),
            is_static: true,
            included: true,
        };
        let uses = self.role(&request, &inner, &super::types::Keywords::default());
        let entries =
            uses.iter().map(|used| Entry::Role { role: Arc::clone(&used.role), tasks: used.tasks.clone() }).collect();
        self.imported_roles.extend(uses);
        entries
    }

    /// What the imported tasks inherit: the keywords and variables of the import itself.
    fn import_context(&self, task: &Task, context: &Context) -> Context {
        let mut inner = context.clone();
        inner.keywords = Arc::new(super::play::inheritable(&task.keywords));
        if !task.vars.is_empty() {
            inner.vars.push(Arc::clone(&task.vars));
        }
        inner
    }

    /// Where a task file may be: beside the file that names it (and its parents), in the role, beside the playbook.
    pub fn task_file_candidates(&self, name: &str, context: &Context) -> Vec<PathBuf> {
        task_file_candidates(name, context, &self.scope.playbook_dir)
    }
}

/// A file that an import names is not there.
pub(super) fn missing_import(path: &Path, place: &Span) -> Error {
    let message = format!(
        "Unable to retrieve file contents.\nCould not find or access '{}' on the Ansible Controller.",
        path.display()
    );
    Error::project(message, Some(place)).with_exit_code(1)
}

/// Where a task file may be: beside the file that names it (and its parents), in the role, beside the playbook.
pub fn task_file_candidates(name: &str, context: &Context, playbook_dir: &Path) -> Vec<PathBuf> {
    let name = name.trim();
    if Path::new(name).is_absolute() {
        return vec![PathBuf::from(name)];
    }
    let mut candidates: Vec<PathBuf> =
        context.task_files.iter().rev().filter_map(|file| file.parent()).map(|folder| folder.join(name)).collect();
    if let Some(role) = &context.role {
        let folder = if context.handlers { "handlers" } else { "tasks" };
        candidates.push(role.path.join(folder).join(name));
        candidates.push(role.path.join("tasks").join(name));
    }
    candidates.push(playbook_dir.join("tasks").join(name));
    candidates.push(playbook_dir.join(name));
    let mut seen = std::collections::HashSet::new();
    candidates.retain(|path| seen.insert(path.clone()));
    candidates
}
