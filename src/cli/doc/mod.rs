//! `rplay doc`: what modules, plugins, keywords and roles are, from rplay's tables and from what installed collections say of
//! themselves.

mod installed;
mod own;
mod roles;
mod text;

use std::path::PathBuf;

use clap::{ArgAction, Parser};
use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};

use super::{pager, session};
use crate::callback::{Color, Terminal};
use crate::config::{Config, setting};
use crate::error::{Error, ErrorKind, Notices};
use crate::inventory::export;
use installed::Folders;

/// Shows what modules, plugins, keywords and roles are.
#[derive(Debug, Parser)]
#[command(name = "rplay doc", version, disable_version_flag = true, args_override_self = true)]
#[command(
    after_help = "Examples:\n  rplay doc copy\n  rplay doc -l\n  rplay doc -t keyword delegate_to\n  rplay doc -s lineinfile\n  \
                        rplay doc -t role -r roles web"
)]
pub struct DocOptions {
    /// Names of plugins; of roles and collections where those are asked for
    pub plugins: Vec<String>,
    /// Type of the plugins
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = "module", value_parser = TYPES)]
    pub kind: String,
    /// JSON in place of text
    #[arg(short = 'j', long)]
    pub json: bool,
    /// Folder of the roles
    #[arg(short = 'r', long, value_name = "PATHS")]
    pub roles_path: Vec<String>,
    /// Only this entry point of roles
    #[arg(short = 'e', long, value_name = "NAME")]
    pub entry_point: Option<String>,
    /// A task to fill in
    #[arg(short = 's', long)]
    pub snippet: bool,
    /// List names and what they are, in one line each
    #[arg(short = 'l', long)]
    pub list: bool,
    /// List names and files
    #[arg(short = 'F', long = "list_files", alias = "list-files")]
    pub list_files: bool,
    /// Everything that is known, as JSON
    #[arg(long)]
    pub metadata_dump: bool,
    /// With --metadata-dump: go on if something cannot be read
    #[arg(long)]
    pub no_fail_on_errors: bool,
    /// Folders of modules, separated by colons, that go before the configured ones
    #[arg(short = 'M', long, value_name = "PATHS")]
    pub module_path: Vec<String>,
    /// The folder beside which roles and collections are looked for
    #[arg(long, value_name = "DIR")]
    pub playbook_dir: Option<PathBuf>,
    /// Print the version
    #[arg(long, action = ArgAction::Version)]
    pub version: Option<bool>,
    /// More output; repeat for still more
    #[arg(short = 'v', long, action = ArgAction::Count)]
    pub verbose: u8,
}

const TYPES: [&str; 17] = [
    "become",
    "cache",
    "callback",
    "cliconf",
    "connection",
    "httpapi",
    "inventory",
    "lookup",
    "netconf",
    "shell",
    "vars",
    "module",
    "strategy",
    "test",
    "filter",
    "role",
    "keyword",
];

/// What is known of a plugin.
#[derive(Clone, Debug, Default)]
pub struct Document {
    pub full_name: String,
    /// As `DOCUMENTATION` of a plugin has it: `short_description`, `description`, `options`, …
    pub doc: Map<String, Json>,
    pub examples: String,
    pub returns: Json,
    /// The file that says so; nothing of what is compiled in.
    pub file: Option<PathBuf>,
}

impl Document {
    fn to_json(&self) -> Json {
        json!({
            "doc": self.doc,
            "examples": if self.examples.is_empty() { Json::Null } else { Json::from(self.examples.as_str()) },
            "metadata": null,
            "return": self.returns,
        })
    }

    fn summary(&self) -> String {
        self.doc.get("short_description").and_then(Json::as_str).unwrap_or("UNDOCUMENTED").to_owned()
    }
}

pub fn run(options: &DocOptions) -> Result<u8, Error> {
    let notices = Notices::default();
    let config = Config::from_process(&notices)?;
    let mut terminal = session::terminal(&config);
    session::say_notices(&config, &notices, &mut terminal);
    let folders = Folders::of(&config, options);
    let output = if options.metadata_dump {
        metadata(&folders, &config, options)?
    } else {
        match options.kind.as_str() {
            "keyword" => keywords(options, &mut terminal)?,
            "role" => roles::shown(options, &config, &mut terminal)?,
            kind if options.list || options.list_files => list(kind, &folders, options)?,
            _ if options.plugins.is_empty() => {
                let message = "Incorrect options passed";
                return Err(Error::new(ErrorKind::Usage, message)
                    .with_exit_code(5)
                    .hint("name a plugin, or list them all with -l"));
            }
            kind => documents(kind, &folders, options, &mut terminal)?,
        }
    };
    terminal.finish()?;
    if !output.is_empty() {
        pager::show(&config, output.as_bytes())?;
    }
    Ok(0)
}

fn all(kind: &str, folders: &Folders) -> IndexMap<String, Document> {
    let mut found: IndexMap<String, Document> =
        own::all(kind).into_iter().map(|it| (it.full_name.clone(), it)).collect();
    for document in folders.all(kind) {
        found.entry(document.full_name.clone()).or_insert(document);
    }
    found.sort_keys();
    found
}

