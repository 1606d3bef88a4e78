//! Every keyword of plays, roles, blocks and tasks, a row each: its type, where it may stand, how it is inherited, when
//! it is rendered, what it is for. `Keyword` is the index of a row; nothing looks keywords up by name while plays run.

use crate::error::{Notices, closest};
use crate::value::Value;

/// How a keyword reaches what stands inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inherit {
    /// The innermost value counts.
    Innermost,
    /// A list, the outermost first.
    Extend,
    /// Counts only where it is written.
    No,
}

/// What a keyword is written on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Play,
    Role,
    Block,
    Task,
    Handler,
    /// `include_tasks`, which takes only what makes sense before its tasks are known.
    IncludeTasks,
    IncludeRole,
}

impl Place {
    /// As Ansible's messages call it.
    pub fn title(self) -> &'static str {
        match self {
            Place::Play => "Play",
            Place::Role => "RoleInclude",
            Place::Block => "Block",
            Place::Task => "Task",
            Place::Handler => "Handler",
            Place::IncludeTasks => "TaskInclude",
            Place::IncludeRole => "IncludeRole",
        }
    }

    fn letter(self) -> char {
        match self {
            Place::Play => 'p',
            Place::Role => 'r',
            Place::Block => 'b',
            Place::Task => 't',
            Place::Handler => 'h',
            Place::IncludeTasks | Place::IncludeRole => 'i',
        }
    }
}

/// The type of a keyword's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    Int,
    Float,
    Text,
    /// A list, or one item of it.
    List,
    /// A mapping, or where levels add up a list of them.
    Dict,
    /// An expression that is true or false, or a list of them.
    Condition,
    /// A list of tasks, blocks or roles.
    Tasks,
}

/// When a template in the value is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rendered {
    /// Never: the value counts as it is written.
    Never,
    /// Once, with the variables of the play.
    Play,
    /// For each host, when the task runs.
    Host,
}

#[derive(Debug)]
pub struct Row {
    pub keyword: Keyword,
    pub name: &'static str,
    pub kind: Type,
    /// `p`lay, `r`ole, `b`lock, `t`ask, `h`andler, `i`nclude.
    places: &'static str,
    pub inherit: Inherit,
    pub rendered: Rendered,
    pub doc: &'static str,
}

impl Row {
    /// Whether the keyword may be written there.
    pub fn is_at(&self, place: Place) -> bool {
        self.places.contains(place.letter())
    }
}

macro_rules! keywords {
    ($($keyword:ident $name:literal $kind:ident $places:literal $inherit:ident $rendered:ident $doc:literal)*) => {
        /// A keyword, as the index of its row.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Keyword {
            $(#[doc = $doc] $keyword,)*
        }

        /// Sorted by name.
        pub const KEYWORDS: &[Row] = &[
            $(Row {
                keyword: Keyword::$keyword,
                name: $name,
                kind: Type::$kind,
                places: $places,
                inherit: Inherit::$inherit,
                rendered: Rendered::$rendered,
                doc: $doc,
            },)*
        ];
    };
}

