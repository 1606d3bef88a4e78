//! What one task on one host sees: references to the layers, the strongest looked at first.

use std::collections::HashSet;
use std::sync::Arc;

use super::magic;
use super::play::PlayVariables;
use super::world::World;
use crate::error::Notices;
use crate::playbook::keywords::{Keyword, is_reserved, warn_of_reserved};
use crate::playbook::{Role, Task};
use crate::template::SearchPath;
use crate::value::{Dict, Value, merge};

#[derive(Clone)]
pub struct Scope {
    pub world: Arc<World>,
    pub play: Option<Arc<PlayVariables>>,
    pub host: Arc<str>,
    pub role: Option<Arc<Role>>,
    pub search_path: Option<Arc<SearchPath>>,
    /// The weakest first.
    layers: Vec<Arc<Dict>>,
    /// Layers from this one on are stronger than the weak magic variables.
    above_inventory: usize,
    /// Loop variables and what else exists for a moment: nothing is stronger.
    locals: Vec<Arc<Dict>>,
    /// The keyword `environment` of the task, the outermost first.
    pub environment: Option<Value>,
    /// What variables about the connection are where nobody wrote them; only tasks have them, `hostvars` does not.
    connection: Option<Arc<ConnectionDefaults>>,
}

/// What a task's connection has where no variable says so: nothing is weaker.
#[derive(Clone, Default)]
pub struct ConnectionDefaults {
    /// The keyword `remote_user`, or what the command line or the configuration says.
    pub user: Option<Value>,
    pub private_key: Option<Value>,
    /// What the host sees that the task is delegated to.
    pub delegate: Option<Box<Scope>>,
}

/// Names of one thing: each has the other's value where only that was written.
const CONNECTION_NAMES: &[[&str; 2]] = &[
    ["ansible_host", "ansible_ssh_host"],
    ["ansible_port", "ansible_ssh_port"],
    ["ansible_private_key_file", "ansible_ssh_private_key_file"],
    ["ansible_user", "ansible_ssh_user"],
];

/// The parts of a scope that a task brings.
pub struct TaskLayers<'a> {
    pub task: &'a Task,
    /// `vars_files`, rendered and read.
    pub vars_files: &'a [Arc<Dict>],
    pub search_path: Option<Arc<SearchPath>>,
    /// The task is a dynamic include: its own variables are parameters, of which the innermost are the strongest.
    pub includes: bool,
}

impl Scope {
    /// What `hostvars` shows of a host: nothing of any play.
    pub fn of_host(world: &Arc<World>, host: &Arc<str>) -> Self {
        Self::build(world, None, host, None)
    }

    /// What the play itself sees of a host: for `vars_files` and the play's own keywords.
    pub fn of_play(world: &Arc<World>, play: &Arc<PlayVariables>, host: &Arc<str>) -> Self {
        Self::build(world, Some(play), host, None)
    }

    pub fn of_task(world: &Arc<World>, play: &Arc<PlayVariables>, host: &Arc<str>, task: &TaskLayers<'_>) -> Self {
        Self::build(world, Some(play), host, Some(task))
    }

    /// The order of the levels is Ansible's; see "Understanding variable precedence" in its documentation.
    fn build(
        world: &Arc<World>,
        play: Option<&Arc<PlayVariables>>,
        host: &Arc<str>,
        task: Option<&TaskLayers<'_>>,
    ) -> Self {
        let role = task.and_then(|layers| layers.task.role().cloned());
        let mut layers = Vec::with_capacity(24);
        if let Some(play) = play {
            play.public_roles(|role| push(&mut layers, &role.defaults));
        }
        if let Some(role) = &role {
            for other in role.dependencies.iter().chain(&role.parents) {
                push(&mut layers, &other.defaults);
            }
            push(&mut layers, &role.defaults);
        }
        for layer in world.inventory_layers(host).iter() {
            push(&mut layers, layer);
        }
        let above_inventory = layers.len();
        let own = world.host(host).layers();
        push(&mut layers, &own.injected);
        if !own.facts.is_empty() || play.is_some() {
            let facts = Dict::from_iter([(Value::str("ansible_facts"), Value::Dict(own.facts))]);
            layers.push(Arc::new(facts));
        }
        if let Some(play) = play {
            play.vars.iter().for_each(|layer| push(&mut layers, layer));
        }
        if let Some(task) = task {
            task.vars_files.iter().for_each(|layer| push(&mut layers, layer));
        }
        if let Some(play) = play {
            play.public_roles(|role| push(&mut layers, &role.vars));
        }
        if let Some(role) = &role {
            for other in role.parents.iter().chain(&role.dependencies) {
                push(&mut layers, &other.vars);
            }
            push(&mut layers, &role.vars);
        }
        if let Some(task) = task {
            task.task.vars_layers().for_each(|layer| push(&mut layers, layer));
        }
        push(&mut layers, &own.included);
        push(&mut layers, &own.set);
        if let Some(role) = &role {
            for parent in &role.parents {
                push(&mut layers, &parent.params);
            }
            push(&mut layers, &role.params);
        }
        if let Some(task) = task {
            task.task.context.params.iter().for_each(|layer| push(&mut layers, layer));
            if task.includes {
                push(&mut layers, &task.task.vars);
            }
        }
        push(&mut layers, &world.extra_vars);
        Self {
            world: Arc::clone(world),
            play: play.map(Arc::clone),
            host: Arc::clone(host),
            role,
            search_path: task.and_then(|task| task.search_path.clone()),
            layers,
            above_inventory,
            locals: Vec::new(),
            environment: task.map(|layers| {
                layers.task.keyword(Keyword::Environment).cloned().unwrap_or_else(|| Value::list(Vec::new()))
            }),
            connection: None,
        }
    }

