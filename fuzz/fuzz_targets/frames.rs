//! What an agent sends: frames, the messages that they make up, and results.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rplay::actions::ActionResult;
use rplay::remote::result;
use rplay_module_api::frame::{self, Assembler, FrameKind};
use rplay_module_api::message::Hello;

fuzz_target!(|bytes: &[u8]| {
    let mut from = bytes;
    let mut assembler = Assembler::default();
    while let Ok(Some(frame)) = frame::read(&mut from) {
        let kind = frame.kind;
        assert_eq!(frame.credit(), frame.clone().credit());
        let Ok(Some(body)) = assembler.add(frame) else { continue };
        match kind {
            FrameKind::Hello => drop(serde_json::from_slice::<Hello>(&body)),
            FrameKind::Response => {
                if let Ok(response) = result::read("fuzz", &body) {
                    drop(ActionResult::from_module(response.result));
                }
            }
            _ => {}
        }
    }
    if let Ok(response) = result::read("fuzz", bytes) {
        drop(ActionResult::from_module(response.result));
    }
});
