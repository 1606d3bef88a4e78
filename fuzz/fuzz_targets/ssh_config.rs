//! A configuration of ssh, read in the process and as `ssh -G` prints it.
#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use rplay::connection::ssh_config::{evaluate, parse_output};

fuzz_target!(|text: &str| {
    if let Some(config) = evaluate(text, "web1") {
        drop((config.known_as(), config.sent_environment(), config.refuses_key("ssh-rsa")));
    }
    let config = parse_output(text, &HashMap::new());
    drop((config.known_as(), config.needs_ssh_program()));
});
