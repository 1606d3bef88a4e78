//! Archives from anywhere, told by their content: `unarchive` in check mode reads all of them and writes nothing.
#![no_main]

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use libfuzzer_sys::fuzz_target;
use rplay_module_api::{Command, CommandOutput, Ctx, Json, Port, Runner, Stream, json, validate};

struct Nobody;

impl Port for Nobody {
    fn output(&mut self, _: Stream, _: &[u8]) {}
    fn progress(&mut self, _: &str) {}
    fn receive_file(&mut self, _: &str, _: &mut dyn Write) -> io::Result<u64> {
        Err(io::ErrorKind::NotFound.into())
    }
    fn send_file(&mut self, _: &str, _: &mut dyn Read) -> io::Result<u64> {
        Err(io::ErrorKind::NotFound.into())
    }
}

impl Runner for Nobody {
    fn run(&mut self, _: &Command, _: &mut dyn Port) -> io::Result<CommandOutput> {
        Err(io::ErrorKind::NotFound.into())
    }
}

fuzz_target!(|data: &[u8]| {
    let work = tempfile::tempdir().expect("a folder");
    let (src, dest) = (work.path().join("archive"), work.path().join("dest"));
    std::fs::write(&src, data).expect("written");
    std::fs::create_dir(&dest).expect("a folder");
    let module = rplay_modules::table::find("unarchive").expect("a module");
    let Json::Object(args) = json!({"src": src, "dest": dest, "remote_src": true, "list_files": true}) else { return };
    let args = validate::validate(&module.spec, args).expect("right arguments");
    let mut ctx = Ctx {
        check: true,
        diff: true,
        verbosity: 0,
        no_log: false,
        environment: BTreeMap::new(),
        tmpdir: work.path().to_owned(),
        action: "unarchive".to_owned(),
        port: &mut Nobody,
        runner: &mut Nobody,
        warnings: Vec::new(),
    };
    let _ = (module.run)(args, &mut ctx);
    assert_eq!(std::fs::read_dir(&dest).expect("a folder").count(), 0);
});
