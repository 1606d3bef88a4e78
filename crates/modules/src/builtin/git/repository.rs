//! One working copy, its remote, and how git is called for them.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use rplay_module_api::{Command, CommandOutput, Ctx, Failure, Json};

use super::{Args, not_started};
use crate::support::{at, os_error, program};

pub struct Repository<'a> {
    pub args: &'a Args,
    pub dest: PathBuf,
    git: PathBuf,
    ssh: String,
    umask: Option<u32>,
}

impl<'a> Repository<'a> {
    pub fn new(args: &'a Args, dest: &Path, _ctx: &mut Ctx) -> Result<Self, Failure> {
        let git = match &args.executable {
            Some(path) => path.clone(),
            None => program::find("git").ok_or_else(|| program::missing("git"))?,
        };
        for (name, text) in [("version", &args.version), ("remote", &args.remote), ("repo", &args.repo)] {
            // git would take it for an option.
            if text.starts_with('-') {
                return Err(Failure::new(format!("{name} must not begin with a dash: {text}")));
            }
        }
        for path in [Some(dest), args.separate_git_dir.as_deref()].into_iter().flatten() {
            at::judge(path).map_err(|err| Failure::new(os_error::with_path(&err, path)))?;
        }
        let umask = args.umask.as_ref().map(umask_of).transpose()?;
        Ok(Self { args, dest: dest.to_owned(), git, ssh: ssh_command(args), umask })
    }

    pub fn exists(&self) -> bool {
        self.git_dir().join("config").exists()
    }

    /// The directory of the repository itself, which `.git` may only point to.
    pub fn git_dir(&self) -> PathBuf {
        if self.args.bare {
            return self.dest.clone();
        }
        let inside = self.dest.join(".git");
        match fs::read_to_string(&inside).ok().as_deref().and_then(|text| text.strip_prefix("gitdir: ")) {
            Some(path) => self.dest.join(path.trim_end()),
            None => inside,
        }
    }

    fn command(&self, words: &[&str], inside: bool) -> Command {
        let mut argv: Vec<OsString> = vec![self.git.clone().into()];
        argv.extend(words.iter().map(OsString::from));
        let mut command = Command::new(argv).env("LC_ALL", "C").env("LANG", "C").env("GIT_TERMINAL_PROMPT", "0");
        if !self.ssh.is_empty() {
            command = command.env("GIT_SSH_COMMAND", &self.ssh);
        }
        command.umask = self.umask;
        if inside { command.cwd(&self.dest) } else { command }
    }

    pub fn run(&self, words: &[&str], ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
        ctx.command(&self.command(words, true)).map_err(|err| not_started(&err))
    }

    pub fn must(&self, words: &[&str], ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
        let output = self.run(words, ctx)?;
        if output.ok() { Ok(output) } else { Err(self.failed(words, &output)) }
    }

    /// A failed command as the result that Ansible makes of it; what is secret in a URL is left out.
    pub fn failed(&self, words: &[&str], output: &CommandOutput) -> Failure {
        let hide = |text: String| {
            text.replace(&self.args.repo, &crate::support::download::without_credentials(&self.args.repo))
        };
        let stderr = hide(output.stderr_text());
        let cmd = hide(format!("{} {}", self.git.display(), words.join(" ")));
        Failure::new(stderr.trim_end().to_owned())
            .with("rc", output.rc)
            .with("cmd", cmd)
            .with("stdout", hide(output.stdout_text()))
            .with("stderr", stderr)
    }

    /// The commit that is checked out.
    pub fn head(&self, ctx: &mut Ctx) -> Result<String, Failure> {
        let output = self.run(&["rev-parse", "HEAD"], ctx)?;
        Ok(output.stdout_text().trim_end().to_owned())
    }

    pub fn has_changes(&self, ctx: &mut Ctx) -> Result<bool, Failure> {
        let output = self.must(&["status", "--porcelain"], ctx)?;
        // Files that git does not know are nobody's changes.
        Ok(output.stdout_text().lines().any(|line| !line.starts_with("??")))
    }

    pub fn has_other_url(&self, ctx: &mut Ctx) -> Result<bool, Failure> {
        let output = self.run(&["ls-remote", "--get-url", &self.args.remote], ctx)?;
        let known = output.stdout_text().trim_end().to_owned();
        let plain = |url: &str| url.strip_prefix("file://").unwrap_or(url).trim_end_matches('/').to_owned();
        Ok(output.ok() && !known.is_empty() && plain(&known) != plain(&self.args.repo))
    }

