//! The literal description of a module: validation, `rplay doc` and the error texts are derived from it.

use serde::{Deserialize, Serialize};

/// The type an argument is converted to, named as Ansible names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Str,
    Int,
    Float,
    Bool,
    /// A path on the machine where the module runs; `~` and `$VAR` are expanded there.
    Path,
    List,
    Dict,
    /// Anything, unchanged.
    Raw,
    /// A dict or list that may also be given as JSON text; arrives as text.
    Json,
    /// A size in bytes, such as `10M`.
    Bytes,
}

/// One argument of a module.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Arg {
    pub name: &'static str,
    pub summary: &'static str,
    pub kind: Kind,
    /// Type of the items of a list.
    pub elements: Option<Kind>,
    /// Arguments of a dict, or of each dict in a list.
    pub options: &'static [Arg],
    pub required: bool,
    /// As text, converted like a value the user wrote.
    pub default: Option<&'static str>,
    pub choices: &'static [&'static str],
    pub aliases: &'static [&'static str],
    /// The value is a secret.
    pub no_log: bool,
    /// Set by an action for its module; a user cannot write it.
    pub internal: bool,
}

impl Arg {
    const fn new(name: &'static str, summary: &'static str, kind: Kind) -> Self {
        Self {
            name,
            summary,
            kind,
            elements: None,
            options: &[],
            required: false,
            default: None,
            choices: &[],
            aliases: &[],
            no_log: false,
            internal: false,
        }
    }
    pub const fn str(name: &'static str, summary: &'static str) -> Self {
        Self::new(name, summary, Kind::Str)
    }
    pub const fn int(name: &'static str, summary: &'static str) -> Self {
        Self::new(name, summary, Kind::Int)
    }
    pub const fn float(name: &'static str, summary: &'static str) -> Self {
        Self::new(name, summary, Kind::Float)
    }
    pub const fn bool(name: &'static str, summary: &'static str) -> Self {
        Self::new(name, summary, Kind::Bool)
    }
    pub const fn path(name: &'static str, summary: &'static str) -> Self {
        Self::new(name, summary, Kind::Path)
    }
    pub const fn dict(name: &'static str, summary: &'static str) -> Self {
        Self::new(name, summary, Kind::Dict)
    }
    pub const fn raw(name: &'static str, summary: &'static str) -> Self {
        Self::new(name, summary, Kind::Raw)
    }
    pub const fn json(name: &'static str, summary: &'static str) -> Self {
        Self::new(name, summary, Kind::Json)
    }
    pub const fn bytes(name: &'static str, summary: &'static str) -> Self {
        Self::new(name, summary, Kind::Bytes)
    }
    /// A list whose items have type `elements`.
    pub const fn list(name: &'static str, summary: &'static str, elements: Kind) -> Self {
        let mut arg = Self::new(name, summary, Kind::List);
        arg.elements = Some(elements);
        arg
    }
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }
    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }
    pub const fn choices(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }
    pub const fn options(mut self, options: &'static [Arg]) -> Self {
        self.options = options;
        self
    }
    pub const fn no_log(mut self) -> Self {
        self.no_log = true;
        self
    }
    pub const fn internal(mut self) -> Self {
        self.internal = true;
        self
    }
}

/// What holds between several arguments.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    MutuallyExclusive(&'static [&'static str]),
    RequiredTogether(&'static [&'static str]),
    RequiredOneOf(&'static [&'static str]),
    /// When `arg` has `value`, all (or, with `any`, one) of `needs` must be given.
    RequiredIf {
        arg: &'static str,
        value: &'static str,
        needs: &'static [&'static str],
        any: bool,
    },
    /// When `arg` is given, all of `needs` must be.
    RequiredBy {
        arg: &'static str,
        needs: &'static [&'static str],
    },
}

/// One value that a module returns.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Return {
    pub name: &'static str,
    pub kind: Kind,
    /// In which cases it is there, such as `always` or `changed`.
    pub when: &'static str,
    pub summary: &'static str,
}

impl Return {
    pub const fn new(name: &'static str, kind: Kind, when: &'static str, summary: &'static str) -> Self {
        Self { name, kind, when, summary }
    }
}

/// The specification of a module.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spec {
    pub name: &'static str,
    pub summary: &'static str,
    pub args: &'static [Arg],
    /// Argument lists shared with other modules, such as the attributes of a file.
    pub shared: &'static [&'static [Arg]],
    pub rules: &'static [Rule],
    /// Without it the task is skipped in check mode.
    pub check_mode: bool,
    /// Name of the argument that takes the free text of `command: text`, if the module has one.
    pub free_form: Option<&'static str>,
    /// Tasks that use it, as YAML.
    pub example: &'static str,
    pub returns: &'static [Return],
}

impl Spec {
    /// The empty specification, for `..Spec::EMPTY` in literals.
    pub const EMPTY: Spec = Spec {
        name: "",
        summary: "",
        args: &[],
        shared: &[],
        rules: &[],
        check_mode: true,
        free_form: None,
        example: "",
        returns: &[],
    };

    /// Every argument, shared ones last.
    pub fn all_args(&self) -> impl Iterator<Item = &'static Arg> {
        self.args.iter().chain(self.shared.iter().copied().flatten())
    }

    /// The argument that `name` means, be it a name or an alias.
    pub fn find(&self, name: &str) -> Option<&'static Arg> {
        self.all_args().find(|arg| arg.name == name || arg.aliases.contains(&name))
    }
}
