//! Methods of `bytes`.

use std::sync::Arc;

use crate::template::engine::arguments::{Arguments, parameters};
use crate::template::engine::encoding::decode;
use crate::template::engine::val::Val;
use crate::template::error::{Res, raised};

pub const NAMES: &[&str] = &["decode", "hex", "startswith", "endswith", "upper", "lower", "strip"];

pub fn call(this: &Arc<[u8]>, name: &str, arguments: Arguments) -> Res<Val> {
    match name {
        "decode" => {
            let bound = arguments.bind("decode", &parameters(&["encoding", "errors"], 0))?;
            Ok(Val::str(decode(this, bound.text_or(0, "utf-8")?, bound.text_or(1, "strict")?)?))
        }
        "hex" => Ok(Val::str(hex::encode(this))),
        "startswith" | "endswith" => {
            let bound = arguments.bind(name, &parameters(&["prefix"], 1))?;
            let Val::Bytes(part) = bound.val(0) else {
                return Err(raised(format!("{name} first arg must be bytes or a tuple of bytes")));
            };
            Ok(Val::Bool(if name == "startswith" { this.starts_with(&part) } else { this.ends_with(&part) }))
        }
        "upper" => Ok(Val::Bytes(this.to_ascii_uppercase().into())),
        "lower" => Ok(Val::Bytes(this.to_ascii_lowercase().into())),
        "strip" => Ok(Val::Bytes(this.trim_ascii().into())),
        _ => Err(raised(format!("'bytes' object has no attribute '{name}'"))),
    }
}
