//! Text that was read from somewhere, and places in it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A file (or another named text) as it was read.
#[derive(Debug)]
pub struct SourceFile {
    /// Absolute path, or a name in angle brackets such as `<extra vars>`.
    pub path: PathBuf,
    pub text: String,
    /// Where each line begins, once somebody asks for one.
    lines: OnceLock<Box<[usize]>>,
}

impl SourceFile {
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { path: path.into(), text: text.into(), lines: OnceLock::new() })
    }

    /// The text of a line, counted from 1.
    pub fn line(&self, line: u32) -> Option<&str> {
        let starts = self.lines.get_or_init(|| {
            let ends = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect()
        });
        let start = *starts.get(line.checked_sub(1)? as usize)?;
        self.text.get(start..)?.lines().next()
    }
}

/// A place in a source file. Lines and columns count from 1, columns in characters.
#[derive(Clone)]
pub struct Span {
    pub file: Arc<SourceFile>,
    pub line: u32,
    pub column: u32,
    /// Characters the caret covers; 0 when only a point is known.
    pub length: u32,
}

impl Span {
    pub fn new(file: &Arc<SourceFile>, line: u32, column: u32) -> Self {
        Self { file: Arc::clone(file), line, column, length: 0 }
    }

    #[must_use]
    pub fn with_length(mut self, length: usize) -> Self {
        self.length = u32::try_from(length).unwrap_or(u32::MAX);
        self
    }

    pub fn path(&self) -> &Path {
        &self.file.path
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.path.display(), self.line, self.column)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_text() {
        for text in ["", "a", "a\n", "a\r\nb", "\n\n", "a\rb\nc\n\nd\n"] {
            let file = SourceFile::new("t", text);
            let lines: Vec<&str> = (1..).map_while(|line| file.line(line)).collect();
            assert_eq!(lines, text.lines().collect::<Vec<_>>(), "{text:?}");
        }
        assert_eq!(SourceFile::new("t", "a").line(0), None);
    }
}
