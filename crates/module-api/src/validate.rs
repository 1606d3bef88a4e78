//! Arguments as written become arguments as the module uses them: aliases resolved, types converted, defaults filled in.

use serde_json::{Map, Value};

use crate::Spec;

/// What is wrong with one task's arguments, in Ansible's wording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The argument as the user wrote it; none when it is the whole that is wrong.
    pub arg: Option<String>,
    pub message: String,
    pub hint: Option<String>,
}

/// An argument before templating.
#[derive(Clone, Debug)]
pub enum Written<'a> {
    Literal(&'a Value),
    /// Holds a template: only its name can be judged yet.
    Template,
}

/// Converts rendered arguments; stops at the first problem, as Ansible does.
pub fn validate(_spec: &Spec, _args: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    todo!()
}

/// All problems that show before anything is rendered.
pub fn check_written(_spec: &Spec, _args: &[(&str, Written)]) -> Vec<Problem> {
    todo!()
}
