//! What tests of modules share: a port that records, and commands whose answers are written down.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read, Write};
use std::path::PathBuf;

use rplay_module_api::{Command, CommandOutput, Ctx, Json, Map, Module, Port, Runner, Stream, validate};

/// Remembers what was shown.
#[derive(Default)]
pub struct Recorder {
    pub output: Vec<(Stream, String)>,
}

impl Port for Recorder {
    fn output(&mut self, stream: Stream, bytes: &[u8]) {
        self.output.push((stream, String::from_utf8_lossy(bytes).into_owned()));
    }
    fn progress(&mut self, _text: &str) {}
    fn receive_file(&mut self, name: &str, _into: &mut dyn Write) -> io::Result<u64> {
        Err(io::Error::new(io::ErrorKind::NotFound, name.to_owned()))
    }
    fn send_file(&mut self, _name: &str, from: &mut dyn Read) -> io::Result<u64> {
        io::copy(from, &mut io::sink())
    }
}

/// Expected commands in their order, each with its exit code and output.
pub struct Script<'a> {
    lines: VecDeque<&'a (&'a str, i32, &'a str)>,
}

impl<'a> Script<'a> {
    pub fn new(lines: &'a [(&'a str, i32, &'a str)]) -> Self {
        Self { lines: lines.iter().collect() }
    }
    pub fn finish(&self) {
        assert!(self.lines.is_empty(), "never run: {:?}", self.lines);
    }
}

impl Runner for Script<'_> {
    fn run(&mut self, command: &Command, _port: &mut dyn Port) -> io::Result<CommandOutput> {
        let mut words = vec![command.program.to_string_lossy().into_owned()];
        words.extend(command.args.iter().map(|arg| arg.to_string_lossy().into_owned()));
        let line = words.join(" ");
        let Some((expected, rc, output)) = self.lines.pop_front() else { panic!("unexpected command: {line}") };
        assert_eq!(&line, expected);
        let (stdout, stderr) = if *rc == 0 { (*output, "") } else { ("", *output) };
        Ok(CommandOutput { rc: *rc, stdout: stdout.into(), stderr: stderr.into() })
    }
}

/// How a test wants its module run.
#[derive(Clone, Copy, Default)]
pub struct Mode {
    pub check: bool,
}

/// Validates and runs; the answer is the result as the controller would show it, failures with `failed`.
pub fn run(module: &Module, args: Json, mode: Mode, runner: &mut dyn Runner) -> Json {
    let Json::Object(args) = args else { panic!("arguments are a mapping") };
    let args = match validate::validate(&module.spec, args) {
        Ok(args) => args,
        Err(problem) => return serde_json::json!({"failed": true, "msg": problem.message}),
    };
    let mut port = Recorder::default();
    let mut ctx = Ctx {
        check: mode.check,
        diff: true,
        verbosity: 0,
        no_log: false,
        environment: BTreeMap::new(),
        tmpdir: PathBuf::from("/tmp"),
        action: module.spec.name.to_owned(),
        port: &mut port,
        runner,
        warnings: Vec::new(),
    };
    let mut shown = Map::new();
    match crate::invoke(module, args, &mut ctx) {
        Ok(outcome) => {
            shown.insert("changed".into(), outcome.changed.into());
            shown.extend(outcome.fields);
            if outcome.skipped {
                shown.insert("skipped".into(), true.into());
            }
        }
        Err(failure) => {
            shown.insert("failed".into(), true.into());
            shown.insert("changed".into(), failure.changed.into());
            shown.insert("msg".into(), failure.msg.into());
            shown.extend(failure.fields);
        }
    }
    if !ctx.warnings.is_empty() {
        shown.insert("warnings".into(), ctx.warnings.into());
    }
    Json::Object(shown)
}

/// Runs a module whose commands are `script`, and compares the fields that are expected.
pub fn check(module: &Module, args: Json, script: &[(&str, i32, &str)], expected: &Json) {
    let mut runner = Script::new(script);
    assert_fields(&run(module, args, Mode::default(), &mut runner), expected);
    runner.finish();
}

/// Compares the fields that `expected` names.
pub fn assert_fields(actual: &Json, expected: &Json) {
    let Json::Object(fields) = expected else { panic!("expected is a mapping") };
    for (name, value) in fields {
        assert_eq!(actual.get(name).unwrap_or(&Json::Null), value, "`{name}` of {actual}");
    }
}
