//! A package from a file or a URL.

use std::path::{Path, PathBuf};

use rplay_module_api::{Command, Ctx, Failure, ModuleResult, Outcome};

use super::names::compare_versions;
use super::{Args, run};
use crate::support::dpkg_status::Database;
use crate::support::{download, os_error};

pub fn install(args: &Args, source: &str, ctx: &mut Ctx) -> ModuleResult {
    let file = if source.contains("://") {
        let into = ctx.tmpdir.join("package.deb");
        download::to_file(source, &into, true, ctx)
            .map_err(|reason| Failure::new(format!("Failure downloading {source}, {reason}")))?;
        into
    } else {
        PathBuf::from(source)
    };
    if !file.is_file() {
        return Err(Failure::new(format!("Unable to install package: could not find {}", file.display())));
    }
    let [name, version, architecture] = fields(&file, ctx)?;
    let database = Database::read();
    let installed = database.installed(&format!("{name}:{architecture}")).map(|it| it.version.clone());
    if let Some(installed) = installed {
        if installed == version {
            return Ok(Outcome::changed(false));
        }
        if !args.options.allow_downgrade && !args.options.force && compare_versions(&installed, "gt", &version, ctx)? {
            return Err(Failure::new(format!(
                "A later version is already installed: {name} {installed} (set allow_downgrade to install {version})"
            )));
        }
    }
    // apt-get takes it for a file only if there is a slash in its name.
    let path = std::path::absolute(&file).unwrap_or(file).display().to_string();
    let output = run::apt_get(args, &["install", &path], ctx)?;
    Ok(output.into_outcome(ctx, |_| true))
}

fn fields(file: &Path, ctx: &mut Ctx) -> Result<[String; 3], Failure> {
    let output = ctx
        .command(&Command::new(["dpkg-deb", "--field"]).arg(file).arg("Package").arg("Version").arg("Architecture"))
        .map_err(|err| Failure::new(format!("dpkg-deb: {}", os_error::numbered(&err))))?;
    if !output.ok() {
        return Err(Failure::new(format!("Unable to install package: {}", output.stderr_text().trim())));
    }
    let text = output.stdout_text();
    let field = |wanted: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(wanted)?.strip_prefix(':'))
            .map(|value| value.trim().to_owned())
            .ok_or_else(|| Failure::new(format!("Unable to install package: {} has no {wanted}", file.display())))
    };
    Ok([field("Package")?, field("Version")?, field("Architecture")?])
}