    /// What `ls-remote` says about names that fit `pattern`: commit and name.
    fn remote_refs(&self, source: &str, words: &[&str], ctx: &mut Ctx) -> Result<Vec<(String, String)>, Failure> {
        let mut all = vec!["ls-remote", source];
        all.extend(words);
        let command = self.command(&all, self.dest.is_dir() && self.exists());
        let output = ctx.command(&command).map_err(|err| not_started(&err))?;
        if !output.ok() {
            return Err(self.failed(&all, &output));
        }
        let text = output.stdout_text();
        let pairs = text.lines().filter_map(|line| line.split_once('\t'));
        Ok(pairs.map(|(commit, name)| (commit.to_owned(), name.to_owned())).collect())
    }

    pub fn is_remote_branch(&self, source: &str, ctx: &mut Ctx) -> Result<bool, Failure> {
        let name = format!("refs/heads/{}", self.args.version);
        Ok(!self.remote_refs(source, &["-h", &name], ctx)?.is_empty())
    }

    fn is_remote_tag(&self, source: &str, ctx: &mut Ctx) -> Result<bool, Failure> {
        let name = format!("refs/tags/{}", self.args.version);
        Ok(!self.remote_refs(source, &["-t", &name], ctx)?.is_empty())
    }

    /// The commit that the version is at the remote.
    pub fn remote_head(&self, source: &str, ctx: &mut Ctx) -> Result<String, Failure> {
        let version = self.args.version.as_str();
        if version == "HEAD" {
            let found = self.remote_refs(source, &["HEAD"], ctx)?;
            return found
                .first()
                .map(|(commit, _)| commit.clone())
                .ok_or_else(|| Failure::new(format!("Could not determine remote revision for {version}")));
        }
        let branch = format!("refs/heads/{version}");
        let tag = format!("refs/tags/{version}");
        let peeled = format!("{tag}^{{}}");
        let found = self.remote_refs(source, &[&branch, &tag, &peeled], ctx)?;
        // A tag with a message is an object of its own; `^{}` is the commit that it is about.
        for name in [&branch, &peeled, &tag] {
            if let Some((commit, _)) = found.iter().find(|(_, it)| it == name) {
                return Ok(commit.clone());
            }
        }
        if version.len() >= 7 && version.chars().all(|letter| letter.is_ascii_hexdigit()) {
            return Ok(version.to_owned());
        }
        Err(Failure::new(format!("Could not determine remote revision for {version}")))
    }

    /// The branch that the remote's HEAD is.
    pub fn head_branch(&self, ctx: &mut Ctx) -> Result<String, Failure> {
        let name = format!("refs/remotes/{}/HEAD", self.args.remote);
        let output = self.run(&["symbolic-ref", "--quiet", &name], ctx)?;
        let prefix = format!("refs/remotes/{}/", self.args.remote);
        if let Some(branch) = output.stdout_text().trim_end().strip_prefix(&prefix) {
            return Ok(branch.to_owned());
        }
        let output = self.must(&["ls-remote", "--symref", &self.args.remote, "HEAD"], ctx)?;
        let text = output.stdout_text();
        let branch = text.lines().find_map(|line| line.strip_prefix("ref: refs/heads/")?.split('\t').next());
        branch
            .map(str::to_owned)
            .ok_or_else(|| Failure::new(format!("could not determine the branch that HEAD of {} is", self.args.remote)))
    }

    pub fn clone_it(&self, ctx: &mut Ctx) -> Result<(), Failure> {
        let args = self.args;
        if let Some(parent) = self.dest.parent() {
            at::create_dir_all(parent, 0o777).map_err(|err| not_started(&err))?;
        }
        let depth = args.depth.map(|depth| depth.to_string());
        let dest = self.dest.to_string_lossy();
        let mut words = vec!["clone"];
        if args.bare {
            words.push("--bare");
        } else {
            words.extend(["--origin", args.remote.as_str()]);
        }
        // Asked in any case: a remote that cannot be reached says so before anything is made.
        let is_branch = self.is_remote_branch(&args.repo, ctx)?;
        let named =
            args.version != "HEAD" && args.refspec.is_none() && (is_branch || self.is_remote_tag(&args.repo, ctx)?);
        if named {
            words.extend(["--branch", args.version.as_str()]);
        }
        if let Some(depth) = &depth {
            if named || args.version == "HEAD" {
                words.extend(["--depth", depth]);
            } else {
                ctx.warn("Ignoring depth argument. Shallow clones are only available for HEAD, branches, tags or in combination with refspec.");
            }
        }
        if let Some(reference) = &args.reference {
            words.extend(["--reference", reference]);
        }
        if args.single_branch {
            words.push("--single-branch");
        }
        let git_dir = args.separate_git_dir.as_ref().map(|path| format!("--separate-git-dir={}", path.display()));
        words.extend(git_dir.as_deref());
        words.extend(["--", args.repo.as_str(), dest.as_ref()]);
        let output = ctx.command(&self.command(&words, false)).map_err(|err| not_started(&err))?;
        if !output.ok() {
            return Err(self.failed(&words, &output));
        }
        if args.bare && args.remote != "origin" {
            self.must(&["remote", "add", &args.remote, &args.repo], ctx)?;
        }
        if let Some(refspec) = &args.refspec {
            self.must(&["fetch", &args.remote, refspec], ctx)?;
        }
        Ok(())
    }

