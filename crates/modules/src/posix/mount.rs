//! Mount points: their lines in fstab, and what is mounted.

mod fstab;
mod mounted;

use std::path::{Path, PathBuf};

use rplay_module_api::{
    Choice, Ctx, Failure, Json, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run,
};

use crate::support::file_attributes::{FileAttributes, path_json};
use crate::support::{at, atomic_write, os_error, text_file};
use fstab::Line;

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(mount) };

const EXAMPLE: &str = r"- name: Have the data disk mounted, now and after a restart
  ansible.posix.mount:
    path: /srv/data
    src: LABEL=data
    fstype: ext4
    opts: noatime
    state: mounted
";

const RETURNS: &[Return] = &[
    Return::new("name", Kind::Path, "always", "The mount point."),
    Return::new("src", Kind::Str, "with src", "What is mounted there."),
    Return::new("fstype", Kind::Str, "with fstype", "The type of its file system."),
    Return::new("opts", Kind::Str, "always", "The options."),
    Return::new("fstab", Kind::Path, "always", "The file that has the line."),
    Return::new("backup_file", Kind::Path, "always", "The copy of the file as it was, if one was made."),
];

/// Manage mount points.
#[derive(ModuleArgs)]
#[module(name = "mount")]
#[module(required_if(state = "mounted", "src", "fstype"))]
#[module(required_if(state = "present", "src", "fstype"))]
#[module(required_if(state = "ephemeral", "src", "fstype"))]
struct Args {
    /// The mount point; `none` for swap.
    #[arg(alias("name"))]
    path: PathBuf,
    /// What is mounted: a device, a label, a share or a directory.
    #[arg(kind = Path)]
    src: Option<String>,
    /// The type of the file system.
    fstype: Option<String>,
    /// Options, between commas.
    opts: Option<String>,
    /// Whether dump saves it.
    #[arg(default = "0")]
    dump: String,
    /// In which pass it is checked at boot.
    #[arg(default = "0")]
    passno: String,
    /// What should be there, in fstab and mounted.
    state: State,
    /// The file that lists mount points.
    #[arg(default = "/etc/fstab")]
    fstab: PathBuf,
    /// Mount it at boot.
    #[arg(default = "yes")]
    boot: bool,
    /// Keep a copy of fstab as it was.
    #[arg(default = "no")]
    backup: bool,
    /// The options are secret, and so is the diff.
    #[arg(name = "opts_no_log", default = "no")]
    _opts_no_log: bool,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    AbsentFromFstab,
    Mounted,
    Present,
    Unmounted,
    Remounted,
    Ephemeral,
}

fn mount(args: Args, ctx: &mut Ctx) -> ModuleResult {
    if !matches!(args.state, State::Present | State::AbsentFromFstab) {
        at::judge(&args.path).map_err(|err| Failure::new(os_error::with_path(&err, &args.path)))?;
    }
    let line = args.line();
    let mut job = Job { args: &args, line: &line, backup: None };
    let changed = match args.state {
        State::Present => job.write_fstab(true, ctx)?,
        State::AbsentFromFstab => job.write_fstab(false, ctx)?,
        State::Absent => job.absent(ctx)?,
        State::Unmounted => job.unmounted(ctx)?,
        State::Mounted => job.mounted(ctx)?,
        State::Remounted => job.remounted(ctx)?,
        State::Ephemeral => job.ephemeral(ctx)?,
    };
    let optional = |text: &Option<String>| text.clone().map(Json::from);
    let mut outcome = Outcome::changed(changed)
        .with("name", path_json(&args.path))
        .with("opts", line.options.clone())
        .with("dump", args.dump.as_str())
        .with("passno", args.passno.as_str())
        .with("fstab", path_json(&args.fstab))
        .with("boot", if args.boot { "yes" } else { "no" })
        .with("backup_file", job.backup.as_deref().map_or_else(|| Json::from(""), path_json));
    for (name, value) in [("src", optional(&args.src)), ("fstype", optional(&args.fstype))] {
        if let Some(value) = value {
            outcome.fields.insert(name.into(), value);
        }
    }
    Ok(outcome)
}

impl Args {
    fn line(&self) -> Line {
        let given = self.opts.clone().filter(|options| !options.is_empty());
        let mut options = given.unwrap_or_else(|| "defaults".to_owned());
        if !self.boot {
            options.push_str(",noauto");
        }
        Line {
            source: self.src.clone().unwrap_or_default(),
            point: self.path.to_string_lossy().into_owned(),
            kind: self.fstype.clone().unwrap_or_default(),
            options,
            dump: self.dump.clone(),
            pass: self.passno.clone(),
        }
    }
}

struct Job<'a> {
    args: &'a Args,
    line: &'a Line,
    backup: Option<PathBuf>,
}

