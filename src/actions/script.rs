//! Runs a script of the project on the target: one command there, which takes the script from its input.

use std::fmt::Write;

use rplay_module_api::message::shell_quote;
use rplay_module_api::{Arg, Spec};

use super::target::remote_failed;
use super::{ActionResult, FailedIn, Invocation, raw, source_file};

pub const SPEC: Spec = Spec {
    name: "script",
    summary: "Run a local script on the target.",
    args: &[
        Arg::str("_raw_params", "The script and its arguments, as the task's free text."),
        Arg::str("cmd", "The script and its arguments."),
        Arg::str("chdir", "Directory to run in."),
        Arg::str("creates", "A path; nothing is run if it exists."),
        Arg::str("removes", "A path; nothing is run unless it exists."),
        Arg::str("executable", "The program that runs the script."),
        Arg::bool("decrypt", "Decrypt a script that is a vault file.").default("yes"),
    ],
    free_form: Some("_raw_params"),
    check_mode: false,
    ..Spec::EMPTY
};

/// Said by the command in place of the script's output.
const SKIPPED: &str = "RPLAY-SCRIPT-SKIPPED ";

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let failed = |message: &str| ActionResult::failed_in(FailedIn::Task, message);
    let Some(written) = invocation.text("_raw_params").or(invocation.text("cmd")) else {
        return failed("one of the following is required: _raw_params, cmd");
    };
    if let Some(chdir) = invocation.text("chdir").filter(|chdir| !chdir.starts_with('/')) {
        return failed(&format!("chdir {chdir} must be an absolute path for a Unix-aware remote node"));
    }
    let (name, arguments) = first_word(written);
    let content = source_file::find(invocation, "files", &name).and_then(|path| {
        let read = if invocation.bool("decrypt") {
            invocation.reader.read_plain_bytes(&path).map_err(|err| err.message)
        } else {
            std::fs::read(&path).map_err(|err| format!("{}: {err}", path.display()))
        };
        read.map(|content| (path, content))
    });
    let (path, content) = match content {
        Ok(found) => found,
        Err(message) => return failed(&message),
    };
    let token = format!("{:016x}", rand::random::<u64>());
    let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let line = command(invocation, &file_name, arguments, &token);
    let client = match invocation.target.client().await {
        Ok(client) => client,
        Err(err) => return remote_failed(&err),
    };
    let line = format!("/bin/sh -c {}", shell_quote(&line));
    let input = [environment(invocation).into_bytes(), content].concat();
    let output = client.raw_with_input(&line, invocation.target.becoming.as_ref(), &input).await;
    let output = match output {
        Ok(output) => output,
        Err(err) => return remote_failed(&err),
    };
    let marker = format!("{SKIPPED}{token} ");
    let said = String::from_utf8_lossy(&output.stdout);
    if let Some(reason) = said.strip_prefix(&marker) {
        return ActionResult::skipped_because(reason.trim_end());
    }
    raw::finished(&output)
}

/// Text for the target's shell: looks whether there is anything to do, stores the script privately, runs it, removes it.
fn command(invocation: &Invocation<'_>, name: &str, arguments: &str, token: &str) -> String {
    let mut line = String::new();
    let mut skip = |test: &str, path: &str, reason: String| {
        let said = shell_quote(&format!("{SKIPPED}{token} {reason}"));
        let _ = write!(line, "if {test} {}; then echo {said}; exit 0; fi; ", tilde_quote(path));
    };
    if let Some(path) = invocation.text("creates") {
        skip("test -e", path, format!("{path} exists, matching creates option"));
    }
    if let Some(path) = invocation.text("removes") {
        skip("! test -e", path, format!("{path} does not exist, matching removes option"));
    }
    if invocation.check {
        skip("test -e", "/", "Check mode is not supported for this task.".to_owned());
    }
    let has_environment = !invocation.target.environment.is_empty();
    if has_environment {
        // A shell reads a line byte by byte: the script stays in the pipe.
        line.push_str("IFS= read -r environment; ");
    }
    let _ = write!(
        line,
        "u=$(umask); umask 77; for r in \"${{HOME:-/nonexistent}}\" /var/tmp /tmp; do d=$r/.rplay-script-{token}; mkdir \"$d\" 2>/dev/null && break; done; \
         trap 'rm -rf \"$d\"' EXIT; trap 'exit 129' HUP INT TERM; \
         cat >\"$d\"/{name} && chmod 700 \"$d\"/{name} || exit 1; umask $u; ",
        name = shell_quote(name),
    );
    if let Some(chdir) = invocation.text("chdir") {
        let _ = write!(line, "cd {} || exit 1; ", shell_quote(chdir));
    }
    let mut run = String::new();
    if let Some(executable) = invocation.text("executable") {
        let _ = write!(run, "{executable} ");
    }
    let _ = write!(run, "\"$d\"/{} {arguments} </dev/null", shell_quote(name));
    if has_environment {
        // Not for what tidies up afterwards.
        let _ = write!(line, "( eval \"$environment\"; unset environment; {run} )");
    } else {
        line.push_str(&run);
    }
    line
}

/// `environment:` as a line ahead of the script, for the shell to evaluate: arguments of a process are for all to see.
fn environment(invocation: &Invocation<'_>) -> String {
    let variables = &invocation.target.environment;
    if variables.is_empty() {
        return String::new();
    }
    // A line feed in a value is the variable n.
    let mut line = String::from("n=$(printf '\\nx'); n=${n%x}; ");
    for (name, value) in variables {
        let value = shell_quote(value).replace('\n', "'\"$n\"'");
        let _ = write!(line, "export {}={value}; ", shell_quote(name));
    }
    line.push('\n');
    line
}

/// A path for the shell, in which a leading `~` keeps its meaning.
fn tilde_quote(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) => format!("~/{}", shell_quote(rest)),
        None => shell_quote(path),
    }
}

/// The first word, unquoted, and the rest as it was written: the target's shell reads it.
fn first_word(text: &str) -> (String, &str) {
    let text = text.trim_start();
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((index, char)) = chars.next() {
        match (char, quote) {
            ('\\', None | Some('"')) => word.extend(chars.next().map(|(_, char)| char)),
            (char, Some(open)) if char == open => quote = None,
            ('\'' | '"', None) => quote = Some(char),
            (char, None) if char.is_whitespace() => return (word, text.get(index..).unwrap_or_default().trim_start()),
            (char, _) => word.push(char),
        }
    }
    (word, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_the_script() {
        assert_eq!(first_word("  a.sh b 'c d'"), ("a.sh".to_owned(), "b 'c d'"));
        assert_eq!(first_word("'a b.sh'"), ("a b.sh".to_owned(), ""));
        assert_eq!(first_word(r"a\ b.sh $X"), ("a b.sh".to_owned(), "$X"));
    }
}
