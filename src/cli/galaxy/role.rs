//! `rplay galaxy role`: list, remove, install.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::Utc;
use serde_json::{Map, Value as Json, json};

use super::archive::{Entries, Kind, inside, unpack};
use super::artifact::reader;
use super::options::{RoleInstall, RoleList, RoleRemove, RolesPath};
use super::requirements::{self, Role};
use super::scm::Checkout;
use super::server::download;
use super::{Galaxy, absolute, collection, failed, wrong_options};
use crate::config::setting;
use crate::error::{Error, ErrorKind};
use crate::source::SourceFile;
use crate::template::filters::yaml_text;
use crate::value::Value;

const META: [&str; 2] = ["meta/main.yml", "meta/main.yaml"];
const NEEDS: [&str; 2] = ["meta/requirements.yml", "meta/requirements.yaml"];
const INFO: &str = "meta/.galaxy_install_info";

/// Folders of roles, the one that roles are installed into first.
pub fn folders(path: &RolesPath, galaxy: &Galaxy) -> Vec<PathBuf> {
    let given = path.roles_path.iter().rev().flat_map(|paths| paths.split(':')).filter(|path| !path.is_empty());
    let given = given.map(|path| galaxy.config.path(path, false));
    given.chain(galaxy.config.get(setting::DEFAULT_ROLES_PATH)).collect()
}

fn read_yaml(file: &Path) -> Option<Json> {
    Some(reader().read_file(file).ok()?.to_value().to_json())
}

pub fn metadata(folder: &Path) -> Option<Json> {
    META.iter().map(|name| folder.join(name)).find(|file| file.is_file()).and_then(|file| read_yaml(&file))
}

pub fn install_info(folder: &Path) -> Option<Map<String, Json>> {
    match read_yaml(&folder.join(INFO))? {
        Json::Object(map) => Some(map),
        _ => None,
    }
}

fn installed_version(folder: &Path) -> Option<String> {
    let version = install_info(folder)?.remove("version")?;
    Some(
        version
            .as_str()
            .map_or_else(|| if version.is_null() { String::new() } else { version.to_string() }, str::to_owned),
    )
}

pub fn list(options: &RoleList, galaxy: &Galaxy) -> Result<u8, Error> {
    let mut usable = false;
    let mut warnings = Vec::new();
    let show = |name: &str, folder: &Path| {
        let version = installed_version(folder).filter(|version| !version.is_empty());
        galaxy.output.line(format!("- {name}, {}", version.as_deref().unwrap_or("(unknown version)")));
    };
    for path in folders(&options.path, galaxy) {
        if !path.is_dir() {
            warnings.push(format!("- the configured path {} does not exist.", path.display()));
            continue;
        }
        usable = true;
        if let Some(name) = &options.role {
            let folder = path.join(name);
            if folder.is_dir() {
                galaxy.output.line(format!("# {}", path.display()));
                show(name, &folder);
                return Ok(0);
            }
            warnings.push(format!("- the role {name} was not found"));
            continue;
        }
        galaxy.output.line(format!("# {}", path.display()));
        let mut names: Vec<String> = fs::read_dir(&path)
            .ok()
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        for name in names {
            let folder = path.join(&name);
            if META.iter().any(|file| folder.join(file).is_file()) {
                show(&name, &folder);
            }
        }
    }
    for warning in warnings {
        galaxy.output.warn(warning);
    }
    if usable {
        return Ok(0);
    }
    Err(wrong_options("- None of the provided paths were usable. Please specify a valid path with --roles-path"))
}

pub fn remove(options: &RoleRemove, galaxy: &Galaxy) -> Result<u8, Error> {
    let folders = folders(&options.path, galaxy);
    for name in &options.roles {
        let Some(name_inside) = inside(Path::new(name)).filter(|path| !path.as_os_str().is_empty()) else {
            return Err(failed(format!("Failed to remove role {name}: it is no name of a role")));
        };
        let folder = folders.first().map(|first| first.join(&name_inside));
        match folder.filter(|folder| metadata(folder).is_some()) {
            Some(folder) => {
                fs::remove_dir_all(&folder).map_err(|err| failed(format!("Failed to remove role {name}: {err}")))?;
                galaxy.output.line(format!("- successfully removed {name}"));
            }
            None => galaxy.output.line(format!("- {name} is not installed, skipping.")),
        }
    }
    Ok(0)
}

