//! `csvfile`: a cell of the first row that has the key in a column.

use super::files::pick;
use super::{Request, file};
use crate::split_args::{FreeForm, parse_kv};
use crate::template::engine::encoding::decode;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};
use crate::value::Str;
use crate::value::python::str_repr;

const OPTIONS: &[&str] = &["col", "keycol", "default", "delimiter", "file", "encoding"];

pub fn run(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let terms = request.texts()?;
    if terms.is_empty() {
        return Err(raised("Search key is required but was not found"));
    }
    let mut out = Vec::new();
    for term in terms {
        let (options, key) = parse_kv(&Str::data(term), FreeForm::Plain).map_err(|err| raised(err.message))?;
        let Some(key) = key else { return Err(raised("Search key is required but was not found")) };
        let options: Vec<(String, String)> =
            options.iter().map(|(name, value)| (name.to_text(), value.to_text())).collect();
        if let Some((name, _)) = options.iter().find(|(name, _)| !OPTIONS.contains(&name.as_str())) {
            return Err(raised(format!("'{name}' is not a valid option")));
        }
        let name = pick(&request, &options, "file", "ansible.csv")?;
        let delimiter = pick(&request, &options, "delimiter", "TAB")?;
        let mut chars = if delimiter == "TAB" { "\t".chars() } else { delimiter.chars() };
        let (Some(delimiter), None) = (chars.next(), chars.next()) else {
            return Err(raised("\"delimiter\" must be a 1-character string"));
        };
        let column = number("col", &pick(&request, &options, "col", "1")?)?;
        let key_column = number("keycol", &pick(&request, &options, "keycol", "0")?)?;
        let encoding = pick(&request, &options, "encoding", "utf-8")?;
        if scope.context.templar.search().find("files", &name).is_none() {
            return Err(raised(format!("[Errno 2] No such file or directory: {}", str_repr(&name))));
        }
        let text = decode(&file::read(scope, "files", &name)?, &encoding, "strict")?;
        let mut found = None;
        for row in rows(&text, delimiter) {
            if !row.is_empty() && cell(&row, key_column)? == key.as_str() {
                found = Some(cell(&row, column)?.to_owned());
                break;
            }
        }
        let given = options.iter().find(|(name, _)| name == "default").map(|(_, value)| Val::str(value.as_str()));
        let default = given.or_else(|| request.option("default").filter(|it| !matches!(it, Val::Null)).cloned());
        match found.map(Val::str).or(default) {
            Some(Val::List(items)) => out.extend(Val::List(items).iterate()?),
            Some(other) => out.push(other),
            None => {}
        }
    }
    Ok(out)
}

fn number(option: &str, text: &str) -> Res<i64> {
    text.trim().parse().map_err(|_| {
        raised(format!(
            "Config '{option}' for 'csvfile' lookup plugin from 'Direct' has an invalid value: Invalid value provided \
             for 'int': {}",
            str_repr(text)
        ))
    })
}

/// A cell; negative numbers count from the end.
fn cell(row: &[String], column: i64) -> Res<&str> {
    let length = i64::try_from(row.len()).unwrap_or(i64::MAX);
    let at = if column < 0 { column + length } else { column };
    let cell = usize::try_from(at).ok().and_then(|at| row.get(at));
    cell.map(String::as_str).ok_or_else(|| raised("list index out of range"))
}

fn rows(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let mut cell = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            char if char == delimiter && !quoted => row.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}