keywords! {
    Action "action" Text "thi" No Host "The module or action of the task with its arguments, as one text."
    Always "always" Tasks "b" No Never "Tasks that run after those of the block, whatever became of them."
    AnyErrorsFatal "any_errors_fatal" Bool "prbth" Innermost Host "A failure on one host ends the play for all hosts."
    Args "args" Dict "thi" No Host "Arguments of the task's module, besides those written with its name."
    Async "async" Int "th" No Host "Seconds that the task may run while the connection is not held."
    Become "become" Bool "prbth" Innermost Host "Tasks run as another user than the one who logs in."
    BecomeExe "become_exe" Text "prbth" Innermost Host "The program that changes the user, instead of the method's own."
    BecomeFlags "become_flags" Text "prbth" Innermost Host "Options of the program that changes the user."
    BecomeMethod "become_method" Text "prbth" Innermost Host "How the user is changed: sudo, su or doas."
    BecomeUser "become_user" Text "prbth" Innermost Host "The user that tasks run as with `become`."
    Block "block" Tasks "b" No Never "The tasks of the block."
    ChangedWhen "changed_when" Condition "th" No Host "Decides whether the task changed something."
    CheckMode "check_mode" Bool "prbth" Innermost Host "Tasks only say what they would change, or change it in spite of `--check`."
    Collections "collections" List "prbthi" Innermost Never "Collections that are searched for the short names of modules and roles."
    Connection "connection" Text "prbth" Innermost Host "How hosts are reached: ssh or local."
    Debugger "debugger" Text "prbthi" Innermost Host "Opens a debugger after results of a kind."
    Delay "delay" Float "th" No Host "Seconds between two attempts of `until`."
    DelegateFacts "delegate_facts" Bool "rbth" Innermost Host "Facts belong to the host of `delegate_to`."
    DelegateTo "delegate_to" Text "rbth" Innermost Host "The host on which the task works instead."
    Diff "diff" Bool "prbth" Innermost Host "Differences of changed files are shown."
    Environment "environment" Dict "prbth" Extend Host "Variables of the environment in which modules run."
    FactPath "fact_path" Text "p" No Host "The folder of local facts on hosts."
    FailedWhen "failed_when" Condition "th" No Host "Decides whether the task failed."
    ForceHandlers "force_handlers" Bool "p" No Play "Notified handlers run on hosts that failed, too."
    GatherFacts "gather_facts" Bool "p" No Play "Facts are gathered before the first task."
    GatherSubset "gather_subset" List "p" No Host "The kinds of facts that are gathered."
    GatherTimeout "gather_timeout" Int "p" No Host "Seconds that gathering a fact may take."
    Handlers "handlers" Tasks "p" No Never "Tasks that run when they were notified."
    Hosts "hosts" List "p" No Play "The pattern of hosts that the play is for."
    IgnoreErrors "ignore_errors" Bool "prbthi" Innermost Host "A host goes on although the task failed."
    IgnoreUnreachable "ignore_unreachable" Bool "prbth" Innermost Host "A host goes on although it could not be reached."
    Listen "listen" List "h" No Never "Names by which the handler is notified besides its own."
    LocalAction "local_action" Text "thi" No Host "As `action`, on the controller."
    Loop "loop" List "thi" No Host "The task runs for each item."
    LoopControl "loop_control" Dict "thi" No Host "Names, labels and pauses of the loop."
    MaxFailPercentage "max_fail_percentage" Float "p" No Play "The run ends when more than this share of a batch has failed."
    ModuleDefaults "module_defaults" Dict "prbth" Extend Host "Arguments of modules that tasks need not write."
    Name "name" Text "pbthi" No Host "What the play, block or task is called."
    NoLog "no_log" Bool "prbthi" Innermost Host "Results are not shown."
    Notify "notify" List "bth" Innermost Host "Handlers that run when the task changed something."
    Order "order" Text "p" No Play "The order of the hosts: inventory, reverse_inventory, sorted, reverse_sorted or shuffle."
    Poll "poll" Int "th" No Host "Seconds between two looks at an asynchronous task."
    Port "port" Int "prbth" Innermost Host "The port of the connection."
    PostTasks "post_tasks" Tasks "p" No Never "Tasks after `tasks` and their handlers."
    PreTasks "pre_tasks" Tasks "p" No Never "Tasks before the roles."
    Register "register" Text "thi" No Never "The variable that keeps the result."
    RemoteUser "remote_user" Text "prbth" Innermost Host "The user who logs in."
    Rescue "rescue" Tasks "b" No Never "Tasks that run when one of the block failed."
    Retries "retries" Int "th" No Host "How often `until` tries again."
    Roles "roles" Tasks "p" No Never "Roles that run before `tasks`."
    RunOnce "run_once" Bool "prbthi" Innermost Host "The task runs on the first host only, for all of them."
    Serial "serial" List "p" No Play "The sizes of the batches in which hosts go through the play."
    Strategy "strategy" Text "p" No Play "Which host may go on to which task when."
    Tags "tags" List "prbthi" Extend Play "Words by which `--tags` and `--skip-tags` select."
    Tasks "tasks" Tasks "p" No Never "The tasks of the play."
    Throttle "throttle" Int "prbth" Innermost Host "How many hosts do the task at a time."
    Timeout "timeout" Int "prbthi" Innermost Host "Seconds after which the task is given up."
    Until "until" Condition "th" No Host "The task is tried again until this is true."
    Vars "vars" Dict "prbthi" No Host "Variables for what stands inside."
    VarsFiles "vars_files" List "p" No Never "Files of variables."
    VarsPrompt "vars_prompt" List "p" No Never "Variables that the user is asked for."
    When "when" Condition "rbthi" Extend Host "The task runs on hosts for which this is true."
}

