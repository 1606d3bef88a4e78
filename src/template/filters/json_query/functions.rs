//! The functions of JMESPath.

use std::cmp::Ordering;

use jmespath::ast::Ast;

use super::{items, search, wrong};
use crate::template::engine::comparison::{contains, equal};
use crate::template::engine::number::{Number, float_to_int, order_numbers, parse_float, parse_int};
use crate::template::engine::print;
use crate::template::engine::val::{Map, Val, from_key};
use crate::template::error::Res;
use crate::template::filters::serial::compact_json;

/// How many arguments a function takes, at least and at most.
const FUNCTIONS: &[(&str, usize, usize)] = &[
    ("abs", 1, 1),
    ("avg", 1, 1),
    ("ceil", 1, 1),
    ("contains", 2, 2),
    ("ends_with", 2, 2),
    ("floor", 1, 1),
    ("join", 2, 2),
    ("keys", 1, 1),
    ("length", 1, 1),
    ("map", 2, 2),
    ("max", 1, 1),
    ("max_by", 2, 2),
    ("merge", 1, usize::MAX),
    ("min", 1, 1),
    ("min_by", 2, 2),
    ("not_null", 1, usize::MAX),
    ("reverse", 1, 1),
    ("sort", 1, 1),
    ("sort_by", 2, 2),
    ("starts_with", 2, 2),
    ("sum", 1, 1),
    ("to_array", 1, 1),
    ("to_number", 1, 1),
    ("to_string", 1, 1),
    ("type", 1, 1),
    ("values", 1, 1),
];

pub fn call(name: &str, args: &[Ast], value: &Val) -> Res<Val> {
    let Some((_, least, most)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
        return Err(wrong(&format!("Unknown function: {name}()")));
    };
    if args.len() < *least || args.len() > *most {
        let plural = if *least == 1 { "" } else { "s" };
        return Err(wrong(&format!(
            "Expected {least} argument{plural} for function {name}(), received {}",
            args.len()
        )));
    }
    let call = Call { name, args, value };
    match name {
        "map" => call.map(),
        "sort_by" | "max_by" | "min_by" => call.by_expression(),
        "not_null" => call.not_null(),
        _ => call.plain(),
    }
}

struct Call<'a> {
    name: &'a str,
    args: &'a [Ast],
    value: &'a Val,
}