    pub fn fetch(&self, ctx: &mut Ctx) -> Result<(), Failure> {
        let args = self.args;
        let (remote, version) = (args.remote.as_str(), args.version.as_str());
        let depth = args.depth.map(|depth| format!("--depth={depth}"));
        let mut words = vec!["fetch", "--force"];
        let mut refspecs: Vec<String> = Vec::new();
        if let Some(depth) = &depth {
            if version == "HEAD" {
                let branch = self.head_branch(ctx)?;
                refspecs.push(format!("+refs/heads/{branch}:refs/remotes/{remote}/{branch}"));
            } else if self.is_remote_branch(remote, ctx)? {
                refspecs.push(format!("+refs/heads/{version}:refs/remotes/{remote}/{version}"));
            } else if self.is_remote_tag(remote, ctx)? {
                refspecs.push(format!("+refs/tags/{version}:refs/tags/{version}"));
            }
            // Without a name there is nothing that depth could be counted from.
            if !refspecs.is_empty() {
                words.push(depth);
            }
        }
        if refspecs.is_empty() {
            words.push("--tags");
        }
        if args.bare {
            refspecs.extend(["+refs/heads/*:refs/heads/*".to_owned(), "+refs/tags/*:refs/tags/*".to_owned()]);
        } else if refspecs.is_empty() && args.refspec.is_some() {
            self.must(&["fetch", "--force", "--tags", remote], ctx)?;
        }
        refspecs.extend(args.refspec.clone());
        words.push(remote);
        words.extend(refspecs.iter().map(String::as_str));
        let output = self.run(&words, ctx)?;
        if output.ok() {
            return Ok(());
        }
        let failed = self.failed(&words, &output);
        let msg = format!("Failed to download remote objects and refs: {} {}", output.stdout_text(), failed.msg);
        Err(Failure { msg, ..failed })
    }

    /// Has git move the repository out of the working copy.
    pub fn move_git_dir(
        &self,
        directory: &Path,
        fields: &mut Vec<(&'static str, Json)>,
        ctx: &mut Ctx,
    ) -> Result<(), Failure> {
        let before = self.git_dir();
        if before == directory {
            return Ok(());
        }
        fields.push(("git_dir_before", before.to_string_lossy().into()));
        fields.push(("git_dir_now", directory.to_string_lossy().into()));
        if !ctx.check {
            if directory.exists() {
                return Err(Failure::new(format!("Separate-git-dir path {} already exists.", directory.display())));
            }
            self.must(&["init", &format!("--separate-git-dir={}", directory.display())], ctx)?;
        }
        Ok(())
    }

    pub fn diff(&self, before: Option<&str>, after: &str, ctx: &mut Ctx) -> Option<String> {
        let Some(before) = before else { return Some(format!(">> Newly checked out {after}\n")) };
        if before == after {
            return None;
        }
        let output = self.run(&["diff", before, after], ctx).ok()?;
        if output.ok() {
            Some(output.stdout_text())
        } else {
            Some(format!(">> No visual differences detected between {before} and {after}"))
        }
    }
}

fn umask_of(value: &Json) -> Result<u32, Failure> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let number = match value {
        Json::Number(number) => number.as_u64().and_then(|it| u32::try_from(it).ok()),
        _ => u32::from_str_radix(&text, 8).ok(),
    };
    number.ok_or_else(|| Failure::new("umask must be an octal integer"))
}

/// The command that git calls for ssh; nobody is there to be asked.
fn ssh_command(args: &Args) -> String {
    let mut words = vec!["ssh".to_owned(), "-o".to_owned(), "BatchMode=yes".to_owned()];
    if args.accept_hostkey {
        words.extend(["-o".to_owned(), "StrictHostKeyChecking=no".to_owned()]);
    } else if args.accept_newhostkey {
        words.extend(["-o".to_owned(), "StrictHostKeyChecking=accept-new".to_owned()]);
    }
    if let Some(key) = &args.key_file {
        let key = rplay_module_api::shell_words::quote(&key.to_string_lossy());
        words.extend(["-o".to_owned(), "IdentitiesOnly=yes".to_owned(), "-i".to_owned(), key]);
    }
    words.extend(args.ssh_opts.clone());
    words.join(" ")
}
