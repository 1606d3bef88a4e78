//! TOML as nodes, in the order in which it is written.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::inventory_error;
use crate::error::Error;
use crate::source::{SourceFile, Span};
use crate::value::{Str, Value};
use crate::yaml::{Node, NodeKind, Tag};

pub fn read(source: &Arc<SourceFile>) -> Result<Node, Error> {
    let table = DeTable::parse(&source.text).map_err(|err| {
        let place = err.span().map(|span| place(source, span.start));
        inventory_error(format!("TOML file ({}) is invalid: {}", source.path.display(), err.message()))
            .at(place.as_ref())
    })?;
    Ok(table_node(source, table.get_ref(), Span::new(source, 1, 1)))
}

fn place(source: &Arc<SourceFile>, offset: usize) -> Span {
    let before = source.text.get(..offset).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    Span::new(source, u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

fn table_node(source: &Arc<SourceFile>, table: &DeTable<'_>, span: Span) -> Node {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let entries = entries
        .into_iter()
        .map(|(key, value)| {
            let key_span = place(source, key.span().start);
            let name = Value::Str(Str::trusted(key.get_ref().as_ref(), Some(key_span.clone())));
            let key = Node { span: key_span, kind: NodeKind::Scalar(name), tag: Tag::None };
            (key, value_node(source, value.get_ref(), place(source, value.span().start)))
        })
        .collect();
    Node { span, kind: NodeKind::Mapping(Arc::new(entries)), tag: Tag::None }
}

fn value_node(source: &Arc<SourceFile>, value: &DeValue<'_>, span: Span) -> Node {
    let kind = match value {
        DeValue::Table(table) => return table_node(source, table, span),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| value_node(source, item.get_ref(), place(source, item.span().start)));
            NodeKind::Sequence(Arc::new(items.collect()))
        }
        DeValue::String(text) => NodeKind::Scalar(Value::Str(Str::trusted(text.as_ref(), Some(span.clone())))),
        DeValue::Boolean(bool) => NodeKind::Scalar(Value::Bool(*bool)),
        DeValue::Integer(number) => {
            let parsed = num_bigint::BigInt::parse_bytes(number.as_str().as_bytes(), number.radix());
            NodeKind::Scalar(parsed.map_or(Value::Null, Value::big))
        }
        DeValue::Float(number) => NodeKind::Scalar(Value::Float(number.as_str().parse().unwrap_or(f64::NAN))),
        DeValue::Datetime(time) => NodeKind::Scalar(Value::Str(Str::trusted(time.to_string(), Some(span.clone())))),
    };
    Node { span, kind, tag: Tag::None }
}
