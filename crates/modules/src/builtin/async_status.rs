//! How a task in the background stands, or the end of its job file. Its other half starts such tasks: `module-host/src/background.rs`.

use rplay_module_api::{
    Choice, Ctx, Failure, Json, Kind, Map, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run,
};

use crate::support::job_file::{self, JobFile};
use crate::support::os_error;

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(async_status) };

const EXAMPLE: &str = r#"- name: Wait for the end of a task that runs in the background
  async_status:
    jid: "{{ upgrade.ansible_job_id }}"
  register: job
  until: job is finished
  retries: 60
  delay: 10
"#;

const RETURNS: &[Return] = &[
    Return::new("ansible_job_id", Kind::Str, "always", "The job."),
    Return::new("started", Kind::Bool, "always", "Whether it was started."),
    Return::new("finished", Kind::Bool, "always", "Whether it has ended; then its own result is here, too."),
    Return::new("results_file", Kind::Path, "mode is status", "Where its result is kept."),
    Return::new("erased", Kind::Path, "mode is cleanup", "The file that was removed."),
];

#[derive(Choice, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Cleanup,
    Status,
}

/// Tell how a task in the background stands.
#[derive(ModuleArgs)]
#[module(name = "async_status")]
struct Args {
    /// The job's id.
    jid: String,
    /// Tell how it stands, or remove what it left.
    #[arg(default = "status")]
    mode: Mode,
    /// The folder of job files.
    #[arg(name = "_async_dir", default = "~/.ansible_async", internal)]
    directory: String,
}

fn async_status(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let about = About { id: &args.jid, mode: args.mode };
    let file = match JobFile::new(&args.directory, &args.jid, &ctx.environment) {
        Ok(file) if file.exists() => file,
        Ok(file) => return Err(about.fails("could not find job", Some(&file))),
        Err(_) => return Err(about.fails("could not find job", None)),
    };
    if args.mode == Mode::Cleanup {
        return match file.remove() {
            Ok(()) => Ok(Outcome { fields: about.fields(false, Some(&file)), ..Outcome::default() }),
            Err(err) => Err(about.fails(&os_error::with_path(&err, file.path()), Some(&file))),
        };
    }
    let content = match file.read() {
        Ok(content) => content,
        Err(err) => return Err(about.fails(&os_error::with_path(&err, file.path()), Some(&file))),
    };
    // What cannot be read was not written to its end.
    let Ok(mut content) = serde_json::from_slice::<Map<String, Json>>(&content) else {
        return Ok(Outcome { fields: about.fields(false, Some(&file)), ..Outcome::default() });
    };
    // Only what a job leaves before its end says that it was started.
    let finished = !content.contains_key("started");
    for (name, value) in about.fields(finished, Some(&file)) {
        if !content.contains_key(&name) {
            content.insert(name, value);
        }
    }
    job_file::to_result(content)
}

struct About<'a> {
    id: &'a str,
    mode: Mode,
}

impl About<'_> {
    /// What every answer has.
    fn fields(&self, finished: bool, file: Option<&JobFile>) -> Map<String, Json> {
        let status = self.mode == Mode::Status;
        let mut fields = Map::new();
        let mut add = |name: &str, value: Json| fields.insert(name.to_owned(), value);
        add("started", status.into());
        add("finished", finished.into());
        add("stdout", "".into());
        add("stderr", "".into());
        add("ansible_job_id", self.id.into());
        if let Some(file) = file {
            let path = file.path().to_string_lossy().into_owned();
            add(if status { "results_file" } else { "erased" }, path.into());
        }
        fields
    }

    fn fails(&self, msg: &str, file: Option<&JobFile>) -> Failure {
        let mut fields = self.fields(true, file);
        fields.insert("started".into(), true.into());
        Failure { fields, ..Failure::new(msg) }
    }
}
