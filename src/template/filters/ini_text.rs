//! `from_ini` and `to_ini`: INI texts as Python's configparser reads and writes them, without interpolation.

use rplay_module_api::config_parser::{self, Line, Rules, Section};

use crate::template::engine::arguments::Bound;
use crate::template::engine::print;
use crate::template::engine::run::Scope;
use crate::template::engine::val::{Map, Val, from_key};
use crate::template::error::{Res, raised};
use crate::value::Value;

const DEFAULT: &str = "DEFAULT";

pub fn from_ini(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let Val::Str(text) = &value else {
        let found = value.used()?.type_name();
        return Err(raised(format!("from_ini requires a str, got <class '{found}'>")));
    };
    let rules = Rules { case_sensitive: true, ..Rules::default() };
    let sections = config_parser::read(text, rules).map_err(|mistake| {
        let Line { number, content, .. } = &mistake.line;
        raised(format!("from_ini failed to parse given string: {} (line {number}: {content})", mistake.kind))
    })?;
    let (defaults, named): (Vec<_>, Vec<_>) = sections.into_iter().partition(|section| section.name == DEFAULT);
    let values = |section: &Section| -> Map {
        let value = |text: &Option<String>| text.as_deref().map_or(Val::Null, Val::str);
        section.entries.iter().map(|it| (Value::str(it.name.as_str()), value(&it.value))).collect()
    };
    let defaults: Map = defaults.iter().flat_map(values).collect();
    let mut out = Map::new();
    for section in &named {
        let mut all = defaults.clone();
        all.extend(values(section));
        out.insert(Value::str(section.name.as_str()), Val::dict(all));
    }
    if !defaults.is_empty() {
        out.insert(Value::str(DEFAULT), Val::dict(defaults));
    }
    Ok(Val::dict(out))
}

pub fn to_ini(_scope: &Scope, args: Bound) -> Res<Val> {
    let value = args.val(0);
    let Val::Dict(sections) = &value else {
        let found = value.used()?.type_name();
        return Err(raised(format!("to_ini requires a dict, got <class '{found}'>")));
    };
    if sections.is_empty() {
        return Err(raised("to_ini received an empty dict. An empty dict cannot be converted."));
    }
    let failed = |why: String| raised(format!("to_ini failed to parse given dict:{why}"));
    let mut written: Vec<(String, String)> = Vec::new();
    for (name, options) in sections.to_map() {
        let name = print::text(&from_key(&name))?;
        if written.iter().any(|(known, _)| *known == name) {
            return Err(failed(format!("While reading from '<dict>': section '{name}' already exists")));
        }
        let Val::Dict(options) = options.used()? else {
            return Err(failed(format!("section '{name}' is no dict of options")));
        };
        let mut names = Vec::new();
        let mut text = String::new();
        for (option, value) in options.to_map() {
            let option = print::text(&from_key(&option))?;
            if names.contains(&option) {
                return Err(failed(format!(
                    "While reading from '<dict>': option '{option}' in section '{name}' already exists"
                )));
            }
            let value = match value.used()? {
                Val::Null => return Err(failed("option values must be strings".into())),
                value => print::text(&value)?.replace('\n', "\n\t"),
            };
            text += &format!("{option} = {value}\n");
            names.push(option);
        }
        written.push((name, text));
    }
    // The defaults stand first, and not at all if there are none.
    let (defaults, named): (Vec<_>, Vec<_>) = written.into_iter().partition(|(name, _)| name == DEFAULT);
    let defaults = defaults.into_iter().filter(|(_, text)| !text.is_empty());
    let text: String = defaults.chain(named).map(|(name, text)| format!("[{name}]\n{text}\n")).collect();
    match text.strip_suffix('\n') {
        Some(text) => Ok(Val::str(text)),
        None => Err(raised("to_ini received no section with an option")),
    }
}
