//! Host patterns over a small inventory; a limit after the first line break.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rplay::config::Config;
use rplay::error::Notices;
use rplay::inventory::Inventory;
use rplay::yaml::Reader;

fuzz_target!(|text: &str| {
    let sources = ["a1,a2,db.example.org,::1,".to_owned()];
    let loaded = Inventory::load(&sources, &Reader::default(), &Config::default(), &Notices::default());
    let mut inventory = loaded.expect("a list of hosts");
    for group in ["web", "db"] {
        inventory.add_group(group).expect("a name");
    }
    inventory.add_child("all", "web").expect("no circle");
    let (pattern, limit) = match text.split_once('\n') {
        Some((pattern, limit)) if !limit.contains('@') => (pattern, Some(limit)),
        _ => (text, None),
    };
    if let Err(err) = inventory.hosts(pattern, limit) {
        let _ = err.render();
    }
});
