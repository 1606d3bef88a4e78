//! Puts content at a place: a file from the controller, a rendered template, a tree of files, or (`remote_src`) a file
//! that is on the target already. The target's half of the actions `copy` and `template`; it never reads the controller's disk.
//!
//! # Contract with the controller's actions
//!
//! The action removes the arguments that are its own business (`content`, `decrypt`, `local_follow`, everything of
//! `template` but the file attributes, `dest`, `backup`, `force`, `follow`, `validate`, `directory_mode`) and adds internal ones.
//! `mode: preserve` it leaves in place and says what that means in `_source_mode` (or in `mode` of a tree's entry).
//!
//! One file (`copy src=file`, `copy content=…`, `template`):
//! - `_upload: true`: the content is attached to the request as `"src"`. The module receives it only when it needs it,
//!   that is when the destination's checksum differs, or when a diff is to be shown.
//! - `_checksum`: SHA-1 of that content in hex, always given with `_upload`.
//! - `_original_basename`: the name the file gets when `dest` turns out to be a directory or ends in `/`; absent for `content`,
//!   which has no name and is refused there.
//! - `_source_mode`: mode of the source file as octal text (`"0644"`), wanted when `mode` is `preserve`.
//! - `_source_label`: header of the new content in a diff: the source's path. Absent for `content`, where it is `dest`.
//!
//! A directory (`copy src=dir` or `src=dir/`), all in one request:
//! - `_tree`: a list of entries below `dest`, parents before children. For `src=dir` without a slash at its end the paths begin with
//!   `dir/`, and `dir` itself is an entry; the module does not look at `src`. Each entry is a mapping:
//!   `path` (relative, never with `..`), `kind` (`dir`, `file` or `link`), `mode` (files: octal text, used when `mode` is `preserve`),
//!   `sha1` and `size` (files), `target` (links, taken as they are: `local_follow=no`), `label` (files: as `_source_label`).
//!   Every directory is listed, also one that has files in it.
//! - Files that differ are received as `"src/N"`, N being the entry's index in `_tree`. A tree without a difference receives nothing.
//! - `src` stays the source's path on the controller; it is returned as it is.
//! - When the tree holds exactly one file the result is that file's, else it is `dest`, `src` and `changed`, as Ansible has it.
//!
//! `remote_src=yes` takes none of these: `src` is a path on the target.
//!
//! # Results
//!
//! As the documented return values say. `src` of an uploaded file is the name of the file that held it for a moment.
//! Diffs come with the result whenever diffs are wanted, so the action has nothing to add to it.

mod remote;
mod tree;
mod upload;

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rplay_module_api::{Ctx, Failure, Json, Kind, Module, ModuleArgs, ModuleResult, Return, Spec, run};

use crate::support::file_attributes::FileAttributes;

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(copy) };

const EXAMPLE: &str = r#"- name: Configure an application
  copy:
    content: "listen = 8080\n"
    dest: /etc/app.conf
    owner: root
    mode: "0644"
"#;

const RETURNS: &[Return] = &[
    Return::new("dest", Kind::Path, "success", "Where it is."),
    Return::new("src", Kind::Path, "changed", "Where it came from."),
    Return::new("checksum", Kind::Str, "success", "SHA-1 of the content."),
    Return::new("md5sum", Kind::Str, "changed", "MD5 of the content."),
    Return::new("backup_file", Kind::Path, "changed, with backup", "The copy of the file as it was."),
    Return::new("mode", Kind::Str, "success", "Permissions."),
    Return::new("owner", Kind::Str, "success", "Owner."),
    Return::new("group", Kind::Str, "success", "Group."),
    Return::new("size", Kind::Int, "success", "Length in bytes."),
    Return::new("state", Kind::Str, "success", "What it is: `file`, `link` or `directory`."),
];

/// Copy files to the target.
#[derive(ModuleArgs)]
#[module(name = "copy")]
struct Args {
    /// The file or directory to copy.
    src: Option<PathBuf>,
    /// Text or data to write in place of a file's content.
    #[arg(name = "content")]
    _content: Option<String>,
    /// Where to put it on the target.
    dest: PathBuf,
    /// Keep a copy of a file that is replaced.
    #[arg(default = "no")]
    backup: bool,
    /// Replace a file whose content differs; otherwise write only where nothing is.
    #[arg(default = "yes")]
    force: bool,
    /// A command that must accept the new file before it is put in place; `%s` is its name.
    validate: Option<String>,
    /// Mode of directories made by a recursive copy.
    directory_mode: Option<Json>,
    /// The source is on the target.
    #[arg(default = "no")]
    remote_src: bool,
    /// Write through a link at dest.
    #[arg(default = "no")]
    follow: bool,
    /// Follow links in the source tree.
    local_follow: Option<bool>,
    /// SHA-1 that the copied file must have.
    checksum: Option<String>,
    /// Decrypt a source that is a vault file.
    #[arg(name = "decrypt", default = "yes")]
    _decrypt: bool,
    /// The content is attached as `src`.
    #[arg(default = "no", internal)]
    _upload: bool,
    /// SHA-1 of the attached content.
    #[arg(internal)]
    _checksum: Option<String>,
    /// Name of the file inside a directory given as dest.
    #[arg(internal)]
    _original_basename: Option<String>,
    /// Mode of the source, as octal text.
    #[arg(internal)]
    _source_mode: Option<String>,
    /// Name of the source in a diff.
    #[arg(internal)]
    _source_label: Option<String>,
    /// Entries of a directory that is copied.
    #[arg(internal)]
    _tree: Option<Vec<tree::Entry>>,
    #[arg(flatten)]
    attributes: FileAttributes,
}

fn copy(args: Args, ctx: &mut Ctx) -> ModuleResult {
    if let Some(entries) = &args._tree {
        return tree::copy(&args, entries, ctx);
    }
    if args._upload {
        return upload::single(&args, ctx);
    }
    if args.remote_src {
        return remote::copy(&args, ctx);
    }
    Err(Failure::new("copy received neither content nor remote_src"))
}

impl Args {
    /// The attributes of a file whose source has `source_mode`, which is what `mode: preserve` asks for.
    fn file_attributes(&self, source_mode: Option<&str>) -> FileAttributes {
        if self.preserves_mode() {
            return self.attributes.with_mode(source_mode.map(Json::from));
        }
        self.attributes.clone()
    }

    /// The attributes of a directory that is made on the way; those that exist are left alone.
    fn directory_attributes(&self) -> FileAttributes {
        self.attributes.with_mode(self.directory_mode.clone())
    }

    fn preserves_mode(&self) -> bool {
        self.attributes.mode.as_ref().and_then(Json::as_str) == Some("preserve")
    }
}

/// Whether a path says by its last letter that it means a directory.
fn ends_in_slash(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(b"/")
}
