//! `rplay-aws`: the AWS modules as a program that rplay starts on the host that a task names.

use std::process::ExitCode;

fn main() -> ExitCode {
    rplay_module_host::main(rplay_aws::PROGRAM)
}