impl Call<'_> {
    fn arg(&self, index: usize) -> Res<Val> {
        self.args.get(index).map_or(Ok(Val::Null), |ast| search(ast, self.value))
    }

    /// The failure of an argument of the wrong type.
    fn refuse<T>(&self, value: &Val, expected: &[&str]) -> Res<T> {
        let expected: Vec<_> = expected.iter().map(|it| format!("'{it}'")).collect();
        Err(wrong(&format!(
            "In function {}(), invalid type for value: {}, expected one of: [{}], received: \"{}\"",
            self.name,
            print::text(value)?,
            expected.join(", "),
            type_of(value)
        )))
    }

    fn list(&self, index: usize) -> Res<Vec<Val>> {
        let value = self.arg(index)?;
        match items(&value)? {
            Some(items) => Ok(items),
            None => self.refuse(&value, &["array"]),
        }
    }

    fn text(&self, index: usize) -> Res<String> {
        match self.arg(index)? {
            Val::Str(text) => Ok(text.as_str().to_owned()),
            other => self.refuse(&other, &["string"]),
        }
    }

    fn number(&self, value: &Val) -> Res<Number> {
        match Number::of(value) {
            Some(number) if !matches!(value, Val::Bool(_)) => Ok(number),
            _ => self.refuse(value, &["number"]),
        }
    }

    fn dict(&self, index: usize) -> Res<Map> {
        match self.arg(index)? {
            Val::Dict(dict) => Ok(dict.to_map()),
            other => self.refuse(&other, &["object"]),
        }
    }

    fn plain(&self) -> Res<Val> {
        Ok(match self.name {
            "abs" => match self.arg(0)? {
                Val::Int(number) => Val::Int(number.saturating_abs()),
                other => Val::Float(self.number(&other)?.float().abs()),
            },
            "ceil" | "floor" => {
                let value = self.arg(0)?;
                let number = self.number(&value)?.float();
                let whole = if self.name == "ceil" { number.ceil() } else { number.floor() };
                float_to_int(whole)?
            }
            "avg" => {
                let items = self.list(0)?;
                let count = items.len();
                let sum = self.sum(&items)?;
                // Lists of more items than a float counts don't fit into memory.
                #[expect(clippy::cast_precision_loss, reason = "see above")]
                if count == 0 { Val::Null } else { Val::Float(self.number(&sum)?.float() / count as f64) }
            }
            "sum" => self.sum(&self.list(0)?)?,
            "contains" => {
                let subject = self.arg(0)?;
                match subject {
                    Val::Str(_) | Val::List(_) | Val::Tuple(_) => match (&subject, self.arg(1)?) {
                        (Val::Str(_), other) if !matches!(other, Val::Str(_)) => {
                            return self.refuse(&other, &["string"]);
                        }
                        (_, other) => Val::Bool(contains(&subject, &other)?),
                    },
                    other => return self.refuse(&other, &["array", "string"]),
                }
            }
            "starts_with" => Val::Bool(self.text(0)?.starts_with(&self.text(1)?)),
            "ends_with" => Val::Bool(self.text(0)?.ends_with(&self.text(1)?)),
            "join" => {
                let between = self.text(0)?;
                let mut texts = Vec::new();
                for item in self.list(1)? {
                    match item {
                        Val::Str(text) => texts.push(text.as_str().to_owned()),
                        other => return self.refuse(&other, &["array-string"]),
                    }
                }
                Val::str(texts.join(&between))
            }
            "keys" => Val::list(self.dict(0)?.keys().map(from_key).collect()),
            "values" => Val::list(self.dict(0)?.into_values().collect()),
            "length" => self.length()?,
            "merge" => {
                let mut merged = Map::new();
                for index in 0..self.args.len() {
                    merged.extend(self.dict(index)?);
                }
                Val::dict(merged)
            }
            "max" | "min" => self.extreme(self.list(0)?, self.name == "max")?,
            "reverse" => match self.arg(0)? {
                Val::Str(text) => Val::str(text.chars().rev().collect::<String>()),
                other => match items(&other)? {
                    Some(items) => Val::list(items.into_iter().rev().collect()),
                    None => return self.refuse(&other, &["array", "string"]),
                },
            },
            "sort" => {
                let mut keyed: Vec<(Val, Val)> = self.list(0)?.into_iter().map(|it| (it.clone(), it)).collect();
                self.sort(&mut keyed)?;
                Val::list(keyed.into_iter().map(|(_, it)| it).collect())
            }
            "to_array" => {
                let value = self.arg(0)?;
                if items(&value)?.is_some() { value } else { Val::list(vec![value]) }
            }
            "to_number" => to_number(self.arg(0)?),
            "to_string" => match self.arg(0)? {
                text @ Val::Str(_) => text,
                other => Val::str(compact_json(&other)?),
            },
            _ => Val::str(type_of(&self.arg(0)?)),
        })
    }

    fn sum(&self, items: &[Val]) -> Res<Val> {
        let mut sum = Number::Int(0);
        for item in items {
            sum = match (sum, self.number(item)?) {
                (Number::Int(one), Number::Int(other)) if one.checked_add(other).is_some() => Number::Int(one + other),
                (sum, number) => Number::Float(sum.float() + number.float()),
            };
        }
        Ok(sum.into_val())
    }

    fn length(&self) -> Res<Val> {
        let value = self.arg(0)?;
        let length = match &value {
            Val::Str(text) => text.chars().count(),
            Val::Dict(dict) => dict.len(),
            other => match items(other)? {
                Some(items) => items.len(),
                None => return self.refuse(other, &["string", "array", "object"]),
            },
        };
        Ok(Val::Int(i64::try_from(length).unwrap_or(i64::MAX)))
    }

    fn order(&self, one: &Val, other: &Val) -> Res<Ordering> {
        match (one, other) {
            (Val::Str(one), Val::Str(other)) => Ok(one.as_str().cmp(other.as_str())),
            (Val::Str(_), other) => self.refuse(other, &["string"]),
            _ => Ok(order_numbers(&self.number(one)?, &self.number(other)?).unwrap_or(Ordering::Equal)),
        }
    }

    /// Stable, and an error if two of the keys can't be compared.
    fn sort(&self, keyed: &mut [(Val, Val)]) -> Res<()> {
        for pair in keyed.windows(2) {
            if let [(one, _), (other, _)] = pair {
                self.order(one, other)?;
            }
        }
        keyed.sort_by(|(one, _), (other, _)| self.order(one, other).unwrap_or(Ordering::Equal));
        Ok(())
    }

    fn extreme(&self, items: Vec<Val>, largest: bool) -> Res<Val> {
        let mut keyed: Vec<(Val, Val)> = items.into_iter().map(|it| (it.clone(), it)).collect();
        self.sort(&mut keyed)?;
        Ok(choose(keyed, largest))
    }

    fn by_expression(&self) -> Res<Val> {
        let Some(Ast::Expref { ast, .. }) = self.args.get(1) else { return self.refuse(&self.arg(1)?, &["expref"]) };
        let mut keyed = Vec::new();
        for item in self.list(0)? {
            let key = search(ast, &item)?;
            if !matches!(key, Val::Str(_)) {
                self.number(&key).or_else(|_| self.refuse(&key, &["string", "number"]))?;
            }
            keyed.push((key, item));
        }
        self.sort(&mut keyed)?;
        Ok(match self.name {
            "sort_by" => Val::list(keyed.into_iter().map(|(_, item)| item).collect()),
            name => choose(keyed, name == "max_by"),
        })
    }

    fn map(&self) -> Res<Val> {
        let Some(Ast::Expref { ast, .. }) = self.args.first() else { return self.refuse(&self.arg(0)?, &["expref"]) };
        Ok(Val::list(self.list(1)?.iter().map(|item| search(ast, item)).collect::<Res<_>>()?))
    }

    fn not_null(&self) -> Res<Val> {
        for index in 0..self.args.len() {
            let value = self.arg(index)?;
            if !matches!(value, Val::Null) {
                return Ok(value);
            }
        }
        Ok(Val::Null)
    }
}

/// The largest or the smallest of what is in order; of equal ones the first.
fn choose(keyed: Vec<(Val, Val)>, largest: bool) -> Val {
    let first = match keyed.last() {
        Some((last, _)) if largest => keyed.iter().position(|(key, _)| equal(key, last).unwrap_or(false)),
        _ => Some(0),
    };
    first.and_then(|at| keyed.into_iter().nth(at)).map_or(Val::Null, |(_, item)| item)
}

fn to_number(value: Val) -> Val {
    match value {
        Val::Int(_) | Val::Big(_) | Val::Float(_) => value,
        Val::Str(text) => {
            parse_int(&text, 10).map(Val::big).or_else(|| parse_float(&text).map(Val::Float)).unwrap_or(Val::Null)
        }
        _ => Val::Null,
    }
}

fn type_of(value: &Val) -> &'static str {
    match value {
        Val::Null => "null",
        Val::Bool(_) => "boolean",
        Val::Int(_) | Val::Big(_) | Val::Float(_) => "number",
        Val::Str(_) => "string",
        Val::Dict(_) => "object",
        _ => "array",
    }
}
