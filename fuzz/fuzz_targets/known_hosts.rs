//! A file of host keys, and the key that a server shows.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use rplay::connection::known_hosts::{KnownHosts, entry_name, key_type, rsa_bits};

fuzz_target!(|input: (&str, &[u8])| {
    let (text, key) = input;
    for port in [22, 2222] {
        let mut known = KnownHosts::default();
        known.add(Path::new("known_hosts"), text, &entry_name("web1", port), Some("web1"));
        drop((known.check(key), known.has_authority(), known.key_types().count()));
    }
    drop((key_type(key), rsa_bits(key)));
});
