//! Names that stand for one of several programs, by update-alternatives.

use std::path::PathBuf;

use rplay_module_api::{
    Choice, Command, Ctx, Diff, Failure, Json, Map, Module, ModuleArgs, ModuleResult, Outcome, Spec, json, run,
};

use crate::support::{os_error, program};

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, ..Args::SPEC }, run: run!(alternatives) };

const EXAMPLE: &str = r"- name: Let editor be vim
  community.general.alternatives:
    name: editor
    path: /usr/bin/vim.basic
";

/// Manage alternatives of programs.
#[derive(ModuleArgs)]
#[module(name = "alternatives")]
#[module(required_one_of("path", "family"))]
struct Args {
    /// The name that stands for a program.
    name: String,
    /// The program.
    path: Option<PathBuf>,
    /// Not supported: families are those of Red Hat's program.
    family: Option<String>,
    /// The link that people use; needed for a name that is new.
    link: Option<PathBuf>,
    /// The higher, the sooner it is chosen; 50 for a new one.
    priority: Option<i64>,
    /// What the program should be for the name.
    #[arg(default = "selected")]
    state: State,
    /// Links that follow the choice.
    #[arg(alias("slaves"))]
    subcommands: Option<Vec<Subcommand>>,
}

/// A link that follows the choice.
#[derive(Clone, Debug, PartialEq, ModuleArgs)]
struct Subcommand {
    /// Its name.
    name: String,
    /// Where it leads.
    path: PathBuf,
    /// The link itself.
    link: PathBuf,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum State {
    Present,
    Absent,
    Selected,
    Auto,
}

/// What update-alternatives says of a name.
#[derive(Debug, Default)]
struct Known {
    link: Option<String>,
    manual: bool,
    value: Option<String>,
    /// Links of subcommands, by name.
    links: Vec<(String, String)>,
    alternatives: Vec<Alternative>,
}

#[derive(Debug, Default)]
struct Alternative {
    path: String,
    priority: i64,
    /// Where subcommands lead, by name.
    subcommands: Vec<(String, String)>,
}

fn alternatives(args: Args, ctx: &mut Ctx) -> ModuleResult {
    if let Some(family) = args.family.as_ref().filter(|_| args.path.is_none()) {
        return Err(Failure::new(format!("alternatives: family is not supported (family={family})")));
    }
    let path = args.path.as_deref().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let known = Known::ask(&args.name, ctx)?;
    let present = known.alternatives.iter().find(|it| it.path == path);
    let is_selected = known.value.as_deref() == Some(path.as_str());
    let mut job = Job { args: &args, path: &path, msg: String::new(), after: Map::new() };
    match args.state {
        State::Absent => {
            if present.is_some() {
                job.remove(ctx)?;
            }
        }
        _ => {
            if !std::path::Path::new(&path).exists() {
                return Err(Failure::new(format!("Specified path {path} does not exist")));
            }
            if job.differs(&known, present) {
                job.install(&known, present, ctx)?;
            }
            if args.state == State::Selected && !is_selected {
                job.select(ctx)?;
            }
            if args.state == State::Auto && known.manual {
                job.auto(ctx)?;
            }
        }
    }
    let before = known.before(&args, present, is_selected);
    Ok(Outcome::changed(!job.msg.is_empty()).with("msg", job.msg.trim_end()).with_diff(Diff {
        before,
        after: job.after.into(),
        ..Diff::default()
    }))
}

impl Known {
    fn ask(name: &str, ctx: &mut Ctx) -> Result<Self, Failure> {
        let output = run_program(&["--query", name], ctx)?;
        Ok(if output.ok() { Self::parse(&output.stdout_text()) } else { Self::default() })
    }

    fn parse(text: &str) -> Self {
        let mut known = Self::default();
        for line in text.lines() {
            // Links of subcommands stand below the heads of the name and of each alternative.
            if let Some(pair) = line.strip_prefix(' ') {
                if let Some((name, path)) = pair.split_once(' ') {
                    let pair = (name.to_owned(), path.to_owned());
                    match known.alternatives.last_mut() {
                        Some(alternative) => alternative.subcommands.push(pair),
                        None => known.links.push(pair),
                    }
                }
                continue;
            }
            let Some((key, value)) = line.split_once(": ") else { continue };
            match key {
                "Link" => known.link = Some(value.to_owned()),
                "Status" => known.manual = value == "manual",
                "Value" => known.value = Some(value.to_owned()).filter(|it| it != "none"),
                "Alternative" => {
                    known.alternatives.push(Alternative { path: value.to_owned(), ..Alternative::default() });
                }
                "Priority" => {
                    if let Some(alternative) = known.alternatives.last_mut() {
                        alternative.priority = value.parse().unwrap_or_default();
                    }
                }
                _ => {}
            }
        }
        known
    }

    fn subcommands(&self, alternative: &Alternative) -> Vec<Subcommand> {
        let link = |name: &str| self.links.iter().find(|(it, _)| it == name).map_or("", |(_, link)| link.as_str());
        let each = alternative.subcommands.iter();
        each.map(|(name, path)| Subcommand { name: name.clone(), path: path.into(), link: link(name).into() }).collect()
    }

