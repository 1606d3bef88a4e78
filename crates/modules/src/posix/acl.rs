//! Access control lists of files, by getfacl and setfacl.

use std::path::PathBuf;

use rplay_module_api::{
    Choice, Command, Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run,
};

use crate::support::run;

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(acl) };

const EXAMPLE: &str = r"- name: Let joe read the log
  ansible.posix.acl:
    path: /var/log/app.log
    entity: joe
    etype: user
    permissions: r
    state: present
";

const RETURNS: &[Return] = &[
    Return::new("msg", Kind::Str, "always", "What is so now."),
    Return::new("acl", Kind::List, "success", "The entries of the list."),
];

/// Manage access control lists of files.
#[derive(ModuleArgs)]
#[module(name = "acl")]
struct Args {
    /// The file or folder.
    #[arg(alias("name"))]
    path: PathBuf,
    /// Whether the entry should be there, or only what there is.
    #[arg(default = "query")]
    state: State,
    /// Follow links.
    #[arg(default = "yes")]
    follow: bool,
    /// It is about what new files in the folder get.
    #[arg(default = "no")]
    default: bool,
    /// The user or group.
    #[arg(default = "")]
    entity: String,
    /// Whom the entry is about.
    #[arg(choices("group", "mask", "other", "user"))]
    etype: Option<String>,
    /// `r`, `w`, `x`, `X` or `-`, together.
    permissions: Option<String>,
    /// The whole entry, `[default:]type:entity[:permissions]`, in place of its parts.
    entry: Option<String>,
    /// Everything below the folder, too.
    #[arg(default = "no", alias("recurse"))]
    recursive: bool,
    /// Lists of NFSv4, by its own programs.
    #[arg(default = "no")]
    use_nfsv4_acls: bool,
    /// Whether the mask is made anew.
    #[arg(default = "default", choices("default", "mask", "no_mask"))]
    recalculate_mask: String,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    Present,
    Query,
}

/// What an entry says.
struct Entry {
    etype: String,
    entity: String,
    permissions: Option<String>,
    default: bool,
}

fn acl(args: Args, ctx: &mut Ctx) -> ModuleResult {
    if !args.path.exists() {
        return Err(Failure::new("Path not found or not accessible."));
    }
    let problem = if let Some(entry) = args.entry.as_deref().filter(|it| !it.is_empty()) {
        wrong_entry(&args, entry)
    } else {
        wrong_parts(&args)
    };
    if let Some(problem) = problem {
        return Err(Failure::new(problem));
    }
    if args.state == State::Query {
        return Ok(Outcome::changed(false).with("msg", "current acl").with("acl", present(&args, args.default, ctx)?));
    }
    let entry = entry(&args)?;
    let text = shown(&args, &entry);
    let mut words = match (args.use_nfsv4_acls, args.state) {
        (_, State::Absent) => vec!["-x"],
        (true, _) => vec!["-a"],
        (false, _) => vec!["-m"],
    };
    words.push(&text);
    if entry.default {
        words.insert(0, "-d");
    }
    match args.recalculate_mask.as_str() {
        "mask" => words.push("--mask"),
        "no_mask" => words.push("--no-mask"),
        _ => {}
    }
    let test = set(&args, &[&["--test"], words.as_slice()].concat())?;
    let lines = lines(&run::checked(&test, ctx)?.stdout_text());
    let changed = if args.use_nfsv4_acls {
        // The new entry is listed before those that are there.
        lines.iter().filter(|line| **line == text).count() != 2
    } else {
        lines.iter().any(|line| !line.ends_with("*,*"))
    };
    if changed && !ctx.check {
        run::checked(&set(&args, &words)?, ctx)?;
    }
    let state = if args.state == State::Present { "present" } else { "absent" };
    let acl = present(&args, entry.default, ctx)?;
    Ok(Outcome::changed(changed).with("msg", format!("{text} is {state}")).with("acl", acl))
}

