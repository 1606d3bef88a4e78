//! Free-form arguments, of ordinary modules and of command lines.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rplay::split_args::{FreeForm, join, parse_kv, split};
use rplay::value::Str;

fuzz_target!(|text: &str| {
    for kind in [FreeForm::Plain, FreeForm::Raw] {
        let _ = parse_kv(&Str::trusted(text, None), kind);
    }
    if let Ok(tokens) = split(text) {
        let texts: Vec<String> = tokens.into_iter().map(|token| token.text).collect();
        let _ = join(&texts);
    }
});
