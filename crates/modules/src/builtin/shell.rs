//! Runs a command line through a shell.

use rplay_module_api::{Arg, Command, Ctx, Json, Kind, Module, ModuleResult, Rule, Spec, run};

use crate::builtin::command::{Args, execute, no_command};
use crate::support::shell_words;

pub const MODULE: Module = Module {
    spec: Spec {
        name: "shell",
        summary: "Run a command line through a shell.",
        args: &[
            Arg::str("_raw_params", "The command line, as the task's free text."),
            Arg::str("cmd", "The command line."),
            Arg::list("argv", "The command as a list, whose words are quoted for the shell.", Kind::Str),
            Arg::path("chdir", "Directory to run in."),
            Arg::path("creates", "A path or pattern; nothing is run if it exists."),
            Arg::path("removes", "A path or pattern; nothing is run unless it exists."),
            Arg::path("executable", "The shell."),
            Arg::bool("expand_argument_vars", "Has no effect: the shell expands.").default("yes"),
            Arg::str("stdin", "Text for the command's standard input."),
            Arg::bool("stdin_add_newline", "End that text with a newline.").default("yes"),
            Arg::bool("strip_empty_ends", "Remove newlines at the end of the output.").default("yes"),
        ],
        rules: &[Rule::MutuallyExclusive(&["_raw_params", "cmd", "argv"])],
        free_form: Some("_raw_params"),
        ..Spec::EMPTY
    },
    run: run!(shell),
};

fn shell(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let (line, shown) = match (args.argv(), args.text()) {
        (Some(argv), _) => {
            let words: Vec<_> = argv.iter().map(|word| shell_words::quote(word)).collect();
            (words.join(" "), Json::from(argv.to_vec()))
        }
        (None, Some(text)) => (text.to_owned(), text.into()),
        (None, None) => return Err(no_command()),
    };
    let shell = args.executable.as_deref().unwrap_or("/bin/sh");
    execute(&args, shown, Command::new([shell, "-c", &line]), ctx)
}
