//! SELinux contexts, read and set through extended attributes. The policy's default contexts would need libselinux,
//! so `_default` is refused.

use std::io;
use std::path::Path;
use std::sync::OnceLock;

use crate::support::at::Object;

const ATTRIBUTE: &str = "security.selinux";

pub fn enabled() -> bool {
    static ENABLED: OnceLock<bool> = OnceLock::new();
    *ENABLED.get_or_init(|| Path::new("/sys/fs/selinux/enforce").exists())
}

/// The context of `path` itself, not of what a link points to.
pub fn context(path: &Path) -> Option<String> {
    if !enabled() {
        return None;
    }
    let mut value = [0_u8; 1024];
    let length = rustix::fs::lgetxattr(path, ATTRIBUTE, value.as_mut_slice()).ok()?;
    let text = String::from_utf8_lossy(value.get(..length)?);
    Some(text.trim_end_matches('\0').to_owned())
}

pub fn context_of(object: &Object) -> Option<String> {
    let value = object.attribute(ATTRIBUTE).ok().filter(|_| enabled())?;
    Some(String::from_utf8_lossy(&value).trim_end_matches('\0').to_owned())
}

pub fn set_context(object: &Object, context: &str) -> io::Result<()> {
    object.set_attribute(ATTRIBUTE, context.as_bytes())
}

/// `before` with the given parts (user, role, type, level) in place of its own.
pub fn merged(before: &str, parts: [Option<&str>; 4]) -> Result<String, String> {
    let mut present = before.splitn(4, ':');
    let mut merged = Vec::with_capacity(4);
    for part in parts {
        let own = present.next();
        match part {
            Some("_default") => {
                return Err("the SELinux context `_default` is not supported: name the context".to_owned());
            }
            Some(given) => merged.push(given.to_owned()),
            None => merged.extend(own.map(str::to_owned)),
        }
    }
    Ok(merged.join(":"))
}
