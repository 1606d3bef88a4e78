//! A file of a project, read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rplay::source::SourceFile;
use rplay::yaml::Reader;

fuzz_target!(|text: &str| {
    match Reader::default().read(&SourceFile::new("fuzz.yml", text)) {
        Ok(node) => drop(node.to_value().repr()),
        Err(err) => drop(err.render()),
    }
});
