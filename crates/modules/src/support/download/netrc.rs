//! Credentials from ~/.netrc, or from the file that NETRC names.

use std::fs;

use rplay_module_api::{Ctx, netrc};

use crate::support::home;

pub(super) fn credentials(host: &str, ctx: &Ctx) -> Option<(String, String)> {
    let path = match home::variable(&ctx.environment, "NETRC") {
        Some(path) => path,
        None => format!("{}/.netrc", home::directory(&ctx.environment, None)?),
    };
    netrc::find(&fs::read_to_string(path).ok()?, host)
}
