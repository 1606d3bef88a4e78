//! What a login shell says while the agent is started.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rplay_module_api::bootstrap::{Bootstrap, Step};

fuzz_target!(|input: (&[u8], u8)| {
    let (bytes, size) = input;
    let mut bootstrap = Bootstrap::new("0123456789abcdef");
    for piece in bytes.chunks(usize::from(size).max(1)) {
        match bootstrap.feed(piece) {
            Step::Ready(_) | Step::Failed(_) => return,
            _ => {}
        }
    }
    drop(bootstrap.noise());
});
