//! What all variables of a run rest on: the inventory, the hosts' own variables, the command line's.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use super::fact_cache::FactCache;
use super::host::HostVariables;
use super::magic::RunMagic;
use crate::error::{Error, Notices};
use crate::inventory::{Change, Inventory};
use crate::value::{Dict, Value};

pub struct World {
    inventory: RwLock<Inventory>,
    /// Counts the changes of the inventory, so that what was derived from it is derived anew.
    generation: AtomicU64,
    unsettled: AtomicBool,
    hosts: RwLock<HashMap<Arc<str>, Arc<HostVariables>>>,
    groups: RwLock<Option<(u64, Value)>>,
    host_names: RwLock<Option<(u64, Arc<Dict>)>>,
    pub extra_vars: Arc<Dict>,
    /// `hash_behaviour=merge`: dicts of several layers are merged.
    pub merge_hashes: bool,
    pub magic: RunMagic,
    /// Keeps facts between runs, and whether they are variables of their own.
    pub fact_cache: Option<FactCache>,
    pub inject_facts: bool,
    /// Hosts whose kept facts could not be read: what is kept of them stays as it is.
    unread: Mutex<HashSet<String>>,
    notices: Notices,
    trouble: Mutex<Option<Error>>,
    /// What tasks have made of the inventory, for when its sources are read again.
    changes: Mutex<Vec<Change>>,
    reload: Arc<dyn Fn() -> Result<Inventory, Error> + Send + Sync>,
}

impl World {
    pub fn new(
        inventory: Inventory,
        extra_vars: Arc<Dict>,
        magic: RunMagic,
        reload: Arc<dyn Fn() -> Result<Inventory, Error> + Send + Sync>,
        notices: Notices,
    ) -> Self {
        Self {
            inventory: RwLock::new(inventory),
            generation: AtomicU64::new(0),
            unsettled: AtomicBool::new(false),
            hosts: RwLock::default(),
            groups: RwLock::default(),
            host_names: RwLock::default(),
            extra_vars,
            merge_hashes: false,
            magic,
            fact_cache: None,
            inject_facts: true,
            unread: Mutex::default(),
            notices,
            trouble: Mutex::default(),
            changes: Mutex::default(),
            reload,
        }
    }

