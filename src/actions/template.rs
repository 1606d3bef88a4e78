//! Renders a template file in the controller; the text then goes the way of `copy`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rplay_module_api::{Arg, Spec};
use rplay_modules::support::file_attributes::FILE_ARGS;

use super::source_file::{self, Prepared};
use super::{ActionResult, FailedIn, Invocation, ModuleCall, copy, module};
use crate::source::SourceFile;
use crate::template::{FileOptions, SearchPath, Templar, TemplateError, encode, own_variables};

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
    let given = invocation.text("src").unwrap_or_default();
    let own = own_variables(invocation.templar, given, path, invocation.text("dest"));
    templar(invocation, path).render_file(&source, &options, &own)
}

/// Included templates are searched like the template, and at last beside it.
fn templar(invocation: &Invocation<'_>, path: &Path) -> Templar {
    let templar = invocation.templar;
    let mut search: SearchPath = (**templar.search()).clone();
    search.dirs.push(search.basedir.clone());
    search.dirs.extend(path.parent().map(Path::to_owned));
    templar.with_search(Arc::new(search))
}
