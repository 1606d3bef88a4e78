//! Specifications of arguments that a project writes: unlike a module's they are data, may be wrong themselves, and all mistakes are told.

use rplay_module_api::validate::{convert, python_str, python_type};
use rplay_module_api::{Json, Kind, Map, truth};

/// What came of checking.
#[derive(Debug, Default, PartialEq)]
pub struct Checked {
    /// In Ansible's words and order.
    pub errors: Vec<String>,
    pub warnings: Vec<String>,
}

type Object = Map<String, Json>;

/// Checks values against a specification. Values of arguments inside of others are checked by the `options` of these.
pub fn check(spec: &Object, values: Object) -> Checked {
    let mut checker = Checker::default();
    checker.level(spec, values, &Object::new(), &[], "");
    let mut checked = checker.checked;
    if let Some(last) = checker.unknown.last() {
        let supported = last.supported.clone();
        let mut names: Vec<&str> = checker.unknown.iter().map(|unknown| unknown.path.as_str()).collect();
        names.sort_unstable();
        checked.errors.push(format!("{}. Supported parameters include: {supported}.", names.join(", ")));
    }
    checked
}

/// A name that no argument has.
struct Unknown {
    path: String,
    supported: String,
}

#[derive(Default)]
struct Checker {
    checked: Checked,
    unknown: Vec<Unknown>,
}

/// Where a level stands, at the end of a message.
fn found_in(outer: &[String]) -> String {
    if outer.is_empty() { String::new() } else { format!(" found in {}", outer.join(" -> ")) }
}

fn list<'a>(spec: &'a Json, name: &str) -> &'a [Json] {
    spec.get(name).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// The names in a list, or the one that stands in its place.
fn words(json: &Json) -> Vec<String> {
    match json {
        Json::Array(items) => items.iter().map(python_str).collect(),
        Json::Null => Vec::new(),
        single => vec![python_str(single)],
    }
}

fn says(spec: &Json, name: &str) -> bool {
    match spec.get(name) {
        Some(Json::Bool(value)) => *value,
        Some(Json::String(text)) => truth(text).unwrap_or(!text.is_empty()),
        Some(Json::Null) | None => false,
        Some(Json::Number(number)) => number.as_f64() != Some(0.0),
        Some(_) => true,
    }
}

fn default(spec: &Json) -> Option<&Json> {
    spec.get("default").filter(|default| !default.is_null())
}

/// `type` as it is written, and what it means; None for a type that does not exist.
fn type_of(spec: &Json, name: &str) -> (String, Option<Kind>) {
    let written = spec.get(name).filter(|kind| !kind.is_null()).map_or_else(|| "str".to_owned(), python_str);
    let kind = if written == BITS { Some(Kind::Bytes) } else { Kind::named(&written) };
    (written, kind)
}

/// A size like `bytes` whose unit is written with a small letter.
const BITS: &str = "bits";

fn convert_as(written: &str, kind: Kind, value: Json) -> Result<Json, String> {
    if written != BITS {
        return convert(kind, value);
    }
    let cannot = format!("<class '{}'> cannot be converted to a Bit value", python_type(&value));
    let value = match value.as_str() {
        Some(text) if text.ends_with('B') => return Err(cannot),
        Some(text) => Json::from(text.trim_end_matches("bit").trim_end_matches('b')),
        None => value,
    };
    convert(kind, value).map_err(|_| cannot)
}

impl Checker {
    fn error(&mut self, message: String) {
        self.checked.errors.push(message);
    }

    /// Checks one level. `around` is the argument whose options these are, which has the rules between them.
    fn level(&mut self, spec: &Object, mut values: Object, around: &Object, outer: &[String], prefix: &str) {
        let aliases = self.resolve_aliases(spec, &mut values, prefix);
        self.note_unknown(spec, &values, &aliases, outer);
        self.exclusive(around, &values, outer);
        for (name, of) in spec {
            if let (false, Some(default)) = (values.contains_key(name), default(of)) {
                values.insert(name.clone(), default.clone());
            }
        }
        let mut missing: Vec<&str> = spec
            .iter()
            .filter(|(name, of)| says(of, "required") && !values.contains_key(*name))
            .map(|(name, _)| name.as_str())
            .collect();
        if !missing.is_empty() {
            missing.sort_unstable();
            self.error(format!("missing required arguments: {}{}", missing.join(", "), found_in(outer)));
        }
        for (name, of) in spec {
            self.convert(name, of, &mut values, outer);
        }
        for (name, of) in spec {
            self.choose(name, of, &mut values, outer);
        }
        for rule in [together, one_of, needed_if, needed_by] {
            if let Some(message) = rule(around, &values) {
                self.error(format!("{message}{}", found_in(outer)));
            }
        }
        for (name, of) in spec {
            self.inner(name, of, &mut values, outer, prefix);
        }
    }