    pub fn inventory(&self) -> RwLockReadGuard<'_, Inventory> {
        self.inventory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the sources again. What tasks added is there afterwards, too.
    pub fn reload_inventory(&self) -> Result<(), Error> {
        let mut fresh = (self.reload)()?;
        fresh.set_playbook_dir(self.inventory().playbook_dir().map(Path::to_path_buf));
        for change in self.changes.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            fresh.make(change)?;
        }
        fresh.settle();
        self.change_inventory(|inventory| *inventory = fresh);
        Ok(())
    }

    /// For changes that no variable shows, such as making a host implicit that a pattern names.
    pub fn change_quietly<T>(&self, change: impl FnOnce(&mut Inventory) -> T) -> T {
        change(&mut self.inventory.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a task wants changed; others see it after `settle_inventory`.
    pub fn change_hosts(&self, change: &Change) -> Result<(), Error> {
        self.unsettled.store(true, Ordering::Relaxed);
        self.change_quietly(|inventory| inventory.make(change))?;
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push(change.clone());
        Ok(())
    }

    /// Makes the inventory consistent again after a task's changes, if there were any.
    pub fn settle_inventory(&self) {
        if self.unsettled.swap(false, Ordering::Relaxed) {
            self.change_inventory(Inventory::settle);
        }
    }

    pub fn change_inventory<T>(&self, change: impl FnOnce(&mut Inventory) -> T) -> T {
        let result = change(&mut self.inventory.write().unwrap_or_else(PoisonError::into_inner));
        self.generation.fetch_add(1, Ordering::Relaxed);
        result
    }

    /// The folder whose `group_vars/` and `host_vars/` count: that of the playbook which the play stands in.
    pub fn set_playbook_dir(&self, folder: &Path) {
        if self.inventory().playbook_dir().is_some_and(|known| known != folder) {
            self.change_inventory(|inventory| inventory.set_playbook_dir(Some(folder.to_owned())));
        }
    }

    pub fn host(&self, name: &str) -> Arc<HostVariables> {
        if let Some(host) = self.hosts.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(host);
        }
        let known = self.with_kept_facts(name);
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(hosts.entry(Arc::from(name)).or_insert_with(|| Arc::new(known)))
    }

    /// A host as it is known before the run does anything there.
    fn with_kept_facts(&self, name: &str) -> HostVariables {
        let variables = HostVariables::default();
        match self.fact_cache.as_ref().map(|cache| cache.read(name)) {
            None | Some(Ok(None)) => {}
            Some(Ok(Some(facts))) => variables.add_facts(&facts.clean().0, self.inject_facts),
            Some(Err(reason)) => {
                if self.unread.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned()) {
                    self.notices.warn(reason, None);
                }
            }
        }
        variables
    }

    /// Keeps a host's facts for runs to come, where that is wanted.
    pub fn keep_facts(&self, name: &str) {
        let Some(cache) = &self.fact_cache else { return };
        if self.unread.lock().unwrap_or_else(PoisonError::into_inner).contains(name) {
            return;
        }
        if let Err(err) = cache.write(name, &self.host(name).kept_facts()) {
            self.notices.warn(format!("the facts of {name} were not kept: {err}"), None);
        }
    }

    /// Forgets the facts of a host.
    pub fn clear_facts(&self, name: &str) {
        self.host(name).clear_facts();
        if let Some(cache) = &self.fact_cache {
            cache.remove(name);
        }
    }

    /// Forgets the facts of all hosts (`--flush-cache`).
    pub fn clear_all_facts(&self) {
        let names: Vec<Arc<str>> = self.inventory().host_names().cloned().collect();
        for name in &names {
            self.clear_facts(name);
        }
    }

    /// Variables of a host from inventory sources, `group_vars` and `host_vars`, the weakest first.
    /// What is wrong with a file of variables stands in `trouble`, since a look-up has no way to say it.
    pub fn inventory_layers(&self, host: &str) -> Arc<[Arc<Dict>]> {
        let generation = self.generation.load(Ordering::Relaxed);
        self.host(host).inventory(generation, || match self.inventory().host_layers(host) {
            Ok(layers) => layers.into_iter().map(|layer| layer.vars).collect(),
            Err(err) => {
                self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(err);
                Vec::new()
            }
        })
    }

    /// An error in files of variables that was met since the last call.
    pub fn take_trouble(&self) -> Option<Error> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The magic variable `groups`.
    pub fn groups(&self) -> Value {
        let generation = self.generation.load(Ordering::Relaxed);
        if let Some((of, groups)) = &*self.groups.read().unwrap_or_else(PoisonError::into_inner)
            && *of == generation
        {
            return groups.clone();
        }
        let groups = Value::dict(self.inventory().groups_dict());
        *self.groups.write().unwrap_or_else(PoisonError::into_inner) = Some((generation, groups.clone()));
        groups
    }

    /// The hosts of the inventory by name, each under itself.
    pub fn host_names(&self) -> Arc<Dict> {
        let generation = self.generation.load(Ordering::Relaxed);
        if let Some((of, names)) = &*self.host_names.read().unwrap_or_else(PoisonError::into_inner)
            && *of == generation
        {
            return Arc::clone(names);
        }
        let name = |name: &_| (Value::str(Arc::clone(name)), Value::str(Arc::clone(name)));
        let names: Arc<Dict> = Arc::new(self.inventory().host_names().map(name).collect());
        *self.host_names.write().unwrap_or_else(PoisonError::into_inner) = Some((generation, Arc::clone(&names)));
        names
    }
}
