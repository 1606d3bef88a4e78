//! What is mounted, as the kernel lists it, and the commands that change it.

use std::fs;
use std::path::{Path, PathBuf};

use rplay_module_api::{Command, Ctx, Failure};

use super::fstab::{Line, unescape};
use crate::support::{os_error, program};

/// One mounted file system.
pub struct Mounted {
    source: String,
    /// The directory of the source that is seen at the mount point.
    root: String,
}

impl Mounted {
    /// Whether it is what fstab calls `source`.
    pub fn is_from(&self, source: &str) -> bool {
        let device = match source.split_once('=') {
            Some((tag, value)) if matches!(tag, "UUID" | "LABEL" | "PARTUUID" | "PARTLABEL") => {
                Path::new("/dev/disk").join(format!("by-{}", tag.to_lowercase())).join(value.trim_matches('"'))
            }
            _ => PathBuf::from(source),
        };
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        // A directory that is mounted elsewhere has its file system as source, and itself as root.
        self.source == source
            || (self.source.starts_with('/') && real(Path::new(&self.source)) == real(&device))
            || (source.starts_with('/') && self.root != "/" && source.ends_with(self.root.as_str()))
    }
}

/// What is mounted last at this path.
pub fn at(path: &Path) -> Option<Mounted> {
    let path = fs::canonicalize(path).ok()?;
    let text = fs::read_to_string("/proc/self/mountinfo").ok()?;
    text.lines().rev().find_map(|line| {
        let (head, tail) = line.split_once(" - ")?;
        let head: Vec<_> = head.split(' ').collect();
        let point = unescape(head.get(4)?);
        (Path::new(&point) == path).then(|| Mounted {
            source: tail.split(' ').nth(1).map(unescape).unwrap_or_default(),
            root: head.get(3).map(|root| unescape(root)).unwrap_or_default(),
        })
    })
}

fn must(command: &Command, what: &str, path: &Path, ctx: &mut Ctx) -> Result<(), Failure> {
    let output = ctx.command(command).map_err(|err| Failure::new(os_error::numbered(&err)))?;
    if output.ok() {
        return Ok(());
    }
    Err(Failure::new(format!("Error {what} {}: {}{}", path.display(), output.stdout_text(), output.stderr_text())))
}

fn program(name: &str) -> Result<Command, Failure> {
    Ok(Command::new([program::find(name).ok_or_else(|| program::missing(name))?]))
}

fn with_fstab(command: Command, fstab: &Path) -> Command {
    if fstab == Path::new("/etc/fstab") { command } else { command.arg("-T").arg(fstab) }
}

/// Mounts what fstab says of the path.
pub fn mount(path: &Path, fstab: &Path, ctx: &mut Ctx) -> Result<(), Failure> {
    let command = with_fstab(program("mount")?, fstab).arg(path);
    must(&command, "mounting", path, ctx)
}

/// Mounts what the line says, without fstab.
pub fn mount_line(line: &Line, ctx: &mut Ctx) -> Result<(), Failure> {
    let command = program("mount")?
        .arg("-t")
        .arg(&line.kind)
        .arg("-o")
        .arg(&line.options)
        .arg("--")
        .arg(&line.source)
        .arg(&line.point);
    must(&command, "mounting", Path::new(&line.point), ctx)
}

pub fn unmount(path: &Path, ctx: &mut Ctx) -> Result<(), Failure> {
    let command = program("umount")?.arg(path);
    must(&command, "unmounting", path, ctx)
}

/// Has new options apply; where that is not possible, by unmounting and mounting.
pub fn remount(path: &Path, options: &str, fstab: &Path, ctx: &mut Ctx) -> Result<(), Failure> {
    let options = if options.is_empty() { "remount".to_owned() } else { format!("remount,{options}") };
    let command = with_fstab(program("mount")?, fstab).arg("-o").arg(options).arg(path);
    if must(&command, "remounting", path, ctx).is_ok() {
        return Ok(());
    }
    unmount(path, ctx)?;
    mount(path, fstab, ctx)
}
