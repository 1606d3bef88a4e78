//! The two sides of a diff of text, within the limits that Ansible has for them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use rplay_module_api::{Diff, Json};

/// Longer content is not shown.
pub const LONGEST: usize = 104_448;

/// One side: text, or why there is none.
pub enum Side {
    Text(String),
    Binary,
    Larger,
}

/// Keeps the beginning of what is written to it, just enough to tell whether all of it can be shown.
#[derive(Default)]
pub struct Sample {
    bytes: Vec<u8>,
}

impl Write for Sample {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = (LONGEST + 1).saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Side {
    pub fn of_bytes(bytes: &[u8]) -> Self {
        if bytes.len() > LONGEST {
            Self::Larger
        } else if bytes.contains(&0) {
            Self::Binary
        } else {
            Self::Text(String::from_utf8_lossy(bytes).into_owned())
        }
    }

    pub fn of_sample(sample: &Sample) -> Self {
        Self::of_bytes(&sample.bytes)
    }

    /// The side of a file as it is; one that is not there is empty.
    pub fn of_file(path: &Path) -> Self {
        let mut bytes = Vec::new();
        if let Ok(file) = File::open(path) {
            // What cannot be read is shown as far as it could be.
            let _ = file.take(LONGEST as u64 + 1).read_to_end(&mut bytes);
        }
        Self::of_bytes(&bytes)
    }
}

/// The diff of two sides. When one cannot be shown, it says why instead.
pub fn between(before: Side, after: Side, before_header: Option<String>, after_header: Option<String>) -> Diff {
    match (before, after) {
        (Side::Text(before), Side::Text(after)) => Diff {
            before: Json::String(before),
            after: Json::String(after),
            before_header,
            after_header,
            ..Diff::default()
        },
        (before, after) => {
            let mut prepared = String::new();
            for (side, name) in [(before, "destination"), (after, "source")] {
                match side {
                    Side::Text(_) => {}
                    Side::Binary => {
                        prepared.push_str(&format!("diff skipped: {name} file appears to be binary\n"));
                    }
                    Side::Larger => {
                        prepared.push_str(&format!("diff skipped: {name} file size is greater than {LONGEST}\n"));
                    }
                }
            }
            Diff { prepared: Some(prepared), ..Diff::default() }
        }
    }
}
