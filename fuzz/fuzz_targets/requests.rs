//! What the agent reads: frames, messages of several frames, and in them requests with the arguments of any module.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rplay_module_api::frame::{self, Assembler, FrameKind};
use rplay_module_api::message::{Become, Request, Response};
use rplay_module_api::validate;

fn request(body: &[u8]) {
    let Ok(request) = serde_json::from_slice::<Request>(body) else { return };
    if let Some(module) = rplay_modules::table::find(&request.module) {
        let _ = validate::validate(&module.spec, request.args);
    }
}

fuzz_target!(|data: &[u8]| {
    let mut reader = data;
    let mut assembler = Assembler::default();
    while let Ok(Some(frame)) = frame::read(&mut reader) {
        let kind = frame.kind;
        let Ok(Some(body)) = assembler.add(frame) else { continue };
        match kind {
            FrameKind::Route => drop(serde_json::from_slice::<Become>(&body)),
            FrameKind::Request => request(&body),
            FrameKind::Response => drop(serde_json::from_slice::<Response>(&body)),
            _ => {}
        }
    }
    request(data);
});
