//! `inventory_hostnames`: the hosts that a pattern means.

use super::Request;
use crate::template::engine::output::finalize;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::value::Value;

pub fn run(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let templar = &scope.context.templar;
    let groups = scope.context.variable("groups").ok_or_else(|| raised("'groups'"))?;
    let Value::Dict(groups) = finalize(&groups)? else { return Err(raised("'groups' is not a mapping")) };
    let Some(hosts_matching) = &templar.engine().settings.hosts_matching else {
        return Err(raised("there is no inventory here"));
    };
    let found = hosts_matching(&groups, &request.texts()?).map_err(raised)?;
    Ok(found.into_iter().map(Val::str).collect())
}