    /// Warns of variables whose names mean something else, at the weakest place that has each.
    pub fn warn_of_reserved(&self, notices: &Notices) {
        let mut known = HashSet::new();
        // What tasks have set was looked at when they did.
        let own = self.world.host(&self.host).layers();
        let own = [&own.injected, &own.included, &own.set];
        for layer in self.layers.iter().filter(|layer| !own.iter().any(|own| Arc::ptr_eq(own, layer))) {
            let names = layer.keys().filter(|name| is_reserved(name) && known.insert(name.to_text()));
            warn_of_reserved(names, notices);
        }
    }

    /// The same for a task that connects.
    #[must_use]
    pub fn with_connection(mut self, connection: ConnectionDefaults) -> Self {
        self.connection = Some(Arc::new(connection));
        self
    }

    /// The same for a task that works on another host.
    #[must_use]
    pub fn delegated(&self, delegate: Scope) -> Self {
        let connection = self.connection.as_deref().cloned().unwrap_or_default();
        self.clone().with_connection(ConnectionDefaults { delegate: Some(Box::new(delegate)), ..connection })
    }

    /// The same with stronger variables on top.
    #[must_use]
    pub fn with_locals(&self, locals: Arc<Dict>) -> Self {
        let mut scope = self.clone();
        scope.locals.push(locals);
        scope
    }

    /// The unrendered value of a variable.
    pub fn find(&self, name: &str) -> Option<Value> {
        self.written(name).or_else(|| self.connection_default(name))
    }

    fn connection_default(&self, name: &str) -> Option<Value> {
        let connection = self.connection.as_ref()?;
        if name == "ansible_delegated_vars" {
            let delegate = connection.delegate.as_deref()?;
            let names = delegate.layers.iter().flat_map(|layer| layer.keys());
            let seen = names.filter_map(|name| Some((name.clone(), delegate.written(&name.to_text())?))).collect();
            return Some(Value::dict(Dict::from_iter([(Value::str(&*delegate.host), Value::dict(seen))])));
        }
        let names = CONNECTION_NAMES.iter().find(|names| names.contains(&name))?;
        let connected = connection.delegate.as_deref().unwrap_or(self);
        names.iter().find_map(|name| connected.written(name)).or_else(|| match names[0] {
            "ansible_host" => Some(Value::str(&*connected.host)),
            "ansible_user" => connection.user.clone(),
            "ansible_private_key_file" => connection.private_key.clone(),
            _ => None,
        })
    }

    fn written(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.locals.iter().rev().find_map(|layer| layer.get(name)) {
            return Some(value.clone());
        }
        if let Some(value) = magic::strong(self, name) {
            return Some(value);
        }
        let (below, above) = self.layers.split_at(self.above_inventory);
        let strongest = above
            .iter()
            .rev()
            .find_map(|layer| layer.get(name).cloned())
            .or_else(|| magic::weak(self, name))
            .or_else(|| below.iter().rev().find_map(|layer| layer.get(name).cloned()))?;
        match strongest {
            Value::Dict(_) if self.world.merge_hashes => Some(self.merged(name)),
            value => Some(value),
        }
    }

    /// All layers' dicts of this name merged, from the last layer on that has something else.
    fn merged(&self, name: &str) -> Value {
        let mut merged = Dict::new();
        for layer in &self.layers {
            match layer.get(name) {
                Some(Value::Dict(dict)) => merge(&mut merged, dict),
                Some(_) => merged.clear(),
                None => {}
            }
        }
        Value::dict(merged)
    }

    pub fn all_names(&self) -> Vec<String> {
        let mut names = indexmap::IndexSet::new();
        for layer in self.layers.iter().chain(&self.locals).chain([&self.world.magic.0]) {
            names.extend(layer.keys().map(Value::to_text));
        }
        names.extend(magic::WEAK.iter().chain(magic::STRONG).map(|name| (*name).to_owned()));
        names.into_iter().collect()
    }
}

fn push(layers: &mut Vec<Arc<Dict>>, layer: &Arc<Dict>) {
    if !layer.is_empty() {
        layers.push(Arc::clone(layer));
    }
}