    fn before(&self, args: &Args, present: Option<&Alternative>, is_selected: bool) -> Json {
        let Some(link) = &self.link else { return json!({}) };
        let Some(present) = present else { return json!({"state": "absent"}) };
        let state = if is_selected && self.manual { "selected" } else { "present" };
        let mut before = json!({"state": state, "path": present.path, "priority": present.priority, "link": link});
        let subcommands = self.subcommands(present);
        if (args.subcommands.is_some() || !subcommands.is_empty())
            && let Some(before) = before.as_object_mut()
        {
            before.insert("subcommands".into(), subcommands_json(&subcommands));
        }
        before
    }
}

fn subcommands_json(subcommands: &[Subcommand]) -> Json {
    let each = subcommands.iter().map(|it| json!({"name": it.name, "path": it.path, "link": it.link}));
    each.collect::<Vec<_>>().into()
}

struct Job<'a> {
    args: &'a Args,
    path: &'a str,
    msg: String,
    /// The `after` of the diff.
    after: Map<String, Json>,
}

impl Job<'_> {
    /// Whether the alternative has to be installed, newly or again.
    fn differs(&self, known: &Known, present: Option<&Alternative>) -> bool {
        let Some(present) = present else { return true };
        let link_differs = self.args.link.as_ref().is_some_and(|link| known.link.as_deref() != link.to_str());
        let sorted = |mut list: Vec<Subcommand>| {
            list.sort_by(|a, b| a.name.cmp(&b.name));
            list
        };
        let wanted = self.args.subcommands.clone().map(sorted);
        self.args.priority.is_some_and(|priority| priority != present.priority)
            || link_differs
            || wanted.is_some_and(|wanted| wanted != sorted(known.subcommands(present)))
    }

    fn install(&mut self, known: &Known, present: Option<&Alternative>, ctx: &mut Ctx) -> Result<(), Failure> {
        let link = self.args.link.as_ref().map(|it| it.to_string_lossy().into_owned()).or_else(|| known.link.clone());
        let link = link.ok_or_else(|| {
            Failure::new("Needed to install the alternative, but unable to do so as we are missing the link")
        })?;
        let priority = self.args.priority.or(present.map(|it| it.priority)).unwrap_or(50);
        let subcommands =
            self.args.subcommands.clone().or_else(|| present.map(|it| known.subcommands(it))).unwrap_or_default();
        let number = priority.to_string();
        let mut words = vec!["--install", link.as_str(), &self.args.name, self.path, &number];
        let texts: Vec<[String; 3]> = subcommands
            .iter()
            .map(|it| [it.link.to_string_lossy().into_owned(), it.name.clone(), it.path.to_string_lossy().into_owned()])
            .collect();
        for [link, name, path] in &texts {
            words.extend(["--slave", link, name, path]);
        }
        self.must(&words, ctx)?;
        self.msg.push_str(&format!("Install alternative '{}' for '{}'. ", self.path, self.args.name));
        self.after = Map::from_iter([
            ("state".to_owned(), Json::from("present")),
            ("path".to_owned(), self.path.into()),
            ("family".to_owned(), Json::Null),
            ("priority".to_owned(), priority.into()),
            ("link".to_owned(), link.into()),
        ]);
        if self.args.subcommands.is_some() {
            self.after.insert("subcommands".into(), subcommands_json(&subcommands));
        }
        Ok(())
    }

    fn select(&mut self, ctx: &mut Ctx) -> Result<(), Failure> {
        self.must(&["--set", &self.args.name, self.path], ctx)?;
        self.msg.push_str(&format!("Set alternative '{}' for '{}'. ", self.path, self.args.name));
        self.after.insert("state".into(), "selected".into());
        Ok(())
    }

    fn auto(&mut self, ctx: &mut Ctx) -> Result<(), Failure> {
        self.must(&["--auto", &self.args.name], ctx)?;
        self.msg.push_str(&format!("Set alternative to auto for '{}'. ", self.args.name));
        self.after.insert("state".into(), "present".into());
        Ok(())
    }

    fn remove(&mut self, ctx: &mut Ctx) -> Result<(), Failure> {
        self.must(&["--remove", &self.args.name, self.path], ctx)?;
        self.msg.push_str(&format!("Remove alternative '{}' from '{}'. ", self.path, self.args.name));
        self.after.insert("state".into(), "absent".into());
        Ok(())
    }

    fn must(&self, words: &[&str], ctx: &mut Ctx) -> Result<(), Failure> {
        if ctx.check {
            return Ok(());
        }
        let output = run_program(words, ctx)?;
        if output.ok() {
            return Ok(());
        }
        let stderr = output.stderr_text();
        Err(Failure::new(stderr.trim_end()).with("rc", output.rc).with("stderr", stderr.as_str()))
    }
}

fn run_program(words: &[&str], ctx: &mut Ctx) -> Result<rplay_module_api::CommandOutput, Failure> {
    let found = program::find("update-alternatives").ok_or_else(|| program::missing("update-alternatives"))?;
    let mut command = Command::new([found]).env("LC_ALL", "C");
    for word in words {
        command = command.arg(word);
    }
    ctx.command(&command).map_err(|err| Failure::new(os_error::numbered(&err)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_says_is_read() {
        let text = "Name: tst\nLink: /etc/tst\nSlaves:\n tst.1 /etc/tst.1\nStatus: manual\nBest: /etc/alt1\n\
                    Value: /etc/alt1\n\nAlternative: /etc/alt1\nPriority: 50\nSlaves:\n tst.1 /etc/passwd\n\n\
                    Alternative: /etc/alt2\nPriority: 5\nSlaves:\n";
        let known = Known::parse(text);
        assert!(known.manual);
        assert_eq!((known.link.as_deref(), known.value.as_deref()), (Some("/etc/tst"), Some("/etc/alt1")));
        assert_eq!(known.alternatives.len(), 2);
        let subcommands = known.subcommands(&known.alternatives[0]);
        assert_eq!(
            subcommands_json(&subcommands),
            json!([{"name": "tst.1", "path": "/etc/passwd", "link": "/etc/tst.1"}])
        );
        assert_eq!(known.alternatives[1].priority, 5);
    }
}
