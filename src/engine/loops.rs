//! `loop` and `with_X`: which items there are, and the variables that each item brings.

use super::keyword_values::{to_bool, to_float};
use crate::actions::{ActionResult, Cause, FailedIn, Trouble};
use crate::playbook::{Loop, LoopControl, Task};
use crate::template::{Templar, lookups};
use crate::value::{Dict, List, Value, variable_name};

/// The items of a task's loop; none when the task has no loop.
pub fn items(task: &Task, templar: &Templar) -> Result<Option<Vec<Value>>, Box<ActionResult>> {
    match &task.loop_ {
        None => Ok(None),
        Some(Loop::Loop(written)) => {
            let value = templar.render(written).map_err(|err| loop_failed(task, &err))?;
            match value {
                Value::List(items) => Ok(Some(items.to_vec())),
                other => Err(not_a_list(task, written, &other)),
            }
        }
        Some(Loop::With(lookup, written)) => {
            let terms = terms(lookup, written, templar).map_err(|err| loop_failed(task, &err))?;
            let items = templar
                .lookup(lookup, &terms, &Dict::new(), Some(&task.action))
                .map_err(|err| loop_failed(task, &err))?;
            Ok(Some(items))
        }
    }
}

/// The terms of a lookup: a list as it is, anything else as the only term.
fn terms(lookup: &str, written: &Value, templar: &Templar) -> Result<Vec<Value>, Box<crate::template::TemplateError>> {
    let tolerant = lookups::is(lookup, "first_found");
    let value = if tolerant { render_known(written, templar)? } else { templar.render(written)? };
    Ok(match value {
        Value::List(items) => items.to_vec(),
        other => vec![other],
    })
}

/// Items that cannot be rendered are left out.
fn render_known(written: &Value, templar: &Templar) -> Result<Value, Box<crate::template::TemplateError>> {
    match written {
        Value::List(items) => Ok(Value::list(items.iter().filter_map(|item| templar.render(item).ok()).collect())),
        other => Ok(templar.render(other)?),
    }
}

fn loop_failed(task: &Task, err: &crate::template::TemplateError) -> Box<ActionResult> {
    let mut result = ActionResult::template_failed(None, err);
    if let Some(cause) = result.cause_mut() {
        cause.place = cause.place.clone().or_else(|| task.loop_span.clone());
    }
    Box::new(result)
}

fn not_a_list(task: &Task, written: &Value, found: &Value) -> Box<ActionResult> {
    let cause = Cause {
        message: format!("The `loop` value must resolve to a 'list', not '{}'.", found.type_name()),
        place: written.span().or(task.loop_span.as_ref()).cloned(),
        hint: Some("Provide a list of items/templates, or a template resolving to a list.".into()),
    };
    Box::new(ActionResult::fails(Trouble { failed_in: FailedIn::Plain, causes: vec![cause] }))
}

/// `loop_control`, rendered as far as it does not depend on the item.
pub struct Control {
    pub loop_var: String,
    pub index_var: Option<String>,
    pub extended: bool,
    pub all_items: bool,
    pub pause: f64,
}

impl Control {
    pub fn of(control: &LoopControl, templar: &Templar) -> Result<Self, Box<ActionResult>> {
        let render = |value: &Option<Value>| match value {
            None => Ok(None),
            Some(value) => {
                templar.render(value).map(Some).map_err(|err| Box::new(ActionResult::template_failed(None, &err)))
            }
        };
        let bool = |value: Option<Value>| value.as_ref().and_then(to_bool);
        Ok(Self {
            loop_var: render(&control.loop_var)?.map_or(Ok("item".to_owned()), |name| loop_variable(&name))?,
            index_var: render(&control.index_var)?.map(|name| name.to_text()),
            extended: bool(render(&control.extended)?).unwrap_or(false),
            all_items: bool(render(&control.extended_allitems)?).unwrap_or(true),
            pause: render(&control.pause)?.as_ref().and_then(to_float).unwrap_or(0.0),
        })
    }

    /// The variables of one item.
    pub fn variables(&self, items: &List, index: usize) -> Dict {
        let mut locals = Dict::new();
        let item = items.get(index).cloned().unwrap_or(Value::Null);
        locals.insert(Value::str(self.loop_var.as_str()), item);
        locals.insert(Value::str("ansible_loop_var"), Value::str(self.loop_var.as_str()));
        if let Some(name) = &self.index_var {
            locals.insert(Value::str(name.as_str()), to_value(index));
            locals.insert(Value::str("ansible_index_var"), Value::str(name.as_str()));
        }
        if self.extended {
            locals.insert(Value::str("ansible_loop"), self.extended_variables(items, index));
        }
        locals
    }

    fn extended_variables(&self, items: &List, index: usize) -> Value {
        let count = items.len();
        let mut dict = Dict::new();
        let mut add = |name: &str, value: Value| dict.insert(Value::str(name), value);
        if self.all_items {
            add("allitems", Value::List(items.clone()));
        }
        add("index", to_value(index + 1));
        add("index0", to_value(index));
        add("first", Value::Bool(index == 0));
        add("last", Value::Bool(index + 1 == count));
        add("length", to_value(count));
        add("revindex", to_value(count - index));
        add("revindex0", to_value(count - index - 1));
        if let Some(next) = items.get(index + 1) {
            add("nextitem", next.clone());
        }
        if let Some(previous) = index.checked_sub(1).and_then(|index| items.get(index)) {
            add("previtem", previous.clone());
        }
        Value::dict(dict)
    }
}

fn loop_variable(name: &Value) -> Result<String, Box<ActionResult>> {
    let Some(message) = variable_name::mistake(name) else { return Ok(name.to_text()) };
    let cause = Cause { message, place: name.span().cloned(), hint: Some(variable_name::RULE.to_owned()) };
    Err(Box::new(ActionResult::fails(Trouble { failed_in: FailedIn::Plain, causes: vec![cause] })))
}

fn to_value(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The results of a loop's items, as they come in.
#[derive(Default)]
pub struct Combined {
    results: Vec<Value>,
    changed: bool,
    failed: bool,
    unreachable: bool,
    /// An item was not skipped.
    did_something: bool,
}

impl Combined {
    pub fn add(&mut self, result: &ActionResult, dict: Dict) {
        self.changed |= result.is_changed();
        self.failed |= result.is_failed();
        self.unreachable |= result.is_unreachable();
        self.did_something |= !result.is_skipped();
        self.results.push(Value::dict(dict));
    }

    pub fn last(&self) -> Option<&Value> {
        self.results.last()
    }

    /// The result of the loop: those of its items, and what follows from them.
    pub fn result(self) -> ActionResult {
        let mut combined = ActionResult::changed(self.changed);
        if self.results.is_empty() {
            combined.set_skipped();
            return combined.with("skipped_reason", "No items in the list").with("results", Vec::new());
        }
        let message = if self.failed {
            combined.set_failed(None);
            "One or more items failed"
        } else if self.did_something {
            "All items completed"
        } else {
            combined.set_skipped();
            "All items skipped"
        };
        if self.unreachable {
            combined.set_unreachable();
        }
        combined = combined.with("msg", message).with("results", self.results);
        if combined.is_skipped() { combined } else { combined.with("skipped", false) }
    }
}
