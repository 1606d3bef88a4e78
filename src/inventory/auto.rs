//! Files that say which plugin reads them: `plugin: constructed`.

use super::{Inventory, inventory_error};
use crate::error::Error;
use crate::source::SourceFile;
use crate::yaml::{Node, Reader};
use std::sync::Arc;

pub fn parse(_inventory: &mut Inventory, source: &Arc<SourceFile>, reader: &Reader) -> Result<(), Error> {
    let document: Node = reader.read(source)?;
    let path = source.path.display();
    let Some(plugin) = document.get("plugin") else {
        let message = format!("no root 'plugin' key found, '{path}' is not a valid YAML inventory plugin config file");
        return Err(inventory_error(message).at(Some(&document.span)));
    };
    let name = plugin.to_value().to_text();
    let message = format!("inventory config '{path}' specifies unknown plugin '{name}'");
    Err(inventory_error(message).at(Some(&plugin.span)))
}
