//! The table of arguments as it is known to be right: a change of a specification shows up in tests/cases/specs.txt.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rplay_module_api::{Arg, Spec};

/// One line for each argument and each rule.
fn described(spec: &Spec) -> String {
    let mut text =
        format!("{} check_mode={} free_form={:?}: {}\n", spec.name, spec.check_mode, spec.free_form, spec.summary);
    for arg in spec.all_args() {
        describe(arg, "  ", &mut text);
    }
    for rule in spec.rules {
        let _ = writeln!(text, "  {rule:?}");
    }
    text
}

fn describe(arg: &Arg, indent: &str, into: &mut String) {
    let _ = write!(into, "{indent}{} {:?}", arg.name, arg.kind);
    if let Some(elements) = arg.elements {
        let _ = write!(into, " of {elements:?}");
    }
    for (flag, name) in [(arg.required, "required"), (arg.no_log, "no_log"), (arg.internal, "internal")] {
        if flag {
            let _ = write!(into, " {name}");
        }
    }
    if let Some(default) = arg.default {
        let _ = write!(into, " default={default:?}");
    }
    if !arg.choices.is_empty() {
        let _ = write!(into, " choices={:?}", arg.choices);
    }
    if !arg.aliases.is_empty() {
        let _ = write!(into, " aliases={:?}", arg.aliases);
    }
    let _ = writeln!(into, ": {}", arg.summary);
    for option in arg.options {
        describe(option, &format!("{indent}  "), into);
    }
}

#[test]
fn every_specification_is_the_known_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/specs.txt");
    let found: String = rplay_modules::table::MODULES.iter().map(|module| described(&module.spec)).collect();
    if std::env::var_os("RECORD").is_some() {
        fs::write(&path, &found).unwrap();
    }
    let wanted = fs::read_to_string(&path).unwrap();
    for (found, wanted) in found.lines().zip(wanted.lines()) {
        assert_eq!(found, wanted, "if that is meant, write the table anew with RECORD=1");
    }
    assert_eq!(found.len(), wanted.len(), "a row more or less; if that is meant, write the table anew with RECORD=1");
}
