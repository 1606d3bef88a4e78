//! Options in INI files, one at a time; everything else in the file stays as it is.

mod edit;

use std::path::PathBuf;

use rplay_module_api::{Choice, Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::builtin::file::real_path;
use crate::support::content_diff::{self, Side};
use crate::support::file_attributes::{FileAttributes, path_json, with_path_info};
use crate::support::{atomic_write, text_file};
use edit::{Edit, Lines};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(ini_file) };

const EXAMPLE: &str = r#"- name: Let the server listen on all addresses
  community.general.ini_file:
    path: /etc/app/app.ini
    section: server
    option: listen
    value: "0.0.0.0"
    mode: "0644"

- name: Remove a section
  community.general.ini_file:
    path: /etc/app/app.ini
    section: debug
    state: absent
"#;

const RETURNS: &[Return] = &[
    Return::new("path", Kind::Path, "success", "The file."),
    Return::new("msg", Kind::Str, "always", "What was done."),
    Return::new("backup_file", Kind::Path, "changed, with backup", "The copy of the file as it was."),
];

/// Manage options in INI files.
#[derive(ModuleArgs)]
#[module(name = "ini_file")]
#[module(mutually_exclusive("value", "values"))]
struct Args {
    /// The file.
    #[arg(alias("dest"))]
    path: PathBuf,
    /// The section; without one, what stands above the first.
    section: Option<String>,
    /// Options that tell the section from others of its name.
    section_has_values: Option<Vec<Has>>,
    /// The option; without one it is about the section.
    option: Option<String>,
    /// Its value.
    value: Option<String>,
    /// Its values, for an option that may stand several times.
    values: Option<Vec<String>>,
    /// Keep a copy of the file as it was.
    #[arg(default = "no")]
    backup: bool,
    /// Whether it should be there.
    #[arg(default = "present")]
    state: State,
    /// Remove other values of the option.
    #[arg(default = "yes")]
    exclusive: bool,
    /// Write no blanks around `=`.
    #[arg(default = "no")]
    no_extra_spaces: bool,
    /// A line that differs only in blanks around `=` is right.
    #[arg(default = "no")]
    ignore_spaces: bool,
    /// Make the file if it is not there.
    #[arg(default = "yes")]
    create: bool,
    /// An option without a value is allowed.
    #[arg(default = "no")]
    allow_no_value: bool,
    /// Put the option in the place of one that is commented out.
    #[arg(default = "yes")]
    modify_inactive_option: bool,
    /// Change the file that a link points to, not the link.
    #[arg(default = "no")]
    follow: bool,
    #[arg(flatten)]
    attributes: FileAttributes,
}

/// What a section must have.
#[derive(Debug, ModuleArgs)]
struct Has {
    /// The option.
    option: String,
    /// Its value.
    value: Option<String>,
    /// Its values.
    values: Option<Vec<String>>,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    Present,
}

fn ini_file(mut args: Args, ctx: &mut Ctx) -> ModuleResult {
    let values = args.values.take().or_else(|| args.value.take().map(|value| vec![value]));
    if args.state == State::Present && !args.allow_no_value && values.as_ref().is_none_or(Vec::is_empty) {
        return Err(Failure::new("Parameter 'value(s)' must be defined if state=present and allow_no_value=False."));
    }
    if !args.path.exists() && !args.create {
        return Err(Failure::new(format!("Destination {} does not exist!", args.path.display())).with("rc", 257));
    }
    let before = String::from_utf8_lossy(&text_file::read(&args.path)?).into_owned();
    let before = before.strip_prefix('\u{feff}').unwrap_or(&before).to_owned();
    let has = args.section_has_values.take().unwrap_or_default();
    let edit = Edit {
        section: args.section.as_deref().unwrap_or_default(),
        has: has
            .into_iter()
            .map(|it| (it.option, it.values.or_else(|| it.value.map(|value| vec![value])).unwrap_or_default()))
            .collect(),
        option: args.option.as_deref(),
        values: values.unwrap_or_default(),
        exclusive: args.exclusive,
        equals: if args.no_extra_spaces { "=" } else { " = " },
        ignore_spaces: args.ignore_spaces,
        modify_inactive: args.modify_inactive_option,
    };
    let mut lines = Lines::read(&before);
    let msg = match args.state {
        State::Present => edit.set(&mut lines),
        State::Absent => edit.remove(&mut lines),
    };
    let after = if msg.is_some() { lines.text() } else { before.clone() };
    write(&args, &before, &after, msg, ctx)
}

fn write(args: &Args, before: &str, after: &str, msg: Option<&'static str>, ctx: &mut Ctx) -> ModuleResult {
    let header = Some(format!("{} (content)", args.path.display()));
    let (old, new) = (Side::of_bytes(before.as_bytes()), Side::of_bytes(after.as_bytes()));
    let mut outcome = Outcome::changed(msg.is_some())
        .with("path", path_json(&args.path))
        .with("msg", msg.unwrap_or("OK"))
        .with_diff(content_diff::between(old, new, header.clone(), header));
    let target = if args.follow { real_path(&args.path, ctx)? } else { args.path.clone() };
    if msg.is_some() && !ctx.check {
        if args.backup
            && let Some(copy) = atomic_write::back_up(&target)?
        {
            outcome.fields.insert("backup_file".into(), path_json(&copy));
        }
        if let Some(parent) = target.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
            crate::support::at::create_dir_all(parent, 0o777)
                .map_err(|err| Failure::new(format!("Error creating {} ({err})", parent.display())))?;
        }
        atomic_write::replace(&target, after.as_bytes(), None, &args.attributes, ctx)?;
    }
    if target.exists() {
        outcome.changed |= args.attributes.apply(&target, None, ctx)?;
    }
    Ok(with_path_info(outcome, &args.path, ctx))
}
