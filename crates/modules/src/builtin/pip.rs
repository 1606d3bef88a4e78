//! Packages of Python, by the program pip.

use std::path::{Path, PathBuf};

use rplay_module_api::{
    Choice, Command, CommandOutput, Ctx, Failure, Json, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec,
    run, shell_words,
};

use crate::support::{at, os_error, program};

pub const MODULE: Module = Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(pip) };

const EXAMPLE: &str = r"- name: Have what an application needs, in an environment of its own
  pip:
    requirements: /opt/app/requirements.txt
    virtualenv: /opt/app/venv
    virtualenv_command: python3 -m venv

- name: Have one package for all
  pip:
    name: requests>=2.31
    extra_args: --no-cache-dir
";

const RETURNS: &[Return] = &[
    Return::new("cmd", Kind::List, "always", "The command that was run."),
    Return::new("name", Kind::List, "with name", "The packages."),
    Return::new("requirements", Kind::Str, "with requirements", "The file."),
    Return::new("version", Kind::Str, "with version", "The version."),
    Return::new("virtualenv", Kind::Path, "with virtualenv", "The environment."),
];

/// Manage packages of Python.
#[derive(ModuleArgs)]
#[module(name = "pip")]
#[module(required_one_of("name", "requirements"))]
#[module(mutually_exclusive("name", "requirements"))]
#[module(mutually_exclusive("executable", "virtualenv"))]
struct Args {
    /// What the packages should be.
    #[arg(default = "present")]
    state: State,
    /// The packages, each with a version specification if wanted, or URLs.
    name: Option<Vec<String>>,
    /// The version of the one package.
    version: Option<String>,
    /// A file that lists packages.
    requirements: Option<String>,
    /// The environment to work in; it is made if it is not there.
    virtualenv: Option<PathBuf>,
    /// Let a new environment see the packages of the host.
    #[arg(default = "no")]
    virtualenv_site_packages: bool,
    /// The command that makes environments.
    #[arg(default = "virtualenv", kind = Path)]
    virtualenv_command: String,
    /// The Python for a new environment.
    virtualenv_python: Option<String>,
    /// More arguments for pip.
    extra_args: Option<String>,
    /// Install from where the source is, so that it can be edited.
    #[arg(default = "no")]
    editable: bool,
    /// Directory to run in.
    chdir: Option<PathBuf>,
    /// The program pip, by name or path.
    #[arg(kind = Path)]
    executable: Option<String>,
    /// Umask for new files, as octal text.
    umask: Option<String>,
    /// Let pip change a Python that the system's packages manage.
    #[arg(default = "no")]
    break_system_packages: bool,
}

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum State {
    Present,
    Absent,
    Latest,
    #[choice("forcereinstall")]
    ForceReinstall,
}

fn pip(args: Args, ctx: &mut Ctx) -> ModuleResult {
    if let Some(environment) = &args.virtualenv {
        at::judge(environment).map_err(|err| Failure::new(os_error::with_path(&err, environment)))?;
    }
    let packages = args.packages()?;
    let mut said = (String::new(), String::new());
    let mut changed = false;
    if let Some(environment) = args.virtualenv.as_deref().filter(|path| !path.join("bin/activate").exists()) {
        if ctx.check {
            return Ok(Outcome::changed(true));
        }
        let output = args.make_environment(environment, ctx)?;
        said = (output.stdout_text(), output.stderr_text());
        changed = true;
    }
    let mut words = args.pip(ctx)?;
    let called = words.len();
    match args.state {
        State::Present => words.push("install".into()),
        State::Absent => words.extend(["uninstall".into(), "-y".into()]),
        State::Latest => words.extend(["install".into(), "-U".into()]),
        State::ForceReinstall => words.extend(["install".into(), "-U".into(), "--force-reinstall".into()]),
    }
    if let Some(extra) = &args.extra_args {
        let extra =
            shell_words::split(extra).map_err(|problem| Failure::new(format!("extra_args: {problem}: {extra}")))?;
        words.extend(extra);
    }
    for package in &packages {
        if args.editable {
            words.push("-e".into());
        }
        words.push(package.clone());
    }
    if let Some(file) = &args.requirements {
        words.extend(["-r".into(), file.clone()]);
    }
    if ctx.check {
        let base: Vec<String> = words.get(..called).unwrap_or_default().to_vec();
        let would = args.would_change(&base, &packages, ctx)?;
        return Ok(args.outcome(changed || would, &words, &said));
    }
    let output = args.run(&words, ctx)?;
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    if output.rc != 0 && !(args.state == State::Absent && stderr.contains("not installed")) {
        let stdout = if stdout.is_empty() { stdout } else { format!("stdout: {stdout}") };
        return Err(Failure::new(format!("{stdout}\n:stderr: {stderr}")).with("cmd", words));
    }
    let sign = if args.state == State::Absent { "Successfully uninstalled" } else { "Successfully installed" };
    changed |= stdout.contains(sign) || stderr.contains(sign);
    said.0.push_str(&stdout);
    said.1.push_str(&stderr);
    Ok(args.outcome(changed, &words, &said))
}

