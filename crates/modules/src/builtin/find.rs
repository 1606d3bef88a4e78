//! Lists files that fit a description.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rplay_module_api::{Ctx, Failure, Json, Kind, Map, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::builtin::stat;
use crate::support::checksum::{self, Algorithm};
use crate::support::file_attributes::path_json;
use crate::support::python_regex::{self, PythonRegex};
use crate::support::{accounts, os_error, shell_pattern};

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(find) };

const EXAMPLE: &str = r#"- name: Find old logs
  find:
    paths: /var/log
    patterns: "*.gz"
    age: 30d
"#;

const RETURNS: &[Return] = &[
    Return::new("files", Kind::List, "success", "What was found, each as `stat` describes it."),
    Return::new("matched", Kind::Int, "success", "How many."),
    Return::new("examined", Kind::Int, "success", "How many were looked at."),
    Return::new("skipped_paths", Kind::Dict, "success", "Directories that could not be read, and why."),
];

/// List files that fit a description.
#[derive(ModuleArgs)]
#[module(name = "find")]
struct Args {
    /// The directories to look in.
    #[arg(alias("name", "path"))]
    paths: Vec<PathBuf>,
    /// Shell patterns, or with use_regex regular expressions, for the name.
    #[arg(alias("pattern"), required = false)]
    patterns: Vec<String>,
    /// Patterns for names that are left out.
    #[arg(alias("exclude"), required = false)]
    excludes: Vec<String>,
    /// What to list.
    #[arg(default = "file", choices("any", "directory", "file", "link"))]
    file_type: String,
    /// Look below the directories too.
    #[arg(default = "no")]
    recurse: bool,
    /// How deep to look.
    depth: Option<i64>,
    /// List hidden files too.
    #[arg(default = "no")]
    hidden: bool,
    /// Look behind links to directories.
    #[arg(default = "no")]
    follow: bool,
    /// At least this old, or with a minus at most; `s`, `m`, `h`, `d` or `w` may follow.
    age: Option<String>,
    /// Which time counts.
    #[arg(default = "mtime", choices("atime", "ctime", "mtime"))]
    age_stamp: String,
    /// At least this large, or with a minus at most; `b`, `k`, `m`, `g` or `t` may follow.
    size: Option<String>,
    /// A regular expression that a line must match.
    contains: Option<String>,
    /// Match `contains` against the whole file.
    #[arg(default = "no")]
    read_whole_file: bool,
    /// Encoding of the files; content is compared as bytes, so only utf-8 and ascii make sense.
    encoding: Option<String>,
    /// Mode the files must have.
    mode: Option<Json>,
    /// The mode must be exactly this, not only include it.
    #[arg(default = "yes")]
    exact_mode: bool,
    /// Patterns are regular expressions.
    #[arg(default = "no")]
    use_regex: bool,
    /// Return a checksum of each file.
    #[arg(default = "no")]
    get_checksum: bool,
    /// Which checksum.
    #[arg(
        default = "sha1",
        choices("md5", "sha1", "sha224", "sha256", "sha384", "sha512"),
        alias("checksum", "checksum_algo")
    )]
    checksum_algorithm: String,
    /// Stop after this many.
    limit: Option<usize>,
}

/// The arguments in the form in which they are compared.
struct Wanted {
    patterns: Vec<Pattern>,
    excludes: Vec<Pattern>,
    age: Option<i64>,
    size: Option<i64>,
    contains: Option<PythonRegex>,
    mode: Option<crate::support::file_mode::Mode>,
    checksum: Option<Algorithm>,
    now: i64,
}

enum Pattern {
    Shell(String),
    Regex(PythonRegex),
}

impl Pattern {
    fn matches(&self, name: &str) -> Result<bool, String> {
        match self {
            Self::Shell(pattern) => Ok(shell_pattern::matches(pattern.as_bytes(), name.as_bytes())),
            Self::Regex(regex) => Ok(regex.search(name)?.and_then(|it| it.get(0)).is_some_and(|it| it.start() == 0)),
        }
    }
}

