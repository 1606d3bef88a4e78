//! `list`: packages and repositories without changing anything.

use rplay_module_api::{Ctx, Failure, Json, json};

use super::run::{Dnf, failure};
use crate::support::rpm::{self, Package};

pub fn list(what: &str, dnf: &Dnf, ctx: &mut Ctx) -> Result<Vec<Json>, Failure> {
    match what {
        "installed" => installed(dnf, ctx, |_| true),
        "available" => table(dnf, &["--available"], ctx),
        "updates" | "upgrades" => table(dnf, &["--upgrades"], ctx),
        "repos" | "repositories" => repositories(dnf, ctx),
        name => {
            let mut found = installed(dnf, ctx, |package| package.is_called(name))?;
            found.extend(table(dnf, &["--available", "--showduplicates", name], ctx)?);
            Ok(found)
        }
    }
}

fn installed(dnf: &Dnf, ctx: &mut Ctx, is_meant: impl Fn(&Package) -> bool) -> Result<Vec<Json>, Failure> {
    let packages = rpm::installed(dnf.root(), ctx)?;
    Ok(packages.iter().filter(|package| is_meant(package)).map(|it| described(it, "@System", "installed")).collect())
}

fn described(package: &Package, repository: &str, state: &str) -> Json {
    let Package { name, epoch, version, release, arch } = package;
    let full = format!("{epoch}:{name}-{version}-{release}.{arch}");
    json!({
        "name": name, "arch": arch, "epoch": epoch, "release": release, "version": version, "repo": repository,
        "envra": full, "nevra": full, "yumstate": state,
    })
}

fn table(dnf: &Dnf, words: &[&str], ctx: &mut Ctx) -> Result<Vec<Json>, Failure> {
    let output = dnf.run(&[&["--quiet", "list"], words].concat(), ctx)?;
    if !output.ok() {
        // Nothing found is an error to dnf.
        return if output.stderr_text().contains("No matching") { Ok(Vec::new()) } else { Err(failure(&output)) };
    }
    Ok(rows(&output.stdout_text())
        .iter()
        .filter_map(|[name, version, repository]| {
            let (name, arch) = name.rsplit_once('.')?;
            Some(described(&Package::of_columns(name, arch, version)?, repository, "available"))
        })
        .collect())
}

/// Rows of three columns; one that is too long for a line goes on in the next, further in.
pub fn rows(stdout: &str) -> Vec<[String; 3]> {
    let mut words: Vec<String> = Vec::new();
    for line in stdout.lines() {
        let is_title = line.ends_with("ackages") || line.ends_with("pgrades");
        if !is_title {
            words.extend(line.split_whitespace().map(str::to_owned));
        }
    }
    words.chunks_exact(3).filter_map(|row| <[String; 3]>::try_from(row.to_vec()).ok()).collect()
}

fn repositories(dnf: &Dnf, ctx: &mut Ctx) -> Result<Vec<Json>, Failure> {
    let output = dnf.run(&["--quiet", "repolist", "--enabled"], ctx)?;
    if !output.ok() {
        return Err(failure(&output));
    }
    let text = output.stdout_text();
    let ids = text.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    Ok(ids.map(|id| json!({"repoid": id, "state": "enabled"})).collect())
}
