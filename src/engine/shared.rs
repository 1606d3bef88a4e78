//! What all parts of the engine have in hand during a run.

use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use super::event::{About, EventKind, EventSender, PlayInfo};
use super::keyword_values::{KeywordReader, KeywordResult};
use super::options::RunOptions;
use super::play_state::{HostId, PlayState};
use super::run_state::Counters;
use crate::actions::ActionResult;
use crate::error::Notices;
use crate::playbook::keywords::Keyword;
use crate::playbook::{Loader, Task};
use crate::remote;
use crate::template::{self, SearchPath, Templar};
use crate::value::{Dict, Value};
use crate::vars::{ConnectionDefaults, PlayVariables, Scope, TaskLayers, World};

pub struct Shared {
    pub world: Arc<World>,
    pub templates: Arc<template::Engine>,
    pub loader: Arc<Loader>,
    pub options: RunOptions,
    pub remote: Arc<remote::Pool>,
    pub events: EventSender,
    pub notices: Notices,
    pub counters: Counters,
    /// Tells this run from others.
    pub run_uuid: Uuid,
}

/// A play while it runs.
pub struct PlayRun {
    pub info: Arc<PlayInfo>,
    pub variables: Arc<PlayVariables>,
    pub playbook_dir: Arc<Path>,
}

impl Shared {
    /// Sends an event, after what was noticed meanwhile.
    pub fn send(&self, about: About, kind: EventKind) {
        self.pass_notices();
        self.events.send(about.event(kind));
    }

    /// Sends what parts without a way to the user have to say.
    pub fn pass_notices(&self) {
        for notice in self.notices.drain() {
            self.events.send(About::default().event(EventKind::Notice(notice)));
        }
    }

    /// Where the files of a task are searched: its role, then those that it depends on, the folder of the task file.
    pub fn search_path(&self, play: &PlayRun, task: &Task) -> Arc<SearchPath> {
        let mut dirs = Vec::new();
        let mut add = |dir: &Path| {
            if !dirs.iter().any(|known| known == dir) {
                dirs.push(dir.to_path_buf());
            }
        };
        if let Some(role) = task.role() {
            add(&role.path);
            role.parents.iter().rev().for_each(|parent| add(&parent.path));
        }
        for file in task.context.task_files.iter().rev() {
            if let Some(dir) = file.parent() {
                add(dir);
            }
        }
        add(task.span.path().parent().unwrap_or(&play.playbook_dir));
        add(&play.playbook_dir);
        Arc::new(SearchPath { dirs, basedir: play.playbook_dir.to_path_buf() })
    }

    /// What a task sees on a host.
    pub fn scope(
        &self,
        play: &PlayRun,
        task: &Task,
        host: &Arc<str>,
        search_path: &Arc<SearchPath>,
    ) -> Result<Scope, Box<ActionResult>> {
        let vars_files = self.vars_files(play, host, search_path)?;
        let layers = TaskLayers {
            task,
            vars_files: &vars_files,
            search_path: Some(Arc::clone(search_path)),
            includes: task.is_include(),
        };
        let scope = Scope::of_task(&self.world, &play.variables, host, &layers);
        let options = &self.options.connection;
        // Rendered before there is a default, which it may ask for: `remote_user: "{{ ansible_user | default('root') }}"`.
        let user = match task.keyword(Keyword::RemoteUser) {
            Some(written) => self.templar(&scope, search_path).render(written).ok(),
            None => options.user.as_deref().map(Value::str),
        };
        let private_key = options.private_key_file.as_ref().and_then(|path| std::path::absolute(path).ok());
        let private_key = private_key.map(|path| Value::str(path.display().to_string()));
        Ok(scope.with_connection(ConnectionDefaults { user, private_key, delegate: None }))
    }

    /// The variables of a task as far as no host has a part in them.
    pub fn templar_of_nobody(&self, play: &PlayRun, task: &Task) -> Templar {
        let dir = play.playbook_dir.to_path_buf();
        let search_path = Arc::new(SearchPath { dirs: vec![dir.clone()], basedir: dir });
        let layers = TaskLayers { task, vars_files: &[], search_path: Some(Arc::clone(&search_path)), includes: false };
        let scope = Scope::of_task(&self.world, &play.variables, &Arc::from(""), &layers);
        self.templar(&scope, &search_path)
    }

    pub fn templar(&self, scope: &Scope, search_path: &Arc<SearchPath>) -> Templar {
        self.templates.templar(Arc::new(scope.clone()), Arc::clone(search_path))
    }

    /// Of each entry of `vars_files` the first file that exists; none is no error, as in Ansible. An entry whose variables are not known yet is left out,
    /// since facts may make them known later.
    fn vars_files(
        &self,
        play: &PlayRun,
        host: &Arc<str>,
        search_path: &Arc<SearchPath>,
    ) -> Result<Vec<Arc<Dict>>, Box<ActionResult>> {
        if play.variables.vars_files.is_empty() {
            return Ok(Vec::new());
        }
        let scope = Scope::of_play(&self.world, &play.variables, host);
        let templar = self.templar(&scope, search_path);
        let mut files = Vec::new();
        for entry in &play.variables.vars_files {
            let alternatives = match entry {
                Value::List(items) => items.to_vec(),
                single => vec![single.clone()],
            };
            for alternative in &alternatives {
                let Ok(name) = templar.render(alternative) else { break };
                let name = name.to_text();
                let path = play.playbook_dir.join(template::search::expand_user(&name));
                let in_vars = play.playbook_dir.join("vars").join(template::search::expand_user(&name));
                let Some(path) = [in_vars, path].into_iter().find(|path| path.exists()) else {
                    continue;
                };
                let content = play
                    .variables
                    .file(&path, |path| self.loader.vars_file(path))
                    .map_err(|err| Box::new(ActionResult::failed_in(crate::actions::FailedIn::Task, err.message)))?;
                files.push(content);
                break;
            }
        }
        Ok(files)
    }
}

impl PlayState<'_> {
    /// Reads keywords of a task as one host sees them.
    pub fn keyword<T>(
        &self,
        task: &Arc<Task>,
        host: HostId,
        search_path: &Arc<SearchPath>,
        read: impl FnOnce(&KeywordReader<'_>) -> KeywordResult<T>,
    ) -> KeywordResult<T> {
        let scope = self.shared.scope(&self.play, task, self.name(host), search_path)?;
        let templar = self.shared.templar(&scope, search_path);
        read(&KeywordReader { keywords: &task.keywords, templar: &templar })
    }
}
