//! Hosts from the product of layers: `layers: {env: [dev, prod], n: [1, 2]}`, `hosts: {name: "{{ env }}-{{ n }}"}`.

use std::sync::Arc;

use super::{Inventory, inventory_error};
use crate::error::Error;
use crate::template::{Engine, SearchPath, Settings};
use crate::value::{Dict, Str, Value};
use crate::yaml::Node;

/// More hosts than this are a mistake.
const MAX_HOSTS: usize = 1_000_000;

/// Deeper parents are a mistake too.
const MAX_DEPTH: usize = 50;

struct Generator {
    engine: Arc<Engine>,
}

pub fn parse(inventory: &mut Inventory, document: &Node) -> Result<(), Error> {
    let generator =
        Generator { engine: Engine::new(Settings { notices: inventory.notices.clone(), ..Settings::default() }) };
    let missing = |name: &str| inventory_error(format!("the generator needs '{name}'")).at(Some(&document.span));
    let hosts = document.get("hosts").ok_or_else(|| missing("hosts"))?;
    let name = hosts.get("name").ok_or_else(|| missing("hosts.name"))?;
    let layers = document.get("layers").ok_or_else(|| missing("layers"))?;
    for item in product(layers)? {
        let host = generator.text(name, &item)?;
        inventory.name_host(&host, "all", None)?;
        let parents = hosts.get("parents").map_or(&[][..], Node::items);
        generator.add_parents(inventory, &host, true, parents, &item, 0)?;
    }
    Ok(())
}

/// Every combination of the layers' items; the first layer varies slowest.
fn product(layers: &Node) -> Result<Vec<Dict>, Error> {
    let mut all = vec![Dict::new()];
    for (name, items) in layers.entries() {
        let items = items.items();
        if all.len().saturating_mul(items.len()) > MAX_HOSTS {
            return Err(
                inventory_error(format!("the layers stand for more than {MAX_HOSTS} hosts")).at(Some(&layers.span))
            );
        }
        let with = |before: &Dict, item: &Node| {
            let mut dict = before.clone();
            dict.insert(name.to_value(), item.to_value());
            dict
        };
        all = all.iter().flat_map(|before| items.iter().map(move |item| with(before, item))).collect();
    }
    Ok(all)
}

impl Generator {
    fn text(&self, template: &Node, item: &Dict) -> Result<String, Error> {
        let templar = self.engine.templar(Arc::new(item.clone()), Arc::new(SearchPath::default()));
        let rendered = templar.render(&template.to_value());
        rendered
            .map(|value: Value| value.to_text())
            .map_err(|err| inventory_error(err.message).at(Some(&template.span)))
    }

    /// The groups of a host, or of a group.
    fn add_parents(
        &self,
        inventory: &mut Inventory,
        child: &str,
        is_host: bool,
        parents: &[Node],
        item: &Dict,
        depth: usize,
    ) -> Result<(), Error> {
        for parent in parents {
            let Some(name) = parent.get("name").filter(|_| depth < MAX_DEPTH) else {
                return Err(inventory_error(format!("element {child} has a parent with no name element"))
                    .at(Some(&parent.span)));
            };
            let group = inventory.add_group(&self.text(name, item)?)?;
            for (name, value) in parent.get("vars").map_or(&[][..], Node::entries) {
                let value = self.text(value, item)?;
                let value = Value::Str(Str::trusted(value, None));
                inventory.set_group_var(&group, name.to_value(), value)?;
            }
            if is_host {
                inventory.name_host(child, &group, None)?;
            } else {
                inventory.add_child(&group, child)?;
            }
            let above = parent.get("parents").map_or(&[][..], Node::items);
            self.add_parents(inventory, &group, false, above, item, depth + 1)?;
        }
        Ok(())
    }
}