fn find(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let wanted = understand(&args)?;
    let (mut files, mut examined, mut skipped) = (Vec::new(), 0_usize, Map::new());
    'all: for root in &args.paths {
        if !root.is_dir() {
            let why = if root.exists() { "is not a directory" } else { "does not exist" };
            let reason = format!("'{}' {why}", root.display());
            ctx.warn(format!("Skipped '{}' path due to this access issue: {reason}\n", root.display()));
            skipped.insert(root.to_string_lossy().into_owned(), reason.into());
            continue;
        }
        let mut directories = VecDeque::from([(root.clone(), 1_i64)]);
        while let Some((directory, depth)) = directories.pop_front() {
            let entries = match entries_of(&directory) {
                Ok(entries) => entries,
                Err(err) => {
                    skipped
                        .insert(directory.to_string_lossy().into_owned(), os_error::with_path(&err, &directory).into());
                    continue;
                }
            };
            examined += entries.len();
            for path in entries {
                let Ok(meta) = fs::symlink_metadata(&path) else { continue };
                if let Some(fields) = judge(&args, &wanted, &path, &meta, ctx).map_err(Failure::new)? {
                    files.push(Json::Object(fields));
                    if args.limit == Some(files.len()) {
                        break 'all;
                    }
                }
                let descend =
                    meta.is_dir() || (args.follow && meta.is_symlink() && path.is_dir() && !leads_back(&path));
                if args.recurse && descend && args.depth.is_none_or(|deepest| depth < deepest) {
                    directories.push_back((path, depth + 1));
                }
            }
        }
    }
    let msg =
        if skipped.is_empty() { "All paths examined" } else { "Not all paths examined, check warnings for details" };
    Ok(Outcome::changed(false)
        .with("matched", files.len())
        .with("files", files)
        .with("examined", examined)
        .with("skipped_paths", skipped)
        .with("msg", msg))
}

fn understand(args: &Args) -> Result<Wanted, Failure> {
    let pattern = |text: &String| {
        if args.use_regex {
            PythonRegex::of_text(text, "s").map(Pattern::Regex).map_err(Failure::new)
        } else {
            Ok(Pattern::Shell(text.clone()))
        }
    };
    if let Some(encoding) = &args.encoding
        && !matches!(encoding.to_lowercase().as_str(), "utf-8" | "utf8" | "ascii" | "us-ascii")
    {
        return Err(Failure::new(format!("find: the encoding `{encoding}` is not supported")));
    }
    let mode = args.mode.as_ref().map(crate::support::file_mode::parse).transpose();
    let mode = mode.map_err(|_| Failure::new("failed to process mode: it must be in octal or symbolic form"))?;
    let checksum = Algorithm::named(&args.checksum_algorithm).filter(|_| args.get_checksum);
    Ok(Wanted {
        patterns: args.patterns.iter().map(pattern).collect::<Result<_, _>>()?,
        excludes: args.excludes.iter().map(pattern).collect::<Result<_, _>>()?,
        age: quantity(args.age.as_deref(), "age", &[('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)])?,
        size: quantity(
            args.size.as_deref(),
            "size",
            &[('b', 1), ('k', 1 << 10), ('m', 1 << 20), ('g', 1 << 30), ('t', 1 << 40)],
        )?,
        contains: args.contains.as_deref().map(PythonRegex::of_bytes).transpose().map_err(Failure::new)?,
        mode,
        checksum,
        now: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX)),
    })
}

/// A number with an optional unit; a minus means `at most`.
fn quantity(text: Option<&str>, name: &str, units: &[(char, i64)]) -> Result<Option<i64>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let lower = text.trim().to_lowercase();
    let split = lower.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(lower.len());
    let (number, unit) = lower.split_at(split);
    let factor = match unit.chars().next() {
        None => Some(1),
        Some(letter) => units.iter().find(|(known, _)| *known == letter).map(|(_, factor)| *factor),
    };
    let value = number.parse::<i64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    value.map(Some).ok_or_else(|| Failure::new(format!("failed to process {name}: {text}")))
}

