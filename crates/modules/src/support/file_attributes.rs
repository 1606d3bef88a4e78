//! Owner, group, mode, SELinux context and chattr flags: the arguments that every module which makes files has in common,
//! and the fields about a path that such modules return.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

use rplay_module_api::{Arg, ArgSet, Ctx, Diff, Failure, Json, Map, ModuleArgs, Outcome};

use crate::support::accounts;
use crate::support::at::{self, Object};
use crate::support::file_flags;
use crate::support::file_mode::{self, BadMode, Mode, Present};
use crate::support::os_error;
use crate::support::selinux;

pub const FILE_ARGS: &[Arg] = <FileAttributes as ArgSet>::ARGS;

/// The shared arguments as a module receives them; flattened into its `Args`.
#[derive(Clone, Debug, Default, ModuleArgs)]
pub struct FileAttributes {
    /// Name or number of the user who owns the file.
    pub owner: Option<String>,
    /// Name or number of the group that owns the file.
    pub group: Option<String>,
    /// Permissions, as octal text (quoted, with a leading zero) or symbols such as `u+rwX`.
    pub mode: Option<Json>,
    /// Flags as chattr knows them.
    #[arg(alias("attr"))]
    pub attributes: Option<String>,
    /// User part of the SELinux context.
    pub seuser: Option<String>,
    /// Role part of the SELinux context.
    pub serole: Option<String>,
    /// Type part of the SELinux context.
    pub setype: Option<String>,
    /// Level part of the SELinux context.
    pub selevel: Option<String>,
    /// Write in place where the file cannot be replaced atomically.
    #[arg(default = "no")]
    pub unsafe_writes: bool,
}

/// The two sides of a diff of attributes.
#[derive(Clone, Debug, Default)]
pub struct AttributeDiff {
    pub before: Map<String, Json>,
    pub after: Map<String, Json>,
}

impl AttributeDiff {
    pub fn of_path(path: &Path) -> Self {
        let mut diff = Self::default();
        diff.set("path", path_json(path), path_json(path));
        diff
    }

    pub fn set(&mut self, name: &str, before: impl Into<Json>, after: impl Into<Json>) {
        self.before.insert(name.to_owned(), before.into());
        self.after.insert(name.to_owned(), after.into());
    }

    pub fn into_diff(self) -> Diff {
        Diff { before: Json::Object(self.before), after: Json::Object(self.after), ..Diff::default() }
    }
}

pub fn path_json(path: &Path) -> Json {
    Json::String(path.to_string_lossy().into_owned())
}

/// A failure about a path: it comes with what is known of the path, as Ansible's failures do.
pub fn path_failure(msg: impl Into<String>, path: &Path, ctx: &mut Ctx) -> Failure {
    let mut failure = Failure::new(msg).with("path", path_json(path));
    add_path_info(&mut failure.fields, path, ctx);
    failure
}

/// Adds uid, gid, owner, group, mode, state and size of `path`, if it exists.
pub fn add_path_info(fields: &mut Map<String, Json>, path: &Path, ctx: &mut Ctx) {
    let Ok(meta) = fs::symlink_metadata(path) else { return };
    // A link that leads nowhere counts as absent, as it does to Python's os.path.exists.
    if meta.is_symlink() && fs::metadata(path).is_err() {
        return;
    }
    fields.insert("uid".to_owned(), meta.uid().into());
    fields.insert("gid".to_owned(), meta.gid().into());
    fields.insert("owner".to_owned(), owner_name(meta.uid(), ctx).into());
    fields.insert("group".to_owned(), group_name(meta.gid(), ctx).into());
    fields.insert("mode".to_owned(), file_mode::text(meta.mode()).into());
    fields.insert("state".to_owned(), state_of(&meta).into());
    if let Some(context) = selinux::context(path) {
        fields.insert("secontext".to_owned(), context.into());
    }
    fields.insert("size".to_owned(), meta.size().into());
}

/// Adds what is known of `path` to an outcome.
pub fn with_path_info(mut outcome: Outcome, path: &Path, ctx: &mut Ctx) -> Outcome {
    add_path_info(&mut outcome.fields, path, ctx);
    outcome
}

pub fn state_of(meta: &fs::Metadata) -> &'static str {
    if meta.is_symlink() {
        "link"
    } else if meta.is_dir() {
        "directory"
    } else if meta.nlink() > 1 {
        "hard"
    } else {
        "file"
    }
}

fn owner_name(uid: u32, ctx: &mut Ctx) -> String {
    accounts::user_by_id(uid, ctx).map_or_else(|| uid.to_string(), |account| account.name)
}

fn group_name(gid: u32, ctx: &mut Ctx) -> String {
    accounts::group_by_id(gid, ctx).map_or_else(|| gid.to_string(), |account| account.name)
}

