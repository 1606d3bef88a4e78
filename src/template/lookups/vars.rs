//! `vars`: variables by computed names.

use super::Request;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised, undefined};
use crate::value::python::str_repr;

pub fn run(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut out = Vec::new();
    for term in &request.terms {
        let Val::Str(name) = term else {
            return Err(raised(format!("Variable name must be 'str' not '{}'.", term.type_name())));
        };
        let value = match scope.context.variable(name) {
            Some(value) => value.used()?,
            None => match request.option("default") {
                Some(default) => default.clone(),
                None => return Err(undefined(format!("No variable named {} was found.", str_repr(name)))),
            },
        };
        out.push(value);
    }
    Ok(out)
}
