//! Sources of packages: lines in /etc/apt/sources.list.d, and Ubuntu's PPAs with their keys.

use std::fs;
use std::path::{Path, PathBuf};

use rplay_module_api::{Ctx, Diff, Failure, Json, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::builtin::apt;
use crate::support::apt_sources::{self, PARTS, Source, SourceFile};
use crate::support::file_attributes::FileAttributes;
use crate::support::{at, atomic_write, download, file_mode, openpgp, os_error};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(apt_repository) };

const EXAMPLE: &str = r"- name: Have a source of packages
  apt_repository:
    repo: deb https://packages.example.com/debian stable main
    filename: example
";

const RETURNS: &[Return] = &[
    Return::new("repo", Kind::Str, "always", "The source."),
    Return::new("sources_added", Kind::List, "changed", "Files that were made."),
    Return::new("sources_removed", Kind::List, "changed", "Files that were removed."),
];

/// Manage sources of packages.
#[derive(ModuleArgs)]
#[module(name = "apt_repository")]
struct Args {
    /// The source, as a line of sources.list, or a PPA.
    repo: String,
    /// Whether it should be there.
    #[arg(default = "present", choices("absent", "present"))]
    state: String,
    /// Mode of a new file.
    mode: Option<Json>,
    /// Update the lists of packages after a change.
    #[arg(default = "yes", alias("update-cache"))]
    update_cache: bool,
    /// How often a failed update is tried again.
    #[arg(default = "5")]
    update_cache_retries: u32,
    /// Longest pause between two tries, in seconds.
    #[arg(default = "12")]
    update_cache_retry_max_delay: u64,
    /// Name of the file, without `.list`.
    filename: Option<String>,
    /// Has no effect: nothing is needed.
    #[arg(name = "install_python_apt", default = "yes")]
    _install_python_apt: bool,
    /// Check certificates when a key is fetched.
    #[arg(default = "yes")]
    validate_certs: bool,
    /// The release that a PPA is for.
    codename: Option<String>,
}

/// What is asked for, a PPA already as its line.
struct Wanted {
    source: Source,
    file_name: String,
    ppa: Option<(String, String)>,
}

fn apt_repository(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let wanted = wanted(&args)?;
    let before = apt_sources::read_all();
    let after = plan(&args, &wanted, &before);
    let changes = changes(&before, &after);
    let mut outcome = Outcome::changed(!changes.is_empty())
        .with("repo", args.repo.clone())
        .with("state", args.state.clone())
        .with("sources_added", paths(&changes, |it| it.before.is_none()))
        .with("sources_removed", paths(&changes, |it| it.after.is_none()));
    if ctx.diff {
        outcome.diff = changes.iter().map(Change::diff).collect();
    }
    if changes.is_empty() || ctx.check {
        return Ok(outcome);
    }
    if let Some((owner, name)) = wanted.ppa.as_ref().filter(|_| args.state == "present") {
        trust_ppa(owner, name, args.validate_certs, ctx)?;
    }
    for change in &changes {
        change.apply(args.mode.as_ref(), ctx)?;
    }
    if args.update_cache
        && let Err(mut failure) = apt::update_lists(args.update_cache_retries, args.update_cache_retry_max_delay, ctx)
    {
        // A source that apt can't use would break every later task.
        for change in &changes {
            change.revert(ctx);
        }
        failure.changed = false;
        return Err(failure);
    }
    Ok(outcome)
}

fn wanted(args: &Args) -> Result<Wanted, Failure> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let field = |name: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    let invalid = || Failure::new(format!("Invalid repository string: {}", args.repo));
    let Some(ppa) = args.repo.strip_prefix("ppa:") else {
        let source = Source::parse(&args.repo).ok_or_else(invalid)?;
        let file_name = args.filename.clone().unwrap_or_else(|| source.file_name());
        return Ok(Wanted { source, file_name, ppa: None });
    };
    let is_ubuntu = field("ID") == "ubuntu" || field("ID_LIKE").split(' ').any(|it| it == "ubuntu");
    if !is_ubuntu {
        return Err(Failure::new(format!(
            "{} cannot be used here: PPAs are made for Ubuntu, and this is {}",
            args.repo,
            field("PRETTY_NAME")
        )));
    }
    let codename = args.codename.clone().unwrap_or_else(|| match field("UBUNTU_CODENAME") {
        name if name.is_empty() => field("VERSION_CODENAME"),
        name => name,
    });
    let (owner, name) = ppa.split_once('/').unwrap_or((ppa, "ppa"));
    let line = format!("deb http://ppa.launchpad.net/{owner}/{name}/ubuntu {codename} main");
    let source = Source::parse(&line).ok_or_else(invalid)?;
    let file_name =
        args.filename.clone().unwrap_or_else(|| apt_sources::clean_name(&format!("{} {codename}", args.repo)));
    Ok(Wanted { source, file_name, ppa: Some((owner.to_owned(), name.to_owned())) })
}