pub fn install(options: &RoleInstall, galaxy: &Galaxy, implicit: bool) -> Result<u8, Error> {
    let mut roles = Vec::new();
    let mut collections = Vec::new();
    match &options.role_file {
        Some(file) => {
            if !file.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") {
                let message = "Invalid role requirements file, it must end with a .yml or .yaml extension";
                return Err(failed(message.to_owned()));
            }
            let found = requirements::read(&absolute(file), true)?;
            roles = found.roles;
            if !found.collections.is_empty() && (!implicit || !options.path.roles_path.is_empty()) {
                let text = format!(
                    "The requirements file '{}' contains collections which will be ignored. To install these collections \
                     run 'ansible-galaxy collection install -r' or to install both at the same time run \
                     'ansible-galaxy install -r' without a custom install path.",
                    absolute(file).display()
                );
                if implicit {
                    galaxy.output.warn(text);
                } else {
                    galaxy.output.verbose(3, text);
                }
            } else {
                collections = found.collections;
            }
            roles.retain(|role| options.roles.is_empty() || options.roles.contains(&role.name));
        }
        None if options.roles.is_empty() => {
            return Err(wrong_options("- you must specify a user/role name or a roles file"));
        }
        None => {
            for word in &options.roles {
                roles.push(Role::of_word(word.trim())?);
            }
        }
    }
    if roles.is_empty() && collections.is_empty() {
        galaxy.output.line("Skipping install, no requirements found");
        return Ok(0);
    }
    if !roles.is_empty() {
        galaxy.output.line("Starting galaxy role install process");
        Roles { options, galaxy, folders: folders(&options.path, galaxy) }.install(roles)?;
    }
    if !collections.is_empty() {
        galaxy.output.line("Starting galaxy collection install process");
        let how = collection::Install {
            force: options.force,
            force_with_needs: options.force_with_deps,
            with_needs: !options.no_deps,
            ignore_errors: options.ignore_errors,
            check_signatures: !options.disable_gpg_verify,
            signatures: options.signatures.clone(),
            file: options.role_file.as_deref().map(absolute),
            ..collection::Install::default()
        };
        return collection::install_all(&collections, &galaxy.default_collections_path()?, &how, galaxy);
    }
    Ok(0)
}

struct Roles<'a> {
    options: &'a RoleInstall,
    galaxy: &'a Galaxy,
    folders: Vec<PathBuf>,
}

