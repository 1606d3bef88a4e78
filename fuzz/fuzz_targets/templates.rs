//! A template among a few variables. What reads files or starts programs is left out.
#![no_main]

use std::path::PathBuf;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use rplay::template::{Engine, SearchPath, Settings};
use rplay::value::{Dict, Str, Value};

fuzz_target!(|text: &str| {
    if ["lookup", "query", "q(", "include", "import", "extends", "fileglob", "password"]
        .iter()
        .any(|word| text.contains(word))
    {
        return;
    }
    let nested = Value::Str(Str::trusted("{{ n }}-{{ s }}", None));
    let list = Value::list(vec![Value::Int(3), Value::str("x"), Value::Null, nested.clone()]);
    let variables = Dict::from_iter([
        (Value::str("n"), Value::Int(7)),
        (Value::str("s"), Value::str("text")),
        (Value::str("l"), list.clone()),
        (Value::str("d"), Value::dict(Dict::from_iter([(Value::str("k"), list)]))),
        (Value::str("t"), nested),
    ]);
    let search = Arc::new(SearchPath { dirs: Vec::new(), basedir: PathBuf::from("/nonexistent") });
    let templar = Engine::new(Settings::default()).templar(Arc::new(variables), search);
    match templar.render(&Value::Str(Str::trusted(text, None))) {
        Ok(value) => drop(value.repr()),
        Err(err) => drop(err.message),
    }
});
