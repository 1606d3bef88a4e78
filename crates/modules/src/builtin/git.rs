//! Working copies of git repositories. All of git's work is done by the program `git`.

mod commit;
mod repository;

use std::path::{Path, PathBuf};

use rplay_module_api::{Ctx, Diff, Failure, Json, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::support::os_error;
use repository::Repository;

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(git) };

const EXAMPLE: &str = r"- name: Have a release of an application
  git:
    repo: https://git.example.com/app.git
    dest: /opt/app
    version: v1.4.2

- name: Only look what there is
  git:
    repo: https://git.example.com/app.git
    dest: /opt/app
    clone: false
    update: false
";

const RETURNS: &[Return] = &[
    Return::new("before", Kind::Str, "always", "Commit of the working copy before."),
    Return::new("after", Kind::Str, "always", "Commit of the working copy after."),
    Return::new("remote_url_changed", Kind::Bool, "when the working copy was there", "Whether it had another origin."),
    Return::new(
        "submodules_changed",
        Kind::Bool,
        "when submodules were brought up to date",
        "Whether that changed any.",
    ),
    Return::new("archive", Kind::Dict, "with archive", "Name and whether the archive is another than before."),
    Return::new("git_dir_now", Kind::Path, "when separate_git_dir moved it", "Where the repository is now."),
    Return::new("git_dir_before", Kind::Path, "when separate_git_dir moved it", "Where it was."),
];

/// Manage working copies of git repositories.
#[derive(ModuleArgs)]
#[module(name = "git")]
#[module(mutually_exclusive("separate_git_dir", "bare"))]
#[module(mutually_exclusive("accept_hostkey", "accept_newhostkey"))]
#[module(required_by("archive_prefix", "archive"))]
struct Args {
    /// The repository, as git's commands take it.
    #[arg(alias("name"))]
    repo: String,
    /// Where the working copy is; needed unless clone is off.
    dest: Option<PathBuf>,
    /// Branch, tag or commit; `HEAD` is the remote's.
    #[arg(default = "HEAD")]
    version: String,
    /// Name of the remote.
    #[arg(default = "origin")]
    remote: String,
    /// A further refspec to fetch.
    refspec: Option<String>,
    /// A repository to borrow objects from when cloning.
    reference: Option<String>,
    /// Throw local changes away.
    #[arg(default = "no")]
    force: bool,
    /// Fetch only so many commits.
    depth: Option<u32>,
    /// Clone when there is no working copy.
    #[arg(default = "yes")]
    clone: bool,
    /// Bring a working copy that is there up to date.
    #[arg(default = "yes")]
    update: bool,
    /// The program git.
    executable: Option<PathBuf>,
    /// Have a repository without files.
    #[arg(default = "no")]
    bare: bool,
    /// Umask for new files, as octal text.
    umask: Option<Json>,
    /// Trust whatever key an ssh server has.
    #[arg(default = "no")]
    accept_hostkey: bool,
    /// Trust the key of an ssh server that is not known yet.
    #[arg(default = "no")]
    accept_newhostkey: bool,
    /// Options for ssh.
    ssh_opts: Option<String>,
    /// Private key for ssh, on the target.
    key_file: Option<PathBuf>,
    /// Clone only the branch of version.
    #[arg(default = "no")]
    single_branch: bool,
    /// Have submodules too.
    #[arg(default = "yes")]
    recursive: bool,
    /// Have the newest commit of each submodule's branch.
    #[arg(default = "no")]
    track_submodules: bool,
    /// Accept only a commit or tag with a valid signature.
    #[arg(default = "no")]
    verify_commit: bool,
    /// Fingerprints of the keys whose signature counts.
    #[arg(default = "[]", alias("gpg_whitelist"))]
    gpg_allowlist: Vec<String>,
    /// An archive to make of the version: a name that ends in .zip, .tar, .tar.gz or .tgz.
    archive: Option<PathBuf>,
    /// A directory for all that is in the archive.
    archive_prefix: Option<String>,
    /// Keep the repository itself here, apart from the files.
    separate_git_dir: Option<PathBuf>,
}