    /// Gives values that came under an alias their argument's name. Returns the aliases.
    fn resolve_aliases(&mut self, spec: &Object, values: &mut Object, prefix: &str) -> Vec<String> {
        let mut aliases = Vec::new();
        for (name, of) in spec {
            if default(of).is_some() && says(of, "required") {
                self.error(format!("internal error: required and default are mutually exclusive for {name}"));
                return Vec::new();
            }
            match of.get("aliases") {
                None | Some(Json::Null | Json::Array(_)) => {}
                Some(_) => {
                    self.error("internal error: aliases must be a list or tuple".to_owned());
                    return Vec::new();
                }
            }
            for alias in list(of, "aliases").iter().map(python_str) {
                if let Some(value) = values.get(&alias).cloned() {
                    if values.contains_key(name) && !prefix.is_empty() {
                        let warning = format!("Both option {prefix}{name} and its alias {prefix}{alias} are set.");
                        self.checked.warnings.push(warning);
                    }
                    values.insert(name.clone(), value);
                }
                aliases.push(alias);
            }
        }
        aliases
    }

    fn note_unknown(&mut self, spec: &Object, values: &Object, aliases: &[String], outer: &[String]) {
        for name in values.keys().filter(|name| !spec.contains_key(*name) && !aliases.contains(name)) {
            let mut names: Vec<&str> = spec.keys().filter(|name| !aliases.contains(name)).map(String::as_str).collect();
            names.sort_unstable();
            let mut others = aliases.to_vec();
            others.sort_unstable();
            let others = if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
            let path = outer.iter().chain([name]).cloned().collect::<Vec<_>>().join(".");
            self.unknown.push(Unknown { path, supported: format!("{}{others}", names.join(", ")) });
        }
    }

    fn exclusive(&mut self, around: &Object, values: &Object, outer: &[String]) {
        let rules = around.get("mutually_exclusive").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let broken: Vec<String> = rules
            .iter()
            .map(words)
            .filter(|names| names.iter().filter(|name| values.contains_key(*name)).count() > 1)
            .map(|names| names.join("|"))
            .collect();
        if !broken.is_empty() {
            self.error(format!("parameters are mutually exclusive: {}{}", broken.join(", "), found_in(outer)));
        }
    }

    fn convert(&mut self, name: &str, of: &Json, values: &mut Object, outer: &[String]) {
        let Some(value) = values.get(name).cloned() else { return };
        if value.is_null() && !says(of, "required") && default(of).is_none() {
            return;
        }
        let place = if outer.is_empty() { String::new() } else { format!(" found in '{}'.", outer.join(" -> ")) };
        let (written, kind) = type_of(of, "type");
        let Some(kind) = kind else {
            return self.error(format!("argument '{name}' has the unknown type '{written}'{}", found_in(outer)));
        };
        let converted = match convert_as(&written, kind, value.clone()) {
            Ok(converted) => converted,
            Err(reason) => {
                let found = python_type(&value);
                return self.error(format!(
                    "argument '{name}' is of type {found}{place} and we were unable to convert to {written}: {reason}"
                ));
            }
        };
        let converted = match (of.get("elements").filter(|elements| !elements.is_null()), converted) {
            (Some(_), Json::Array(items)) => Json::Array(self.convert_items(name, of, items, outer)),
            (Some(_), other) => {
                let shown = python_str(&other);
                self.error(format!(
                    "Invalid type {written} for option '{shown}'{place}, elements value check is supported only with 'list' type"
                ));
                other
            }
            (None, converted) => converted,
        };
        values.insert(name.to_owned(), converted);
    }