fn plan(args: &Args, wanted: &Wanted, before: &[SourceFile]) -> Vec<SourceFile> {
    let mut files = before.to_vec();
    if args.state == "absent" {
        for file in &mut files {
            file.remove(&wanted.source);
        }
        return files;
    }
    let mut found = false;
    for file in &mut files {
        found |= file.enable(&wanted.source).0;
    }
    if !found {
        let path = list_path(&wanted.file_name);
        match files.iter_mut().find(|it| it.path == path) {
            Some(file) => file.lines.push(wanted.source.text.clone()),
            None => files.push(SourceFile { path, lines: vec![wanted.source.text.clone()] }),
        }
    }
    files
}

#[expect(clippy::case_sensitive_file_extension_comparisons, reason = "apt reads `.list` and no `.LIST`")]
fn list_path(name: &str) -> PathBuf {
    let name = if name.ends_with(".list") { name.to_owned() } else { format!("{name}.list") };
    if name.starts_with('/') { PathBuf::from(name) } else { Path::new(PARTS).join(name) }
}

struct Change {
    path: PathBuf,
    before: Option<String>,
    after: Option<String>,
}

fn changes(before: &[SourceFile], after: &[SourceFile]) -> Vec<Change> {
    after
        .iter()
        .filter_map(|file| {
            let old = before.iter().find(|it| it.path == file.path);
            if old.is_some_and(|it| it.lines == file.lines) {
                return None;
            }
            // A file in the directory that holds nothing any more goes; sources.list stays.
            let gone = file.lines.is_empty() && file.path.starts_with(PARTS);
            Some(Change {
                path: file.path.clone(),
                before: old.map(SourceFile::text),
                after: (!gone).then(|| file.text()),
            })
        })
        .collect()
}

fn paths(changes: &[Change], wanted: impl Fn(&Change) -> bool) -> Vec<String> {
    changes.iter().filter(|it| wanted(it)).map(|it| it.path.display().to_string()).collect()
}

impl Change {
    fn diff(&self) -> Diff {
        let path = self.path.display().to_string();
        let header =
            |text: &Option<String>| Some(text.as_ref().map_or_else(|| "/dev/null".to_owned(), |_| path.clone()));
        Diff {
            before: self.before.clone().unwrap_or_default().into(),
            after: self.after.clone().unwrap_or_default().into(),
            before_header: header(&self.before),
            after_header: header(&self.after),
            prepared: None,
        }
    }

    fn apply(&self, mode: Option<&Json>, ctx: &mut Ctx) -> Result<(), Failure> {
        let failed =
            |err: std::io::Error| Failure::new(format!("{}: {}", self.path.display(), os_error::numbered(&err)));
        let Some(text) = &self.after else { return at::remove_file(&self.path).map_err(failed) };
        if let Some(directory) = self.path.parent() {
            at::create_dir_all(directory, 0o777).map_err(failed)?;
        }
        atomic_write::replace(&self.path, text.as_bytes(), None, &FileAttributes::default(), ctx)?;
        if self.before.is_none() {
            let mode = mode.cloned().unwrap_or_else(|| "0644".into());
            set_mode(&self.path, &mode)?;
        }
        Ok(())
    }

    fn revert(&self, ctx: &mut Ctx) {
        // The failure that led here is what gets reported.
        let _ = match &self.before {
            None => at::remove_file(&self.path).map_err(|_| ()),
            Some(text) => atomic_write::replace(&self.path, text.as_bytes(), None, &FileAttributes::default(), ctx)
                .map_err(|_| ()),
        };
    }
}

fn set_mode(path: &Path, mode: &Json) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;
    let failed = |text: String| Failure::new(format!("could not set the mode of {}: {text}", path.display()));
    let object = at::object(path).map_err(|err| failed(os_error::numbered(&err)))?;
    let meta = object.metadata().map_err(|err| failed(os_error::numbered(&err)))?;
    let present = file_mode::Present { mode: meta.mode() & file_mode::PERMISSIONS, directory: false, umask: 0o022 };
    let mode =
        file_mode::parse(mode).and_then(|it| it.for_file(present)).map_err(|_| failed(format!("{mode} is no mode")))?;
    object.set_mode(mode).map_err(|err| failed(os_error::numbered(&err)))
}

/// Launchpad says over its API, and so over https, which key signs a PPA.
fn trust_ppa(owner: &str, name: &str, validate_certs: bool, ctx: &mut Ctx) -> Result<(), Failure> {
    let path = PathBuf::from(format!(
        "/etc/apt/trusted.gpg.d/{}.gpg",
        apt_sources::clean_name(&format!("ppa {owner} {name}"))
    ));
    if path.exists() {
        return Ok(());
    }
    let url = format!("https://api.launchpad.net/1.0/~{owner}/+archive/ubuntu/{name}?ws.op=getSigningKeyData");
    let failed = |reason: String| Failure::new(format!("failed to fetch PPA information, error was: {reason}"));
    let answer = download::bytes(&url, validate_certs, ctx).map_err(failed)?;
    let armored: String = serde_json::from_slice(&answer).map_err(|err| failed(err.to_string()))?;
    let packets: Vec<u8> = openpgp::read(armored.as_bytes()).into_iter().flat_map(|it| it.packets).collect();
    if packets.is_empty() {
        return Err(failed("the answer holds no key".into()));
    }
    atomic_write::replace(&path, &packets, None, &FileAttributes::default(), ctx)?;
    set_mode(&path, &"0644".into())
}