impl Keyword {
    pub fn row(self) -> &'static Row {
        &KEYWORDS[self as usize]
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The keyword of this name, wherever it may stand.
    pub fn find(name: &str) -> Option<Keyword> {
        KEYWORDS.binary_search_by(|row| row.name.cmp(name)).ok().map(|index| KEYWORDS[index].keyword)
    }

    /// The keyword of this name if it may stand at `place`.
    pub fn find_at(name: &str, place: Place) -> Option<Keyword> {
        Self::find(name).filter(|keyword| keyword.row().is_at(place))
    }
}

/// Names that older versions of Ansible had, and today's.
pub const RENAMED: &[(&str, &str)] = &[
    ("sudo", "become"),
    ("sudo_user", "become_user"),
    ("su", "become"),
    ("su_user", "become_user"),
    ("user", "remote_user"),
];

/// Names that mean something in playbooks or in templates, and that no variable should have.
const RESERVED: &[&str] = &[
    "action",
    "always",
    "any_errors_fatal",
    "args",
    "async",
    "async_val",
    "become",
    "become_exe",
    "become_flags",
    "become_method",
    "become_user",
    "block",
    "changed_when",
    "check_mode",
    "collections",
    "connection",
    "cycler",
    "debugger",
    "delay",
    "delegate_facts",
    "delegate_to",
    "dict",
    "diff",
    "environment",
    "fact_path",
    "failed_when",
    "force_handlers",
    "gather_facts",
    "gather_timeout",
    "handlers",
    "hosts",
    "ignore_errors",
    "ignore_unreachable",
    "joiner",
    "lipsum",
    "local_action",
    "lookup",
    "loop",
    "loop_control",
    "loop_with",
    "max_fail_percentage",
    "module_defaults",
    "name",
    "namespace",
    "no_log",
    "notify",
    "now",
    "omit",
    "order",
    "poll",
    "port",
    "post_tasks",
    "pre_tasks",
    "q",
    "query",
    "range",
    "register",
    "remote_user",
    "rescue",
    "retries",
    "roles",
    "run_once",
    "serial",
    "strategy",
    "tags",
    "tasks",
    "throttle",
    "timeout",
    "undef",
    "until",
    "vars_files",
    "vars_prompt",
    "when",
    "with_",
];

pub fn is_reserved(name: &Value) -> bool {
    name.as_str().is_some_and(|name| RESERVED.binary_search(&name).is_ok())
}

/// Warns of variables that have such a name.
pub fn warn_of_reserved<'a>(names: impl IntoIterator<Item = &'a Value>, notices: &Notices) {
    for name in names.into_iter().filter(|name| is_reserved(name)) {
        notices.warn(format!("Found variable using reserved name {}.", name.repr()), name.span());
    }
}

fn names_at(place: Place) -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().filter(move |row| row.places.contains(place.letter())).map(|row| row.name)
}

/// What a key of a task can be besides an action, today's names and old ones.
pub fn names_at_tasks() -> Vec<&'static str> {
    let old = RENAMED.iter().map(|(old, _)| *old).filter(|old| *old != "user");
    names_at(Place::Handler).chain(old).collect()
}

/// A keyword of `place` that `name` could be a misspelling of.
pub fn closest_at(name: &str, place: Place) -> Option<&'static str> {
    closest(name, names_at(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_documented() {
        assert!(KEYWORDS.is_sorted_by(|a, b| a.name < b.name));
        for (index, row) in KEYWORDS.iter().enumerate() {
            assert_eq!(row.keyword as usize, index, "{}", row.name);
            assert_eq!(Keyword::find(row.name), Some(row.keyword));
            assert!(row.doc.ends_with('.'), "{}", row.name);
            assert!(row.places.chars().all(|place| "prbthi".contains(place)), "{}", row.name);
        }
    }

    #[test]
    fn a_misspelling_finds_its_keyword() {
        assert_eq!(closest_at("gather_fact", Place::Play), Some("gather_facts"));
        assert_eq!(closest_at("regster", Place::Task), Some("register"));
        assert_eq!(closest_at("gather_fact", Place::Task), None);
    }
}
