//! `rplay galaxy collection verify`: installed collections beside what their server has.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use semver::Version;

use super::artifact::{self, Artifact, FILES, MANIFEST};
use super::collection::{asked_for, fetch};
use super::installed::{Installed, installed};
use super::options::Verify;
use super::requirements::{Collection, Source};
use super::resolve::{Asked, Origin, Resolver};
use super::signatures::Signatures;
use super::{Galaxy, failed};
use crate::config::setting;
use crate::error::Error;

pub fn verify(options: &Verify, galaxy: &Galaxy) -> Result<u8, Error> {
    let wanted = asked_for(&options.collections, options.requirements_file.as_deref(), &options.signature)?;
    let given = options.collections_path.iter().flat_map(|paths| paths.split(':')).filter(|path| !path.is_empty());
    let mut paths: Vec<PathBuf> = given.map(|path| galaxy.config.path(path, false)).collect();
    paths.extend(galaxy.config.get(setting::COLLECTIONS_PATHS));
    let there = installed(&paths, galaxy);
    let scratch = tempfile::tempdir().map_err(|err| failed(format!("cannot make a temporary folder: {err}")))?;
    let signatures = Signatures::new(true, &options.signatures, galaxy)?;
    let mut code = 0;
    for it in &wanted {
        let verified = match (&it.source, &it.name) {
            (Source::Galaxy(_), Some(name)) => {
                let found = there.iter().find(|it| it.about.full_name() == *name);
                match found {
                    Some(found) => verify_one(found, it, options.offline, scratch.path(), &signatures, galaxy),
                    None => Err(failed(format!("Collection {name} is not installed in any of the collection paths."))),
                }
            }
            _ => Err(failed(
                "only collections of servers are verified. The format namespace.name is expected.".to_owned(),
            )),
        };
        match verified {
            Ok(true) => {}
            Ok(false) => code = 1,
            Err(err) if options.ignore_errors => {
                let name = it.name.clone().unwrap_or_default();
                galaxy.output.warn(format!(
                    "Failed to verify collection '{name}' but skipping due to --ignore-errors being set. Error: {}",
                    err.message
                ));
            }
            Err(err) => return Err(err),
        }
    }
    Ok(code)
}

/// Whether an installed collection is what it should be.
fn verify_one(
    found: &Installed,
    wanted: &Collection,
    offline: bool,
    scratch: &Path,
    signatures: &Signatures,
    galaxy: &Galaxy,
) -> Result<bool, Error> {
    let output = &galaxy.output;
    let name = found.about.full_name();
    let shown = format!("{name}:{}", found.about.version);
    output.line(format!("Verifying '{shown}'."));
    output.line(format!("Installed collection found at '{}'", found.folder.display()));
    let read = |file: &str| {
        fs::read(found.folder.join(file)).map_err(|_| {
            let message = format!(
                "Collection {name} does not appear to have a {file}. A MANIFEST.json is expected if \
                                   the collection has been built and installed via ansible-galaxy."
            );
            failed(message)
        })
    };
    let own_manifest = read(MANIFEST)?;
    let own_files = read(FILES)?;
    let mut changed: Vec<String> = Vec::new();
    let (hash, listed) = if offline {
        (artifact::sha256(&own_manifest), artifact::listed(&own_files, &name)?)
    } else {
        let version = Version::parse(&found.about.version)
            .map_err(|_| failed(format!("the version of {name} is no semantic version")))?;
        let mut resolver = Resolver::new(&galaxy.servers, output, true, false);
        if let Source::Galaxy(Some(server)) = &wanted.source {
            resolver.bound.insert(name.clone(), galaxy.server_index(server)?);
        }
        let asked = Asked { name: name.clone(), condition: version.to_string() };
        let chosen = resolver
            .resolve(&[asked])
            .map_err(|_| failed(format!("Failed to find remote collection '{shown}' on any of the galaxy servers")))?;
        let Some(chosen) = chosen.first() else {
            return Err(failed(format!("Failed to find remote collection '{shown}' on any of the galaxy servers")));
        };
        let Origin::Server(index, published) = &chosen.origin else {
            return Err(failed(format!("no server has {shown}")));
        };
        let file = scratch.join(format!("{name}.tar.gz"));
        fetch(galaxy, *index, published, chosen, &file)?;
        let artifact = Artifact::open(&file)?;
        signatures.check(chosen, &artifact.manifest, &published.signatures, &wanted.signatures, scratch, galaxy)?;
        if artifact.manifest != own_manifest {
            changed.push(MANIFEST.to_owned());
        }
        (artifact::sha256(&artifact.manifest), artifact.listed)
    };
    output.line(format!("MANIFEST.json hash: {hash}"));
    let manifest: serde_json::Value = serde_json::from_slice(&own_manifest).unwrap_or_default();
    if manifest["file_manifest_file"]["chksum_sha256"].as_str() != Some(&artifact::sha256(&own_files)) {
        changed.push(FILES.to_owned());
    }
    for (path, expected) in &listed {
        let Some(expected) = expected else { continue };
        let actual = fs::read(found.folder.join(path)).ok().map(|bytes| artifact::sha256(&bytes));
        if actual.as_ref() != Some(expected) {
            changed.push(path.display().to_string());
        }
    }
    let known: BTreeSet<&Path> = listed.iter().map(|(path, _)| path.as_path()).collect();
    for entry in walkdir::WalkDir::new(&found.folder).sort_by_file_name().into_iter().flatten() {
        let path = entry.path().strip_prefix(&found.folder).unwrap_or(entry.path());
        let is_own = path.as_os_str().is_empty() || path == Path::new(MANIFEST) || path == Path::new(FILES);
        if !is_own && entry.file_type().is_file() && !known.contains(path) {
            changed.push(path.display().to_string());
        }
    }
    if changed.is_empty() {
        let what = if offline { "are internally consistent with its manifest" } else { "match the remote collection" };
        output.line(format!("Successfully verified that checksums for '{shown}' {what}."));
        return Ok(true);
    }
    output.line(format!("Collection {name} contains modified content in the following files:"));
    for path in changed {
        output.line(format!("    {path}"));
    }
    Ok(false)
}
