//! `rplay galaxy collection`: build, publish, install, download.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use semver::Version;
use serde_json::json;

use super::artifact::{self, About, Artifact, MANIFEST};
use super::installed::{installed, root_of};
use super::lock::{self, Lock, Locked};
use super::options::{Build, CollectionDownload, CollectionInstall, Publish, SignatureOptions};
use super::requirements::{self, Collection, Source, collections_in};
use super::resolve::{Asked, Chosen, Known, Origin, Resolver, range};
use super::scm::{self, Checkout};
use super::server::{Published, download};
use super::signatures::Signatures;
use super::{Galaxy, absolute, failed};
use crate::config::setting;
use crate::error::{Error, ErrorKind};
use crate::template::filters::yaml_text;
use crate::value::Value;

pub fn build(options: &Build, galaxy: &Galaxy) -> Result<u8, Error> {
    let into = absolute(&options.output_path);
    if into.is_file() {
        let message = format!("- the output collection directory {} is a file - aborting", into.display());
        return Err(Error::new(ErrorKind::File, message));
    }
    fs::create_dir_all(&into).map_err(|err| failed(format!("cannot make {}: {err}", into.display())))?;
    for folder in &options.collections {
        artifact::build(&absolute(folder), &into, options.force, &galaxy.output)?;
    }
    Ok(0)
}

pub fn publish(options: &Publish, galaxy: &Galaxy) -> Result<u8, Error> {
    let file = absolute(&options.collection_path);
    if !file.exists() {
        return Err(failed(format!("The collection path specified '{}' does not exist.", file.display())));
    }
    let artifact = Artifact::open(&file)?;
    let bytes = fs::read(&file).map_err(|err| failed(format!("cannot read {}: {err}", file.display())))?;
    let server = galaxy.first_server()?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let shown = format!("{}:{}", artifact.about.full_name(), artifact.about.version);
    galaxy.output.line(format!(
        "Publishing collection artifact '{}' to {} {}",
        file.display(),
        server.name,
        server.url
    ));
    galaxy.output.verbose(1, format!("It is {shown}"));
    let task = server.publish(&bytes, &name, &artifact::sha256(&bytes), &galaxy.output)?;
    if options.no_wait {
        galaxy.output.line(format!(
            "Collection has been pushed to the Galaxy server {} {}, not waiting until import has completed due to \
             --no-wait being set. Import task results can be found at {task}",
            server.name, server.url
        ));
        return Ok(0);
    }
    galaxy.output.line(format!("Collection has been published to the Galaxy server {} {}", server.name, server.url));
    server.wait_for_import(&task, Duration::from_secs(options.import_timeout), &galaxy.output)?;
    galaxy.output.line(format!(
        "Collection has been successfully published and imported to the Galaxy server {} {}",
        server.name, server.url
    ));
    Ok(0)
}

/// What names or a file of requirements ask for; just one of the two.
pub fn asked_for(words: &[String], file: Option<&Path>, signatures: &[String]) -> Result<Vec<Collection>, Error> {
    match (words, file) {
        ([], None) => Err(failed("You must specify a collection name or a requirements file.".to_owned())),
        ([], Some(_)) if !signatures.is_empty() => Err(failed(
            "The --signatures option and --requirements-file are mutually exclusive. Use the --signatures with \
             positional collection_name args or provide a 'signatures' key for requirements in the --requirements-file."
                .to_owned(),
        )),
        ([], Some(file)) => Ok(requirements::read(&absolute(file), false)?.collections),
        (_, Some(_)) => {
            Err(failed("The positional collection_name arg and --requirements-file are mutually exclusive.".to_owned()))
        }
        (words, None) => words
            .iter()
            .map(|word| {
                let mut collection = Collection::of_word(word)?;
                collection.signatures = signatures.to_vec();
                Ok(collection)
            })
            .collect(),
    }
}

/// How collections are to be installed.
#[derive(Default)]
pub struct Install {
    pub force: bool,
    pub force_with_needs: bool,
    pub with_needs: bool,
    pub upgrade: bool,
    pub pre_releases: bool,
    pub ignore_errors: bool,
    pub offline: bool,
    pub check_signatures: bool,
    pub signatures: SignatureOptions,
    /// The file of requirements, whose lock is looked at.
    pub file: Option<PathBuf>,
    pub write_lock: bool,
}

