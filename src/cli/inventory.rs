//! `rplay inventory`: what the inventory says, as `ansible-inventory` shows it.

use std::fs;

use super::options::InventoryOptions;
use super::session::Session;
use crate::callback;
use crate::config::setting;
use crate::error::{Error, ErrorKind};
use crate::inventory::export::{self, GraphVars, Shown};
use crate::inventory::toml_text;
use crate::template::filters::yaml_text;
use crate::value::{Dict, Value};

pub fn run(options: InventoryOptions) -> Result<u8, Error> {
    let chosen = [options.list, options.host.is_some(), options.graph].into_iter().filter(|chosen| *chosen).count();
    if chosen == 0 {
        return Err(usage("No action selected, at least one of --host, --graph or --list needs to be specified."));
    }
    if chosen > 1 {
        let message = "Conflicting options used, only one of --host, --graph or --list can be used at the same time.";
        return Err(usage(message));
    }
    let session = Session::of_sources(&options.sources)?;
    let mut terminal = session.terminal();
    let text = shown(&session, &options);
    session.say_notices(&mut terminal);
    let text = text?;
    match &options.output {
        Some(file) => fs::write(file, text).map_err(|err| {
            Error::new(ErrorKind::Output, format!("Unable to write to destination file ({}): {err}", file.display()))
        })?,
        None => callback::print(&if text.ends_with('\n') { text } else { text + "\n" })?,
    }
    Ok(0)
}

fn shown(session: &Session, options: &InventoryOptions) -> Result<String, Error> {
    let directory = session.base_directory(options.playbook_dir.as_deref())?;
    let mut inventory = session.inventory(Some(directory))?;
    let extra_vars = &session.extra_vars;
    let export = options.export || session.config.get(setting::INVENTORY_EXPORT);
    if options.graph {
        let shown = match (options.vars, export) {
            (false, _) => GraphVars::None,
            (true, false) => GraphVars::All,
            (true, true) => GraphVars::Own,
        };
        return export::graph(&inventory, options.group.as_deref().unwrap_or("all"), shown);
    }
    if let Some(pattern) = &options.host {
        let hosts = inventory.hosts(pattern, None)?;
        let [host] = hosts.as_slice() else {
            return Err(usage("You must pass a single valid host to --host parameter"));
        };
        return if options.toml {
            toml(&export::host_vars(&inventory, host, extra_vars)?)
        } else if options.yaml {
            yaml(&Value::dict(export::host_vars(&inventory, host, extra_vars)?))
        } else {
            Ok(export::to_text(&export::host(&inventory, host, extra_vars)?))
        };
    }
    let hosts = inventory.hosts("all", options.sources.limit().as_deref())?;
    let wanted = Shown { export, extra_vars };
    if options.toml {
        toml(&export::flat(&inventory, &hosts, wanted)?)
    } else if options.yaml {
        yaml(&export::tree(&inventory, &hosts, wanted)?)
    } else {
        Ok(export::to_text(&export::list(&inventory, &hosts, wanted)?))
    }
}

fn yaml(value: &Value) -> Result<String, Error> {
    let options = yaml_text::Options { vault_tags: true, ..yaml_text::Options::default() };
    yaml_text::dump(value, &options).map_err(|err| Error::new(ErrorKind::Output, err))
}

fn toml(table: &Dict) -> Result<String, Error> {
    toml_text::dump(table).map_err(|err| Error::new(ErrorKind::Output, err))
}

fn usage(message: &str) -> Error {
    Error::new(ErrorKind::Usage, message).with_exit_code(5)
}
