//! Jobs and variables of crontabs. A job is found by the comment above it, `#Ansible: NAME`.

mod table;

use std::path::{Path, PathBuf};

use rplay_module_api::{
    Choice, Ctx, Diff, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run,
};

use table::{Place, Table};

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(cron) };

const EXAMPLE: &str = r#"- name: Back up at night
  cron:
    name: backup
    user: root
    cron_file: backup
    minute: "5"
    hour: "2"
    job: /usr/local/bin/backup --all

- name: Tell whom to write to
  cron:
    name: MAILTO
    env: true
    job: admin@example.com
    user: root
    cron_file: backup
"#;

const RETURNS: &[Return] = &[
    Return::new("jobs", Kind::List, "always", "Names of the jobs of the crontab."),
    Return::new("envs", Kind::List, "always", "Names of its variables."),
    Return::new("cron_file", Kind::Path, "with cron_file", "The file."),
    Return::new("backup_file", Kind::Path, "changed, with backup", "The copy of the crontab as it was."),
    Return::new("state", Kind::Str, "when the last job of a file was removed", "`absent`."),
];

/// Manage jobs and variables of crontabs.
#[derive(ModuleArgs)]
#[module(name = "cron")]
struct Args {
    /// Name of the job, or of the variable.
    name: String,
    /// Whose crontab, or in a cron_file as whom the job runs.
    user: Option<String>,
    /// The command, or the value of the variable.
    #[arg(alias("value"))]
    job: Option<String>,
    /// A file in /etc/cron.d, or an absolute path, in place of the user's crontab.
    cron_file: Option<PathBuf>,
    /// Whether it should be there.
    #[arg(default = "present")]
    state: State,
    /// Keep a copy of the crontab as it was.
    #[arg(default = "no")]
    backup: bool,
    /// Minute: 0 to 59, `*`, `*/2` and so on.
    #[arg(default = "*")]
    minute: String,
    /// Hour: 0 to 23.
    #[arg(default = "*")]
    hour: String,
    /// Day of the month: 1 to 31.
    #[arg(default = "*", alias("dom"))]
    day: String,
    /// Month: 1 to 12, or JAN to DEC.
    #[arg(default = "*")]
    month: String,
    /// Day of the week: 0 to 6, or SUN to SAT.
    #[arg(default = "*", alias("dow"))]
    weekday: String,
    /// A time by name, in place of the fields.
    #[arg(choices("reboot", "yearly", "annually", "monthly", "weekly", "daily", "hourly"))]
    special_time: Option<String>,
    /// Have the job as a comment.
    #[arg(default = "no")]
    disabled: bool,
    /// Manage a variable instead of a job.
    #[arg(default = "no")]
    env: bool,
    /// The variable after which a new one is put.
    insertafter: Option<String>,
    /// The variable before which a new one is put.
    insertbefore: Option<String>,
}

#[derive(Choice, PartialEq, Eq)]
enum State {
    Present,
    Absent,
}

fn cron(args: Args, ctx: &mut Ctx) -> ModuleResult {
    args.check(ctx)?;
    let mut table = Table::read(args.cron_file.as_deref(), args.user.as_deref(), ctx)?;
    let before = table.written.clone();
    let install = args.state == State::Present;
    let mut changed = match (args.env, install) {
        (true, true) => {
            let place = match (&args.insertafter, &args.insertbefore) {
                (Some(name), _) => Place::After(name),
                (None, Some(name)) => Place::Before(name),
                (None, None) => Place::Top,
            };
            table.set_variable(&args.name, args.job.as_deref().unwrap_or_default(), place)?
        }
        (true, false) => table.remove_variable(&args.name),
        (false, true) => table.set_job(&args.name, &args.line()),
        (false, false) => {
            let removed = table.remove_job(&args.name);
            if removed && let Some(file) = table.file.clone().filter(|_| table.is_empty()) {
                return remove_file(&file, &before, ctx);
            }
            removed
        }
    };
    // A last line without its end would be no line for cron.
    changed |= !before.is_empty() && !before.ends_with(['\n', '\r']);
    let mut outcome = Outcome::changed(changed).with("jobs", table.jobs()).with("envs", table.variables());
    if changed {
        if args.backup && !ctx.check {
            outcome.fields.insert("backup_file".into(), table::back_up(&before)?.to_string_lossy().into());
        }
        if !ctx.check {
            table.write(ctx)?;
        }
        let header = Some(table.shown_name());
        outcome.diff.push(Diff {
            before: before.into(),
            after: table.text().into(),
            before_header: header.clone(),
            after_header: header,
            ..Diff::default()
        });
    }
    if let Some(file) = &args.cron_file {
        outcome.fields.insert("cron_file".into(), file.to_string_lossy().into());
    }
    Ok(outcome)
}

fn remove_file(file: &Path, before: &str, ctx: &mut Ctx) -> ModuleResult {
    if !ctx.check {
        table::remove(file)?;
    }
    let shown = file.to_string_lossy();
    Ok(Outcome::changed(true).with("cron_file", shown.as_ref()).with("state", "absent").with_diff(Diff {
        before: before.into(),
        after: "".into(),
        before_header: Some(shown.into_owned()),
        after_header: Some("/dev/null".into()),
        ..Diff::default()
    }))
}

impl Args {
    fn check(&self, ctx: &mut Ctx) -> Result<(), Failure> {
        if self.cron_file.as_deref() == Some(Path::new("/etc/crontab")) {
            return Err(Failure::new("Will not manage /etc/crontab via cron_file, see documentation."));
        }
        if let Some(name) = self.cron_file.as_deref().and_then(Path::file_name) {
            let name = name.to_string_lossy();
            if !name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')) {
                ctx.warn(format!(
                    "Filename portion of cron_file (\"{name}\") should consist solely of upper- and lower-case letters, \
                     digits, underscores, and hyphens"
                ));
            }
        }
        let install = self.state == State::Present;
        let fields = [&self.minute, &self.hour, &self.day, &self.month, &self.weekday];
        if self.special_time.is_some() && fields.iter().any(|field| *field != "*") {
            return Err(Failure::new("You cannot combine special_time with any of the time or day/date parameters."));
        }
        if self.cron_file.is_some() && install && self.user.is_none() {
            return Err(Failure::new("To use cron_file=... parameter you must specify user=... as well"));
        }
        if self.job.is_none() && install {
            return Err(Failure::new("You must specify 'job' to install a new cron job or variable"));
        }
        if !self.env && (self.insertafter.is_some() || self.insertbefore.is_some()) {
            return Err(Failure::new("Insertafter and insertbefore parameters are valid only with env=yes"));
        }
        if install && self.command().contains(['\r', '\n']) {
            ctx.warn("Job should not contain line breaks");
        }
        Ok(())
    }

    fn command(&self) -> &str {
        self.job.as_deref().unwrap_or_default().trim_matches(['\r', '\n'])
    }

    /// The job as a line of the crontab.
    fn line(&self) -> String {
        let time = match &self.special_time {
            Some(name) => format!("@{name}"),
            None => [&self.minute, &self.hour, &self.day, &self.month, &self.weekday].map(String::as_str).join(" "),
        };
        let disabled = if self.disabled { "#" } else { "" };
        let job = self.command();
        match &self.user {
            Some(user) if self.cron_file.is_some() => format!("{disabled}{time} {user} {job}"),
            _ => format!("{disabled}{time} {job}"),
        }
    }
}
