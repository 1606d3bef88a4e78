//! Files that say which plugin reads them: `plugin: constructed`.

use std::sync::Arc;

use super::structured::{self, Format};
use super::{Inventory, constructed, generator, inventory_error, sources};
use crate::catalog::{Found, Kind, Plugin, not_there};
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
    let found = sources::plugin(&name);
    match &found {
        Ok(Found { plugin: Plugin::Native((_, sources::Plugin::Constructed)), .. }) => {
            constructed::parse(inventory, &document)
        }
        Ok(Found { plugin: Plugin::Native((_, sources::Plugin::Generator)), .. }) => {
            generator::parse(inventory, &document)
        }
        Ok(Found { plugin: Plugin::Native((_, sources::Plugin::Yaml)), .. }) => {
            structured::parse(inventory, &document, Format::Yaml)
        }
        Ok(Found { plugin: Plugin::Known, full_name }) => {
            Err(inventory_error(not_there(Kind::Inventory, full_name)).at(Some(&plugin.span)))
        }
        Ok(_) | Err(_) => {
            let message = format!("inventory config '{path}' specifies unknown plugin '{name}'");
            Err(inventory_error(message).at(Some(&plugin.span)))
        }
    }
}
