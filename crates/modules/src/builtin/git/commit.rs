//! Checking out a version, its signature, its submodules, and an archive of it.

use std::fs;
use std::path::Path;

use rplay_module_api::{Ctx, Failure};

use super::repository::Repository;
use crate::support::file_attributes::FileAttributes;
use crate::support::{atomic_write, os_error};

/// Checks the version out: a branch as the remote has it, or else a tag or commit.
pub fn switch(repository: &Repository<'_>, ctx: &mut Ctx) -> Result<(), Failure> {
    let args = repository.args;
    let remote = args.remote.as_str();
    let branch = match args.version.as_str() {
        "HEAD" => Some(repository.head_branch(ctx)?),
        version if has_ref(repository, &format!("refs/remotes/{remote}/{version}"), ctx)? => Some(version.to_owned()),
        _ => None,
    };
    let Some(branch) = branch else {
        let output = repository.run(&["checkout", "--force", &args.version, "--"], ctx)?;
        if !output.ok() {
            let failed = repository.failed(&["checkout", "--force", &args.version], &output);
            return Err(Failure { msg: format!("Failed to checkout {}", args.version), ..failed });
        }
        return verify(repository, ctx);
    };
    let tracked = format!("{remote}/{branch}");
    let words: &[&str] = if has_ref(repository, &format!("refs/heads/{branch}"), ctx)? {
        &["checkout", "--force", &branch, "--"]
    } else {
        // A shallow clone follows one branch only: git refuses to track others.
        let track = if args.depth.is_some() { "--no-track" } else { "--track" };
        &["checkout", "--force", track, "-b", &branch, &tracked]
    };
    let output = repository.run(words, ctx)?;
    if !output.ok() {
        let failed = repository.failed(words, &output);
        return Err(Failure { msg: format!("Failed to checkout branch {branch}"), ..failed });
    }
    repository.must(&["reset", "--hard", &tracked, "--"], ctx)?;
    verify(repository, ctx)
}

fn has_ref(repository: &Repository<'_>, name: &str, ctx: &mut Ctx) -> Result<bool, Failure> {
    Ok(repository.run(&["show-ref", "--verify", "--quiet", name], ctx)?.ok())
}

/// Asks gpg, by way of git, whether the version is signed by somebody who may.
fn verify(repository: &Repository<'_>, ctx: &mut Ctx) -> Result<(), Failure> {
    let args = repository.args;
    if !args.verify_commit {
        return Ok(());
    }
    let tag = format!("refs/tags/{}", args.version);
    let is_tag = has_ref(repository, &tag, ctx)?
        && repository.run(&["cat-file", "-t", &tag], ctx)?.stdout_text().trim_end() == "tag";
    let verb = if is_tag { "verify-tag" } else { "verify-commit" };
    let version = if args.version == "HEAD" || !is_tag { "HEAD" } else { args.version.as_str() };
    let words = [verb, "--raw", version];
    let output = repository.run(&words, ctx)?;
    let text = format!("{}{}", output.stderr_text(), output.stdout_text());
    if !output.ok() {
        let failed = repository.failed(&words, &output);
        let msg = format!("Failed to verify GPG signature of commit/tag \"{}\"", args.version);
        return Err(Failure { msg, ..failed });
    }
    let valid = text.lines().find_map(|line| line.strip_prefix("[GNUPG:] VALIDSIG "));
    let signer = valid.and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let allowed = args.gpg_allowlist.is_empty()
        || args.gpg_allowlist.iter().any(|it| !it.is_empty() && !signer.is_empty() && signer.ends_with(it.as_str()));
    if allowed {
        return Ok(());
    }
    Err(Failure::new(format!("The gpg_allowlist does not include the public key \"{signer}\" for this commit")))
}

/// Brings submodules up to date; says whether any has another commit afterwards.
pub fn update_submodules(repository: &Repository<'_>, ctx: &mut Ctx) -> Result<bool, Failure> {
    if !repository.dest.join(".gitmodules").exists() {
        return Ok(false);
    }
    let args = repository.args;
    let before = repository.must(&["submodule", "status", "--recursive"], ctx)?;
    repository.must(&["submodule", "sync", "--recursive"], ctx)?;
    let mut words = vec!["submodule", "update", "--init", "--recursive"];
    if args.track_submodules {
        words.push("--remote");
    }
    if args.force {
        words.push("--force");
    }
    let output = repository.run(&words, ctx)?;
    if !output.ok() {
        let failed = repository.failed(&words, &output);
        let msg = format!("Failed to init/update submodules: {}{}", output.stdout_text(), output.stderr_text());
        return Err(Failure { msg, ..failed });
    }
    let after = repository.must(&["submodule", "status", "--recursive"], ctx)?;
    Ok(before.stdout != after.stdout)
}

/// Makes the archive and puts it in place if it is another.
pub fn archive(repository: &Repository<'_>, archive: &Path, ctx: &mut Ctx) -> Result<bool, Failure> {
    let args = repository.args;
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let format = [(".zip", "zip"), (".tar.gz", "tar.gz"), (".tgz", "tgz"), (".tar", "tar")]
        .iter()
        .find(|(end, _)| name.ends_with(end))
        .map(|(_, format)| *format)
        .ok_or_else(|| Failure::new(format!("Unsupported archive format: {name}; use .zip, .tar, .tar.gz or .tgz")))?;
    let made = ctx.tmpdir.join("archive");
    let (format, output) = (format!("--format={format}"), format!("--output={}", made.display()));
    let prefix = args.archive_prefix.as_ref().map(|it| format!("--prefix={}/", it.trim_end_matches('/')));
    let mut words = vec!["archive", format.as_str(), output.as_str()];
    words.extend(prefix.as_deref());
    words.push(if args.bare { args.version.as_str() } else { "HEAD" });
    repository.must(&words, ctx)?;
    let new = fs::read(&made).map_err(|err| Failure::new(os_error::with_path(&err, &made)))?;
    if fs::read(archive).ok().as_ref() == Some(&new) {
        return Ok(false);
    }
    if !ctx.check {
        atomic_write::replace(archive, &new, None, &FileAttributes::default(), ctx)?;
    }
    Ok(true)
}
