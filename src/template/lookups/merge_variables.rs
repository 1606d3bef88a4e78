//! `merge_variables` of community.general: all variables whose names match, merged into one dict or list.

use super::Request;
use crate::template::engine::comparison::equal;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::{Map, Val};
use crate::template::error::{Res, raised};
use crate::template::filters::regex::{Anchor, Flags, compile, matches};

/// What becomes of a key that has two values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Override {
    Error,
    Warn,
    Ignore,
}

struct Merge<'a> {
    scope: &'a Scope,
    kind: String,
    on_override: Override,
}

pub fn run(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let kind = request.text("pattern_type")?.unwrap_or_else(|| "regex".into());
    if !matches!(kind.as_str(), "prefix" | "suffix" | "regex") {
        return Err(raised(format!("Invalid value '{kind}' for `pattern_type`; it is prefix, suffix or regex")));
    }
    let on_override = match request.text("override")?.as_deref() {
        None | Some("error") => Override::Error,
        Some("warn") => Override::Warn,
        Some("ignore") => Override::Ignore,
        Some(other) => {
            return Err(raised(format!("Invalid value '{other}' for `override`; it is error, warn or ignore")));
        }
    };
    let merge = Merge { scope, kind, on_override };
    let initial = request.option("initial_value").filter(|it| !matches!(it, Val::Null));
    let groups = match request.option("groups") {
        None | Some(Val::Null) => Vec::new(),
        Some(Val::Str(text)) => text.split(',').map(|name| name.trim().to_owned()).collect(),
        Some(list) => list.iterate()?.iter().map(print::text).collect::<Res<Vec<_>>>()?,
    };
    let mut out = Vec::new();
    for term in &request.terms {
        let Val::Str(pattern) = term.clone().used()? else {
            return Err(raised(format!(
                "Non-string type '<class '{}'>' passed, only 'str' types are allowed!",
                term.type_name()
            )));
        };
        let mut merged = initial.cloned();
        if groups.is_empty() {
            let mut names = scope.context.templar.variables().names();
            names.extend(
                scope
                    .context
                    .templar
                    .locals()
                    .into_iter()
                    .flat_map(|locals| locals.keys().filter_map(|key| key.as_str().map(str::to_owned))),
            );
            merged = merge.variables(&pattern, merged, names, &|name| scope.context.variable(name))?;
        } else {
            let Some(Val::Dict(hosts)) = scope.context.variable("hostvars") else {
                return Err(raised("`groups` needs an inventory"));
            };
            for host in hosts.keys() {
                let Some(Val::Dict(variables)) = hosts.get(&host) else { continue };
                if !groups.iter().any(|group| group == "all")
                    && !is_in_one_of(variables.get_str("group_names").as_ref(), &groups)?
                {
                    continue;
                }
                let names = variables.keys().iter().filter_map(|key| key.as_str().map(str::to_owned)).collect();
                merged = merge.variables(&pattern, merged, names, &|name| variables.get_str(name))?;
            }
        }
        out.push(merged.unwrap_or(Val::Null));
    }
    Ok(out)
}

fn is_in_one_of(names: Option<&Val>, groups: &[String]) -> Res<bool> {
    let names = names.map_or_else(|| Ok(Vec::new()), Val::iterate)?;
    Ok(names.iter().any(|name| name.as_str().is_some_and(|name| groups.iter().any(|group| group == name))))
}

impl Merge<'_> {
    fn variables(
        &self,
        pattern: &str,
        initial: Option<Val>,
        mut names: Vec<String>,
        get: &dyn Fn(&str) -> Option<Val>,
    ) -> Res<Option<Val>> {
        names.sort_unstable();
        names.dedup();
        let mut merged = initial;
        if let Some(initial) = &merged {
            mergeable(initial)?;
        }
        for name in names {
            if !self.fits(pattern, &name)? {
                continue;
            }
            let Some(value) = get(&name) else { continue };
            let value = value.used()?;
            mergeable(&value)?;
            merged = Some(match (merged, value) {
                (None, value) => value,
                (Some(Val::Dict(low)), Val::Dict(high)) => Val::dict(self.dicts(low.to_map(), high.to_map(), &name)?),
                (Some(Val::List(low)), Val::List(high)) => Val::list([low.to_vec(), high.to_vec()].concat()),
                _ => return Err(raised("Unable to merge, not all variables are of the same type")),
            });
        }
        Ok(merged)
    }

    fn fits(&self, pattern: &str, name: &str) -> Res<bool> {
        match self.kind.as_str() {
            "prefix" => Ok(name.starts_with(pattern)),
            "suffix" => Ok(name.ends_with(pattern)),
            _ => matches(&*compile(pattern, Flags::default())?, name, Anchor::None),
        }
    }

    /// `path`: where the higher of the two comes from.
    fn dicts(&self, mut low: Map, high: Map, path: &str) -> Res<Map> {
        self.scope.context.step()?;
        for (key, value) in high {
            let value = value.used()?;
            let known = low.get(&key).cloned();
            let merged = match (known, value) {
                (Some(Val::Dict(low)), Val::Dict(high)) => {
                    let path = format!("{path}.{}", key.to_text());
                    Val::dict(self.scope.context.deeper(|| self.dicts(low.to_map(), high.to_map(), &path))?)
                }
                (Some(Val::List(low)), Val::List(high)) => Val::list([low.to_vec(), high.to_vec()].concat()),
                (Some(other), value @ (Val::Dict(_) | Val::List(_))) => {
                    return Err(raised(format!(
                        "'{path}.{}' is a {}, and can't be merged with a {}",
                        key.to_text(),
                        value.type_name(),
                        other.type_name()
                    )));
                }
                (Some(other), value) => {
                    if !equal(&other, &value)? {
                        self.overridden(&key.to_text(), &other, &value, path)?;
                    }
                    value
                }
                (None, value) => value,
            };
            low.insert(key, merged);
        }
        Ok(low)
    }

    fn overridden(&self, key: &str, old: &Val, new: &Val, path: &str) -> Res<()> {
        if self.on_override == Override::Ignore {
            return Ok(());
        }
        let message = format!(
            "The key '{key}' with value '{}' will be overwritten with value '{}' from '{path}.{key}'",
            print::text(old)?,
            print::text(new)?
        );
        if self.on_override == Override::Error {
            return Err(raised(message));
        }
        self.scope.context.templar.engine().settings.notices.warn(message, None);
        Ok(())
    }
}

fn mergeable(value: &Val) -> Res<()> {
    match value {
        Val::Dict(_) | Val::List(_) => Ok(()),
        _ => Err(raised("Not supported type detected, variable must be a list or a dict")),
    }
}
