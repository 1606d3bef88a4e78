//! What a playbook consists of, after static imports and with inherited keywords merged in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use super::keywords::{Keyword, is_reserved};
use crate::catalog;
use crate::source::Span;
use crate::value::{Dict, Str, Value};

/// A playbook file with everything it imports.
#[derive(Clone, Debug)]
pub struct Playbook {
    pub path: PathBuf,
    pub plays: Vec<Arc<Play>>,
}

/// A keyword as written: its value, still unrendered, and the place of its key.
#[derive(Clone, Debug)]
pub struct Written {
    pub value: Value,
    pub span: Span,
    /// What it stands inside of says the same keyword: it counts where this one's template gives `omit`.
    pub outer: Option<Arc<Written>>,
}

impl Written {
    pub fn new(value: Value, span: Span) -> Self {
        Self { value, span, outer: None }
    }
}

/// Keywords with their values. On a task they are effective: merged with what play, role, blocks and static imports say
/// (`when` is a list with the outermost condition first, `tags` a list, `environment` and `module_defaults` lists of
/// dicts with the outermost first, everything else the innermost value).
#[derive(Clone, Debug, Default)]
pub struct Keywords {
    pub entries: IndexMap<Keyword, Written>,
}

impl Keywords {
    pub fn get(&self, keyword: Keyword) -> Option<&Value> {
        self.entries.get(&keyword).map(|written| &written.value)
    }

    /// The keyword as it is written on the task, then on what the task stands inside of.
    pub fn written(&self, keyword: Keyword) -> impl Iterator<Item = &Written> {
        std::iter::successors(self.entries.get(&keyword), |written| written.outer.as_deref())
    }

    pub fn span(&self, keyword: Keyword) -> Option<&Span> {
        self.entries.get(&keyword).map(|written| &written.span)
    }
}

/// One item of `vars_prompt`.
#[derive(Clone, Debug)]
pub struct VarsPrompt {
    pub name: String,
    pub prompt: Option<Value>,
    pub default: Option<Value>,
    pub private: bool,
    pub confirm: bool,
    pub encrypt: Option<String>,
    pub salt: Option<Value>,
    pub salt_size: Option<i64>,
    pub is_unsafe: bool,
}

#[derive(Debug)]
pub struct Play {
    /// As written; without a name a play is called after its `hosts`.
    pub name: Option<Str>,
    pub span: Span,
    pub hosts: Value,
    /// Every keyword written on the play that is not a field of its own here.
    pub keywords: Arc<Keywords>,
    pub vars: Arc<Dict>,
    /// Each item is a path or a list of paths of which the first found is read.
    pub vars_files: Vec<Value>,
    pub vars_prompt: Vec<VarsPrompt>,
    /// Static roles in the order in which they run, dependencies before those who need them.
    pub roles: Vec<RoleUse>,
    /// Roles that `import_role` brought: their tasks stand in the task lists, their handlers and variables are the play's.
    pub imported_roles: Vec<RoleUse>,
    pub pre_tasks: Vec<Entry>,
    pub tasks: Vec<Entry>,
    pub post_tasks: Vec<Entry>,
    /// The play's own handlers; those of roles are in `RoleUse::handlers`.
    pub handlers: Vec<Entry>,
    /// Directory of the playbook file that this play stands in.
    pub playbook_dir: Arc<Path>,
    pub context: Arc<Context>,
}

/// A role at one place of a play.
#[derive(Clone, Debug)]
pub struct RoleUse {
    pub role: Arc<Role>,
    pub tasks: Vec<Entry>,
    pub handlers: Vec<Entry>,
}

/// A task list read at run time, and the roles that its static imports brought.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub entries: Vec<Entry>,
    pub imported_roles: Vec<RoleUse>,
}

/// A role at one place, with its parameters.
#[derive(Clone, Debug)]
pub struct Role {
    /// The same for uses that count as the same, of which a host runs only one unless duplicates are allowed.
    pub identity: u64,
    /// Without the collection; may have dots of its own.
    pub name: String,
    /// `namespace.collection` when the role comes from one.
    pub collection: Option<String>,
    /// With the collection, as titles of tasks show it.
    pub full_name: String,
    pub path: PathBuf,
    pub defaults: Arc<Dict>,
    pub vars: Arc<Dict>,
    /// What `roles: - {role: x, key: value}` passes: beats `set_fact`.
    pub params: Arc<Dict>,
    /// The roles that depend on this one, outermost first.
    pub parents: Vec<Arc<Role>>,
    /// The roles that this one depends on, each after what it depends on itself: their variables are this one's too.
    pub dependencies: Vec<Arc<Role>>,
    pub allow_duplicates: bool,
    /// Another role needs it.
    pub is_dependency: bool,
    /// Whether its variables are visible to the tasks after it (`public`).
    pub public: bool,
}

/// One item of a task list.
#[derive(Clone, Debug)]
pub enum Entry {
    Task(Arc<Task>),
    Block(Arc<Block>),
    /// What `import_role` put there, of the role or of one that it depends on.
    Role {
        role: Arc<Role>,
        tasks: Vec<Entry>,
    },
}