/// The process's umask. It can only be read by setting it, which other threads would notice: done once, and to the strictest value.
pub fn umask() -> u32 {
    static UMASK: OnceLock<u32> = OnceLock::new();
    *UMASK.get_or_init(|| {
        let mask = rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
        rustix::process::umask(mask);
        mask.bits()
    })
}

impl FileAttributes {
    /// The same with another mode, as `directory_mode` is for directories.
    #[must_use]
    pub fn with_mode(&self, mode: Option<Json>) -> Self {
        Self { mode, ..self.clone() }
    }

    /// Refuses a mode that cannot be understood, before anything is changed.
    pub fn parsed_mode(&self, path: &Path, ctx: &mut Ctx) -> Result<Option<Mode>, Failure> {
        let Some(written) = &self.mode else { return Ok(None) };
        file_mode::parse(written).map(Some).map_err(|bad| bad_mode(&bad, path, ctx))
    }

    /// The mode that a file with `present` will end up with; a mode that cannot be understood is reported by `apply`.
    pub fn mode_for(&self, present: u32) -> u32 {
        let present = present & file_mode::PERMISSIONS;
        let wanted = self.mode.as_ref().and_then(|written| file_mode::parse(written).ok());
        wanted
            .and_then(|mode| mode.for_file(Present { mode: present, directory: false, umask: umask() }).ok())
            .unwrap_or(present)
    }

    fn are_given(&self) -> bool {
        let texts =
            [&self.owner, &self.group, &self.attributes, &self.seuser, &self.serole, &self.setype, &self.selevel];
        self.mode.is_some() || texts.iter().any(|text| text.is_some())
    }

    /// Brings `path` in line with the arguments; true when something was, or in check mode would be, changed.
    pub fn apply(&self, path: &Path, diff: Option<&mut AttributeDiff>, ctx: &mut Ctx) -> Result<bool, Failure> {
        if !self.are_given() {
            return Ok(false);
        }
        match at::object(path) {
            Ok(object) => self.apply_to(&object, path, diff, ctx),
            // Nothing is there yet when check mode has left out the step that would have made it.
            Err(err) if ctx.check && err.kind() == io::ErrorKind::NotFound => {
                self.parsed_mode(path, ctx)?;
                Ok(true)
            }
            Err(err) => Err(path_failure(os_error::with_path(&err, path), path, ctx)),
        }
    }

    /// As `apply`, for what was opened already; `path` is what it is called.
    pub fn apply_to(
        &self,
        object: &Object,
        path: &Path,
        mut diff: Option<&mut AttributeDiff>,
        ctx: &mut Ctx,
    ) -> Result<bool, Failure> {
        let subject = Subject { object, path };
        let mut changed = self.apply_context(subject, diff.as_deref_mut(), ctx)?;
        changed |= self.apply_owner(subject, diff.as_deref_mut(), ctx)?;
        changed |= self.apply_group(subject, diff.as_deref_mut(), ctx)?;
        changed |= self.apply_mode(subject, diff.as_deref_mut(), ctx)?;
        changed |= self.apply_flags(subject, diff, ctx)?;
        Ok(changed)
    }

    fn apply_context(
        &self,
        subject: Subject,
        diff: Option<&mut AttributeDiff>,
        ctx: &mut Ctx,
    ) -> Result<bool, Failure> {
        let parts = [&self.seuser, &self.serole, &self.setype, &self.selevel];
        if parts.iter().all(|part| part.is_none()) || !selinux::enabled() {
            return Ok(false);
        }
        let Subject { object, path } = subject;
        let Some(before) = selinux::context_of(object) else { return Ok(false) };
        let after =
            selinux::merged(&before, parts.map(|part| part.as_deref())).map_err(|msg| path_failure(msg, path, ctx))?;
        if before == after {
            return Ok(false);
        }
        if let Some(diff) = diff {
            diff.set("secontext", before, after.as_str());
        }
        if !ctx.check {
            selinux::set_context(object, &after).map_err(|err| {
                path_failure("set selinux context failed", path, ctx).with("details", os_error::numbered(&err))
            })?;
        }
        Ok(true)
    }

    fn apply_owner(&self, subject: Subject, diff: Option<&mut AttributeDiff>, ctx: &mut Ctx) -> Result<bool, Failure> {
        let Some(owner) = &self.owner else { return Ok(false) };
        let Subject { object, path } = subject;
        let meta = subject.metadata(ctx)?;
        let Some(uid) = owner.trim().parse().ok().or_else(|| accounts::user(owner, ctx).map(|account| account.id))
        else {
            if ctx.check {
                ctx.warn(format!("failed to look up user {owner}. Create user up to this point in real play"));
            }
            return Err(path_failure(format!("chown failed: failed to look up user {owner}"), path, ctx));
        };
        if meta.uid() == uid {
            return Ok(false);
        }
        if let Some(diff) = diff {
            diff.set("owner", meta.uid(), uid);
        }
        if ctx.check && accounts::user_by_id(uid, ctx).is_none() {
            ctx.warn(format!("failed to look up user with uid {uid}. Create user up to this point in real play"));
        }
        if !ctx.check {
            object.set_owner(Some(uid), None).map_err(|err| {
                path_failure("chown failed", path, ctx).with("details", os_error::with_path(&err, path))
            })?;
        }
        Ok(true)
    }

