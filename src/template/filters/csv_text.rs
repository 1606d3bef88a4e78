//! `from_csv`: tables as text, read as Python's `csv` reads them, into a dict for each row.

use crate::template::engine::arguments::Bound;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::{Map, Val};
use crate::template::error::{Res, raised};
use crate::value::Value;

struct Dialect {
    delimiter: char,
    skip_initial_space: bool,
    strict: bool,
}

pub fn from_csv(_scope: &Scope, args: Bound) -> Res<Val> {
    let text = print::text(&args.val(0).used()?)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let delimiter = match args.text_or(1, "excel")? {
        "excel" | "unix" => ',',
        "excel-tab" => '\t',
        other => return Err(raised(format!("Dialect '{other}' is not supported by your version of python."))),
    };
    let delimiter = match args.some(3) {
        None => delimiter,
        Some(given) => {
            let given = given.as_str().map(|text| text.chars().collect::<Vec<_>>());
            match given.as_deref() {
                Some([one]) => *one,
                _ => {
                    return Err(raised("Unable to create custom dialect: \"delimiter\" must be a 1-character string"));
                }
            }
        }
    };
    let flag = |index: usize| args.some(index).map_or(Ok(false), Val::truthy);
    let dialect = Dialect { delimiter, skip_initial_space: flag(4)?, strict: flag(5)? };
    let mut rows = rows(text, &dialect).map_err(|why| raised(format!("Unable to process file: {why}")))?.into_iter();
    let names = match args.some(2) {
        Some(given) => given.iterate()?,
        None => rows.next().unwrap_or_default().into_iter().map(Val::str).collect(),
    };
    let names: Vec<Value> = names.iter().map(Val::to_key).collect::<Res<_>>()?;
    let dict = |row: Vec<String>| {
        let mut cells = row.into_iter().map(Val::str);
        let mut dict: Map = names.iter().cloned().zip(cells.by_ref()).collect();
        let given = dict.len();
        let more: Vec<Val> = cells.collect();
        if !more.is_empty() {
            dict.insert(Value::Null, Val::list(more));
        }
        for name in names.iter().skip(given) {
            dict.entry(name.clone()).or_insert(Val::Null);
        }
        Val::dict(dict)
    };
    Ok(Val::list(rows.filter(|row| !row.is_empty()).map(dict).collect()))
}

enum State {
    RowStart,
    CellStart,
    Plain,
    Quoted,
    /// After a quotation mark inside of quotation marks: the end, or the first of two.
    Quote,
    /// After a carriage return.
    RowEnd,
}

/// The cells of each row; an empty line is a row without cells.
fn rows(text: &str, dialect: &Dialect) -> Result<Vec<Vec<String>>, String> {
    let mut rows = Vec::new();
    let (mut row, mut cell, mut state) = (Vec::new(), String::new(), State::RowStart);
    for char in text.chars() {
        if let State::RowEnd = state {
            match char {
                '\n' => {
                    rows.push(std::mem::take(&mut row));
                    state = State::RowStart;
                    continue;
                }
                '\r' => continue,
                _ => {
                    return Err(
                        "new-line character seen in unquoted field - do you need to open the file with newline=''?"
                            .into(),
                    );
                }
            }
        }
        state = match (state, char) {
            (State::Quoted, '"') => State::Quote,
            (State::Quoted, char) => {
                cell.push(char);
                State::Quoted
            }
            (State::Quote, '"') => {
                cell.push('"');
                State::Quoted
            }
            (State::RowStart, '\n') => {
                rows.push(Vec::new());
                State::RowStart
            }
            (State::RowStart, '\r') => State::RowEnd,
            (_, '\n') => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
                State::RowStart
            }
            (_, '\r') => {
                row.push(std::mem::take(&mut cell));
                State::RowEnd
            }
            (_, char) if char == dialect.delimiter => {
                row.push(std::mem::take(&mut cell));
                State::CellStart
            }
            (State::RowStart | State::CellStart, '"') => State::Quoted,
            (State::RowStart | State::CellStart, ' ') if dialect.skip_initial_space => State::CellStart,
            (State::Quote, _) if dialect.strict => return Err(format!("'{}' expected after '\"'", dialect.delimiter)),
            (_, char) => {
                cell.push(char);
                State::Plain
            }
        };
    }
    match state {
        State::RowStart => {}
        State::Quoted if dialect.strict => return Err("unexpected end of data".into()),
        State::RowEnd => rows.push(row),
        _ => {
            row.push(cell);
            rows.push(row);
        }
    }
    Ok(rows)
}