impl Job<'_> {
    /// Has the line in fstab, or not; says whether that was a change.
    fn write_fstab(&mut self, present: bool, ctx: &mut Ctx) -> Result<bool, Failure> {
        let path = &self.args.fstab;
        let before = String::from_utf8_lossy(&text_file::read(path)?).into_owned();
        let after = if present { self.line.put_into(&before) } else { self.line.taken_from(&before) };
        let Some(after) = after else { return Ok(false) };
        if ctx.check {
            return Ok(true);
        }
        if self.args.backup {
            self.backup = atomic_write::back_up(path)?;
        }
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
            at::create_dir_all(parent, 0o777).map_err(|err| Failure::new(os_error::with_path(&err, parent)))?;
        }
        let path = crate::builtin::file::real_path(path, ctx)?;
        atomic_write::replace(&path, after.as_bytes(), None, &FileAttributes::default(), ctx)?;
        Ok(true)
    }

    fn absent(&mut self, ctx: &mut Ctx) -> Result<bool, Failure> {
        let path = &self.args.path;
        let mut changed = self.write_fstab(false, ctx)?;
        if mounted::at(path).is_some() {
            changed = true;
            if !ctx.check {
                mounted::unmount(path, ctx)?;
            }
        }
        // The directory goes with what was mounted there, if nothing is in it.
        if changed && path.is_dir() && !ctx.check {
            at::remove_dir(path)
                .map_err(|err| Failure::new(format!("Error rmdir {}: {}", path.display(), os_error::numbered(&err))))?;
        }
        Ok(changed)
    }

    fn unmounted(&mut self, ctx: &mut Ctx) -> Result<bool, Failure> {
        if mounted::at(&self.args.path).is_none() {
            return Ok(false);
        }
        if !ctx.check {
            mounted::unmount(&self.args.path, ctx)?;
        }
        Ok(true)
    }

    fn mounted(&mut self, ctx: &mut Ctx) -> Result<bool, Failure> {
        let path = &self.args.path;
        let created = make_point(path, ctx)?;
        let present = mounted::at(path);
        let mut changed = self.write_fstab(true, ctx)?;
        let result = match &present {
            None => {
                changed = true;
                if ctx.check { Ok(()) } else { mounted::mount(path, &self.args.fstab, ctx) }
            }
            Some(_) if !changed || ctx.check => Ok(()),
            // Another device cannot be had by mounting the same again.
            Some(it) if !it.is_from(&self.line.source) => {
                mounted::unmount(path, ctx).and_then(|()| mounted::mount(path, &self.args.fstab, ctx))
            }
            Some(_) => mounted::remount(path, &self.line.options, &self.args.fstab, ctx),
        };
        if let Err(failure) = result {
            // Directories that were made for it only would stay for nothing.
            for directory in created.iter().rev() {
                let _ = at::remove_dir(directory);
            }
            return Err(failure);
        }
        Ok(changed)
    }

    fn remounted(&mut self, ctx: &mut Ctx) -> Result<bool, Failure> {
        let path = &self.args.path;
        if mounted::at(path).is_none() {
            return Err(Failure::new(format!("Error remounting {}: it is not mounted", path.display())));
        }
        if !ctx.check {
            let options = self.args.opts.as_deref().unwrap_or_default();
            mounted::remount(path, options, &self.args.fstab, ctx)?;
        }
        Ok(true)
    }

    fn ephemeral(&mut self, ctx: &mut Ctx) -> Result<bool, Failure> {
        let path = &self.args.path;
        if let Some(present) = mounted::at(path) {
            if !present.is_from(&self.line.source) {
                return Err(Failure::new(
                    "Ephemeral mount point is already mounted with a different source than the specified one. \
                     Failing in order to prevent an unwanted unmount or override operation. Try replacing this command \
                     with a \"state: unmounted\" followed by a \"state: ephemeral\", or use a different destination path.",
                ));
            }
            if !ctx.check {
                mounted::remount(path, &self.line.options, &self.args.fstab, ctx)?;
            }
            return Ok(true);
        }
        make_point(path, ctx)?;
        if !ctx.check {
            mounted::mount_line(self.line, ctx)?;
        }
        Ok(true)
    }
}

/// Makes the directory; returns those that were not there.
fn make_point(path: &Path, ctx: &mut Ctx) -> Result<Vec<PathBuf>, Failure> {
    let missing: Vec<_> =
        path.ancestors().filter(|it| !it.as_os_str().is_empty() && !it.exists()).map(Path::to_owned).collect();
    let missing: Vec<_> = missing.into_iter().rev().collect();
    if !ctx.check && !missing.is_empty() {
        at::create_dir_all(path, 0o777).map_err(|err| {
            Failure::new(format!("Error making dir {}: {}", path.display(), os_error::numbered(&err)))
        })?;
    }
    Ok(missing)
}
