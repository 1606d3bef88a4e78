//! `rplay PLAYBOOK…`

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check;
use super::list::{self, Wanted};
use super::options::PlaybookOptions;
use super::session::Session;
use crate::callback;
use crate::config::setting;
use crate::engine::{Outlook, RunOptions};
use crate::error::{Error, ErrorKind};
use crate::inventory::Inventory;
use crate::playbook::Playbook;

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
    let Loaded { playbooks, inventory, loader, run_options } = loaded?;

    let wanted = Wanted { hosts: options.common.list_hosts, tasks: options.list_tasks, tags: options.list_tags };
    if options.syntax_check || wanted.any() {
        let session = Arc::new(session);
        let lists = session
            .outlook(playbooks, inventory, loader, run_options)
            .and_then(|outlook| lists(&outlook, &options.playbooks, wanted));
        session.say_notices(&mut terminal);
        callback::print(&lists?)?;
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
    inventory.warn_if_empty();
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

fn lists(outlook: &Outlook, paths: &[PathBuf], wanted: Wanted) -> Result<String, Error> {
    let mut lists = String::new();
    for (playbook, path) in outlook.playbooks.iter().zip(paths) {
        let _ = writeln!(lists, "\nplaybook: {}", path.display());
        let plays = if wanted.any() { playbook.plays.as_slice() } else { &[] };
        for (index, play) in plays.iter().enumerate() {
            list::play(index, play, &outlook.of(play)?, wanted, &mut lists)?;
        }
    }
    Ok(lists)
}