pub fn install(options: &CollectionInstall, galaxy: &Galaxy) -> Result<u8, Error> {
    let wanted = asked_for(&options.collections, options.requirements_file.as_deref(), &options.signature)?;
    if wanted.is_empty() {
        galaxy.output.line("Skipping install, no requirements found");
        return Ok(0);
    }
    let path = match &options.collections_path {
        Some(path) => galaxy.config.path(&path.to_string_lossy(), false),
        None => galaxy.default_collections_path()?,
    };
    let how = Install {
        force: options.force,
        force_with_needs: options.force_with_deps,
        with_needs: !options.no_deps,
        upgrade: options.upgrade,
        pre_releases: options.pre,
        ignore_errors: options.ignore_errors,
        offline: options.offline,
        check_signatures: !options.disable_gpg_verify,
        signatures: options.signatures.clone(),
        file: options.requirements_file.as_deref().map(absolute),
        write_lock: options.lock,
    };
    galaxy.output.line("Starting galaxy collection install process");
    install_all(&wanted, &path, &how, galaxy)
}

/// What was found for the collections that are asked for.
struct Plan<'a> {
    resolver: Resolver<'a>,
    asked: Vec<Asked>,
    /// Signatures that the command or the file names, by collection.
    signatures: HashMap<String, Vec<String>>,
}

fn plan<'a>(
    wanted: &[Collection],
    galaxy: &'a Galaxy,
    pre_releases: bool,
    with_needs: bool,
    offline: bool,
    scratch: &Path,
) -> Result<Plan<'a>, Error> {
    let servers = if offline { &[][..] } else { &galaxy.servers };
    let mut resolver = Resolver::new(servers, &galaxy.output, pre_releases, with_needs);
    let mut asked = Vec::new();
    let mut signatures = HashMap::new();
    for (index, it) in wanted.iter().enumerate() {
        let given = match &it.source {
            Source::Galaxy(server) => {
                let name = it.name.clone().unwrap_or_default();
                let server = server.as_deref().map(|server| galaxy.server_index(server)).transpose()?;
                if let Some(server) = server {
                    resolver.bound.insert(name.clone(), server);
                }
                signatures.insert(name.clone(), it.signatures.clone());
                asked.push(Asked { name, condition: it.version.clone() });
                continue;
            }
            source => fetched(source, &it.version, &scratch.join(index.to_string()), galaxy)?,
        };
        for (about, origin) in given {
            let name = about.full_name();
            if let Some(expected) = &it.name
                && *expected != name
            {
                return Err(failed(format!("'{expected}' is asked for, but its source holds {name}")));
            }
            let version = Version::parse(&about.version)
                .map_err(|_| failed(format!("the version '{}' of {name} is no semantic version", about.version)))?;
            asked.push(Asked { name: name.clone(), condition: version.to_string() });
            signatures.insert(name.clone(), it.signatures.clone());
            resolver.given.insert(name, Known { version, needs: about.dependencies, origin });
        }
    }
    Ok(Plan { resolver, asked, signatures })
}

/// The collections of a source that is no server.
fn fetched(source: &Source, version: &str, scratch: &Path, galaxy: &Galaxy) -> Result<Vec<(About, Origin)>, Error> {
    let of_folder = |folder: &Path| match About::of_folder(folder)? {
        Some(about) => Ok((about, Origin::Folder(folder.to_owned()))),
        None => Err(failed(format!("{} has neither a galaxy.yml nor a MANIFEST.json", folder.display()))),
    };
    let of_archive = |file: PathBuf| Ok::<_, Error>((Artifact::open(&file)?.about, Origin::Archive(file)));
    fs::create_dir_all(scratch).map_err(|err| failed(format!("cannot make {}: {err}", scratch.display())))?;
    Ok(match source {
        Source::Galaxy(_) => Vec::new(),
        Source::Archive(file) => vec![of_archive(absolute(file))?],
        Source::Folder(folder) => vec![of_folder(&absolute(folder))?],
        Source::Namespace(folder) => {
            collections_in(&absolute(folder)).map(|folder| of_folder(&folder)).collect::<Result<_, _>>()?
        }
        Source::Url(url) => {
            let file = scratch.join("collection.tar.gz");
            galaxy.output.line(format!("Downloading {url} to {}", scratch.display()));
            match url.strip_prefix("file://") {
                Some(path) => return Ok(vec![of_archive(PathBuf::from(path))?]),
                None => download(&galaxy.agent(), url, None, &file)?,
            }
            vec![of_archive(file)?]
        }
        Source::Git(source) => {
            let (url, inner, named) = scm::split(source);
            let version = if named.is_empty() && version != "*" { version.to_owned() } else { named };
            let clone = scratch.join("clone");
            let checkout = Checkout { url: &url, version: &version, ignore_certificates: galaxy.ignore_certificates };
            galaxy.output.line(format!("Cloning into '{}'...", clone.display()));
            checkout.clone_into(scratch, "clone")?;
            let folder = match super::archive::inside(&inner) {
                Some(inner) => clone.join(inner),
                None => return Err(failed(format!("{} leaves the repository {url}", inner.display()))),
            };
            if About::of_folder(&folder)?.is_some() {
                vec![of_folder(&folder)?]
            } else {
                let found = collections_in(&folder).map(|folder| of_folder(&folder)).collect::<Result<Vec<_>, _>>()?;
                if found.is_empty() {
                    return Err(failed(format!("{url} has no collection: no galaxy.yml is in it")));
                }
                found
            }
        }
    })
}

