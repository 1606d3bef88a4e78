//! The binary that is sent to a target: rplay's own modules.

use std::process::ExitCode;

fn main() -> ExitCode {
    rplay_module_host::main(rplay_modules::table::MODULES)
}
