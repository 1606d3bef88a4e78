//! An inventory file in INI format.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use rplay::config::Config;
use rplay::error::Notices;
use rplay::inventory::Inventory;
use rplay::yaml::Reader;

thread_local! {
    static FOLDER: RefCell<tempfile::TempDir> = RefCell::new(tempfile::tempdir().expect("a folder"));
}

fuzz_target!(|text: &str| {
    FOLDER.with_borrow(|folder| {
        let path = folder.path().join("hosts.ini");
        std::fs::write(&path, text).expect("a file");
        let sources = [path.to_string_lossy().into_owned()];
        let notices = Notices::default();
        match Inventory::load(&sources, &Reader::default(), &Config::default(), &notices) {
            Ok(mut inventory) => drop(inventory.hosts("all", None)),
            Err(err) => drop(err.render()),
        }
    });
});