pub fn install_all(wanted: &[Collection], path: &Path, how: &Install, galaxy: &Galaxy) -> Result<u8, Error> {
    let configured = galaxy.config.get(setting::COLLECTIONS_PATHS);
    let warns = galaxy.config.value("GALAXY_COLLECTIONS_PATH_WARNING").is_none_or(|value| value.is_truthy());
    if warns && !configured.iter().any(|known| root_of(known).starts_with(path)) {
        let all = configured.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(":");
        galaxy.output.warn(format!(
            "The specified collections path '{}' is not part of the configured Ansible collections paths '{all}'. The \
             installed collection will not be picked up in an Ansible run, unless within a playbook-adjacent \
             collections directory.",
            path.display()
        ));
    }
    let root = root_of(path);
    fs::create_dir_all(&root).map_err(|err| failed(format!("cannot make {}: {err}", root.display())))?;
    let scratch = tempfile::tempdir().map_err(|err| failed(format!("cannot make a temporary folder: {err}")))?;
    let mut plan = plan(wanted, galaxy, how.pre_releases, how.with_needs, how.offline, scratch.path())?;
    let there = installed(std::slice::from_ref(&root), galaxy);
    let lock_file = how.file.as_deref().map(lock::path_of);
    let lock = match &lock_file {
        Some(file) if !how.write_lock => Lock::read(file)?,
        _ => None,
    };
    for it in &there {
        let Ok(version) = Version::parse(&it.about.version) else { continue };
        let name = it.about.full_name();
        let is_asked = plan.asked.iter().any(|asked| asked.name == name);
        let stays = if is_asked {
            !how.force && !how.force_with_needs && !how.upgrade
        } else {
            !how.force_with_needs && !how.upgrade
        };
        if stays && plan.resolver.given.get(&name).is_none_or(|given| given.version == version) {
            let known = Known { version, needs: it.about.dependencies.clone(), origin: Origin::Installed };
            plan.resolver.installed.insert(name.clone(), known.clone());
            if plan.resolver.given.contains_key(&name) {
                plan.resolver.given.insert(name, known);
            }
        }
    }
    let satisfied = |asked: &Asked| {
        let fits = |known: &Known| range(&asked.condition).is_some_and(|range| range.contains(&known.version));
        plan.resolver.installed.get(&asked.name).is_some_and(fits)
    };
    if lock.is_none() && !how.write_lock && plan.asked.iter().all(satisfied) {
        galaxy.output.line(
            "Nothing to do. All requested collections are already installed. If you want to reinstall them, consider \
             using `--force`.",
        );
        return Ok(0);
    }
    if let Some(lock) = &lock {
        for (name, locked) in &lock.collections {
            let condition = locked.version.clone();
            plan.asked.push(Asked { name: name.clone(), condition });
        }
    }
    galaxy.output.line("Process install dependency map");
    let chosen = plan.resolver.resolve(&plan.asked).map_err(|err| match &lock_file {
        Some(file) if lock.is_some() => {
            err.hint(format!("{} holds versions; with --lock it is written anew", file.display()))
        }
        _ => err,
    })?;
    if let Some(lock) = &lock
        && let Some(extra) = chosen.iter().find(|it| !lock.collections.contains_key(&it.name))
    {
        let message = format!("{} is needed, but the lock {} does not have it", extra.name, shown(lock_file.as_ref()));
        return Err(failed(message).hint("with --lock the file is written anew"));
    }
    galaxy.output.line("Starting collection install process");
    let signatures = Signatures::new(how.check_signatures, &how.signatures, galaxy)?;
    let mut written = Lock { format: lock::FORMAT, ..Lock::default() };
    for it in &chosen {
        let target = target(&root, &it.name);
        if matches!(it.origin, Origin::Installed) {
            galaxy.output.line(format!("'{}' is already installed, skipping.", it.shown()));
            if how.write_lock {
                written.collections.insert(it.name.clone(), of_installed(&target, it)?);
            }
            continue;
        }
        let locked = lock.as_ref().and_then(|lock| lock.collections.get(&it.name));
        let own = plan.signatures.get(&it.name).map_or(&[][..], Vec::as_slice);
        let one = One { galaxy, scratch: scratch.path(), root: &root, locked, signatures: &signatures, named: own };
        match one.install(it) {
            Ok(locked) => {
                written.collections.insert(it.name.clone(), locked);
            }
            Err(err) if how.ignore_errors => galaxy.output.warn(format!(
                "Failed to install collection {} but skipping due to --ignore-errors being set. Error: {}",
                it.shown(),
                err.message
            )),
            Err(err) => return Err(err),
        }
    }
    if let Some(file) = lock_file.filter(|_| how.write_lock) {
        written.write(&file)?;
        galaxy.output.line(format!("Wrote {}", file.display()));
    }
    Ok(0)
}