    fn convert_items(&mut self, name: &str, of: &Json, items: Vec<Json>, outer: &[String]) -> Vec<Json> {
        let place = if outer.is_empty() { String::new() } else { format!(" found in '{}'", outer.join(" -> ")) };
        let (written, kind) = type_of(of, "elements");
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            let found = python_type(&item);
            let converted = match kind {
                Some(kind) => convert_as(&written, kind, item),
                None => Err("there is no such type".to_owned()),
            };
            match converted {
                Ok(item) => out.push(item),
                Err(reason) => self.error(format!(
                    "Elements value for option '{name}'{place} is of type {found} and we were unable to convert to {written}: {reason}"
                )),
            }
        }
        out
    }

    fn choose(&mut self, name: &str, of: &Json, values: &mut Object, outer: &[String]) {
        let Some(choices) = of.get("choices").filter(|choices| !choices.is_null()) else { return };
        let Json::Array(choices) = choices else {
            let shown = python_str(choices);
            let message = format!("internal error: choices for argument {name} are not iterable: {shown}");
            return self.error(format!("{message}{}", found_in(outer)));
        };
        let all = choices.iter().map(python_str).collect::<Vec<_>>().join(", ");
        match values.get(name) {
            None => {}
            Some(Json::Array(items)) => {
                let strangers: Vec<String> =
                    items.iter().filter(|item| !is_among(item, choices)).map(python_str).collect();
                if !strangers.is_empty() {
                    let strangers = strangers.join(", ");
                    let message =
                        format!("value of {name} must be one or more of: {all}. Got no match for: {strangers}");
                    self.error(format!("{message}{}", found_in(outer)));
                }
            }
            Some(value) if is_among(value, choices) => {}
            Some(value) => match boolean_choice(value, choices) {
                Some(choice) => {
                    values.insert(name.to_owned(), choice);
                }
                None => {
                    let message = format!("value of {name} must be one of: {all}, got: {}", python_str(value));
                    self.error(format!("{message}{}", found_in(outer)));
                }
            },
        }
    }

    /// Checks the dicts in a value by the argument's `options`.
    fn inner(&mut self, name: &str, of: &Json, values: &mut Object, outer: &[String], prefix: &str) {
        let is_list = of.get("type").is_some_and(|kind| kind == "list");
        let holds_dicts = if is_list {
            of.get("elements").is_some_and(|kind| kind == "dict")
        } else {
            of.get("type").is_some_and(|kind| kind == "dict")
        };
        let (true, Some(Json::Object(options)), Json::Object(around)) = (holds_dicts, of.get("options"), of) else {
            return;
        };
        let absent = values.get(name).is_none_or(Json::is_null);
        if absent && says(of, "apply_defaults") {
            values.insert(name.to_owned(), Json::Object(Object::new()));
        } else if absent {
            return;
        }
        let items = match values.remove(name) {
            Some(Json::Array(items)) => items,
            single => single.into_iter().collect(),
        };
        let outer: Vec<String> = outer.iter().cloned().chain([name.to_owned()]).collect();
        for (index, item) in items.into_iter().enumerate() {
            let Json::Object(item) = item else {
                self.error(format!("value of '{name}' must be of type dict or list of dicts"));
                continue;
            };
            let number = if is_list { format!("[{index}]") } else { String::new() };
            self.level(options, item, around, &outer, &format!("{prefix}{name}{number}."));
        }
    }
}

/// Equal as in Python, where 1 is 1.0 and True.
fn is_among(value: &Json, choices: &[Json]) -> bool {
    let number = |json: &Json| match json {
        Json::Bool(flag) => Some(f64::from(u8::from(*flag))),
        other => other.as_f64(),
    };
    choices.iter().any(|choice| choice == value || (number(choice).is_some() && number(choice) == number(value)))
}

/// YAML makes booleans of unquoted words; a choice is meant if only one of them says the same.
fn boolean_choice(value: &Json, choices: &[Json]) -> Option<Json> {
    let wanted = match value.as_str()? {
        "True" => true,
        "False" => false,
        _ => return None,
    };
    let mut meant = choices.iter().filter(|choice| truth(&python_str(choice).to_lowercase()) == Some(wanted));
    let first = meant.next()?;
    meant.next().is_none().then(|| first.clone())
}

fn together(around: &Object, values: &Object) -> Option<String> {
    let broken = around.get("required_together")?.as_array()?.iter().map(words).find(|names| {
        let given = names.iter().filter(|name| values.contains_key(*name)).count();
        given > 0 && given < names.len()
    })?;
    Some(format!("parameters are required together: {}", broken.join(", ")))
}

