//! What modules that edit a text file have in common: reading it, writing it back, and the attributes along with it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rplay_module_api::{Ctx, Diff, Failure, Json, Map};

use crate::builtin::file::real_path;
use crate::support::at;
use crate::support::atomic_write;
use crate::support::file_attributes::{AttributeDiff, FileAttributes, umask};
use crate::support::{file_mode, os_error};

/// The content of a file; one that is not there has none.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    match at::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(err) => Err(Failure::new(format!("could not read {}: {}", path.display(), os_error::numbered(&err)))),
    }
}

/// How a file is to become what `after` says.
pub struct Change<'a> {
    pub path: &'a Path,
    pub after: &'a [u8],
    /// The content differs, or the file is to be made.
    pub changed: bool,
    pub backup: bool,
    pub validate: Option<&'a str>,
    pub attributes: &'a FileAttributes,
}

/// What became of it.
pub struct Changed {
    pub backup: Option<PathBuf>,
    /// None when check mode left out the file that would have them.
    pub attributes: Option<AttributeDiff>,
    pub attributes_changed: bool,
}

impl Change<'_> {
    pub fn apply(&self, ctx: &mut Ctx) -> Result<Changed, Failure> {
        let existed = self.path.exists();
        let mut diff = AttributeDiff::default();
        let (mut backup, mut attributes_changed) = (None, false);
        if self.changed && !ctx.check {
            // Writing sets the mode too, so that the new content is never readable to more than it should be.
            let mode = fs::metadata(self.path).map_or(0o666 & !umask(), |meta| meta.mode() & file_mode::PERMISSIONS);
            let wanted = self.attributes.mode_for(mode);
            if mode != wanted {
                diff.set("mode", file_mode::text(mode), file_mode::text(wanted));
                attributes_changed = true;
            }
            if self.backup && existed {
                backup = atomic_write::back_up(self.path)?;
            }
            self.write(ctx)?;
        }
        if !existed && ctx.check {
            return Ok(Changed { backup, attributes: None, attributes_changed });
        }
        attributes_changed |= self.attributes.apply(self.path, Some(&mut diff), ctx)?;
        Ok(Changed { backup, attributes: Some(diff), attributes_changed })
    }

    fn write(&self, ctx: &mut Ctx) -> Result<(), Failure> {
        if let Some(parent) = self.path.parent()
            && !parent.exists()
        {
            at::create_dir_all(parent, 0o777).map_err(|err| {
                Failure::new(format!("Error creating {} ({})", parent.display(), os_error::numbered(&err)))
            })?;
        }
        let path = real_path(self.path, ctx)?;
        let result = atomic_write::replace(&path, self.after, self.validate, self.attributes, ctx);
        // These modules word a refusal differently from the others.
        result.map_err(|failure| match (failure.fields.get("exit_status"), failure.fields.get("stderr")) {
            (Some(rc), Some(Json::String(stderr))) => {
                Failure::new(format!("failed to validate: rc:{rc} error:{stderr}"))
            }
            _ => failure,
        })
    }
}

impl Changed {
    /// Adds to a message that attributes were changed too.
    pub fn add_to(&self, msg: &mut String) {
        if self.attributes_changed {
            if !msg.is_empty() {
                msg.push_str(" and ");
            }
            msg.push_str("ownership, perms or SE linux context changed");
        }
    }

    /// The diff of the attributes, which is there even when it is empty.
    pub fn attribute_diff(&self, path: &Path) -> Option<Diff> {
        let sides = |side: &Map<String, Json>| if side.is_empty() { Json::Null } else { Json::Object(side.clone()) };
        let attributes = self.attributes.as_ref()?;
        let header = Some(format!("{} (file attributes)", path.display()));
        Some(Diff {
            before: sides(&attributes.before),
            after: sides(&attributes.after),
            before_header: header.clone(),
            after_header: header,
            ..Diff::default()
        })
    }
}
