//! `-e`: variables from the command line, as k=v, as YAML or JSON, or from a file.

use std::path::Path;

use crate::error::{Error, ErrorKind};
use crate::source::{SourceFile, Span};
use crate::split_args::{FreeForm, parse_kv};
use crate::value::{Dict, Str, Value};
use crate::yaml::Reader;

/// All `-e` options as one dict; later ones win.
pub fn read(options: &[String], reader: &Reader) -> Result<Dict, Error> {
    let mut all = Dict::new();
    for option in options {
        all.extend(read_one(option, reader)?);
    }
    Ok(all)
}

fn read_one(option: &str, reader: &Reader) -> Result<Dict, Error> {
    if let Some(file) = option.strip_prefix('@') {
        let path = Path::new(file);
        if !path.is_file() {
            return Err(Error::new(ErrorKind::File, "Unable to retrieve file contents.")
                .hint(format!("Could not find or access '{}' on the Ansible Controller.", path.display())));
        }
        let node = reader.read_file(path)?;
        return match node.to_value() {
            Value::Dict(dict) => Ok((*dict).clone()),
            Value::Null => Ok(Dict::new()),
            _ => Err(not_a_mapping(option, Some(&node.span))),
        };
    }
    let source = SourceFile::new("<extra vars>", option);
    if option.starts_with(['{', '[']) {
        let node = reader.read(&source)?;
        return match node.to_value() {
            Value::Dict(dict) => Ok((*dict).clone()),
            _ => Err(not_a_mapping(option, Some(&node.span))),
        };
    }
    let (args, _) = parse_kv(&Str::trusted(option, Some(Span::new(&source, 1, 1))), FreeForm::Plain)?;
    Ok(args)
}

fn not_a_mapping(option: &str, place: Option<&Span>) -> Error {
    let message = format!("Invalid extra vars data supplied. '{option}' could not be made into a dictionary");
    Error::new(ErrorKind::Usage, message).at(place).with_exit_code(1)
}
