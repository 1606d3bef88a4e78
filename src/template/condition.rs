//! `when`, `until`, `failed_when` and their like: what counts as true, what is an error.

use std::sync::Arc;

use rplay_module_api::truth;

use super::engine::context::Context;
use super::engine::eval::eval;
use super::engine::is_template;
use super::engine::output::stored;
use super::engine::run::Scope;
use super::error::{Fault, Res, raised};
use super::{Templar, TemplateError, TemplateErrorKind, outside};
use crate::value::{Str, Value};

#[derive(Clone, Debug)]
pub struct Condition {
    pub result: bool,
    /// The item that was false.
    pub false_condition: Option<Value>,
}

impl Templar {
    /// Evaluates the value of a conditional keyword: one item, or a list of items that must all hold.
    pub fn condition(&self, value: &Value) -> Result<Condition, TemplateError> {
        let items: Vec<Value> = match value {
            Value::List(items) => items.to_vec(),
            other => vec![other.clone()],
        };
        for item in items {
            let held = self.one_condition(&item).map_err(|fault| explain(outside(fault, item.span())))?;
            if !held {
                return Ok(Condition { result: false, false_condition: Some(item) });
            }
        }
        Ok(Condition { result: true, false_condition: None })
    }

    fn one_condition(&self, item: &Value) -> Res<bool> {
        match item {
            Value::Null => Ok(true),
            Value::Bool(bool) => Ok(*bool),
            Value::Str(text) if text.trim().is_empty() => {
                if self.engine().settings.allow_broken_conditionals {
                    return Ok(true);
                }
                Err(broken("Empty conditional expressions are not allowed."))
            }
            Value::Str(text) => {
                let value = self.conditional_text(text)?;
                self.judge(&value)
            }
            other => self.judge(&self.render(other).map_err(Box::new)?),
        }
    }

    fn conditional_text(&self, text: &Str) -> Res<Value> {
        let trimmed = text.trim();
        let context = Context::new(self.clone());
        let _session = context.session();
        let whole = (trimmed.starts_with("{{") && trimmed.ends_with("}}"))
            || (trimmed.starts_with("{%") && trimmed.ends_with("%}"));
        if whole {
            let rendered = context.render_text(&text.with_text(trimmed))?;
            let value = stored(&rendered)?;
            if value.is_null() && self.engine().settings.allow_broken_conditionals {
                // Null was an empty text, and that no condition at all.
                return Ok(Value::Bool(true));
            }
            if matches!(&value, Value::Str(text) if text.is_empty())
                && !self.engine().settings.allow_broken_conditionals
            {
                return Err(broken("Empty conditional expressions are not allowed."));
            }
            let Value::Str(result) = &value else {
                self.engine().settings.notices.deprecated(
                    "Conditionals should not be surrounded by templating delimiters such as {{ }} or {% %}.",
                    text.span(),
                );
                return Ok(value);
            };
            let known = result.is_trusted().then(|| result.clone());
            let Some(trusted) = known.or_else(|| self.source_of(trimmed, result)) else {
                if self.engine().settings.allow_broken_conditionals {
                    return self.old_style(&context, result);
                }
                return Err(Box::new(TemplateError::new(
                    TemplateErrorKind::Untrusted,
                    "Encountered untrusted template or expression.",
                )));
            };
            return self.bare(&context, &trusted);
        }
        self.bare(&context, text)
    }

    /// Before 2.19 the rendered text was an expression, wherever it came from. Data must not become code, so only
    /// words that mean a truth value are accepted.
    fn old_style(&self, _context: &Context, text: &Str) -> Res<Value> {
        let is_nothing = matches!(text.trim().to_lowercase().as_str(), "" | "none");
        match truth(text).or(is_nothing.then_some(false)) {
            Some(truth) => Ok(Value::Bool(truth)),
            None => Err(Box::new(TemplateError::new(
                TemplateErrorKind::Untrusted,
                "Encountered untrusted template or expression.",
            ))),
        }
    }

    /// The text of a variable that a person wrote, when the template is only that variable.
    fn source_of(&self, template: &str, result: &Str) -> Option<Str> {
        let name = template.strip_prefix("{{")?.strip_suffix("}}")?.trim();
        let value = match self.locals().and_then(|locals| locals.get(name)) {
            Some(value) => value.clone(),
            None => self.variables().get(name)?,
        };
        match value {
            Value::Str(text) if text.is_trusted() && *text == **result => Some(text),
            Value::Str(text) if text.is_trusted() && is_template(&text) => self.source_of(text.trim(), result),
            _ => None,
        }
    }

    fn bare(&self, context: &Context, text: &Str) -> Res<Value> {
        if !text.is_trusted() {
            return Err(Box::new(TemplateError::new(
                TemplateErrorKind::Untrusted,
                "Encountered untrusted template or expression.",
            )));
        }
        let expr = self.engine().cache.condition(&Arc::from(text.trim_start()), &self.engine().settings)?;
        stored(&eval(&Scope::new(context), &expr)?)
    }

    fn judge(&self, value: &Value) -> Res<bool> {
        match value {
            Value::Bool(bool) => Ok(*bool),
            Value::Omit => Err(Box::new(TemplateError::new(TemplateErrorKind::Omit, "Template result was omitted."))),
            other => {
                let truth = other.is_truthy();
                let message = format!(
                    "Conditional result ({}) was derived from value of type '{}'. Conditionals must have a boolean result.",
                    if truth { "True" } else { "False" },
                    other.type_name()
                );
                if self.engine().settings.allow_broken_conditionals {
                    self.engine().settings.notices.warn(message, other.span());
                    return Ok(truth);
                }
                Err(broken(&message))
            }
        }
    }
}

fn broken(message: &str) -> Fault {
    let mut fault = raised(message);
    fault.kind = TemplateErrorKind::BrokenConditional;
    fault
}

fn explain(mut error: TemplateError) -> TemplateError {
    if matches!(error.kind, TemplateErrorKind::Undefined | TemplateErrorKind::Template) {
        error.message = format!("Error while evaluating conditional: {}", error.message);
    }
    error
}
