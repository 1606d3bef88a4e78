//! Macros and the `caller` of call blocks.

use std::sync::Arc;

use super::arguments::{Arguments, Name};
use super::context::Context;
use super::eval::eval;
use super::out::Out;
use super::run::{Scope, TemplateFile, body, in_file};
use super::tree::Macro;
use super::val::{Map, Object, Val};
use crate::template::error::{Res, raised};
use crate::value::Value;

pub struct MacroObject {
    pub definition: Arc<Macro>,
    pub scope: Scope,
    /// Where it is written.
    file: TemplateFile,
}

impl MacroObject {
    pub fn new(definition: &Arc<Macro>, scope: &Scope) -> Self {
        Self { definition: Arc::clone(definition), scope: scope.clone(), file: scope.file() }
    }
}

impl Object for MacroObject {
    fn type_name(&self) -> &'static str {
        "Macro"
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        format!("<Macro '{}'>", self.definition.name)
    }

    fn attribute(&self, name: &str) -> Option<Val> {
        let it = &self.definition;
        Some(match name {
            "name" => Val::str(&*it.name),
            "arguments" => Val::tuple(it.parameters.iter().map(|name| Val::str(&**name)).collect()),
            "caller" => Val::Bool(it.uses_caller),
            "catch_kwargs" => Val::Bool(it.uses_kwargs),
            "catch_varargs" => Val::Bool(it.uses_varargs),
            _ => return None,
        })
    }

    fn call(&self, _context: &Context, arguments: Arguments) -> Res<Val> {
        let it = &self.definition;
        let inner = self.scope.inner();
        let mut named = arguments.named;
        let mut positional = arguments.positional.into_iter();
        let first_default = it.parameters.len().saturating_sub(it.defaults.len());
        for (index, parameter) in it.parameters.iter().enumerate() {
            let given = positional.next();
            let by_name = named.iter().position(|(name, _)| name == parameter).map(|at| named.remove(at).1);
            let value = match (given, by_name) {
                (Some(value), _) | (None, Some(value)) => value,
                (None, None) => match index.checked_sub(first_default).and_then(|at| it.defaults.get(at)) {
                    Some(default) => eval(&inner, default)?,
                    None => Val::undefined(format!("parameter '{parameter}' was not provided")),
                },
            };
            inner.frame.set(parameter, value);
        }
        let rest: Vec<Val> = positional.collect();
        if it.uses_varargs {
            inner.frame.set(&Name::from("varargs"), Val::tuple(rest));
        } else if !rest.is_empty() {
            return Err(raised(format!("macro '{}' takes not more than {} argument(s)", it.name, it.parameters.len())));
        }
        if let Some(at) = named.iter().position(|(name, _)| &**name == "caller") {
            let (name, caller) = named.remove(at);
            if !it.uses_caller && !it.uses_kwargs {
                return Err(raised(format!(
                    "macro '{}' was invoked with two values for the special caller argument. This is most likely a bug.",
                    it.name
                )));
            }
            inner.frame.set(&name, caller);
        } else if it.uses_caller && !it.parameters.iter().any(|name| &**name == "caller") {
            inner.frame.set(&Name::from("caller"), Val::undefined("No caller defined"));
        }
        if it.uses_kwargs {
            let map: Map = named.into_iter().map(|(name, value)| (Value::str(name), value)).collect();
            inner.frame.set(&Name::from("kwargs"), Val::dict(map));
        } else if let Some((name, _)) = named.first() {
            return Err(raised(format!("macro '{}' takes no keyword argument '{name}'", it.name)));
        }
        let mut out = Out::default();
        let done = inner.context.deeper(|| body(&inner, &it.body, &mut out));
        done.and_then(|_| out.joined()).map_err(|fault| in_file(self.file.as_deref(), fault))
    }
}
