//! Host patterns over a small inventory; a limit after the first line break.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rplay::config::Config;
use rplay::error::Notices;
use rplay::inventory::Inventory;
use rplay::value::Dict;
use rplay::yaml::Reader;

fuzz_target!(|text: &str| {
    let sources = ["a1,".to_owned()];
    let loaded = Inventory::load(&sources, &Reader::default(), &Config::default(), &Notices::default());
    let mut inventory = loaded.expect("a list of hosts");
    for (host, group) in [("a1", "web"), ("a2", "web"), ("db.example.org", "db"), ("::1", "db")] {
        let _ = inventory.add_host(host, None, &[group.to_owned()], &Dict::new());
    }
    let (pattern, limit) = match text.split_once('\n') {
        Some((pattern, limit)) if !limit.contains('@') => (pattern, Some(limit)),
        _ => (text, None),
    };
    if let Err(err) = inventory.hosts(pattern, limit) {
        let _ = err.render();
    }
});
