//! What an action wants changed outside of its own task; the engine applies it when the task has been judged.

use std::path::PathBuf;
use std::sync::Arc;

use crate::inventory::Change;
use crate::value::Dict;
use crate::vars::Facts;

#[derive(Clone, Debug)]
pub enum Effect {
    /// On a host's variables.
    Host {
        of: FactsOf,
        effect: HostEffect,
    },
    Run(RunEffect),
}

/// Whose variables an effect is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactsOf {
    /// The host that the task runs for; all of them when it runs once.
    Task,
    /// The host that the task was delegated to, with `delegate_facts`.
    Named(Arc<str>),
}

#[derive(Clone, Debug)]
pub enum HostEffect {
    /// Variables with the precedence of `set_fact`; `cacheable` makes them facts too.
    SetFacts { facts: Dict, cacheable: bool },
    /// What a module returned as `ansible_facts`.
    Facts(Facts),
    /// Variables with the precedence of `include_vars`.
    IncludeVars(Dict),
}

#[derive(Clone, Debug)]
pub enum RunEffect {
    Inventory(Change),
    SetStats { data: Dict, per_host: bool, aggregate: bool },
    Include(Include),
}

impl Effect {
    pub fn host(effect: HostEffect) -> Self {
        Effect::Host { of: FactsOf::Task, effect }
    }
}

/// A dynamic include, its names rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct Include {
    pub target: IncludeTarget,
    /// Parameters of the included tasks: loop variables, `vars:` of the include.
    pub params: Arc<Dict>,
    /// Keywords that the included tasks get, unrendered.
    pub apply: Arc<Dict>,
    /// The loop's item, as it is called in the output.
    pub item: Option<crate::value::Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum IncludeTarget {
    Tasks {
        file: PathBuf,
    },
    Role {
        name: String,
        tasks_from: Option<String>,
        vars_from: Option<String>,
        defaults_from: Option<String>,
        handlers_from: Option<String>,
        /// None where the task doesn't say.
        public: Option<bool>,
        allow_duplicates: bool,
        /// The role's arguments are checked against its specification.
        validated: bool,
    },
}