    fn apply_group(&self, subject: Subject, diff: Option<&mut AttributeDiff>, ctx: &mut Ctx) -> Result<bool, Failure> {
        let Some(group) = &self.group else { return Ok(false) };
        let Subject { object, path } = subject;
        let meta = subject.metadata(ctx)?;
        let Some(gid) = group.trim().parse().ok().or_else(|| accounts::group(group, ctx).map(|account| account.id))
        else {
            if ctx.check {
                ctx.warn(format!("failed to look up group {group}. Create group up to this point in real play"));
            }
            return Err(path_failure(format!("chgrp failed: failed to look up group {group}"), path, ctx));
        };
        if meta.gid() == gid {
            return Ok(false);
        }
        if let Some(diff) = diff {
            diff.set("group", meta.gid(), gid);
        }
        if ctx.check && accounts::group_by_id(gid, ctx).is_none() {
            ctx.warn(format!("failed to look up group with gid {gid}. Create group up to this point in real play"));
        }
        if !ctx.check {
            object.set_owner(None, Some(gid)).map_err(|err| {
                path_failure("chgrp failed", path, ctx).with("details", os_error::with_path(&err, path))
            })?;
        }
        Ok(true)
    }

    fn apply_mode(&self, subject: Subject, diff: Option<&mut AttributeDiff>, ctx: &mut Ctx) -> Result<bool, Failure> {
        let Subject { object, path } = subject;
        let Some(wanted) = self.parsed_mode(path, ctx)? else { return Ok(false) };
        let meta = subject.metadata(ctx)?;
        let umask = if matches!(wanted, Mode::Symbolic(_)) { umask() } else { 0 };
        let mode = wanted
            .for_file(Present { mode: meta.mode(), directory: meta.is_dir(), umask })
            .map_err(|bad| bad_mode(&bad, path, ctx))?;
        let before = meta.mode() & file_mode::PERMISSIONS;
        if before == mode {
            return Ok(false);
        }
        if let Some(diff) = diff {
            diff.set("mode", file_mode::text(before), file_mode::text(mode));
        }
        if ctx.check {
            return Ok(true);
        }
        if meta.is_symlink() {
            // Linux knows no mode of a link.
            return Ok(false);
        }
        object
            .set_mode(mode)
            .map_err(|err| path_failure("chmod failed", path, ctx).with("details", os_error::with_path(&err, path)))?;
        Ok(true)
    }

    fn apply_flags(&self, subject: Subject, diff: Option<&mut AttributeDiff>, ctx: &mut Ctx) -> Result<bool, Failure> {
        let Some(written) = &self.attributes else { return Ok(false) };
        let Subject { object, path } = subject;
        let failed = |details: String, ctx: &mut Ctx| path_failure("chattr failed", path, ctx).with("details", details);
        let before = file_flags::read_of(object).map_err(|err| failed(os_error::with_path(&err, path), ctx))?;
        let after = file_flags::changed_by(before, written).map_err(|details| failed(details, ctx))?;
        if before == after {
            return Ok(false);
        }
        if let Some(diff) = diff {
            diff.set("attributes", file_flags::letters(before), written.as_str());
        }
        if !ctx.check {
            file_flags::write(object, after).map_err(|err| failed(os_error::with_path(&err, path), ctx))?;
        }
        Ok(true)
    }
}

/// What attributes are given to, and what it is called.
#[derive(Clone, Copy)]
struct Subject<'a> {
    object: &'a Object,
    path: &'a Path,
}

impl Subject<'_> {
    fn metadata(&self, ctx: &mut Ctx) -> Result<fs::Metadata, Failure> {
        self.object.metadata().map_err(|err| path_failure(os_error::with_path(&err, self.path), self.path, ctx))
    }
}

fn bad_mode(bad: &BadMode, path: &Path, ctx: &mut Ctx) -> Failure {
    match bad {
        BadMode::Syntax(details) => {
            path_failure("mode must be in octal or symbolic form", path, ctx).with("details", details.as_str())
        }
        BadMode::Range(mode) => path_failure("Invalid mode supplied, only permission info is allowed", path, ctx)
            .with("details", mode.to_string()),
    }
}