impl Roles<'_> {
    fn folder(&self, name: &str) -> Result<PathBuf, Error> {
        let name_inside = inside(Path::new(name)).filter(|path| !path.as_os_str().is_empty());
        let name_inside = name_inside.ok_or_else(|| failed(format!("'{name}' is no name of a role")))?;
        let first = self.folders.first().ok_or_else(|| failed("there is no folder of roles".to_owned()))?;
        Ok(first.join(name_inside))
    }

    fn install(&self, mut roles: Vec<Role>) -> Result<(), Error> {
        let output = &self.galaxy.output;
        let force = self.options.force || self.options.force_with_deps;
        let mut next = 0;
        while let Some(role) = roles.get(next).cloned() {
            next += 1;
            let folder = self.folder(&role.name)?;
            if let Some(version) = installed_version(&folder) {
                let wanted = if role.version.is_empty() { "unspecified" } else { &role.version };
                if force {
                    output.line(format!("- changing role {} from {version} to {wanted}", role.name));
                } else if version == role.version {
                    output.line(format!("- {role} is already installed, skipping."));
                    continue;
                } else {
                    output.warn(format!(
                        "- {} ({version}) is already installed - use --force to change version to {wanted}",
                        role.name
                    ));
                    continue;
                }
            }
            let needs = match self.install_one(&role, &folder, force) {
                Ok(needs) => needs,
                Err(err) => {
                    output.warn(format!("- {} was NOT installed successfully: {} ", role.name, err.message));
                    self.refused(err)?;
                    continue;
                }
            };
            if !self.options.no_deps {
                self.add_needs(&role, needs, &mut roles)?;
            }
        }
        Ok(())
    }

    fn refused(&self, err: Error) -> Result<(), Error> {
        if self.options.ignore_errors {
            return Ok(());
        }
        let message = "- you can use --ignore-errors to skip failed roles and finish processing the list.";
        Err(Error { hints: err.hints, ..failed(message.to_owned()) })
    }

    fn add_needs(&self, role: &Role, needs: Vec<Role>, roles: &mut Vec<Role>) -> Result<(), Error> {
        let output = &self.galaxy.output;
        for need in needs {
            // It is one of the playbook's own roles.
            if !need.name.contains('.') && !need.src.contains('.') && need.scm.is_none() {
                continue;
            }
            match installed_version(&self.folder(&need.name)?) {
                None if roles.iter().any(|known| known.name == need.name) => {
                    output.line(format!("- dependency {} already pending installation.", need.name));
                }
                None => {
                    output.line(format!("- adding dependency: {need}"));
                    roles.push(need);
                }
                Some(_) if self.options.force_with_deps => roles.push(need),
                Some(version) if version == need.version => {
                    output.line(format!("- dependency {} is already installed, skipping.", need.name));
                }
                Some(version) => output.warn(format!(
                    "- dependency {need} ({}) from role {} differs from already installed version ({version}), skipping",
                    need.version, role.name
                )),
            }
        }
        Ok(())
    }

    /// Installs a role and returns what it needs.
    fn install_one(&self, role: &Role, folder: &Path, force: bool) -> Result<Vec<Role>, Error> {
        let scratch = tempfile::tempdir().map_err(|err| failed(format!("cannot make a temporary folder: {err}")))?;
        let mut version = role.version.clone();
        let entries = match &role.scm {
            Some(scm) if scm == "git" => {
                let clone = scratch.path().join(&role.name);
                let checkout = Checkout {
                    url: &role.src,
                    version: &role.version,
                    ignore_certificates: self.galaxy.ignore_certificates,
                };
                checkout.clone_into(scratch.path(), &role.name)?;
                of_folder(&clone, self.options.keep_scm_meta)?
            }
            Some(scm) => {
                return Err(failed(format!("- scm {scm} is not currently supported")).hint("git is"));
            }
            None if Path::new(&role.src).is_file() => Entries::read(Path::new(&role.src))?,
            None => {
                let file = scratch.path().join("role.tar.gz");
                let url = if role.src.contains("://") { role.src.clone() } else { self.of_server(role, &mut version)? };
                self.galaxy.output.line(format!("- downloading role from {url}"));
                match url.strip_prefix("file://") {
                    Some(path) => {
                        fs::copy(path, &file).map_err(|err| failed(format!("cannot read {path}: {err}")))?;
                    }
                    None => download(&self.galaxy.agent(), &url, None, &file)?,
                }
                Entries::read(&file)?
            }
        };
        let Some(top) = top_of(&entries) else {
            return Err(failed("this role does not appear to have a meta/main.yml file.".to_owned()));
        };
        let meta = META.iter().find_map(|name| entries.file(&top.join(name).to_string_lossy()));
        let meta = parsed(meta.unwrap_or_default())
            .ok_or_else(|| failed("this role does not appear to have a valid meta/main.yml file.".to_owned()))?;
        self.galaxy.output.line(format!("- extracting {} to {}", role.name, folder.display()));
        if folder.exists() {
            if !folder.is_dir() {
                return Err(failed("the specified roles path exists and is not a directory.".to_owned()));
            }
            if !force {
                let name = &role.name;
                return Err(failed(format!(
                    "the specified role {name} appears to already exist. Use --force to replace it."
                )));
            }
            if metadata(folder).is_none() {
                return Err(failed(format!(
                    "{} doesn't appear to contain a role.\n  please remove this directory manually if you really want to \
                     put the role here.",
                    folder.display()
                )));
            }
            fs::remove_dir_all(folder)
                .map_err(|err| failed(format!("Could not update files in {}: {err}", folder.display())))?;
        }
        if let Err(why) = written(&entries, &top, folder, &version) {
            let _ = fs::remove_dir_all(folder);
            return Err(failed(why));
        }
        let shown = Role { version, ..role.clone() };
        self.galaxy.output.line(format!("- {shown} was installed successfully"));
        needs(&shown, &meta, &entries, &top)
    }

    /// The address of a role's archive at a server, and its newest version where none is asked for.
    fn of_server(&self, role: &Role, version: &mut String) -> Result<String, Error> {
        let output = &self.galaxy.output;
        let server = self.galaxy.role_server()?;
        output.line(format!("- downloading role '{}', owned by {}", short(&role.src), owner(&role.src)));
        let found = server.role(&role.src, output)?;
        let found = found.ok_or_else(|| failed(format!("- sorry, {} was not found on {}.", role.src, server.url)))?;
        let versions = server.role_versions(&found["id"], output)?;
        let name_of = |version: &Json| version["name"].as_str().unwrap_or_default().to_owned();
        if version.is_empty() {
            let newest = versions.iter().map(name_of).max_by_key(|name| loose(name));
            let branch = found["github_branch"].as_str().map(str::to_owned);
            *version = newest.or(branch).unwrap_or_else(|| "master".to_owned());
        } else if *version != "master" && !versions.is_empty() && !versions.iter().any(|it| name_of(it) == *version) {
            let there: Vec<String> = versions.iter().map(name_of).collect();
            return Err(failed(format!(
                "- the specified version ({version}) of {} was not found in the list of available versions ({}).",
                role.name,
                there.join(", ")
            )));
        }
        let named = versions.iter().find(|it| name_of(it) == *version);
        if let Some(url) = named.and_then(|it| it["download_url"].as_str().or(it["source"].as_str())) {
            return Ok(url.to_owned());
        }
        match (found["github_user"].as_str(), found["github_repo"].as_str()) {
            (Some(user), Some(repository)) => {
                Ok(format!("https://github.com/{user}/{repository}/archive/{version}.tar.gz"))
            }
            _ => Err(failed(format!("the server {} does not say where {} is", server.url, role.src))),
        }
    }
}

