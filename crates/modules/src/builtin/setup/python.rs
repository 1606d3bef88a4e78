//! Facts about the host's own Python, for playbooks that call it; a host without one has none.

use rplay_module_api::{Command, Json};

use super::{Facts, Gathering, facts};

/// Without what the site adds it starts in a third of the time.
const OPTIONS: &[&str] = &["-I", "-S", "-c", PROGRAM];

const PROGRAM: &str = "\
import json, sys
v = list(sys.version_info)
try:
    import ssl
except ImportError:
    ssl = None
print(json.dumps([v, sys.executable, sys.implementation.name, hasattr(ssl, 'SSLContext'), sys.version.split()[0]]))";

pub fn python(gathering: &mut Gathering) -> Facts {
    let program = std::iter::once("python3").chain(OPTIONS.iter().copied());
    let mut command = Command::new(program);
    command.timeout = Some(gathering.timeout);
    let output = gathering.ctx.command(&command).ok().filter(rplay_module_api::CommandOutput::ok);
    let told: Vec<Json> =
        output.and_then(|output| serde_json::from_str(&output.stdout_text()).ok()).unwrap_or_default();
    let [info, executable, kind, has_sslcontext, version] = told.as_slice() else { return Facts::new() };
    let names = ["major", "minor", "micro", "releaselevel", "serial"];
    let parts = info.as_array().cloned().unwrap_or_default();
    let by_name: Json =
        names.iter().map(|name| (*name).to_owned()).zip(parts).collect::<serde_json::Map<_, _>>().into();
    let about = serde_json::json!({
        "executable": executable,
        "has_sslcontext": has_sslcontext,
        "type": kind,
        "version": by_name,
        "version_info": info,
    });
    facts([("python", about), ("python_version", version.clone())])
}
