//! Vaulted text, with a password that does not open it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rplay::vault::{Password, Secrets, is_encrypted};

fuzz_target!(|bytes: &[u8]| {
    let _ = is_encrypted(bytes);
    let mut secrets = Secrets::default();
    secrets.add("default", Password::new("fuzz"));
    if let Err(err) = secrets.decrypt(bytes) {
        let _ = err.to_string();
    }
});
