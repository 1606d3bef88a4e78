//! What an action wants changed outside of its own task; applied by the engine.

use std::path::PathBuf;
use std::sync::Arc;

use crate::value::Dict;
use crate::vars::Facts;

#[derive(Clone, Debug)]
pub enum Effect {
    /// Variables with the precedence of `set_fact`; `cacheable` makes them facts too.
    SetFacts {
        facts: Dict,
        cacheable: bool,
    },
    /// What a module returned as `ansible_facts`.
    HostFacts(Facts),
    /// Variables with the precedence of `include_vars`.
    IncludeVars(Dict),
    AddHost {
        name: String,
        port: Option<i64>,
        groups: Vec<String>,
        vars: Dict,
    },
    /// The task's host joins `group`, which is made a child of `parents`.
    GroupBy {
        group: String,
        parents: Vec<String>,
    },
    SetStats {
        data: Dict,
        per_host: bool,
        aggregate: bool,
    },
    Include(Include),
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
        public: bool,
        allow_duplicates: bool,
        rolespec_validate: bool,
    },
}
