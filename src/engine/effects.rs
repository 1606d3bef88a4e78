//! What a result does to the run's variables and inventory, before the next task looks at them.

use super::task_executor::Job;
use super::task_report::Pass;
use crate::actions::{ActionResult, Effect};
use crate::value::Value;
use crate::vars::removal_warning;

impl Job {
    /// Gives the host its facts. Says whether variables changed, so that a loop's next item sees them.
    pub fn apply_variables(&self, pass: &Pass) -> bool {
        let result = &pass.result;
        let facts_host = match (&pass.delegated_to, pass.delegate_facts) {
            (Some(name), true) => name.as_str(),
            _ => &*self.host,
        };
        let host = self.shared.world.host(facts_host);
        let mut changed = false;
        for effect in &result.effects {
            match effect {
                Effect::SetFacts { facts, cacheable } => {
                    host.set(facts.iter().map(|(key, value)| (key.clone(), value.clone())));
                    if *cacheable {
                        for name in host.add_cacheable(facts) {
                            self.shared.notices.warn(removal_warning(&name), None);
                        }
                    }
                    changed = true;
                }
                Effect::IncludeVars(variables) => {
                    host.include(variables.clone());
                    changed = true;
                }
                Effect::HostFacts(facts) => {
                    host.add_facts(facts, self.shared.options.inject_facts);
                    changed = true;
                }
                _ => {}
            }
        }
        changed
    }

    /// Applies what adds hosts and groups, and reports whether that changed anything.
    pub fn change_inventory(&self, result: &mut ActionResult) {
        let mut changed = false;
        for effect in &result.effects {
            let outcome = match effect {
                Effect::AddHost { name, port, groups, vars } => {
                    let port = port.and_then(|port| u16::try_from(port).ok());
                    self.shared.world.change_inventory(|inventory| inventory.add_host(name, port, groups, vars))
                }
                Effect::GroupBy { group, parents } => {
                    self.shared.world.change_inventory(|inventory| inventory.add_to_group(&self.host, group, parents))
                }
                _ => continue,
            };
            match outcome {
                Ok(new) => changed |= new,
                Err(err) => {
                    *result = ActionResult::failed(err.message);
                    return;
                }
            }
            result.fields.insert(Value::str("changed"), Value::Bool(changed));
        }
    }
}