fn entries_of(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths =
        fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

/// A link to a directory that it is itself in.
fn leads_back(path: &Path) -> bool {
    fs::canonicalize(path).map_or(true, |real| {
        path.parent().and_then(|parent| fs::canonicalize(parent).ok()).is_none_or(|parent| parent.starts_with(real))
    })
}

/// The fields of a file that fits; none for one that does not.
fn judge(
    args: &Args,
    wanted: &Wanted,
    path: &Path,
    meta: &fs::Metadata,
    ctx: &mut Ctx,
) -> Result<Option<Map<String, Json>>, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with('.') && !args.hidden {
        return Ok(None);
    }
    let is_file = meta.is_file();
    let fits_type = match args.file_type.as_str() {
        "any" => true,
        "directory" => meta.is_dir(),
        "link" => meta.is_symlink(),
        _ => is_file,
    };
    if !fits_type || !fits_name(wanted, &name)? || !fits_numbers(args, wanted, meta) {
        return Ok(None);
    }
    if is_file && !fits_content(args, wanted, path)? {
        return Ok(None);
    }
    let mut fields = Map::new();
    fields.insert("path".to_owned(), path_json(path));
    stat::add_metadata(&mut fields, meta);
    if let Some(user) = accounts::user_by_id(meta.uid(), ctx) {
        fields.insert("pw_name".to_owned(), user.name.into());
    }
    if let Some(group) = accounts::group_by_id(meta.gid(), ctx) {
        fields.insert("gr_name".to_owned(), group.name.into());
    }
    for name in ["block_size", "blocks", "device_type"] {
        fields.remove(name);
    }
    if let (true, Some(algorithm)) = (is_file, wanted.checksum)
        && let Ok(checksum) = checksum::of_file(path, algorithm)
    {
        fields.insert("checksum".to_owned(), checksum.into());
    }
    Ok(Some(fields))
}

fn fits_name(wanted: &Wanted, name: &str) -> Result<bool, String> {
    for exclude in &wanted.excludes {
        if exclude.matches(name)? {
            return Ok(false);
        }
    }
    for pattern in &wanted.patterns {
        if pattern.matches(name)? {
            return Ok(true);
        }
    }
    Ok(wanted.patterns.is_empty())
}

fn fits_numbers(args: &Args, wanted: &Wanted, meta: &fs::Metadata) -> bool {
    let stamp = match args.age_stamp.as_str() {
        "atime" => meta.atime(),
        "ctime" => meta.ctime(),
        _ => meta.mtime(),
    };
    let at_least = |value: i64, limit: i64| if limit >= 0 { value >= limit } else { value <= -limit };
    let fits_mode = wanted.mode.as_ref().is_none_or(|mode| {
        let present = crate::support::file_mode::Present { mode: meta.mode(), directory: meta.is_dir(), umask: 0 };
        let present_mode = meta.mode() & crate::support::file_mode::PERMISSIONS;
        mode.for_file(present)
            .is_ok_and(|mode| if args.exact_mode { present_mode == mode } else { present_mode & mode == mode })
    });
    wanted.age.is_none_or(|age| at_least(wanted.now - stamp, age))
        && (!meta.is_file()
            || wanted.size.is_none_or(|size| at_least(i64::try_from(meta.size()).unwrap_or(i64::MAX), size)))
        && fits_mode
}

fn fits_content(args: &Args, wanted: &Wanted, path: &Path) -> Result<bool, String> {
    let Some(regex) = &wanted.contains else { return Ok(true) };
    let Ok(bytes) = fs::read(path) else { return Ok(false) };
    if args.read_whole_file {
        return Ok(regex.search(&python_regex::to_text(&bytes))?.is_some());
    }
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        // The pattern must match where the line begins.
        if regex.search(&python_regex::to_text(line))?.and_then(|it| it.get(0)).is_some_and(|it| it.start() == 0) {
            return Ok(true);
        }
    }
    Ok(false)
}
