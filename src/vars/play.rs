//! Variables that belong to a play: `vars`, `vars_prompt`, `vars_files`, and what its roles make visible.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use crate::playbook::Role;
use crate::value::{Dict, Value};

pub struct PlayVariables {
    pub name: String,
    pub playbook_dir: Arc<Path>,
    /// `vars` and `vars_prompt`, the weaker first.
    pub vars: Vec<Arc<Dict>>,
    /// Each a path or a list of paths, in which variables may stand.
    pub vars_files: Vec<Value>,
    files: Mutex<HashMap<PathBuf, Arc<Dict>>>,
    static_roles: Vec<Arc<Role>>,
    /// Roles that dynamic includes brought, in the order in which that happened.
    included_roles: RwLock<Vec<Arc<Role>>>,
    hosts: RwLock<PlayHosts>,
}

/// The hosts of a play, as lists of names.
#[derive(Clone, Debug)]
pub struct PlayHosts {
    pub all: Value,
    /// The portion that is at work, without those that are gone.
    pub batch: Value,
    /// Without those that failed or have been ended.
    pub active: Value,
}

impl PlayVariables {
    pub fn new(
        name: String,
        playbook_dir: Arc<Path>,
        vars: Vec<Arc<Dict>>,
        vars_files: Vec<Value>,
        static_roles: Vec<Arc<Role>>,
    ) -> Self {
        let none = Value::list(Vec::new());
        Self {
            name,
            playbook_dir,
            vars,
            vars_files,
            files: Mutex::default(),
            static_roles,
            included_roles: RwLock::default(),
            hosts: RwLock::new(PlayHosts { all: none.clone(), batch: none.clone(), active: none }),
        }
    }

    pub fn hosts(&self) -> RwLockReadGuard<'_, PlayHosts> {
        self.hosts.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_hosts(&self, hosts: PlayHosts) {
        *self.hosts.write().unwrap_or_else(PoisonError::into_inner) = hosts;
    }

    /// Begins a portion of the play.
    pub fn set_batch(&self, batch: Value) {
        self.hosts.write().unwrap_or_else(PoisonError::into_inner).batch = batch;
    }

    /// Takes hosts that are lost or have been ended out of the lists of those at work.
    pub fn remove_hosts(&self, is_gone: impl Fn(&str) -> bool) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        let hosts = &mut *hosts;
        for list in [&mut hosts.batch, &mut hosts.active] {
            let names = list.as_list().unwrap_or_default();
            let gone = |name: &Value| name.as_str().is_some_and(&is_gone);
            if names.iter().any(gone) {
                *list = Value::list(names.iter().filter(|name| !gone(name)).cloned().collect());
            }
        }
    }

    pub fn all_roles(&self) -> Vec<Arc<Role>> {
        let included = self.included_roles.read().unwrap_or_else(PoisonError::into_inner);
        self.static_roles.iter().chain(included.iter()).cloned().collect()
    }

    /// Roles under `roles:`, and those that tasks import or have included so far.
    pub fn direct_roles(&self) -> Vec<Arc<Role>> {
        self.all_roles().into_iter().filter(|role| !role.is_dependency).collect()
    }

    /// Roles that others need.
    pub fn dependencies(&self) -> Vec<Arc<Role>> {
        self.all_roles().into_iter().filter(|role| role.is_dependency).collect()
    }

    /// The roles whose variables every task of the play sees.
    pub fn public_roles(&self, mut visit: impl FnMut(&Arc<Role>)) {
        self.static_roles.iter().filter(|role| role.public).for_each(&mut visit);
        let included = self.included_roles.read().unwrap_or_else(PoisonError::into_inner);
        included.iter().filter(|role| role.public).for_each(visit);
    }

    pub fn add_role(&self, role: &Arc<Role>) {
        let mut roles = self.included_roles.write().unwrap_or_else(PoisonError::into_inner);
        roles.push(Arc::clone(role));
    }

    /// The content of a file of variables, read once per play.
    pub fn file<E>(&self, path: &Path, read: impl FnOnce(&Path) -> Result<Arc<Dict>, E>) -> Result<Arc<Dict>, E> {
        if let Some(content) = self.files.lock().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Ok(Arc::clone(content));
        }
        let content = read(path)?;
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), Arc::clone(&content));
        Ok(content)
    }
}