fn wrong_parts(args: &Args) -> Option<String> {
    let state = match args.state {
        State::Query if args.recursive => return Some("'recursive' MUST NOT be set when 'state=query'.".to_owned()),
        State::Query if args.recalculate_mask != "default" => {
            return Some("'recalculate_mask' MUST NOT be set to 'mask' or 'no_mask' when 'state=query'.".to_owned());
        }
        State::Query => return None,
        State::Absent => "absent",
        State::Present => "present",
    };
    if args.state == State::Absent && args.permissions.as_ref().is_some_and(|it| !it.is_empty()) && !args.use_nfsv4_acls
    {
        return Some("'permissions' MUST NOT be set when 'state=absent'.".to_owned());
    }
    if args.state == State::Absent && args.entity.is_empty() {
        return Some("'entity' MUST be set when 'state=absent'.".to_owned());
    }
    args.etype.is_none().then(|| format!("'etype' MUST be set when 'state={state}'."))
}

fn wrong_entry(args: &Args, entry: &str) -> Option<String> {
    let colons = entry.matches(':').count();
    if args.etype.is_some() || !args.entity.is_empty() || args.permissions.is_some() {
        return Some("'entry' MUST NOT be set when 'entity', 'etype' or 'permissions' are set.".to_owned());
    }
    match args.state {
        State::Present if !matches!(colons, 2 | 3) => {
            Some("'entry' MUST have 3 or 4 sections divided by ':' when 'state=present'.".to_owned())
        }
        State::Absent if !matches!(colons, 1 | 2) => {
            Some("'entry' MUST have 2 or 3 sections divided by ':' when 'state=absent'.".to_owned())
        }
        State::Query => Some("'entry' MUST NOT be set when 'state=query'.".to_owned()),
        _ => None,
    }
}

fn entry(args: &Args) -> Result<Entry, Failure> {
    let Some(text) = args.entry.as_deref().filter(|it| !it.is_empty()) else {
        return Ok(Entry {
            etype: args.etype.clone().unwrap_or_default(),
            entity: args.entity.clone(),
            permissions: args.permissions.clone(),
            default: args.default,
        });
    };
    let rest = if text.to_lowercase().starts_with('d') { text.split_once(':').map(|(_, rest)| rest) } else { None };
    let mut parts = rest.unwrap_or(text).split(':');
    let kind = parts.next().unwrap_or_default().to_lowercase();
    let etype = match kind.chars().next() {
        Some('u') => "user",
        Some('g') => "group",
        Some('m') => "mask",
        Some('o') => "other",
        _ => return Err(Failure::new(format!("{text}: an entry begins with user, group, mask or other"))),
    };
    Ok(Entry {
        etype: etype.to_owned(),
        entity: parts.next().unwrap_or_default().to_owned(),
        permissions: parts.next().map(str::to_owned),
        default: args.default || rest.is_some(),
    })
}

fn shown(args: &Args, entry: &Entry) -> String {
    let Entry { etype, entity, permissions, .. } = entry;
    let permissions = permissions.as_deref().filter(|it| !it.is_empty());
    if args.use_nfsv4_acls {
        let group = if etype == "group" { "g" } else { "" };
        return format!("A:{group}:{entity}:{}tcy", permissions.unwrap_or_default());
    }
    match permissions.filter(|_| args.state == State::Present) {
        Some(permissions) => format!("{etype}:{entity}:{permissions}"),
        None => format!("{etype}:{entity}"),
    }
}

/// Options that say which files, and the path.
fn of_files(args: &Args, mut command: Command) -> Command {
    if args.recursive && !args.use_nfsv4_acls {
        command = command.arg("--recursive");
    }
    if !args.follow && !args.use_nfsv4_acls {
        command = command.arg("--physical");
    }
    command.arg("--").arg(&args.path)
}

fn set(args: &Args, words: &[&str]) -> Result<Command, Failure> {
    let command = run::command(if args.use_nfsv4_acls { "nfs4_setfacl" } else { "setfacl" })?;
    Ok(of_files(args, words.iter().fold(command, Command::arg)))
}

fn present(args: &Args, default: bool, ctx: &mut Ctx) -> Result<Vec<String>, Failure> {
    let mut command = run::command(if args.use_nfsv4_acls { "nfs4_getfacl" } else { "getfacl" })?;
    if default {
        command = command.arg("-d");
    }
    if !args.use_nfsv4_acls {
        command = command.arg("--absolute-names");
    }
    Ok(lines(&run::checked(&of_files(args, command.arg("--omit-header")), ctx)?.stdout_text()))
}

fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> =
        text.lines().filter(|line| !line.starts_with('#')).map(|line| line.trim().to_owned()).collect();
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}
