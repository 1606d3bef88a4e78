//! A task's arguments: as written, rendered, validated. Defaults from `module_defaults` come first.

use std::collections::BTreeMap;

use rplay_module_api::{Json, Map, validate};

use super::keyword_values::KeywordResult;
use super::mask::Mask;
use crate::actions::table::{self, Resolved};
use crate::actions::{ActionResult, Cause, FailedIn, Trouble};
use crate::catalog;
use crate::playbook::keywords::Keyword;
use crate::playbook::{TEMPLATE_WARNING, Task};
use crate::template::{Templar, TemplateError};
use crate::value::{Dict, Value};

pub struct Arguments {
    pub rendered: Dict,
    pub checked: Map<String, Json>,
    pub mask: Mask,
    /// What a module says of how its arguments were written.
    pub warnings: Vec<String>,
}

pub fn of_task(task: &Task, resolved: &Resolved, templar: &Templar) -> KeywordResult<Arguments> {
    let rendered = render(task, resolved, templar)?;
    let spec = resolved.spec();
    if resolved.takes_any_argument() {
        return Ok(Arguments { rendered, checked: Map::new(), mask: Mask::default(), warnings: Vec::new() });
    }
    if let Some(mistake) = own_mistake(task, resolved, &rendered) {
        return Err(Box::new(ActionResult::failed_in(FailedIn::Task, mistake)));
    }
    let json: Map<String, Json> = rendered.iter().map(|(name, value)| (name.to_json_key(), value.to_json())).collect();
    let warnings = if resolved.is_module() { validate::alias_warnings(spec, &json) } else { Vec::new() };
    let checked = validate::validate(spec, json).map_err(|problem| {
        let failed_in = if resolved.is_module() { FailedIn::Module } else { FailedIn::Task };
        Box::new(ActionResult::failed_in(failed_in, problem.message))
    })?;
    let mask = Mask::of(spec, &checked);
    Ok(Arguments { rendered, checked, mask, warnings })
}

/// Actions that name all arguments that they don't know. Sorted.
const STRICT: &[&str] = &["fail", "group_by", "set_stats", "wait_for_connection"];

/// What some actions find wrong before all else, in words of their own.
fn own_mistake(task: &Task, resolved: &Resolved, rendered: &Dict) -> Option<String> {
    let is_there = |name: &str| rendered.get(name).is_some_and(|value| !value.is_null() && value.as_str() != Some(""));
    let action = resolved.full_name.strip_prefix("ansible.builtin.")?;
    match action {
        "copy" if !is_there("src") && rendered.get("content").is_none_or(Value::is_null) => {
            Some("src (or content) is required".to_owned())
        }
        "copy" if !is_there("dest") => Some("dest is required".to_owned()),
        "template" if !is_there("src") || !is_there("dest") => Some("src and dest are required".to_owned()),
        strict if STRICT.contains(&strict) => {
            let unknown = |name: &String| resolved.spec().find(name).is_none() && name != "_raw_params";
            let unknown: Vec<String> = rendered.keys().map(Value::to_text).filter(unknown).collect();
            (!unknown.is_empty()).then(|| format!("Invalid options for {}: {}", task.action, unknown.join(",")))
        }
        _ => None,
    }
}

fn render(task: &Task, resolved: &Resolved, templar: &Templar) -> KeywordResult<Dict> {
    let mut out = defaults(task, resolved, templar)?;
    if let Some(variable) = &task.variable_args {
        from_template(task, resolved, templar, variable, &mut out)?;
    }
    let raw = task.raw_params.as_ref().map(|raw| Value::Str(raw.clone()));
    let raw_name = resolved.raw_name();
    if let (Some(raw), None) = (&raw, raw_name) {
        if !is_all_template(raw) {
            return Err(Box::new(takes_no_text(task, resolved)));
        }
        templar.engine().settings.notices.warn(TEMPLATE_WARNING, raw.span());
        from_template(task, resolved, templar, raw, &mut out)?;
    }
    let unrendered = resolved.unrendered();
    for (name, written) in &task.args {
        let text = name.to_text();
        if unrendered.contains(&text.as_str()) {
            out.insert(name.clone(), written.clone());
            continue;
        }
        let name = match name {
            Value::Str(key) if key.is_trusted() && Templar::is_template(key) => {
                templar.render(name).map_err(|err| finalization_failed(task, resolved, Some((&text, name)), &err))?
            }
            _ => name.clone(),
        };
        let value =
            templar.render(written).map_err(|err| finalization_failed(task, resolved, Some((&text, written)), &err))?;
        insert(&mut out, name, value);
    }
    if let (Some(written), Some(name)) = (raw, raw_name) {
        let value = templar
            .render(&written)
            .map_err(|err| finalization_failed(task, resolved, Some(("_raw_params", &written)), &err))?;
        insert(&mut out, Value::str(name), value);
    }
    Ok(out)
}