#[derive(Debug)]
pub struct Block {
    pub name: Option<Str>,
    pub span: Span,
    pub tasks: Vec<Entry>,
    pub rescue: Vec<Entry>,
    pub always: Vec<Entry>,
    /// Effective keywords, for handlers that are blocks and for `rescue` bookkeeping.
    pub keywords: Arc<Keywords>,
    pub role: Option<Arc<Role>>,
}

/// What a task list inherits from the place where it stands; kept by tasks so that included files inherit the same.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Merged keywords of play, role and blocks.
    pub keywords: Arc<Keywords>,
    /// `vars:` of blocks and static imports, outermost first.
    pub vars: Vec<Arc<Dict>>,
    /// `vars:` of dynamic includes (`include_tasks`, `include_role`), outermost first: beat `set_fact`.
    pub params: Vec<Arc<Dict>>,
    pub role: Option<Arc<Role>>,
    /// Task files on the way to this one, the innermost last: their directories are searched for files, and a file
    /// that imports itself is found here.
    pub task_files: Vec<Arc<Path>>,
    /// Whether this is a list of handlers.
    pub handlers: bool,
}

impl Context {
    /// Whether a variable that tasks see here has a name that means something else.
    pub fn has_reserved_names(&self) -> bool {
        let of_role = self.role.iter().flat_map(|role| [&role.defaults, &role.vars, &role.params]);
        self.vars.iter().chain(&self.params).chain(of_role).any(|layer| layer.keys().any(is_reserved))
    }
}

/// The loop of a task.
#[derive(Clone, Debug)]
pub enum Loop {
    /// `loop:`
    Loop(Value),
    /// `with_X:`: the lookup and its terms.
    With(String, Value),
}

#[derive(Clone, Debug, Default)]
pub struct LoopControl {
    pub loop_var: Option<Value>,
    pub index_var: Option<Value>,
    pub label: Option<Value>,
    pub pause: Option<Value>,
    pub extended: Option<Value>,
    pub extended_allitems: Option<Value>,
    pub break_when: Option<Value>,
}

#[derive(Clone, Debug)]
pub struct Task {
    /// Unique in a run.
    pub id: u64,
    /// As written; without a name a task is called after its action.
    pub name: Option<Str>,
    /// Where the task's mapping begins.
    pub span: Span,
    /// The action's name as written.
    pub action: String,
    /// What that name means; none when it is a template, whose meaning shows when the task runs on a host.
    pub full_action: Option<Arc<str>>,
    pub action_span: Span,
    /// Arguments as written, free-form `k=v` already split. `args:` is merged in, the action's own winning.
    pub args: Dict,
    /// The free text of `command: text`, and of `include_tasks: file`.
    pub raw_params: Option<Str>,
    /// `args: "{{ dict }}"`: arguments that are only known at run time.
    pub variable_args: Option<Value>,
    /// Effective keywords.
    pub keywords: Arc<Keywords>,
    /// Where the task stands; its own keywords and vars are not in it.
    pub context: Arc<Context>,
    /// The task's own `vars:`.
    pub vars: Arc<Dict>,
    /// Variables of the task, or of what it stands in, have names that mean something else.
    pub has_reserved_names: bool,
    pub loop_: Option<Loop>,
    pub loop_span: Option<Span>,
    pub loop_control: LoopControl,
    /// Names this handler listens to besides its own.
    pub listen: Vec<Value>,
    /// Made by rplay (fact gathering, the flush of handlers between sections), not written by a user.
    pub implicit: bool,
}

/// The collection that a role comes from, then those that a keyword `collections` lists.
pub(super) fn collections(keyword: Option<&Value>, context: &Context) -> Vec<String> {
    let own = context.role.as_ref().and_then(|role| role.collection.as_deref());
    let listed = match keyword {
        Some(Value::List(items)) => items.iter().map(Value::to_text).collect(),
        None | Some(Value::Null) => Vec::new(),
        Some(single) => vec![single.to_text()],
    };
    own.map(str::to_owned).into_iter().chain(listed).collect()
}

impl Task {
    /// A keyword of this task, inherited or its own.
    pub fn keyword(&self, keyword: Keyword) -> Option<&Value> {
        self.keywords.get(keyword)
    }

    /// Whether its action is this one of `ansible.builtin`.
    pub fn is_builtin(&self, short: &str) -> bool {
        self.full_action.as_deref().and_then(|name| name.strip_prefix("ansible.builtin.")) == Some(short)
    }

    /// Whether it includes others while the play runs.
    pub fn is_include(&self) -> bool {
        self.is_builtin("include_tasks") || self.is_builtin("include_role")
    }

    /// The action without its collection.
    pub fn short_action(&self) -> &str {
        catalog::short(self.full_action.as_deref().unwrap_or(&self.action))
    }

    /// Collections that are searched for what its action's name means.
    pub fn collections(&self) -> Vec<String> {
        collections(self.keywords.get(Keyword::Collections), &self.context)
    }

    pub fn role(&self) -> Option<&Arc<Role>> {
        self.context.role.as_ref()
    }

    /// `vars:` of blocks and the task itself, outermost first.
    pub fn vars_layers(&self) -> impl Iterator<Item = &Arc<Dict>> {
        self.context.vars.iter().chain(std::iter::once(&self.vars))
    }
}