impl Args {
    /// The packages as pip takes them, with the version.
    fn packages(&self) -> Result<Vec<String>, Failure> {
        let mut packages: Vec<String> = Vec::new();
        for part in self.name.iter().flatten().map(|part| part.trim()).filter(|part| !part.is_empty()) {
            // A comma in a specification is no end of it.
            match packages.last_mut().filter(|_| part.starts_with(['<', '>', '=', '!', '~'])) {
                Some(package) => package.push_str(&format!(",{part}")),
                None => packages.push(part.to_owned()),
            }
        }
        if let Some(option) = packages.iter().find(|package| package.starts_with('-')) {
            return Err(Failure::new(format!("{option} is no package; options belong to extra_args")));
        }
        let Some(version) = &self.version else { return Ok(packages) };
        if self.state == State::Latest {
            return Err(Failure::new("version is incompatible with state=latest"));
        }
        match packages.as_mut_slice() {
            [] => {}
            [package] if package.contains(['<', '>', '=', '!', '~']) => {
                return Err(Failure::new(
                    "The 'version' argument conflicts with any version specifier provided along with a package name. \
                     Please keep the version specifier, but remove the 'version' argument.",
                ));
            }
            [package] => {
                let operator = if version.starts_with(['<', '>', '=', '!', '~']) { "" } else { "==" };
                package.push_str(&format!("{operator}{version}"));
            }
            _ => {
                return Err(Failure::new(
                    "'version' argument is ambiguous when installing multiple package distributions. \
                     Please specify version restrictions next to each package in 'name' argument.",
                ));
            }
        }
        Ok(packages)
    }

    fn make_environment(&self, environment: &Path, ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
        let mut words = shell_words::split(&self.virtualenv_command)
            .ok()
            .filter(|words| !words.is_empty())
            .ok_or_else(|| Failure::new(format!("{} is no command", self.virtualenv_command)))?;
        let name = words.first().cloned().unwrap_or_default();
        if !name.contains('/') {
            let found = program::find(&name).ok_or_else(|| program::missing(&name))?;
            if let Some(first) = words.first_mut() {
                *first = found.to_string_lossy().into_owned();
            }
        }
        let is_venv = words.windows(2).any(|pair| pair == ["-m", "venv"]) || name.contains("pyvenv");
        if self.virtualenv_site_packages {
            words.push("--system-site-packages".into());
        }
        match &self.virtualenv_python {
            Some(_) if is_venv => {
                return Err(Failure::new(
                    "virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command",
                ));
            }
            Some(python) => words.push(format!("-p{python}")),
            None => {}
        }
        words.push(environment.to_string_lossy().into_owned());
        let output = self.run(&words, ctx)?;
        if output.ok() {
            return Ok(output);
        }
        let msg = format!("stdout: {}\n:stderr: {}", output.stdout_text(), output.stderr_text());
        Err(Failure::new(msg).with("cmd", words))
    }