fn short(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, role)| role)
}

fn owner(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(owner, _)| owner)
}

/// Numbers and words of a version, for comparing.
fn loose(version: &str) -> Vec<(u64, String)> {
    let words = version.trim_start_matches('v').split(['.', '-', '_']);
    words
        .map(|word| (word.parse().unwrap_or(0), word.to_owned()))
        .map(|(number, word)| {
            (number, if word.bytes().all(|byte| byte.is_ascii_digit()) { String::new() } else { word })
        })
        .collect()
}

fn parsed(bytes: &[u8]) -> Option<Json> {
    let text = String::from_utf8(bytes.to_vec()).ok()?;
    let source = SourceFile::new("meta/main.yml", text);
    Some(reader().read_yaml(&source).ok()?.to_value().to_json())
}

/// The folder of the role in its archive: where meta/main.yml is, the shortest of several.
fn top_of(entries: &Entries) -> Option<PathBuf> {
    let metas = entries.entries.keys().filter(|path| META.iter().any(|meta| path.ends_with(meta)));
    let tops = metas.filter_map(|path| path.parent()?.parent().map(Path::to_path_buf));
    tops.min_by_key(|top| top.as_os_str().len())
}

/// A checkout as an archive's entries: what belongs to the repository, or everything.
fn of_folder(folder: &Path, with_repository: bool) -> Result<Entries, Error> {
    let mut entries = std::collections::BTreeMap::new();
    let walk = walkdir::WalkDir::new(folder).into_iter();
    let walk = walk.filter_entry(|entry| with_repository || entry.file_name() != ".git");
    for entry in walk {
        let entry = entry.map_err(|err| failed(format!("cannot read the repository: {err}")))?;
        let path = entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_owned();
        if path.as_os_str().is_empty() {
            continue;
        }
        let read = |err: std::io::Error| failed(format!("cannot read {}: {err}", entry.path().display()));
        let kind = if entry.file_type().is_symlink() {
            Kind::Link(fs::read_link(entry.path()).map_err(read)?)
        } else if entry.file_type().is_dir() {
            Kind::Folder
        } else {
            use std::os::unix::fs::PermissionsExt;
            let about = fs::metadata(entry.path()).map_err(read)?;
            let executable = about.permissions().mode() & 0o100 != 0;
            Kind::File { executable, content: fs::read(entry.path()).map_err(read)? }
        };
        entries.insert(path, kind);
    }
    Ok(Entries { entries, overwritten: Vec::new() })
}

/// Writes a role's files and links, and by what it was installed.
fn written(entries: &Entries, top: &Path, folder: &Path, version: &str) -> Result<(), String> {
    let inner = || entries.below(top).filter(|(path, _)| !path.as_os_str().is_empty());
    for (path, kind) in inner() {
        if let Kind::Link(target) = kind
            && !super::archive::link_stays(&path, target)
        {
            let full = top.join(path.parent().unwrap_or(Path::new(""))).join(target);
            return Err(format!(
                "Invalid linkname for tarfile member: path {} is not a subpath of the role {}",
                full.display(),
                top.display()
            ));
        }
    }
    if let Some(path) = entries.overwritten.first() {
        return Err(format!("the archive has {} twice, first as a link", path.display()));
    }
    for (path, kind) in inner() {
        if !matches!(kind, Kind::Folder) {
            unpack(folder, &path, kind)?;
        }
    }
    let date = Utc::now().format("%a %b %e %H:%M:%S %Y").to_string();
    let info = Value::from_json(json!({"install_date": date, "version": version}));
    let text = yaml_text::dump(&info, &yaml_text::Options::default())?;
    fs::create_dir_all(folder.join("meta"))
        .and_then(|()| fs::write(folder.join(INFO), text))
        .map_err(|err| format!("Could not update files in {}: {err}", folder.display()))
}

/// What a role's meta/main.yml and meta/requirements.yml ask for.
fn needs(role: &Role, meta: &Json, entries: &Entries, top: &Path) -> Result<Vec<Role>, Error> {
    let no_list = |file: &str, found: &Json| {
        let message =
            format!("Expected role dependencies to be a list. Role {role} has {file} with dependencies {found}");
        Error::new(ErrorKind::Project, message)
    };
    let of_meta = match &meta["dependencies"] {
        Json::Null => &[][..],
        Json::Array(items) => items,
        other => return Err(no_list("meta/main.yml", other)),
    };
    let file = NEEDS.iter().find_map(|name| entries.file(&top.join(name).to_string_lossy()));
    let of_file = match file.and_then(parsed) {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(items)) => items,
        Some(other) => return Err(no_list("meta/requirements.yml", &other)),
    };
    of_meta.iter().chain(&of_file).map(Role::of_entry).collect()
}
