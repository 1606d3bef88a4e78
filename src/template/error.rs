//! Why a template could not be rendered, in Ansible's words.

use std::fmt;

use crate::source::Span;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TemplateErrorKind {
    /// A variable, attribute or item that does not exist.
    Undefined,
    Syntax,
    /// Anything that went wrong while rendering.
    Template,
    /// A filter, test or lookup failed.
    Plugin,
    /// A lookup of that name does not exist.
    PluginMissing,
    /// A condition that is not boolean.
    BrokenConditional,
    /// Text that is not from the project was to be evaluated.
    Untrusted,
    /// `omit` where a value is needed.
    Omit,
    /// Wrong options or files around the template.
    Other,
    /// A Python exception on its way to whoever called the function; never leaves this module.
    Raised,
}

#[derive(Clone, Debug)]
pub struct TemplateError {
    pub kind: TemplateErrorKind,
    pub message: String,
    /// For template files the line inside that file; else where the string was written.
    pub place: Option<Span>,
    /// Line inside the template text, counted from 1; 0 when unknown.
    pub line: u32,
}

/// Errors travel boxed: results stay small.
pub type Fault = Box<TemplateError>;
pub type Res<T> = Result<T, Fault>;

impl TemplateError {
    pub fn new(kind: TemplateErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), place: None, line: 0 }
    }

    #[must_use]
    pub fn at(mut self, place: Option<&Span>) -> Self {
        if self.place.is_none() {
            self.place = place.cloned();
        }
        self
    }
}

/// An exception as Python's own functions raise it.
pub fn raised(message: impl Into<String>) -> Fault {
    Box::new(TemplateError::new(TemplateErrorKind::Raised, message))
}

pub fn undefined(message: impl Into<String>) -> Fault {
    Box::new(TemplateError::new(TemplateErrorKind::Undefined, message))
}

pub fn syntax(message: impl fmt::Display) -> Fault {
    Box::new(TemplateError::new(TemplateErrorKind::Syntax, format!("Syntax error in template: {message}")))
}

/// What leaves a plugin: its name in front, except for undefined values, which stay what they are.
pub fn plugin_failed(what: &str, name: &str, fault: Fault) -> Fault {
    if fault.kind != TemplateErrorKind::Raised {
        return fault;
    }
    let message = if name.contains('.') {
        format!("The {what} plugin '{name}' failed: {}", fault.message)
    } else {
        format!("The {what} plugin 'ansible.builtin.{name}' failed: {}", fault.message)
    };
    Box::new(TemplateError { kind: TemplateErrorKind::Plugin, message, ..*fault })
}

/// What leaves a template.
pub fn rendering_failed(mut fault: Fault) -> Fault {
    if fault.kind == TemplateErrorKind::Raised {
        fault.kind = TemplateErrorKind::Template;
        fault.message = format!("Error rendering template: {}", fault.message);
    }
    fault
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(place) = &self.place {
            write!(f, " ({place})")?;
        }
        Ok(())
    }
}

impl std::error::Error for TemplateError {}

impl From<TemplateError> for crate::error::Error {
    fn from(error: TemplateError) -> Self {
        crate::error::Error::project(error.message, error.place.as_ref())
    }
}
