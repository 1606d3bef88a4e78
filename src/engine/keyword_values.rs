//! Keywords of a task, rendered and converted when they are needed.

use rplay_module_api::truth;

use crate::actions::{ActionResult, Cause, FailedIn, Trouble};
use crate::playbook::Keywords;
use crate::playbook::keywords::{Keyword, Rendered, Type};
use crate::template::Templar;
use crate::value::Value;

/// Reads keywords with the variables of one task on one host.
pub struct KeywordReader<'a> {
    pub keywords: &'a Keywords,
    pub templar: &'a Templar,
}

/// A keyword that could not be read, as the result of its task.
pub type KeywordResult<T> = Result<T, Box<ActionResult>>;

impl KeywordReader<'_> {
    /// The rendered value; null counts as not written, and for `omit` what the task stands inside of is asked.
    pub fn value(&self, keyword: Keyword) -> KeywordResult<Option<Value>> {
        self.rendered(keyword).map_err(|mut failure| {
            if let Some(cause) = failure.cause_mut() {
                cause.message = format!("Error processing keyword '{}': {}", keyword.name(), cause.message);
            }
            let trouble = failure.trouble().cloned();
            trouble.map_or(failure, |trouble| Box::new(ActionResult::fails(trouble).with_changed(false)))
        })
    }

    /// The same, failing with nothing but why it can't be rendered.
    pub fn rendered(&self, keyword: Keyword) -> KeywordResult<Option<Value>> {
        for written in self.keywords.written(keyword) {
            match self.templar.render(&written.value) {
                Ok(Value::Omit) => {}
                Ok(Value::Null) => return Ok(None),
                Ok(value) => return Ok(Some(value)),
                Err(err) => {
                    let mut result = ActionResult::template_failed(None, &err);
                    if let Some(cause) = result.cause_mut() {
                        cause.place = cause.place.clone().or_else(|| Some(written.span.clone()));
                    }
                    return Err(Box::new(result));
                }
            }
        }
        Ok(None)
    }

    pub fn text(&self, keyword: Keyword) -> KeywordResult<Option<String>> {
        Ok(self.value(keyword)?.map(|value| value.to_text()).filter(|text| !text.is_empty()))
    }

    pub fn bool(&self, keyword: Keyword) -> KeywordResult<Option<bool>> {
        let Some(value) = self.value(keyword)? else { return Ok(None) };
        to_bool(&value).map(Some).ok_or_else(|| self.not_converted(keyword, &value, "bool"))
    }

    pub fn int(&self, keyword: Keyword) -> KeywordResult<Option<i64>> {
        let Some(value) = self.value(keyword)? else { return Ok(None) };
        to_int(&value).map(Some).ok_or_else(|| self.not_converted(keyword, &value, "int"))
    }

    pub fn float(&self, keyword: Keyword) -> KeywordResult<Option<f64>> {
        let Some(value) = self.value(keyword)? else { return Ok(None) };
        to_float(&value).map(Some).ok_or_else(|| self.not_converted(keyword, &value, "float"))
    }

    /// The texts of a list, or of a single text with commas.
    pub fn texts(&self, keyword: Keyword) -> KeywordResult<Vec<String>> {
        let mut out = Vec::new();
        if let Some(value) = self.value(keyword)? {
            collect_texts(&value, &mut out);
        }
        Ok(out)
    }

    /// Finds what is wrong with any keyword of the task, also with those that it does not come to need.
    pub fn check(&self) -> KeywordResult<()> {
        for keyword in self.keywords.entries.keys().copied() {
            let row = keyword.row();
            if row.rendered != Rendered::Host {
                continue;
            }
            match row.kind {
                Type::Bool => drop(self.bool(keyword)?),
                Type::Int => drop(self.int(keyword)?),
                Type::Float => drop(self.float(keyword)?),
                Type::Text => drop(self.text(keyword)?),
                Type::List => drop(self.value(keyword)?),
                // Conditions are judged where they belong, arguments finalized, variables rendered when they are used.
                Type::Condition | Type::Dict | Type::Tasks => {}
            }
        }
        Ok(())
    }

    fn not_converted(&self, keyword: Keyword, value: &Value, kind: &str) -> Box<ActionResult> {
        let place = self.keywords.get(keyword).and_then(Value::span).or_else(|| self.keywords.span(keyword)).cloned();
        let causes = vec![
            Cause {
                message: format!("Error processing keyword '{}'.", keyword.name()),
                place: place.clone(),
                hint: None,
            },
            Cause {
                message: format!("The value {} could not be converted to '{kind}'.", value.repr()),
                place,
                hint: None,
            },
        ];
        Box::new(ActionResult::fails(Trouble { failed_in: FailedIn::Task, causes }))
    }
}

fn collect_texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::List(items) => items.iter().for_each(|item| collect_texts(item, out)),
        other => out.push(other.to_text()),
    }
}

/// As Ansible reads booleans from text and numbers.
pub fn to_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(bool) => Some(*bool),
        Value::Int(1) => Some(true),
        Value::Int(0) => Some(false),
        Value::Float(number) if *number == 1.0 => Some(true),
        Value::Float(number) if *number == 0.0 => Some(false),
        Value::Str(text) => truth(text),
        _ => None,
    }
}

pub fn to_int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Bool(bool) => Some(i64::from(*bool)),
        #[expect(clippy::cast_possible_truncation, reason = "whole numbers of a sane size are meant")]
        Value::Float(number) => Some(*number as i64),
        Value::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
}

pub fn to_float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        #[expect(clippy::cast_precision_loss, reason = "delays and percentages are small")]
        Value::Int(number) => Some(*number as f64),
        Value::Str(text) => text.trim().trim_end_matches('%').parse().ok(),
        _ => None,
    }
}
