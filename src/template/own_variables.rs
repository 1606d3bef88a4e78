//! What a template file can say about itself (`template_path`, `ansible_managed` and their like).

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use chrono::{DateTime, Local, NaiveDateTime};

use super::Templar;
use super::filters::dates::strftime;
use crate::account;
use crate::value::{Dict, Value};

/// The variables of a template at `path`, which the task calls `given` and sends to `dest`. A user's own `ansible_managed`
/// stays what it is; the other names are the file's, whatever a user calls so.
pub fn own_variables(templar: &Templar, given: &str, path: &Path, dest: Option<&str>) -> Dict {
    let metadata = std::fs::metadata(path).ok();
    let changed = metadata.as_ref().and_then(|metadata| metadata.modified().ok()).unwrap_or(SystemTime::UNIX_EPOCH);
    let (changed, now) = (local(changed), local(SystemTime::now()));
    let uid = metadata.as_ref().map_or(0, MetadataExt::uid);
    let owner = account::of_id(uid).map_or_else(|| Value::Int(i64::from(uid)), |account| Value::from(account.name));
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut variables = Dict::new();
    let mut set = |name: &str, value: Value| {
        variables.insert(Value::str(name), value);
    };
    let is_users = templar.locals().is_some_and(|locals| locals.contains_key("ansible_managed"))
        || templar.variables().get("ansible_managed").is_some();
    if !is_users {
        set("ansible_managed", managed(templar, given, &host, &owner.to_text(), changed));
    }
    set("template_host", host.into());
    set("template_path", given.into());
    set("template_fullpath", full.to_string_lossy().into_owned().into());
    set("template_destpath", dest.map_or(Value::Null, Value::from));
    set("template_uid", owner);
    set("template_mtime", Value::DateTime(changed, None));
    set("template_run_date", Value::DateTime(now, None));
    variables
}

/// The setting's text: `{host}`, `{uid}` and `{file}` are filled in, and codes of `strftime` stand for the file's time.
fn managed(templar: &Templar, file: &str, host: &str, owner: &str, changed: NaiveDateTime) -> Value {
    let text = &templar.engine().settings.ansible_managed;
    let text = text.replace("{host}", host).replace("{uid}", owner).replace("{file}", file);
    strftime(&text, changed, None).unwrap_or(text).into()
}

fn local(time: SystemTime) -> NaiveDateTime {
    DateTime::<Local>::from(time).naive_local()
}
