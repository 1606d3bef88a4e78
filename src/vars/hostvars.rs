//! `hostvars`: each host's variables, looked up when somebody asks for them.

use std::sync::Arc;

use super::scope::Scope;
use crate::template::Variables;
use crate::value::{Dict, Value};

impl Variables for Scope {
    fn get(&self, name: &str) -> Option<Value> {
        self.find(name)
    }

    fn names(&self) -> Vec<String> {
        self.all_names()
    }

    fn hosts(&self) -> Option<Arc<Dict>> {
        Some(self.world.host_names())
    }

    fn of_host(&self, host: &str) -> Option<Arc<dyn Variables>> {
        let name = self.world.inventory().host(host).map(|host| Arc::clone(&host.name))?;
        Some(Arc::new(Scope::of_host(&self.world, &name)))
    }
}