fn list(kind: &str, folders: &Folders, options: &DocOptions) -> Result<String, Error> {
    let wanted = |name: &str| {
        options.plugins.is_empty() || options.plugins.iter().any(|wanted| name.starts_with(&format!("{wanted}.")))
    };
    let found: Vec<Document> = all(kind, folders).into_values().filter(|it| wanted(&it.full_name)).collect();
    let shown = |document: &Document| {
        if options.list_files {
            document.file.as_ref().map_or_else(|| "(compiled in)".to_owned(), |file| file.display().to_string())
        } else {
            document.summary()
        }
    };
    if options.json {
        let entries = found.iter().map(|document| (document.full_name.clone(), Json::from(shown(document))));
        return Ok(export::to_text(&Json::Object(entries.collect())) + "\n");
    }
    let width = found.iter().map(|document| document.full_name.len()).max().unwrap_or(0);
    let columns = session_columns();
    let rest = columns.saturating_sub(width + 5).max(30);
    let mut out = String::new();
    for document in &found {
        let mut text = shown(document);
        if !options.list_files && text.chars().count() > rest {
            text = text.chars().take(rest.saturating_sub(3)).collect::<String>() + "...";
        }
        out.push_str(&format!("{:width$} {text}\n", document.full_name));
    }
    Ok(out)
}

/// Columns of the terminal, or of what stands in for one.
fn session_columns() -> usize {
    let given = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    given
        .or_else(|| rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col)))
        .filter(|columns| *columns > 0)
        .unwrap_or(80)
}

fn documents(kind: &str, folders: &Folders, options: &DocOptions, terminal: &mut Terminal) -> Result<String, Error> {
    let mut found: Vec<(String, Document)> = Vec::new();
    for name in &options.plugins {
        match own::find(kind, name).or_else(|| folders.find(kind, name)) {
            Some(document) => found.push((name.clone(), document)),
            None => terminal.error_line(
                &format!("[WARNING]: {kind} {name} not found{}", near(kind, name, folders)),
                Some(Color::Warn),
            ),
        }
    }
    if options.json {
        let entries = found.iter().map(|(name, document)| (name.clone(), document.to_json()));
        return Ok(export::to_text(&Json::Object(entries.collect())) + "\n");
    }
    if options.snippet {
        if !["module", "lookup", "inventory"].contains(&kind) {
            let message = format!(
                "Snippets are only available for the following plugin types: inventory, lookup, module, not {kind}"
            );
            return Err(Error::new(ErrorKind::Usage, message).with_exit_code(5));
        }
        return Ok(found.iter().map(|(_, document)| text::snippet(document, kind)).collect());
    }
    let columns = session_columns();
    Ok(found.iter().map(|(_, document)| text::document(document, kind, columns)).collect::<Vec<_>>().join("\n"))
}

fn near(kind: &str, name: &str, folders: &Folders) -> String {
    let names: Vec<String> = all(kind, folders).into_keys().collect();
    let short = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    let shorts: Vec<String> = names.iter().map(|name| short(name)).collect();
    crate::config::did_you_mean(&short(name), shorts.iter().map(String::as_str))
}

fn keywords(options: &DocOptions, terminal: &mut Terminal) -> Result<String, Error> {
    let known = own::keywords();
    if options.list {
        let entries = known.iter().map(|(name, doc)| (name.clone(), doc["description"].clone()));
        if options.json {
            return Ok(export::to_text(&Json::Object(entries.collect())) + "\n");
        }
        let width = known.keys().map(String::len).max().unwrap_or(0);
        let lines = entries.map(|(name, text)| format!("{name:width$} {}\n", text.as_str().unwrap_or_default()));
        return Ok(lines.collect());
    }
    let mut found = Map::new();
    for name in &options.plugins {
        match known.get(name) {
            Some(doc) => {
                found.insert(name.clone(), doc.clone());
            }
            None => {
                let near = crate::config::did_you_mean(name, known.keys().map(String::as_str));
                let text = format!("[WARNING]: Skipping Invalid keyword '{name}' specified.{near}");
                terminal.error_line(&text, Some(Color::Warn));
            }
        }
    }
    if options.json {
        return Ok(export::to_text(&Json::Object(found)) + "\n");
    }
    text::yaml(&Json::Object(found))
}

/// Everything, by type.
fn metadata(folders: &Folders, config: &Config, options: &DocOptions) -> Result<String, Error> {
    let mut by_type = Map::new();
    for kind in TYPES {
        let entries: Map<String, Json> = match kind {
            "keyword" => own::keywords().into_iter().collect(),
            "role" => roles::all(options, config)?,
            kind => all(kind, folders).into_iter().map(|(name, document)| (name, document.to_json())).collect(),
        };
        by_type.insert(kind.to_owned(), Json::Object(entries));
    }
    let version = env!("CARGO_PKG_VERSION");
    Ok(export::to_text(&json!({"all": by_type, "ansible-doc-version": "2.19.14", "rplay-version": version})) + "\n")
}

/// The folder of a command that has no playbook.
fn base_folder(config: &Config, options: &DocOptions) -> PathBuf {
    let given = options.playbook_dir.clone().or_else(|| config.get(setting::PLAYBOOK_DIR));
    given.unwrap_or_else(|| config.cwd().to_owned())
}