fn shown(file: Option<&PathBuf>) -> String {
    file.map(|file| file.display().to_string()).unwrap_or_default()
}

fn target(root: &Path, name: &str) -> PathBuf {
    root.join(name.replace('.', "/"))
}

fn of_installed(folder: &Path, it: &Chosen) -> Result<Locked, Error> {
    let manifest = fs::read(folder.join(MANIFEST))
        .map_err(|err| failed(format!("cannot read the MANIFEST.json of {}: {err}", it.name)))?;
    Ok(Locked { version: it.version.to_string(), sha256: artifact::sha256(&manifest), source: "installed".to_owned() })
}

/// The installation of one collection.
struct One<'a> {
    galaxy: &'a Galaxy,
    scratch: &'a Path,
    root: &'a Path,
    locked: Option<&'a Locked>,
    signatures: &'a Signatures,
    named: &'a [String],
}

impl One<'_> {
    fn install(&self, it: &Chosen) -> Result<Locked, Error> {
        let output = &self.galaxy.output;
        let target = target(self.root, &it.name);
        let (archive, source) = match &it.origin {
            Origin::Server(index, published) => (self.download(it, *index, published)?, published.download_url.clone()),
            Origin::Archive(file) => (file.clone(), file.display().to_string()),
            Origin::Folder(folder) => {
                if folder.join(MANIFEST).exists() && artifact::galaxy_file(folder).is_none() {
                    return Err(failed(format!(
                        "{} is an installed collection, not the source of one",
                        folder.display()
                    )));
                }
                (artifact::build(folder, self.scratch, true, &self.galaxy.quiet()?)?, folder.display().to_string())
            }
            Origin::Installed => return Err(failed(format!("{} is installed already", it.name))),
        };
        let bytes = fs::read(&archive).map_err(|err| failed(format!("cannot read {}: {err}", archive.display())))?;
        let sha256 = artifact::sha256(&bytes);
        let is_artifact = !matches!(it.origin, Origin::Folder(_));
        if let Some(locked) = self.locked
            && is_artifact
            && locked.source != "installed"
            && locked.sha256 != sha256
        {
            let message = format!("the archive of {} is not the locked one: its hash is {sha256}", it.shown());
            return Err(failed(message).hint(format!("the lock has {}", locked.sha256)));
        }
        let opened = Artifact::open(&archive)?;
        if opened.about.full_name() != it.name || opened.about.version != it.version.to_string() {
            let holds = format!("{}:{}", opened.about.full_name(), opened.about.version);
            return Err(failed(format!("the archive of {} holds {holds}", it.shown())));
        }
        let published = match &it.origin {
            Origin::Server(_, published) => published.signatures.as_slice(),
            _ => &[],
        };
        self.signatures.check(it, &opened.manifest, published, self.named, self.scratch, self.galaxy)?;
        output.line(format!("Installing '{}' to '{}'", it.shown(), target.display()));
        if target.is_symlink() || target.is_file() {
            fs::remove_file(&target).map_err(|err| failed(format!("cannot replace {}: {err}", target.display())))?;
        } else if target.exists() {
            fs::remove_dir_all(&target).map_err(|err| failed(format!("cannot replace {}: {err}", target.display())))?;
        }
        if let Err(err) = opened.unpack(&target) {
            // Half a collection would be taken for a whole one.
            let _ = fs::remove_dir_all(&target);
            return Err(err);
        }
        self.write_info(it)?;
        output.line(format!("{} was installed successfully", it.shown()));
        Ok(Locked { version: it.version.to_string(), sha256, source })
    }

    fn download(&self, it: &Chosen, index: usize, published: &Published) -> Result<PathBuf, Error> {
        let file = self.scratch.join(format!("{}-{}.tar.gz", it.name.replace('.', "-"), it.version));
        self.galaxy.output.line(format!("Downloading {} to {}", published.download_url, self.scratch.display()));
        fetch(self.galaxy, index, published, it, &file)?;
        Ok(file)
    }

    /// What the server said, for later runs without it.
    fn write_info(&self, it: &Chosen) -> Result<(), Error> {
        let (namespace, name) = it.name.split_once('.').unwrap_or((&it.name, ""));
        let prefix = format!("{namespace}.{name}-");
        for entry in fs::read_dir(self.root).ok().into_iter().flatten().flatten() {
            let file_name = entry.file_name().to_string_lossy().into_owned();
            if file_name.starts_with(&prefix) && entry.path().extension().is_some_and(|it| it == "info") {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let Origin::Server(index, published) = &it.origin else { return Ok(()) };
        let folder = self.root.join(format!("{prefix}{}.info", it.version));
        let server = self.galaxy.servers.get(*index).map(|server| server.url.clone()).unwrap_or_default();
        let info = json!({
            "download_url": published.download_url,
            "format_version": "1.0.0",
            "name": name,
            "namespace": namespace,
            "server": server,
            "signatures": published.signatures,
            "version": it.version.to_string(),
            "version_url": published.version_url,
        });
        let text = yaml_text::dump(&Value::from_json(info), &yaml_text::Options::default())
            .map_err(|err| Error::new(ErrorKind::Output, err))?;
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join("GALAXY.yml"), text))
            .map_err(|err| failed(format!("cannot write {}: {err}", folder.display())))
    }
}

