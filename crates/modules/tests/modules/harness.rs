//! Runs a module as the agent would, with files handed over in memory and real commands.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use rplay_module_api::{Ctx, Json, Map, Module, Port, Stream, validate};
use rplay_modules::support::process::Processes;

#[derive(Default)]
pub struct Attachments(pub BTreeMap<String, Vec<u8>>);

impl Port for Attachments {
    fn output(&mut self, _: Stream, _: &[u8]) {}
    fn progress(&mut self, _: &str) {}
    fn receive_file(&mut self, name: &str, into: &mut dyn Write) -> io::Result<u64> {
        let bytes = self.0.get(name).ok_or_else(|| io::Error::other(format!("nothing attached as {name}")))?;
        into.write_all(bytes)?;
        Ok(bytes.len() as u64)
    }
    fn send_file(&mut self, name: &str, from: &mut dyn Read) -> io::Result<u64> {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes)?;
        let length = bytes.len() as u64;
        self.0.insert(name.to_owned(), bytes);
        Ok(length)
    }
}

/// The result of a task whose arguments are wrong.
pub fn refused(problem: &validate::Problem) -> Map<String, Json> {
    let mut result = Map::new();
    result.insert("msg".into(), problem.message.clone().into());
    result.insert("changed".into(), false.into());
    result
}

/// Validates the arguments and runs the module of this name.
pub fn run(name: &str, args: Json, internal: Json, port: &mut Attachments, check: bool) -> Map<String, Json> {
    let module = rplay_modules::table::find(name).expect("a module of the table");
    let Json::Object(args) = args else { panic!("arguments are a mapping") };
    match validate::validate(&module.spec, args) {
        Ok(mut args) => {
            args.extend(internal.as_object().cloned().unwrap_or_default());
            run_validated(module, args, port, check)
        }
        Err(problem) => refused(&problem),
    }
}

/// Runs a module and gives its result in the form that a playbook registers.
pub fn run_validated(
    module: &Module,
    args: Map<String, Json>,
    port: &mut Attachments,
    check: bool,
) -> Map<String, Json> {
    let mut result;
    let tmpdir = tempfile::tempdir().unwrap();
    let mut ctx = Ctx {
        check,
        diff: true,
        verbosity: 0,
        no_log: false,
        environment: BTreeMap::new(),
        tmpdir: tmpdir.path().to_owned(),
        action: module.spec.name.to_owned(),
        port,
        runner: &mut Processes::default(),
        warnings: Vec::new(),
    };
    let outcome = (module.run)(args, &mut ctx);
    let mut warnings = std::mem::take(&mut ctx.warnings);
    match outcome {
        Ok(outcome) => {
            result = outcome.fields;
            result.insert("changed".into(), outcome.changed.into());
            if outcome.skipped {
                result.insert("skipped".into(), true.into());
            }
            warnings.extend(outcome.warnings);
            let diffs: Vec<_> = outcome.diff.iter().map(|diff| serde_json::to_value(diff).unwrap()).collect();
            if !diffs.is_empty() {
                result.insert("diff".into(), diffs.into());
            }
        }
        Err(failure) => {
            result = failure.fields;
            result.insert("msg".into(), failure.msg.into());
            result.insert("changed".into(), false.into());
        }
    }
    if !warnings.is_empty() {
        result.insert("warnings".into(), warnings.into());
    }
    result
}
