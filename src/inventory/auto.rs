//! Files that say which plugin reads them: `plugin: constructed`.

use std::sync::Arc;

use super::structured::{self, Format};
use super::{Inventory, constructed, generator, inventory_error};
use crate::error::Error;
use crate::source::SourceFile;
use crate::yaml::Reader;

pub fn parse(inventory: &mut Inventory, source: &Arc<SourceFile>, reader: &Reader) -> Result<(), Error> {
    let document = reader.read(source)?;
    let path = source.path.display();
    let Some(plugin) = document.get("plugin") else {
        let message = format!("no root 'plugin' key found, '{path}' is not a valid YAML inventory plugin config file");
        return Err(inventory_error(message).at(Some(&document.span)));
    };
    let name = plugin.to_value().to_text();
    match name.strip_prefix("ansible.builtin.").unwrap_or(&name) {
        "constructed" => constructed::parse(inventory, &document),
        "generator" => generator::parse(inventory, &document),
        "yaml" => structured::parse(inventory, &document, Format::Yaml),
        _ => {
            let message = format!("inventory config '{path}' specifies unknown plugin '{name}'");
            Err(inventory_error(message).at(Some(&plugin.span)))
        }
    }
}