    /// How pip is called.
    fn pip(&self, ctx: &mut Ctx) -> Result<Vec<String>, Failure> {
        if let Some(environment) = &self.virtualenv {
            let candidates = ["pip3", "pip"].map(|name| environment.join("bin").join(name));
            return match candidates.iter().find(|path| path.exists()) {
                Some(path) => Ok(vec![path.to_string_lossy().into_owned()]),
                None => Err(Failure::new(format!(
                    "Unable to find pip in the virtualenv, {}, under any of these names: pip3, pip. Make sure pip is present in the virtualenv.",
                    environment.display()
                ))),
            };
        }
        if let Some(name) = &self.executable {
            if name.starts_with('/') {
                return Ok(vec![name.clone()]);
            }
            let found = program::find(name).ok_or_else(|| program::missing(name))?;
            return Ok(vec![found.to_string_lossy().into_owned()]);
        }
        if let Some(found) = program::find("pip3") {
            return Ok(vec![found.to_string_lossy().into_owned()]);
        }
        if let Some(python) = program::find("python3") {
            let words = vec![python.to_string_lossy().into_owned(), "-m".to_owned(), "pip".to_owned()];
            let mut probe = words.clone();
            probe.push("--version".into());
            if ctx.command(&Command::new(&probe)).is_ok_and(|output| output.ok()) {
                return Ok(words);
            }
        }
        Err(Failure::new("Unable to find any of pip3 to use.  pip needs to be installed."))
    }

    fn run(&self, words: &[String], ctx: &mut Ctx) -> Result<CommandOutput, Failure> {
        let mut command = Command::new(words).env("LC_ALL", "C.UTF-8").env("PIP_NO_INPUT", "1");
        if self.break_system_packages {
            command = command.env("PIP_BREAK_SYSTEM_PACKAGES", "1");
        }
        if let Some(directory) = &self.chdir {
            command = command.cwd(directory);
        }
        if let Some(umask) = &self.umask {
            command.umask =
                Some(u32::from_str_radix(umask, 8).map_err(|_| Failure::new("umask must be an octal integer"))?);
        }
        ctx.command(&command).map_err(|err| Failure::new(os_error::numbered(&err)))
    }

    /// In check mode: what is installed says what would be done; a file or `latest` only pip itself could judge.
    fn would_change(&self, pip: &[String], packages: &[String], ctx: &mut Ctx) -> Result<bool, Failure> {
        let unknown = self.extra_args.is_some() || self.requirements.is_some() || self.editable;
        if unknown || matches!(self.state, State::Latest | State::ForceReinstall) {
            return Ok(true);
        }
        let mut words = pip.to_vec();
        words.extend(["list", "--format=freeze"].map(str::to_owned));
        let output = self.run(&words, ctx)?;
        let text = output.stdout_text();
        let installed: Vec<(String, &str)> = text
            .lines()
            .filter_map(|line| line.split_once("=="))
            .map(|(name, version)| (normal(name), version.trim()))
            .collect();
        let is_there = |package: &String| {
            let end = package.find(['<', '>', '=', '!', '~', '[', ';', ' ', '@']).unwrap_or(package.len());
            let (name, rest) = package.split_at(end);
            let found = installed.iter().find(|(known, _)| *known == normal(name));
            found.is_some_and(|(_, version)| match rest.strip_prefix("==") {
                Some(wanted) => wanted.trim() == *version,
                // What an inequality allows, pip would have to say.
                None => rest.is_empty() || rest.starts_with('['),
            })
        };
        Ok(match self.state {
            State::Absent => packages.iter().any(is_there),
            _ => !packages.iter().all(is_there),
        })
    }

    fn outcome(&self, changed: bool, words: &[String], said: &(String, String)) -> Outcome {
        let text = |value: Option<&str>| value.map_or(Json::Null, Json::from);
        Outcome::changed(changed)
            .with("cmd", words)
            .with("name", self.name.clone().map_or(Json::Null, Json::from))
            .with("version", text(self.version.as_deref()))
            .with("state", self.state.text())
            .with("requirements", text(self.requirements.as_deref()))
            .with("virtualenv", text(self.virtualenv.as_deref().and_then(Path::to_str)))
            .with("stdout", said.0.as_str())
            .with("stderr", said.1.as_str())
    }
}

/// Names of packages know no case, and `-`, `_` and `.` are the same.
fn normal(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', '.'], "-")
}
