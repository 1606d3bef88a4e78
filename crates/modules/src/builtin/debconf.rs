//! Answers to the questions that packages ask when they are installed.

use std::collections::BTreeMap;

use rplay_module_api::validate::python_str;
use rplay_module_api::{
    Choice, Command, CommandOutput, Ctx, Diff, Failure, Json, Kind, Map, Module, ModuleArgs, ModuleResult, Outcome,
    Return, Spec, run,
};

use crate::support::{os_error, program};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(debconf) };

const EXAMPLE: &str = r"- name: Answer what the mail server will ask
  debconf:
    name: postfix
    question: postfix/main_mailer_type
    vtype: select
    value: Satellite system
";

const RETURNS: &[Return] = &[
    Return::new("current", Kind::Dict, "always", "The answers now: the one that was set, or all of the package."),
    Return::new("previous", Kind::Dict, "changed", "The answers before."),
];

/// Manage the answers to questions of packages.
#[derive(ModuleArgs)]
#[module(name = "debconf")]
#[module(required_together("question", "vtype", "value"))]
struct Args {
    /// The package.
    #[arg(alias("pkg"))]
    name: String,
    /// The question.
    #[arg(alias("selection", "setting"))]
    question: Option<String>,
    /// The type of the answer.
    vtype: Option<VType>,
    /// The answer.
    #[arg(alias("answer"))]
    value: Option<Json>,
    /// Leave the question marked as not seen yet.
    #[arg(default = "no")]
    unseen: bool,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum VType {
    Boolean,
    Error,
    Multiselect,
    Note,
    Password,
    Seen,
    Select,
    String,
    Text,
    Title,
}

type Answers = BTreeMap<String, String>;

const SECRET: &str = "(password omitted)";

fn debconf(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let before = answers(&args.name, ctx)?;
    let (Some(question), Some(vtype)) = (&args.question, args.vtype) else {
        return Ok(Outcome::changed(false).with("msg", "").with("current", as_json(&before)));
    };
    for text in [&args.name, question] {
        if text.contains(char::is_whitespace) {
            return Err(Failure::new(format!("{text:?} has blanks in it")));
        }
    }
    let wanted = wanted(args.value.as_ref().unwrap_or(&Json::Null), vtype)?;
    let is_set = match before.get(question) {
        None => false,
        Some(present) if vtype == VType::Password && present == SECRET => {
            password(&args.name, question, ctx)?.as_deref() == Some(wanted.as_str())
        }
        Some(present) if vtype == VType::Multiselect && matches!(args.value, Some(Json::Array(_))) => {
            items(present) == items(&wanted)
        }
        Some(present) => *present == wanted,
    };
    if is_set {
        return Ok(Outcome::changed(false).with("msg", "").with("current", as_json(&before)));
    }
    if !ctx.check {
        set(&args, question, vtype, &wanted, ctx)?;
    }
    let shown = if vtype == VType::Password { SECRET } else { &wanted };
    // A question that was there is all that is told of the others; a new one stands among them.
    let known = before.get(question).cloned();
    let old = known.clone().unwrap_or_default();
    let mut previous = if known.is_some() { Answers::new() } else { before };
    previous.insert(question.clone(), old.clone());
    let current: Answers = [(question.clone(), shown.to_owned())].into();
    let one: Answers = [(question.clone(), old)].into();
    Ok(Outcome::changed(true)
        .with("msg", "")
        .with("current", as_json(&current))
        .with("previous", as_json(&previous))
        .with_diff(Diff { before: as_json(&one), after: as_json(&current), ..Diff::default() }))
}

fn as_json(answers: &Answers) -> Json {
    let map: Map<String, Json> = answers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    map.into()
}

/// The answer as debconf writes it.
fn wanted(value: &Json, vtype: VType) -> Result<String, Failure> {
    let text = match value {
        Json::Array(list) => list.iter().map(python_str).collect::<Vec<_>>().join(", "),
        other => python_str(other),
    };
    if text.contains('\n') {
        return Err(Failure::new("an answer is one line"));
    }
    Ok(match vtype {
        // What debconf calls true has one word.
        VType::Boolean | VType::Seen => match text.to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => "true".to_owned(),
            "false" | "no" | "off" | "0" => "false".to_owned(),
            _ => text,
        },
        _ => text,
    })
}

/// The items of a list, whose order says nothing.
fn items(text: &str) -> Vec<&str> {
    let mut items: Vec<_> = text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
    items.sort_unstable();
    items
}

fn output(command: &Command, ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
    ctx.command(&command.clone().env("LC_ALL", "C")).map_err(|err| Failure::new(os_error::numbered(&err)))
}

/// All answers of a package, from lines such as `* tzdata/Areas: Etc`.
fn answers(name: &str, ctx: &mut Ctx) -> Result<Answers, Failure> {
    let program = program::find("debconf-show").ok_or_else(|| program::missing("debconf-show"))?;
    let shown = output(&Command::new([program.as_os_str(), name.as_ref()]), ctx)?;
    if !shown.ok() {
        return Err(Failure::new(shown.stderr_text()));
    }
    Ok(parse(&shown.stdout_text()))
}

fn parse(text: &str) -> Answers {
    let lines = text.lines().filter_map(|line| line.trim_start_matches(['*', ' ']).split_once(':'));
    lines.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

/// A password, which debconf-show keeps to itself, from the database that only root can read.
fn password(name: &str, question: &str, ctx: &mut Ctx) -> Result<Option<String>, Failure> {
    let program = program::find("debconf-communicate").ok_or_else(|| program::missing("debconf-communicate"))?;
    let asked = output(&Command::new([program.as_os_str(), name.as_ref()]).stdin(format!("GET {question}\n")), ctx)?;
    let text = asked.stdout_text();
    Ok(text.lines().next().and_then(|line| line.strip_prefix("0 ")).map(str::to_owned))
}

fn set(args: &Args, question: &str, vtype: VType, wanted: &str, ctx: &mut Ctx) -> Result<(), Failure> {
    let program = program::find("debconf-set-selections").ok_or_else(|| program::missing("debconf-set-selections"))?;
    let mut command = Command::new([program]);
    if args.unseen {
        command = command.arg("-u");
    }
    let line = format!("{} {question} {} {wanted}\n", args.name, vtype.text());
    let done = output(&command.stdin(line), ctx)?;
    if done.ok() { Ok(()) } else { Err(Failure::new(done.stderr_text()).with("rc", done.rc)) }
}

#[cfg(test)]
mod tests {
    use rplay_module_api::json;

    use super::*;

    #[test]
    fn answers_are_read_and_written_as_debconf_has_them() {
        let parsed = parse("* tzdata/Areas: Etc\n  tzdata/Zones/Asia:\n* a/pw: (password omitted)\n* u: http://x/\n");
        let wanted_map: Answers =
            [("tzdata/Areas", "Etc"), ("tzdata/Zones/Asia", ""), ("a/pw", SECRET), ("u", "http://x/")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        assert_eq!(parsed, wanted_map);
        assert_eq!(wanted(&json!(true), VType::Boolean).unwrap(), "true");
        assert_eq!(wanted(&json!(["a", "b"]), VType::Multiselect).unwrap(), "a, b");
        assert!(wanted(&json!("a\nb c d e"), VType::String).is_err());
        assert_eq!(items("b, a"), items("a,b"));
    }
}
