//! Facts that the host's own files and programs give.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rplay_module_api::{Command, Json, Map};

use super::{Facts, Gathering, facts};
use crate::support::os_error;

pub fn local(gathering: &mut Gathering) -> Facts {
    let mut found = Map::new();
    for path in fact_files(&gathering.fact_path) {
        let Some(name) = path.file_stem().map(|it| it.to_string_lossy().into_owned()) else { continue };
        let value = match read(&path, gathering) {
            Ok(value) => value,
            Err(message) => {
                gathering.ctx.warn(message.clone());
                message.into()
            }
        };
        found.insert(name, value);
    }
    facts([("local", found.into())])
}

fn fact_files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|it| it.path()).filter(|it| it.extension().is_some_and(|it| it == "fact")).collect();
    files.sort();
    files
}

fn read(path: &Path, gathering: &mut Gathering) -> Result<Json, String> {
    let about = path
        .metadata()
        .map_err(|err| format!("Could not stat fact ({}): {}", path.display(), os_error::with_path(&err, path)))?;
    let is_program = about.permissions().mode() & 0o100 != 0;
    let text = if is_program {
        let mut command = Command::new([path]);
        command.timeout = Some(gathering.timeout);
        let output = gathering
            .ctx
            .command(&command)
            .map_err(|err| format!("Could not execute fact script ({}): {err}", path.display()))?;
        if !output.ok() {
            return Err(format!(
                "Failure executing fact script ({}), rc: {}, err: {}",
                path.display(),
                output.rc,
                output.stderr_text()
            ));
        }
        output.stdout_text()
    } else {
        let bytes = fs::read(path).map_err(|err| format!("error loading fact - {}: {err}", path.display()))?;
        String::from_utf8_lossy(&bytes).into_owned()
    };
    serde_json::from_str(&text)
        .ok()
        .or_else(|| parse_ini(&text))
        .ok_or_else(|| format!("error loading facts as JSON or ini - please check content: {}", path.display()))
}

/// Sections of `name=value` lines, names in lower case. None if it is something else.
pub fn parse_ini(text: &str) -> Option<Json> {
    let mut sections: Map<String, Json> = Map::new();
    let mut current: Option<String> = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            sections.entry(name).or_insert_with(|| Json::Object(Map::new()));
            current = Some(name.to_owned());
            continue;
        }
        let (name, value) = line.split_once(['=', ':'])?;
        let section = sections.get_mut(current.as_ref()?)?.as_object_mut()?;
        section.insert(name.trim().to_lowercase(), value.trim().into());
    }
    Some(sections.into())
}
