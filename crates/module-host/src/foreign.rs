//! Modules that are files of the controller: in Python, in any other language, or programs.

mod answer;
mod interpreter;
mod server;
pub mod store;

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rplay_module_api::message::{DISCOVERED, Foreign, Interpreter, Style, shell_quote};
use rplay_module_api::python::python_str;
use rplay_module_api::{Command, Ctx, Failure, Json, Map, ModuleResult};

use answer::Output;

/// Stands in the text of a module for its arguments.
const ARGUMENTS: &str = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>";

/// Runs a foreign module; `args` are all that Ansible gives it, its own names among them.
pub fn run(foreign: &Foreign, module: &str, mut args: Map<String, Json>, ctx: &mut Ctx) -> ModuleResult {
    args.insert("_ansible_tmpdir".into(), ctx.tmpdir.to_string_lossy().into_owned().into());
    store::fill(foreign, ctx.port).map_err(store::failed)?;
    let (words, discovered) = match &foreign.interpreter {
        Interpreter::None => (Vec::new(), None),
        Interpreter::Words(words) => (words.clone(), None),
        Interpreter::Discovered(candidates) => {
            let found = interpreter::discover(candidates, &ctx.environment);
            (vec![found.clone()], Some(found))
        }
    };
    let output = match &foreign.style {
        Style::Python { .. } => server::run(foreign, &words, &args, ctx),
        _ => run_file(foreign, module, &words, &args, ctx),
    };
    let mut result = output.and_then(|output| answer::read(&output, words.first().map(String::as_str), ctx));
    if let Some(found) = discovered {
        let fields = match &mut result {
            Ok(outcome) => &mut outcome.fields,
            Err(failure) => &mut failure.fields,
        };
        fields.insert(DISCOVERED.into(), found.into());
    }
    result
}

/// A module that is one file, started with the name of another one that has its arguments.
fn run_file(
    foreign: &Foreign,
    module: &str,
    words: &[String],
    args: &Map<String, Json>,
    ctx: &mut Ctx,
) -> Result<Output, Failure> {
    let failed = |err: io::Error| Failure::new(format!("the module '{module}' could not be started: {err}"));
    let Some((name, hash)) = foreign.files.first() else {
        return Err(Failure::new(format!("the module '{module}' has no file")));
    };
    let file = ctx.tmpdir.join(Path::new(name).file_name().unwrap_or_default());
    let json = serde_json::to_string(args).map_err(|err| failed(err.into()))?;
    let mut command: Vec<_> = words.iter().map(Into::into).collect();
    command.push(file.clone().into_os_string());
    let content = store::read(hash).map_err(failed)?;
    if foreign.style == Style::Embedded {
        let text = String::from_utf8_lossy(&content).replace(ARGUMENTS, &json);
        write(&file, text.as_bytes()).map_err(failed)?;
    } else {
        write(&file, &content).map_err(failed)?;
        let arguments = ctx.tmpdir.join("args");
        let text = if foreign.style == Style::Pairs { pairs(args) } else { json };
        write(&arguments, text.as_bytes()).map_err(failed)?;
        command.push(arguments.into_os_string());
    }
    let ended = ctx.command(&Command::new(command));
    match ended {
        Ok(ended) => Ok(Output { rc: ended.rc, stdout: ended.stdout, stderr: ended.stderr }),
        Err(err) => {
            let program = words.first().map_or_else(|| file.display().to_string(), Clone::clone);
            Err(interpreter::failed(&program, &err))
        }
    }
}

fn pairs(args: &Map<String, Json>) -> String {
    args.iter().map(|(name, value)| format!("{name}={} ", shell_quote(&python_str(value)))).collect()
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    // A file that is open for writing cannot be run.
    drop(file);
    fs::set_permissions(path, Permissions::from_mode(0o700))
}
