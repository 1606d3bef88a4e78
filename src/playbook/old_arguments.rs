//! Arguments of built-in modules that older versions of Ansible took: they go on working, with a warning that says what to write instead.

use rplay_module_api::truth;

use crate::error::Notices;
use crate::source::Span;
use crate::value::{Dict, Value};

enum Now {
    /// It does nothing any more, and why.
    Gone(&'static str),
    /// Another argument, with this text before the value.
    Is(&'static str, &'static str),
    /// Another argument with a value of its own, where the old one was true.
    When(&'static str, &'static str),
}

/// Module, argument, and what has become of it.
const OLD: &[(&str, &str, Now)] = &[
    ("command", "warn", Now::Gone("command gives no advice that it could turn off")),
    ("cron", "reboot", Now::When("special_time", "reboot")),
    ("get_url", "sha256sum", Now::Is("checksum", "sha256:")),
    ("script", "warn", Now::Gone("script gives no advice that it could turn off")),
    ("shell", "warn", Now::Gone("shell gives no advice that it could turn off")),
    ("stat", "get_md5", Now::Gone("the result has no md5; get_checksum with checksum_algorithm gives one")),
];

/// Puts what is written today in the place of what was.
pub fn translate(full_action: &str, args: &mut Dict, span: &Span, notices: &Notices) {
    let Some(action) = full_action.strip_prefix("ansible.builtin.") else { return };
    for (_, name, now) in OLD.iter().filter(|(module, _, _)| *module == action) {
        let Some(value) = args.shift_remove(&Value::str(*name)) else { continue };
        let instead = match now {
            Now::Gone(reason) => (*reason).to_owned(),
            Now::Is(new, prefix) => {
                let value = match &value {
                    Value::Str(text) if !text.as_str().is_empty() => {
                        Value::Str(text.with_text(format!("{prefix}{}", text.as_str())))
                    }
                    _ => continue,
                };
                args.entry(Value::str(*new)).or_insert(value);
                format!("write {new}: {prefix}…")
            }
            Now::When(new, value_of_new) => {
                if truth(&value.to_text()) == Some(true) {
                    args.entry(Value::str(*new)).or_insert_with(|| Value::str(*value_of_new));
                }
                format!("write {new}: {value_of_new}")
            }
        };
        notices.warn(format!("The argument '{name}' of {action} is no longer in Ansible: {instead}"), Some(span));
    }
}
