//! What a module answers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What was there and what is there now, for `--diff`. Either `before`/`after` or `prepared`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    /// Text, or a mapping that is shown as JSON.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub before: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub after: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_header: Option<String>,
    /// Ready-made text that is shown as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<String>,
}

/// The result of a module that did its work. `fields` are the documented return values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub changed: bool,
    #[serde(default)]
    pub skipped: bool,
    #[serde(default)]
    pub fields: Map<String, Value>,
    #[serde(default)]
    pub diff: Vec<Diff>,
    #[serde(default)]
    pub warnings: Vec<String>,
    #[serde(default)]
    pub deprecations: Vec<String>,
}

impl Outcome {
    pub fn changed(changed: bool) -> Self {
        Self { changed, ..Self::default() }
    }

    /// Adds a return value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn with_diff(mut self, diff: Diff) -> Self {
        self.diff.push(diff);
        self
    }
}

/// The result of a module that could not do its work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub msg: String,
    /// True when something was changed before the failure.
    #[serde(default)]
    pub changed: bool,
    #[serde(default)]
    pub fields: Map<String, Value>,
    #[serde(default)]
    pub warnings: Vec<String>,
    /// What the failure comes of: for the message above the result, which doesn't have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl Failure {
    pub fn new(msg: impl Into<String>) -> Self {
        Self { msg: msg.into(), ..Self::default() }
    }

    /// Adds a return value, such as `rc` or `stderr`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.because = Some(cause.into());
        self
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.msg)
    }
}

impl std::error::Error for Failure {}

pub type ModuleResult = Result<Outcome, Failure>;
