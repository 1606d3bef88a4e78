//! `rplay PLAYBOOK…`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check;
use super::list::{self, Wanted};
use super::options::PlaybookOptions;
use super::session::Session;
use crate::callback;
use crate::config::setting;
use crate::engine::RunOptions;
use crate::engine::tags::TagFilter;
use crate::error::{Error, ErrorKind};
use crate::inventory::Inventory;
use crate::playbook::{Play, Playbook};
use crate::template::SearchPath;
use crate::value::Value;

pub async fn run(options: PlaybookOptions) -> Result<u8, Error> {
    for playbook in &options.playbooks {
        if !playbook.exists() {
            return Err(Error::new(
                ErrorKind::File,
                format!("the playbook: {} could not be found", playbook.display()),
            ));
        }
        if !playbook.is_file() {
            let message = format!("the playbook: {} does not appear to be a file", playbook.display());
            return Err(Error::new(ErrorKind::File, message));
        }
    }
    let session = Session::open(&options.common)?;
    let loaded = load(&session, &options);
    let mut terminal = session.terminal();
    session.say_notices(&mut terminal);
    let Loaded { playbooks, mut inventory, loader, run_options } = loaded?;

    let wanted = Wanted { hosts: options.common.list_hosts, tasks: options.list_tasks, tags: options.list_tags };
    if options.syntax_check || wanted.any() {
        for (playbook, path) in playbooks.iter().zip(&options.playbooks) {
            let text = if wanted.any() {
                listing(&session, playbook, path, wanted, &mut inventory, &run_options)?
            } else {
                format!("\nplaybook: {}\n", path.display())
            };
            session.say_notices(&mut terminal);
            callback::print(&text)?;
        }
        return Ok(0);
    }
    let callbacks = session.callbacks(&session.config.get(setting::DEFAULT_STDOUT_CALLBACK), true, &options.common);
    session.say_notices(&mut terminal);
    let summary = session.run(playbooks, inventory, loader, run_options, callbacks).await?;
    Ok(summary.exit_code)
}

struct Loaded {
    playbooks: Vec<Playbook>,
    inventory: Inventory,
    loader: crate::playbook::Loader,
    run_options: RunOptions,
}

/// Everything that can be wrong before a host is touched is found here.
fn load(session: &Session, options: &PlaybookOptions) -> Result<Loaded, Error> {
    let mut run_options = session.run_options(&options.common);
    run_options.tags = tags(&options.tags, session.config.get(setting::TAGS_RUN));
    if run_options.tags.is_empty() {
        run_options.tags.push("all".to_owned());
    }
    run_options.skip_tags = tags(&options.skip_tags, session.config.get(setting::TAGS_SKIP));
    run_options.start_at_task.clone_from(&options.start_at_task);
    run_options.step = options.step;
    run_options.force_handlers |= options.force_handlers;

    let playbook_dir = options.playbooks.first().and_then(|path| absolute_directory(path));
    let inventory = session.inventory(playbook_dir)?;
    let loader = session.loader();
    let mut playbooks = Vec::new();
    let mut errors = Vec::new();
    for path in &options.playbooks {
        match loader.playbook(path) {
            Ok(playbook) => {
                errors.extend(check::arguments(&playbook));
                playbooks.push(playbook);
            }
            Err(err) => errors.push(err),
        }
    }
    Error::collect(errors)?;
    Ok(Loaded { playbooks, inventory, loader, run_options })
}

fn tags(given: &[String], configured: Vec<String>) -> Vec<String> {
    let split = |tags: &String| {
        tags.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect::<Vec<_>>()
    };
    if given.is_empty() { configured } else { given.iter().flat_map(split).collect() }
}

fn absolute_directory(path: &Path) -> Option<PathBuf> {
    std::path::absolute(path).ok()?.parent().map(Path::to_path_buf)
}

fn listing(
    session: &Session,
    playbook: &Playbook,
    path: &Path,
    wanted: Wanted,
    inventory: &mut Inventory,
    options: &RunOptions,
) -> Result<String, Error> {
    let mut hosts = |play: &Play| {
        let patterns: Vec<String> = match &play.hosts {
            Value::List(items) => items.iter().map(Value::to_text).collect(),
            single => vec![single.to_text()],
        };
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let names = inventory.hosts_of(&patterns, options.limit.as_deref())?;
        Ok(names.iter().map(ToString::to_string).collect())
    };
    let filter = |play: &Play| TagFilter {
        only: options.tags.clone(),
        skip: options.skip_tags.clone(),
        templar: session.templates.templar(
            Arc::new((*play.vars).clone()),
            Arc::new(SearchPath {
                dirs: vec![play.playbook_dir.to_path_buf()],
                basedir: play.playbook_dir.to_path_buf(),
            }),
        ),
    };
    list::playbook(playbook, &path.display().to_string(), wanted, &mut hosts, &filter)
}
