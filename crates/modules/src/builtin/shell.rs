//! Runs a command line through a shell.

use rplay_module_api::{Command, Ctx, Json, Module, ModuleResult, Spec, run, shell_words};

use crate::builtin::command::{Args, execute};

pub const MODULE: Module = Module {
    spec: Spec {
        name: "shell",
        summary: "Run a command line through a shell.",
        example: EXAMPLE,
        returns: crate::builtin::command::RETURNS,
        ..Args::SPEC
    },
    run: run!(shell),
};

const EXAMPLE: &str = r"- name: Count what a pipe counts
  shell: set -o pipefail; sort /etc/passwd | wc -l
  args:
    executable: /bin/bash
";

fn shell(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let (line, shown) = match (args.argv(), args.text()) {
        (Some(argv), _) => {
            let words: Vec<_> = argv.iter().map(|word| shell_words::quote(word)).collect();
            (words.join(" "), Json::from(argv.to_vec()))
        }
        (None, Some(text)) => (text.to_owned(), text.into()),
        (None, None) => return Err(args.without_command()),
    };
    let shell = args.executable.as_deref().unwrap_or("/bin/sh");
    execute(&args, shown, Command::new([shell, "-c", &line]), ctx)
}
