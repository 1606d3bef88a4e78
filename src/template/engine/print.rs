//! Python's `str()` and `repr()` of values of a template.

use super::val::{Val, from_key};
use crate::template::error::{Res, raised};
use crate::value::python::str_repr;

const MOST_DEPTH: usize = 150;
pub const MOST_TEXT: usize = 200_000_000;

pub fn text(value: &Val) -> Res<String> {
    let mut out = String::new();
    text_into(value, &mut out)?;
    Ok(out)
}

pub fn text_into(value: &Val, out: &mut String) -> Res<()> {
    match value {
        Val::Str(text) => out.push_str(text),
        Val::Undefined(it) if it.plain => {}
        Val::Date(_) | Val::DateTime(..) | Val::Sealed(_) => out.push_str(&value.to_key()?.to_text()),
        other => repr_into(other, out, 0)?,
    }
    if out.len() > MOST_TEXT {
        return Err(raised("the text is too long"));
    }
    Ok(())
}

pub fn repr(value: &Val) -> Res<String> {
    let mut out = String::new();
    repr_into(value, &mut out, 0)?;
    Ok(out)
}

fn repr_into(value: &Val, out: &mut String, depth: usize) -> Res<()> {
    if depth > MOST_DEPTH {
        return Err(raised("maximum recursion depth exceeded while getting the repr of an object"));
    }
    match value {
        Val::Str(text) if text.is_markup() => {
            out.push_str("Markup(");
            out.push_str(&str_repr(text));
            out.push(')');
        }
        Val::Str(text) => out.push_str(&str_repr(text)),
        Val::List(list) => sequence(&list.to_vec(), '[', "]", out, depth)?,
        Val::Tuple(items) => sequence(items, '(', if items.len() == 1 { ",)" } else { ")" }, out, depth)?,
        Val::Dict(dict) => {
            out.push('{');
            for (index, (key, item)) in dict.to_map().iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                repr_into(&from_key(key), out, depth + 1)?;
                out.push_str(": ");
                repr_into(item, out, depth + 1)?;
            }
            out.push('}');
        }
        Val::Undefined(it) if it.plain => out.push_str("Undefined"),
        Val::Undefined(it) => return Err(Box::new(it.error.clone())),
        Val::Object(object) => match object.as_data() {
            Some(data) if object.is_callable() => {
                out.push_str(object.type_name());
                out.push('(');
                repr_into(&data, out, depth + 1)?;
                out.push(')');
            }
            _ => out.push_str(&object.text()),
        },
        scalar => out.push_str(&scalar.to_key()?.repr()),
    }
    Ok(())
}

fn sequence(items: &[Val], open: char, close: &str, out: &mut String, depth: usize) -> Res<()> {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        repr_into(item, out, depth + 1)?;
    }
    out.push_str(close);
    Ok(())
}
