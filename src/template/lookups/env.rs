//! `env`: environment variables of the controller.

use super::Request;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

pub fn run(_scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let default = request.option("default").filter(|default| !matches!(default, Val::Null)).cloned();
    if let Some(term) = request.terms.iter().find(|term| !matches!(term, Val::Str(_))) {
        term.check()?;
        return Err(raised(format!("the name of an environment variable is a string, not '{}'", term.type_name())));
    }
    request
        .texts()?
        .iter()
        .map(|term| {
            let name = term.split_whitespace().next().unwrap_or("");
            Ok(match std::env::var_os(name) {
                Some(value) => Val::str(value.to_string_lossy().into_owned()),
                None => default.clone().unwrap_or_else(|| Val::str("")),
            })
        })
        .collect()
}