fn one_of(around: &Object, values: &Object) -> Option<String> {
    let rules = around.get("required_one_of")?.as_array()?;
    let broken = rules.iter().map(words).find(|names| !names.iter().any(|name| values.contains_key(name)))?;
    Some(format!("one of the following is required: {}", broken.join(", ")))
}

fn needed_if(around: &Object, values: &Object) -> Option<String> {
    around.get("required_if")?.as_array()?.iter().find_map(|rule| {
        let (name, wanted, needs) = (python_str(rule.get(0)?), rule.get(1)?, words(rule.get(2)?));
        let any = rule.get(3).is_some_and(|any| any.as_bool() == Some(true));
        if !values.get(&name).is_some_and(|value| is_among(value, std::slice::from_ref(wanted))) {
            return None;
        }
        let missing: Vec<&str> = needs.iter().filter(|name| !values.contains_key(*name)).map(String::as_str).collect();
        let broken = if any { missing.len() == needs.len() } else { !missing.is_empty() };
        let quantity = if any { "any" } else { "all" };
        let (wanted, missing) = (python_str(wanted), missing.join(", "));
        broken.then(|| format!("{name} is {wanted} but {quantity} of the following are missing: {missing}"))
    })
}

fn needed_by(around: &Object, values: &Object) -> Option<String> {
    let is_set = |name: &str| values.get(name).is_some_and(|value| !value.is_null());
    around.get("required_by")?.as_object()?.iter().filter(|(name, _)| is_set(name)).find_map(|(name, needs)| {
        let missing: Vec<String> = words(needs).into_iter().filter(|name| !is_set(name)).collect();
        (!missing.is_empty()).then(|| format!("missing parameter(s) required by '{name}': {}", missing.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use rplay_module_api::json;

    use super::*;

    #[track_caller]
    fn errors(spec: Json, values: Json, expected: &[&str]) {
        let (Json::Object(spec), Json::Object(values)) = (spec, values) else { panic!("objects are meant") };
        assert_eq!(check(&spec, values).errors, expected);
    }

    #[test]
    fn all_mistakes_are_told_in_order() {
        errors(
            json!({"a": {"required": true}, "b": {"type": "int"}, "c": {"choices": ["x", "y"]}}),
            json!({"b": "no", "c": "z", "other": 1}),
            &[
                "missing required arguments: a",
                "argument 'b' is of type str and we were unable to convert to int: \"'no'\" cannot be converted to an int",
                "value of c must be one of: x, y, got: z",
                "other. Supported parameters include: a, b, c.",
            ],
        );
    }

    #[test]
    fn dicts_have_rules_of_their_own() {
        let spec = json!({"d": {
            "type": "dict",
            "options": {"a": {"aliases": ["z"]}, "b": {}, "n": {"type": "int"}},
            "required_if": [["a", "on", ["b"]]],
            "required_together": [["b", "n"]],
        }});
        errors(spec.clone(), json!({"d": {"z": "on", "b": 1, "n": 2}}), &[]);
        errors(
            spec.clone(),
            json!({"d": {"a": "on", "n": "x"}}),
            &[
                "argument 'n' is of type str found in 'd'. and we were unable to convert to int: \"'x'\" cannot be converted to an int",
                "parameters are required together: b, n found in d",
                "a is on but all of the following are missing: b found in d",
            ],
        );
        errors(spec, json!({"d": {"q": 1}}), &["d.q. Supported parameters include: a, b, n (z)."]);
    }

    #[test]
    fn lists_are_checked_item_by_item() {
        let spec = json!({"l": {"type": "list", "elements": "dict", "options": {"a": {"required": true}}}});
        errors(spec, json!({"l": [{"a": 1}, {}]}), &["missing required arguments: a found in l"]);
        errors(
            json!({"l": {"type": "list", "elements": "int", "choices": [1, 2]}}),
            json!({"l": "1,3"}),
            &["value of l must be one or more of: 1, 2. Got no match for: 3"],
        );
    }

    #[test]
    fn defaults_of_dicts_can_be_asked_for() {
        let options = json!({"a": {"required": true}});
        let spec = |apply: bool| json!({"d": {"type": "dict", "apply_defaults": apply, "options": options.clone()}});
        errors(spec(false), json!({}), &[]);
        errors(spec(true), json!({}), &["missing required arguments: a found in d"]);
    }
}
