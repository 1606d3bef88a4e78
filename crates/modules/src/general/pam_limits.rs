//! Limits of users' sessions, in files of pam_limits.

use std::path::PathBuf;

use rplay_module_api::{
    Choice, Ctx, Diff, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run,
};

use crate::support::file_attributes::{FileAttributes, path_json};
use crate::support::{atomic_write, text_file};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(pam_limits) };

const EXAMPLE: &str = r#"- name: Let the database open many files
  community.general.pam_limits:
    domain: postgres
    limit_type: hard
    limit_item: nofile
    value: "65536"
"#;

const RETURNS: &[Return] = &[
    Return::new("msg", Kind::Str, "success", "The line as it is now."),
    Return::new("backup_file", Kind::Path, "changed, with backup", "The copy of the file as it was."),
];

/// Manage limits of sessions.
#[derive(ModuleArgs)]
#[module(name = "pam_limits")]
struct Args {
    /// User, `@group`, or `*`.
    domain: String,
    /// Which limit; `-` is both.
    limit_type: LimitType,
    /// What is limited.
    #[arg(choices(
        "core",
        "data",
        "fsize",
        "memlock",
        "nofile",
        "rss",
        "stack",
        "cpu",
        "nproc",
        "as",
        "maxlogins",
        "maxsyslogins",
        "priority",
        "locks",
        "sigpending",
        "msgqueue",
        "nice",
        "rtprio",
        "chroot"
    ))]
    limit_item: String,
    /// The limit: a number, or `unlimited`, `infinity` or -1 for none.
    value: String,
    /// Keep a copy of the file as it was.
    #[arg(default = "no")]
    backup: bool,
    /// Leave a limit alone that is lower already.
    #[arg(default = "no")]
    use_min: bool,
    /// Leave a limit alone that is higher already.
    #[arg(default = "no")]
    use_max: bool,
    /// The file.
    #[arg(default = "/etc/security/limits.conf")]
    dest: PathBuf,
    /// Comment at the end of the line.
    #[arg(default = "")]
    comment: String,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum LimitType {
    Hard,
    Soft,
    #[choice("-")]
    Both,
}

fn pam_limits(args: Args, ctx: &mut Ctx) -> ModuleResult {
    if args.use_min && args.use_max {
        return Err(Failure::new("Cannot use use_min and use_max at the same time."));
    }
    args.check_value()?;
    if args.domain.trim().is_empty() {
        return Err(Failure::new("domain must not be empty"));
    }
    let before = String::from_utf8_lossy(&text_file::read(&args.dest)?).into_owned();
    let (after, msg) = args.edit(&before);
    let changed = before != after;
    let mut outcome = Outcome::changed(changed).with("msg", msg).with_diff(Diff {
        before: before.into(),
        after: after.clone().into(),
        ..Diff::default()
    });
    if changed && !ctx.check {
        if args.backup
            && let Some(copy) = atomic_write::back_up(&args.dest)?
        {
            outcome.fields.insert("backup_file".into(), path_json(&copy));
        }
        atomic_write::replace(&args.dest, after.as_bytes(), None, &FileAttributes::default(), ctx)?;
    }
    Ok(outcome)
}

impl Args {
    fn check_value(&self) -> Result<(), Failure> {
        let number = self.value.parse::<i64>().ok();
        let (right, range) = match self.limit_item.as_str() {
            "nice" | "priority" => (
                number.is_some_and(|it| (-20..=19).contains(&it)),
                "Value must be a number in the range -20 to 19 inclusive.",
            ),
            _ => (
                is_unlimited(&self.value) || number.is_some_and(|it| it >= 0),
                "Value must either be 'unlimited', 'infinity' or -1, all of which indicate no limit, or a limit of 0 or larger.",
            ),
        };
        if right {
            return Ok(());
        }
        Err(Failure::new(format!(
            " Value of '{}' for item '{}' is invalid. {range} Refer to the limits.conf(5) manual pages for more details.",
            self.value, self.limit_item
        )))
    }

    fn line(&self, value: &str, comment: &str) -> String {
        let comment = if comment.is_empty() { String::new() } else { format!("\t#{comment}") };
        format!("{}\t{}\t{}\t{value}{comment}\n", self.domain, self.limit_type.text(), self.limit_item)
    }

    /// The new text of the file, and the line that has the limit.
    fn edit(&self, before: &str) -> (String, String) {
        let mut after = String::new();
        let mut found: Option<String> = None;
        for line in before.split_inclusive('\n') {
            let (content, comment) =
                line.trim_end_matches('\n').split_once('#').unwrap_or((line.trim_end_matches('\n'), ""));
            let words: Vec<_> = content.split_whitespace().collect();
            let is_it = matches!(words.as_slice(), [domain, kind, item, _]
                if *domain == self.domain && *kind == self.limit_type.text() && *item == self.limit_item);
            let Some(present) = words.get(3).filter(|_| is_it) else {
                after.push_str(line);
                continue;
            };
            if found.is_some() {
                // The same limit a second time would count instead.
                continue;
            }
            let kept = *present == self.value || self.keeps(present);
            let text = if kept {
                line.to_owned()
            } else {
                let comment = if self.comment.is_empty() { comment } else { &self.comment };
                self.line(&self.value, comment)
            };
            after.push_str(&text);
            found = Some(text);
        }
        if let Some(msg) = found {
            return (after, msg);
        }
        if !after.is_empty() && !after.ends_with('\n') {
            after.push('\n');
        }
        let line = self.line(&self.value, &self.comment);
        after.push_str(&line);
        (after, line)
    }

    /// Whether the limit that is there may stay, by use_min or use_max.
    fn keeps(&self, present: &str) -> bool {
        let order = |text: &str| if is_unlimited(text) { i64::MAX } else { text.parse().unwrap_or(i64::MAX) };
        let (present, wanted) = (order(present), order(&self.value));
        (self.use_max && present >= wanted) || (self.use_min && present <= wanted)
    }
}

fn is_unlimited(text: &str) -> bool {
    matches!(text, "unlimited" | "infinity" | "-1")
}
