//! The machine that a task works on: runs modules there, over whatever connection the variables name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rplay_module_api::{Json, Map};

/// A module to be run on the target.
#[derive(Clone, Debug, Default)]
pub struct ModuleCall {
    /// Name in `rplay_modules::table`.
    pub module: &'static str,
    /// Validated arguments.
    pub args: Map<String, Json>,
    pub attachments: Vec<Attachment>,
    /// Keeps the files that the module sends, by name, in this directory.
    pub receive_into: Option<PathBuf>,
}

/// A file or text that the module may ask for by name.
#[derive(Clone, Debug)]
pub struct Attachment {
    pub name: String,
    pub content: Content,
}

#[derive(Clone, Debug)]
pub enum Content {
    Bytes(Vec<u8>),
    File(PathBuf),
}

/// How the target is reached and as whom the module runs there.
#[derive(Clone, Debug, Default)]
pub struct Target {
    pub environment: BTreeMap<String, String>,
}
