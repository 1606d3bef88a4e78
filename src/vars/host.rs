//! What a run learns about a host: facts, `include_vars`, `set_fact` and registered results.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::facts::{self, Facts};
use crate::value::{Dict, Value};

/// Says among kept facts that they were gathered, as in Ansible.
const GATHERED: &str = "_ansible_facts_gathered";

/// Layers that change while the run goes on. Whoever reads takes a reference to a layer as it is now.
#[derive(Debug, Default)]
pub struct HostVariables(Mutex<Layers>);

#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The content of `ansible_facts`.
    pub facts: Arc<Dict>,
    /// The same under the names that facts have as variables, with cacheable `set_fact`s among them.
    pub injected: Arc<Dict>,
    pub included: Arc<Dict>,
    /// `set_fact` and `register`.
    pub set: Arc<Dict>,
    /// Layers from the inventory and the generation of the inventory that they belong to.
    pub inventory: Option<(u64, Arc<[Arc<Dict>]>)>,
}

impl HostVariables {
    fn lock(&self) -> MutexGuard<'_, Layers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn layers(&self) -> Layers {
        self.lock().clone()
    }

    /// The inventory's layers, read again when the inventory has changed.
    pub fn inventory(&self, generation: u64, read: impl FnOnce() -> Vec<Arc<Dict>>) -> Arc<[Arc<Dict>]> {
        if let Some((of, layers)) = &self.lock().inventory
            && *of == generation
        {
            return Arc::clone(layers);
        }
        let layers: Arc<[Arc<Dict>]> = read().into();
        self.lock().inventory = Some((generation, Arc::clone(&layers)));
        layers
    }

    /// Adds what a module returned as `ansible_facts`.
    pub fn add_facts(&self, facts: &Facts, inject: bool) {
        let copies = |facts: &Dict| facts.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>();
        let mut layers = self.lock();
        Arc::make_mut(&mut layers.facts).extend(copies(facts.namespaced()));
        if inject {
            Arc::make_mut(&mut layers.injected).extend(copies(facts.injected()));
        } else if let Some(local) = facts.injected().get("ansible_local") {
            Arc::make_mut(&mut layers.injected).insert(Value::str("ansible_local"), local.clone());
        }
    }

    /// `set_fact: cacheable=yes`: also a fact, under its own name. Returns the names that no fact may have.
    pub fn add_cacheable(&self, facts: &Dict) -> Vec<String> {
        let (allowed, removed) = facts::without_restricted(facts.clone());
        let mut layers = self.lock();
        Arc::make_mut(&mut layers.facts).extend(facts.iter().map(|(key, value)| (key.clone(), value.clone())));
        Arc::make_mut(&mut layers.injected).extend(allowed);
        removed
    }

    pub fn clear_facts(&self) {
        let mut layers = self.lock();
        layers.facts = Arc::default();
        layers.injected = Arc::default();
    }

    /// Whether facts were gathered, in this run or one whose facts were kept.
    pub fn has_facts(&self) -> bool {
        let layers = self.lock();
        [GATHERED, "module_setup"].iter().any(|name| layers.facts.contains_key(*name))
    }

    /// All facts under the names that modules gave them.
    pub fn kept_facts(&self) -> Dict {
        let layers = self.layers();
        let mut kept = (*layers.injected).clone();
        for (name, value) in layers.facts.iter() {
            let prefixed = Value::str(format!("ansible_{}", name.to_text()));
            if !kept.contains_key(name) && !kept.contains_key(&prefixed) {
                kept.insert(prefixed, value.clone());
            }
        }
        if self.has_facts() {
            kept.shift_remove(&Value::str(format!("ansible_{GATHERED}")));
            kept.insert(Value::str(GATHERED), Value::Bool(true));
        }
        kept
    }

    pub fn include(&self, variables: Dict) {
        Arc::make_mut(&mut self.lock().included).extend(variables);
    }

    pub fn set(&self, variables: impl IntoIterator<Item = (Value, Value)>) {
        Arc::make_mut(&mut self.lock().set).extend(variables);
    }
}