/// What is known of the result so far.
#[derive(Default)]
struct Progress {
    before: Option<String>,
    changed: bool,
    fields: Vec<(&'static str, Json)>,
}

fn git(mut args: Args, ctx: &mut Ctx) -> ModuleResult {
    // Only a URL gives a shallow clone of a repository on this machine.
    if args.repo.starts_with('/') {
        args.repo.insert_str(0, "file://");
    }
    let Some(dest) = args.dest.clone() else {
        if args.clone {
            return Err(Failure::new("the destination directory must be specified unless clone=no"));
        }
        let repository = Repository::new(&args, Path::new("."), ctx)?;
        let after = repository.remote_head(&args.repo, ctx)?;
        return finish(&repository, Progress { changed: true, ..Progress::default() }, Some(after), ctx);
    };
    let repository = Repository::new(&args, &dest, ctx)?;
    let mut progress = Progress::default();
    if repository.exists() {
        progress.before = Some(repository.head(ctx)?);
        if let Some(directory) = &args.separate_git_dir {
            repository.move_git_dir(directory, &mut progress.fields, ctx)?;
        }
        if !args.update {
            let after = progress.before.clone();
            return archive_and_finish(&repository, progress, after, ctx);
        }
        if let Some(ready) = update(&repository, &mut progress, ctx)? {
            return finish(&repository, progress, Some(ready), ctx);
        }
    } else {
        if ctx.check || !args.clone {
            let after = repository.remote_head(&args.repo, ctx)?;
            progress.changed = true;
            return finish(&repository, progress, Some(after), ctx);
        }
        repository.clone_it(ctx)?;
    }
    if !args.bare {
        commit::switch(&repository, ctx)?;
        if args.recursive && commit::update_submodules(&repository, ctx)? {
            progress.fields.push(("submodules_changed", true.into()));
            progress.changed = true;
        }
    }
    let after = repository.head(ctx)?;
    progress.changed |= progress.before.as_ref() != Some(&after);
    archive_and_finish(&repository, progress, Some(after), ctx)
}

/// Fetches what is new; in check mode returns the commit that would be there afterwards.
fn update(repository: &Repository<'_>, progress: &mut Progress, ctx: &mut Ctx) -> Result<Option<String>, Failure> {
    let args = repository.args;
    let before = progress.before.clone().unwrap_or_default();
    if !args.bare && repository.has_changes(ctx)? {
        let text = format!("Local modifications exist in the destination: {}", repository.dest.display());
        if !args.force {
            return Err(Failure::new(format!("{text} (force=no).")).with("before", before));
        }
        progress.changed = true;
        if !ctx.check {
            repository.must(&["reset", "--hard", "HEAD"], ctx)?;
            progress.fields.push(("msg", text.into()));
        }
    }
    let other_url = repository.has_other_url(ctx)?;
    progress.changed |= other_url;
    progress.fields.push(("remote_url_changed", other_url.into()));
    if ctx.check {
        let source = if other_url { args.repo.as_str() } else { args.remote.as_str() };
        let after = repository.remote_head(source, ctx)?;
        progress.changed |= after != before;
        return Ok(Some(after));
    }
    if other_url {
        repository.must(&["remote", "set-url", &args.remote, &args.repo], ctx)?;
    }
    repository.fetch(ctx)?;
    Ok(None)
}

fn archive_and_finish(
    repository: &Repository<'_>,
    mut progress: Progress,
    after: Option<String>,
    ctx: &mut Ctx,
) -> ModuleResult {
    if let Some(archive) = &repository.args.archive {
        let changed = commit::archive(repository, archive, ctx)?;
        progress.changed |= changed;
        progress
            .fields
            .push(("archive", rplay_module_api::json!({"dest": archive.to_string_lossy(), "changed": changed})));
    }
    finish(repository, progress, after, ctx)
}

fn finish(repository: &Repository<'_>, progress: Progress, after: Option<String>, ctx: &mut Ctx) -> ModuleResult {
    let text = |commit: &Option<String>| commit.clone().map_or(Json::Null, Json::from);
    let mut outcome =
        Outcome::changed(progress.changed).with("before", text(&progress.before)).with("after", text(&after));
    if ctx.diff
        && progress.changed
        && let Some(after) = &after
        && let Some(prepared) = repository.diff(progress.before.as_deref(), after, ctx)
    {
        outcome.diff.push(Diff { prepared: Some(prepared), ..Diff::default() });
    }
    for (name, value) in progress.fields {
        outcome.fields.insert(name.into(), value);
    }
    Ok(outcome)
}

/// What a command that cannot be started leaves behind.
fn not_started(err: &std::io::Error) -> Failure {
    Failure::new(os_error::numbered(err))
}
