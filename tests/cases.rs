//! Cases as data: a file of sections `--- name ---`. Sections with a file's name are the project; `arguments`, `environment`
//! (NAME=VALUE), `status`, `stdout` and `stderr` are what is done and what must come of it, `varies` the patterns of what is another at
//! each run. RPLAY_UPDATE_CASES=1 writes down what came; `cases/record` what comes of ansible-core.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::project::{Ended, Project};

/// Sections that are no files of the project.
const NO_FILES: &[&str] = &["arguments", "environment", "varies", "status", "stdout", "stderr"];

pub struct Case {
    path: PathBuf,
    sections: Vec<(String, String)>,
}

/// The cases of a folder below tests/cases.
pub fn all(folder: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|err| panic!("{}: {err}", folder.display()))
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "case"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no cases in {}", folder.display());
    paths.into_iter().map(Case::read).collect()
}

impl Case {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        let mut sections: Vec<(String, String)> = Vec::new();
        for line in text.split_inclusive('\n') {
            let name = line.trim_end().strip_prefix("--- ").and_then(|rest| rest.strip_suffix(" ---"));
            match (name, sections.last_mut()) {
                (Some(name), _) => sections.push((name.to_owned(), String::new())),
                (None, Some((_, content))) => content.push_str(line),
                (None, None) => {}
            }
        }
        Self { path, sections }
    }

    pub fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn section(&self, name: &str) -> Option<&str> {
        self.sections.iter().find(|(section, _)| section == name).map(|(_, content)| content.as_str())
    }

    /// Runs the case; what differs from the file is the error.
    pub fn check(&self) -> Result<Ended, String> {
        let mut project = Project::new();
        for (name, content) in &self.sections {
            if !NO_FILES.contains(&name.as_str()) {
                project = project.file(name, content);
            }
        }
        for line in self.section("environment").unwrap_or_default().lines() {
            let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("{}: {line}", self.name()));
            project = project.env(name, value);
        }
        let arguments = self.section("arguments").unwrap_or("-i localhost, -c local site.yml").trim();
        let mut ended = project.run(&arguments.split(' ').collect::<Vec<_>>());
        for pattern in self.section("varies").unwrap_or_default().lines() {
            let pattern = regex::Regex::new(pattern).unwrap_or_else(|err| panic!("{}: {err}", self.name()));
            for text in [&mut ended.stdout, &mut ended.stderr] {
                *text = pattern.replace_all(text, "<varies>").into_owned();
            }
        }
        if std::env::var_os("RPLAY_UPDATE_CASES").is_some() {
            self.write(&ended);
            return Ok(ended);
        }
        let mut wrong = String::new();
        if self.section("status").map(str::trim) != Some(ended.status.to_string().as_str()) {
            let _ = writeln!(wrong, "status {} instead of {:?}", ended.status, self.section("status"));
        }
        for (name, actual) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
            if let Some(expected) = self.section(name)
                && expected.trim_end() != actual.trim_end()
            {
                let _ = writeln!(wrong, "--- expected {name} ---\n{expected}--- actual {name} ---\n{actual}");
            }
        }
        if wrong.is_empty() { Ok(ended) } else { Err(format!("{}:\n{wrong}", self.name())) }
    }

    fn write(&self, ended: &Ended) {
        let mut text = String::new();
        for (name, content) in
            self.sections.iter().filter(|(name, _)| !["status", "stdout", "stderr"].contains(&name.as_str()))
        {
            let _ = write!(text, "--- {name} ---\n{content}");
        }
        let _ = write!(text, "--- status ---\n{}\n", ended.status);
        for (name, content) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
            if self.section(name).is_some() {
                let _ = write!(text, "--- {name} ---\n{content}");
            }
        }
        fs::write(&self.path, text).expect("the case can be written");
    }
}
