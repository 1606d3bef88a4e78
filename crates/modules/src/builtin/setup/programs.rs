//! What versions of programs say that playbooks ask facts about.

use rplay_module_api::{Command, Map, json};

use super::{Facts, Gathering, facts};
use crate::support::{init_system, program};

/// Says the same as Ansible's module says of the interpreter that it runs in.
const ABOUT_PYTHON: &str = "import sys; v = sys.version_info; print(*v, getattr(sys, 'implementation', sys).name)";

/// The host's Python, if it has one: modules need none.
pub fn python(gathering: &mut Gathering) -> Facts {
    let Some(executable) = program::find("python3") else { return Map::new() };
    let executable = executable.to_string_lossy().into_owned();
    let command = Command::new([executable.as_str(), "-I", "-S", "-c", ABOUT_PYTHON]);
    let text = gathering.ctx.command(&command).map(|output| output.stdout_text()).unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    let &[major, minor, micro, level, serial, kind] = words.as_slice() else { return Map::new() };
    let [major_number, minor_number, micro_number, serial] =
        [major, minor, micro, serial].map(|number| number.parse::<u32>().unwrap_or_default());
    let about = json!({
        "executable": executable,
        // Since 2.7.9 and 3.2.
        "has_sslcontext": (major_number, minor_number) >= (3, 2),
        "type": kind,
        "version": {
            "major": major_number, "minor": minor_number, "micro": micro_number, "releaselevel": level, "serial": serial,
        },
        "version_info": [major_number, minor_number, micro_number, level, serial],
    });
    facts([("python", about), ("python_version", format!("{major}.{minor}.{micro}").into())])
}

/// Version and features of the systemd that runs the host.
pub fn systemd(gathering: &mut Gathering) -> Facts {
    if init_system::name() != "systemd" {
        return Map::new();
    }
    let output = gathering.ctx.command(&Command::new(["systemctl", "--version"]));
    let text = output.map(|output| output.stdout_text()).unwrap_or_default();
    let mut lines = text.lines();
    let version = lines.next().and_then(|line| line.split_whitespace().nth(1)?.parse::<i64>().ok());
    let (Some(version), Some(features)) = (version, lines.next()) else { return Map::new() };
    facts([("systemd", json!({"features": features, "version": version}))])
}
