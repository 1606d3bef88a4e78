//! Renders a template file in the controller; the text then goes the way of `copy`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rplay_module_api::{Arg, Spec};
use rplay_modules::support::file_attributes::FILE_ARGS;

use super::source_file::{self, Prepared};
use super::{ActionResult, FailedIn, Invocation, ModuleCall, copy, module};
use crate::source::SourceFile;
use crate::template::{FileOptions, SearchPath, Templar, TemplateError, encode};
use crate::value::{Dict, Value};

pub const SPEC: Spec = Spec {
    name: "template",
    summary: "Render a template to a file.",
    args: &[
        Arg::path("src", "The template, a file of the project.").required(),
        Arg::path("dest", "Where the result goes on the target.").required(),
        Arg::bool("backup", "Keep a copy of a file that is replaced.").default("no"),
        Arg::bool("force", "Replace a file whose content differs; otherwise write only where nothing is.")
            .default("yes"),
        Arg::bool("follow", "Write through a link at dest.").default("no"),
        Arg::str("validate", "A command that must accept the new file before it is put in place; `%s` is its name."),
        Arg::str("newline_sequence", "How lines end.")
            .default("\n")
            .choices(&["\n", "\r", "\r\n", "\\n", "\\r", "\\r\\n"]),
        Arg::str("output_encoding", "Encoding of the result.").default("utf-8"),
        Arg::bool("trim_blocks", "Drop the newline after a block.").default("yes"),
        Arg::bool("lstrip_blocks", "Drop blanks before a block.").default("no"),
        Arg::str("variable_start_string", "Begins an expression.").default("{{"),
        Arg::str("variable_end_string", "Ends an expression.").default("}}"),
        Arg::str("block_start_string", "Begins a block.").default("{%"),
        Arg::str("block_end_string", "Ends a block.").default("%}"),
        Arg::str("comment_start_string", "Begins a comment."),
        Arg::str("comment_end_string", "Ends a comment."),
    ],
    shared: &[FILE_ARGS],
    ..Spec::EMPTY
};

/// Arguments that are not passed on.
const OWN: &[&str] = &[
    "newline_sequence",
    "output_encoding",
    "trim_blocks",
    "lstrip_blocks",
    "variable_start_string",
    "variable_end_string",
    "block_start_string",
    "block_end_string",
    "comment_start_string",
    "comment_end_string",
];

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let result = match prepare(invocation) {
        Ok((call, prepared, path)) => {
            let basename = path.file_name().map(|name| name.to_string_lossy().into_owned());
            copy::send_file(invocation, call, prepared, &path.to_string_lossy(), basename.as_deref()).await
        }
        Err(failed) => *failed,
    };
    module::finish(invocation, result)
}

fn prepare(invocation: &Invocation<'_>) -> Result<(ModuleCall, Prepared, PathBuf), Box<ActionResult>> {
    let failed = |message: String| Box::new(ActionResult::failed_in(FailedIn::Task, message));
    let (Some(src), Some(_)) = (invocation.text("src"), invocation.text("dest")) else {
        return Err(failed("src and dest are required".to_owned()));
    };
    let path = source_file::find(invocation, "templates", src).map_err(failed)?;
    if path.is_dir() {
        return Err(failed(format!("Could not find or access '{src}': it is a directory")));
    }
    let text = invocation.reader.read_plain_text(&path).map_err(|err| failed(err.message))?;
    let text = render(invocation, &path, text).map_err(|err| Box::new(ActionResult::template_failed(None, &err)))?;
    let bytes = encode(&text, invocation.text("output_encoding").unwrap_or("utf-8")).map_err(failed)?;
    let mut prepared = source_file::prepare_bytes(bytes);
    if let Ok(source) = source_file::mode_of(&path) {
        prepared.mode = source;
    }
    let mut call = copy::call(invocation);
    for own in OWN {
        call.args.shift_remove(*own);
    }
    Ok((call, prepared, path))
}

fn render(invocation: &Invocation<'_>, path: &Path, text: String) -> Result<String, TemplateError> {
    let text_of = |name: &str, default: &str| invocation.text(name).unwrap_or(default).to_owned();
    let options = FileOptions {
        newline_sequence: text_of("newline_sequence", "\n"),
        trim_blocks: invocation.bool("trim_blocks"),
        lstrip_blocks: invocation.bool("lstrip_blocks"),
        variable_start_string: text_of("variable_start_string", "{{"),
        variable_end_string: text_of("variable_end_string", "}}"),
        block_start_string: text_of("block_start_string", "{%"),
        block_end_string: text_of("block_end_string", "%}"),
        comment_start_string: text_of("comment_start_string", "{#"),
        comment_end_string: text_of("comment_end_string", "#}"),
    };
    let source = SourceFile::new(path, text);
    templar(invocation, path).render_file(&source, &options, &variables(invocation, path))
}

/// Included templates may lie beside the including one.
fn templar(invocation: &Invocation<'_>, path: &Path) -> Templar {
    let templar = invocation.templar;
    let mut search: SearchPath = (**templar.search()).clone();
    search.dirs.insert(0, path.parent().unwrap_or(Path::new("/")).to_owned());
    let own = templar.engine().templar(Arc::clone(templar.variables()), Arc::new(search));
    match templar.locals() {
        Some(locals) => own.with_locals(locals.clone()),
        None => own,
    }
}

/// What a template can say about itself.
fn variables(invocation: &Invocation<'_>, path: &Path) -> Dict {
    let mut variables = invocation.templar.locals().cloned().unwrap_or_default();
    let mut set = |name: &str, value: Value| {
        variables.insert(Value::str(name), value);
    };
    let metadata = std::fs::metadata(path).ok();
    let changed = metadata.as_ref().and_then(|metadata| metadata.modified().ok()).unwrap_or(SystemTime::UNIX_EPOCH);
    let local = |time: SystemTime| Value::DateTime(chrono::DateTime::<chrono::Local>::from(time).naive_local(), None);
    let uid = metadata.as_ref().map_or(0, std::os::unix::fs::MetadataExt::uid);
    let owner = user_name(uid).map_or_else(|| Value::Int(i64::from(uid)), Value::from);
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if invocation.templar.variables().get("ansible_managed").is_none() {
        let setting = invocation.templar.engine().settings.config.as_ref();
        let managed = setting.and_then(|setting| setting("DEFAULT_MANAGED_STR"));
        set("ansible_managed", managed.unwrap_or_else(|| "Ansible managed".into()));
    }
    set("template_host", rustix::system::uname().nodename().to_string_lossy().into_owned().into());
    set("template_path", invocation.text("src").unwrap_or_default().into());
    set("template_fullpath", full.to_string_lossy().into_owned().into());
    set("template_destpath", invocation.text("dest").unwrap_or_default().into());
    set("template_uid", owner);
    set("template_mtime", local(changed));
    set("template_run_date", local(SystemTime::now()));
    variables
}

fn user_name(uid: u32) -> Option<String> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    let uid = uid.to_string();
    let mut lines = passwd.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}