/// Arguments that one template gives.
fn from_template(
    task: &Task,
    resolved: &Resolved,
    templar: &Templar,
    written: &Value,
    out: &mut Dict,
) -> KeywordResult<()> {
    let value = templar.render(written).map_err(|err| finalization_failed(task, resolved, None, &err))?;
    match value {
        Value::Dict(dict) => dict.iter().for_each(|(name, value)| insert(out, name.clone(), value.clone())),
        Value::Omit => {}
        other => {
            let message = format!("Task args must resolve to a 'dict' not '{}'.", other.type_name());
            let cause = Cause { message, place: written.span().cloned(), hint: None };
            let causes = vec![not_finalized(task, resolved), cause];
            return Err(Box::new(ActionResult::fails(Trouble { failed_in: FailedIn::Task, causes })));
        }
    }
    Ok(())
}

fn is_all_template(text: &Value) -> bool {
    text.as_str().is_some_and(|text| text.starts_with("{{") && text.ends_with("}}"))
}

fn takes_no_text(task: &Task, resolved: &Resolved) -> ActionResult {
    let message = format!("Action '{}' does not support raw params.", resolved.full_name);
    let cause = Cause { message, place: Some(task.action_span.clone()), hint: None };
    ActionResult::fails(Trouble { failed_in: FailedIn::Task, causes: vec![cause] })
}

/// `omit` means that the argument was not written at all.
fn insert(out: &mut Dict, name: Value, value: Value) {
    if matches!(value, Value::Omit) {
        out.shift_remove(&name);
    } else {
        out.insert(name, value);
    }
}

/// `module_defaults` of play, blocks and task for this action, the innermost winning.
fn defaults(task: &Task, resolved: &Resolved, templar: &Templar) -> KeywordResult<Dict> {
    let mut out = Dict::new();
    let Some(written) = task.keyword(Keyword::ModuleDefaults) else { return Ok(out) };
    let layers: &[Value] = match written {
        Value::List(items) => items,
        single => std::slice::from_ref(single),
    };
    let collections = task.collections();
    let scope = catalog::Scope { collections: &collections };
    for layer in layers.iter().filter_map(Value::as_dict) {
        for (name, defaults) in layer {
            let name = name.to_text();
            let meant = match name.strip_prefix("group/") {
                Some(group) => resolved.in_group(group),
                None => table::full_name(&name, &scope).is_ok_and(|name| *name == *resolved.full_name),
            };
            if !meant {
                continue;
            }
            let rendered =
                templar.render(defaults).map_err(|err| Box::new(ActionResult::template_failed(None, &err)))?;
            if let Value::Dict(dict) = rendered {
                for (name, value) in dict.iter() {
                    insert(&mut out, name.clone(), value.clone());
                }
            }
        }
    }
    Ok(out)
}

fn finalization_failed(
    task: &Task,
    resolved: &Resolved,
    argument: Option<(&str, &Value)>,
    err: &TemplateError,
) -> Box<ActionResult> {
    let mut causes = vec![not_finalized(task, resolved)];
    if let Some((name, written)) = argument {
        causes.push(Cause {
            message: format!("Error while resolving value for '{name}'."),
            place: written.span().cloned().or_else(|| err.place.clone()),
            hint: None,
        });
    }
    causes.push(Cause { message: err.message.clone(), place: err.place.clone(), hint: None });
    Box::new(ActionResult::fails(Trouble { failed_in: FailedIn::Task, causes }))
}

fn not_finalized(task: &Task, resolved: &Resolved) -> Cause {
    Cause {
        message: format!("Finalization of task args for '{}' failed.", resolved.full_name),
        place: Some(task.action_span.clone()),
        hint: None,
    }
}

/// `environment:` of play, blocks and task in one.
pub fn environment(task: &Task, templar: &Templar) -> KeywordResult<BTreeMap<String, String>> {
    let mut out = BTreeMap::new();
    let Some(written) = task.keyword(Keyword::Environment) else { return Ok(out) };
    let layers: &[Value] = match written {
        Value::List(items) => items,
        single => std::slice::from_ref(single),
    };
    let gathers = task.is_builtin("setup") || task.is_builtin("gather_facts");
    let mut add = |name: &Value, value: &Value| match templar.render(value) {
        Ok(Value::Omit) => Ok(()),
        Ok(value) => {
            out.insert(name.to_text(), value.to_text());
            Ok(())
        }
        // The variables of the host's environment are known when facts have been gathered, which may need this one.
        Err(err) if err.message.contains("ansible_env") || gathers && err.message.contains("ansible_facts.env") => {
            Ok(())
        }
        Err(err) => Err(Box::new(ActionResult::template_failed(None, &err))),
    };
    for layer in layers {
        if let Value::Dict(dict) = layer {
            dict.iter().try_for_each(|(name, value)| add(name, value))?;
            continue;
        }
        let rendered = templar.render(layer).map_err(|err| Box::new(ActionResult::template_failed(None, &err)))?;
        let dicts = match rendered {
            Value::List(items) => items.to_vec(),
            single => vec![single],
        };
        for dict in dicts.iter().filter_map(Value::as_dict) {
            dict.iter().try_for_each(|(name, value)| add(name, value))?;
        }
    }
    Ok(out)
}