/// Downloads an archive and looks whether it is what the server told of.
pub fn fetch(galaxy: &Galaxy, index: usize, published: &Published, it: &Chosen, file: &Path) -> Result<(), Error> {
    let Some(server) = galaxy.servers.get(index) else {
        return Err(failed(format!("no server has {}", it.shown())));
    };
    server.download(&published.download_url, file)?;
    let bytes = fs::read(file).map_err(|err| failed(format!("cannot read {}: {err}", file.display())))?;
    match &published.sha256 {
        Some(expected) if *expected != artifact::sha256(&bytes) => {
            Err(failed("Mismatch artifact hash with downloaded file".to_owned()))
        }
        _ => Ok(()),
    }
}

pub fn download_all(options: &CollectionDownload, galaxy: &Galaxy) -> Result<u8, Error> {
    let wanted = asked_for(&options.collections, options.requirements_file.as_deref(), &[])?;
    let into = absolute(&options.download_path);
    fs::create_dir_all(&into).map_err(|err| failed(format!("cannot make {}: {err}", into.display())))?;
    let scratch = tempfile::tempdir().map_err(|err| failed(format!("cannot make a temporary folder: {err}")))?;
    let plan = plan(&wanted, galaxy, options.pre, !options.no_deps, false, scratch.path())?;
    galaxy.output.line("Process install dependency map");
    let chosen = plan.resolver.resolve(&plan.asked)?;
    galaxy.output.line(format!("Starting collection download process to '{}'", into.display()));
    let mut listed = Vec::new();
    for it in &chosen {
        let name = format!("{}-{}.tar.gz", it.name.replace('.', "-"), it.version);
        let file = into.join(&name);
        galaxy.output.line(format!("Downloading collection '{}' to '{}'", it.shown(), into.display()));
        match &it.origin {
            Origin::Server(index, published) => fetch(galaxy, *index, published, it, &file)?,
            Origin::Archive(archive) => {
                fs::copy(archive, &file).map_err(|err| failed(format!("cannot write {}: {err}", file.display())))?;
            }
            Origin::Folder(folder) => drop(artifact::build(folder, &into, true, &galaxy.quiet()?)?),
            Origin::Installed => {}
        }
        galaxy.output.line(format!("Collection '{}' was downloaded successfully", it.shown()));
        listed.push(json!({"name": name, "version": it.version.to_string()}));
    }
    let file = into.join("requirements.yml");
    galaxy.output.line(format!("Writing requirements.yml file of downloaded collections to '{}'", file.display()));
    let text = yaml_text::dump(&Value::from_json(json!({"collections": listed})), &yaml_text::Options::default())
        .map_err(|err| Error::new(ErrorKind::Output, err))?;
    fs::write(&file, text).map_err(|err| failed(format!("cannot write {}: {err}", file.display())))?;
    Ok(0)
}
