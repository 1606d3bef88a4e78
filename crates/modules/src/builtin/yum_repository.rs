//! Repositories of yum and dnf: one section of a file below /etc/yum.repos.d.

mod ini;

use std::fs;
use std::path::{Path, PathBuf};

use rplay_module_api::{
    Arg, ArgSet, Ctx, Diff, Failure, Json, Kind, Map, Module, ModuleResult, Outcome, Return, Rule, Spec,
};

use crate::support::file_attributes::FileAttributes;
use crate::support::{at, atomic_write, os_error};
use ini::Ini;

pub const MODULE: Module = Module {
    spec: Spec {
        name: "yum_repository",
        summary: "Manage repositories of yum and dnf.",
        args: ARGS,
        shared: &[FileAttributes::ARGS],
        rules: RULES,
        example: EXAMPLE,
        returns: RETURNS,
        ..Spec::EMPTY
    },
    run: yum_repository,
};

const EXAMPLE: &str = r"- name: Have a repository
  yum_repository:
    name: epel
    description: EPEL
    baseurl: https://download.fedoraproject.org/pub/epel/$releasever/$basearch/
    gpgcheck: true
    gpgkey: https://download.fedoraproject.org/pub/epel/RPM-GPG-KEY-EPEL-9
";

const RETURNS: &[Return] = &[
    Return::new("repo", Kind::Str, "success", "The repository."),
    Return::new("state", Kind::Str, "success", "Whether it is there now."),
];

const RULES: &[Rule] = &[
    Rule::RequiredIf { arg: "state", value: "present", needs: &["baseurl", "mirrorlist", "metalink"], any: true },
    Rule::RequiredIf { arg: "state", value: "present", needs: &["description"], any: false },
];

const ARGS: &[Arg] = &[
    Arg::str("name", "The repository's id, the name of its section.").required(),
    Arg::str("state", "Whether it should be there.").default("present").choices(&["absent", "present"]),
    Arg::str("file", "The file without `.repo`; the name by default."),
    Arg::path("reposdir", "The folder of such files.").default("/etc/yum.repos.d"),
    Arg::bool("async", "Download packages and lists in parallel."),
    Arg::str("bandwidth", "The bandwidth that `throttle` counts from."),
    Arg::list("baseurl", "Where the repository is.", Kind::Str),
    Arg::str("cost", "How dear it is to use."),
    Arg::bool("countme", "Let the server count this system."),
    Arg::str("deltarpm_metadata_percentage", "How large lists of deltas may be."),
    Arg::str("deltarpm_percentage", "How large deltas may be."),
    Arg::str("description", "What people call it."),
    Arg::bool("enabled", "Whether it is used."),
    Arg::bool("enablegroups", "Whether its groups are used."),
    Arg::list("exclude", "Packages that are not taken from it.", Kind::Str).aliases(&["excludepkgs"]),
    Arg::str("failovermethod", "Which of several addresses comes first.").choices(&["roundrobin", "priority"]),
    Arg::str("gpgcakey", "The key of the authority that signs keys."),
    Arg::bool("gpgcheck", "Whether packages must be signed."),
    Arg::list("gpgkey", "The keys that packages are signed with.", Kind::Str),
    Arg::bool("module_hotfixes", "Take packages that modules hide."),
    Arg::str("http_caching", "What caches on the way may answer.").choices(&["all", "packages", "none"]),
    Arg::str("include", "A further file of configuration."),
    Arg::list("includepkgs", "The only packages that are taken from it.", Kind::Str),
    Arg::str("ip_resolve", "The version of IP.").choices(&["4", "6", "IPv4", "IPv6", "whatever"]),
    Arg::bool("keepalive", "Keep connections."),
    Arg::str("keepcache", "Keep what was installed in the cache.").choices(&["0", "1"]),
    Arg::str("metadata_expire", "How long lists are good."),
    Arg::str("metadata_expire_filter", "When that counts.").choices(&[
        "never",
        "read-only:past",
        "read-only:present",
        "read-only:future",
    ]),
    Arg::str("metalink", "The address of a list of mirrors with checksums."),
    Arg::str("mirrorlist", "The address of a list of mirrors."),
    Arg::str("mirrorlist_expire", "How long that list is good."),
    Arg::str("password", "The password for the repository.").no_log(),
    Arg::str("priority", "Which repository goes before which, from 1."),
    Arg::bool("protect", "Other repositories don't update its packages."),
    Arg::str("proxy", "The proxy to use, or `_none_`."),
    Arg::str("proxy_password", "The password for the proxy.").no_log(),
    Arg::str("proxy_username", "The user for the proxy."),
    Arg::bool("repo_gpgcheck", "Whether lists must be signed."),
    Arg::str("retries", "How often something is tried."),
    Arg::bool("s3_enabled", "It is in S3."),
    Arg::bool("skip_if_unavailable", "Go on without it when it can't be reached."),
    Arg::bool("ssl_check_cert_permissions", "Check who may read certificates."),
    Arg::str("sslcacert", "The authorities that are trusted.").aliases(&["ca_cert"]),
    Arg::str("sslclientcert", "The certificate to show.").aliases(&["client_cert"]),
    Arg::str("sslclientkey", "Its key.").aliases(&["client_key"]),
    Arg::bool("sslverify", "Check the certificates of servers.").aliases(&["validate_certs"]),
    Arg::str("throttle", "How much bandwidth is used."),
    Arg::str("timeout", "Seconds to wait for a connection."),
    Arg::str("ui_repoid_vars", "Variables that are shown with the id."),
    Arg::str("username", "The user for the repository."),
];

/// What has no effect any more.
const WITHOUT_EFFECT: &[&str] = &[
    "deltarpm_metadata_percentage",
    "gpgcakey",
    "http_caching",
    "keepalive",
    "metadata_expire_filter",
    "mirrorlist_expire",
    "protect",
    "ssl_check_cert_permissions",
    "ui_repoid_vars",
];

fn taken(args: &mut Map<String, Json>, name: &str) -> Option<String> {
    args.remove(name).as_ref().and_then(Json::as_str).map(str::to_owned)
}

fn yum_repository(mut args: Map<String, Json>, ctx: &mut Ctx) -> ModuleResult {
    let attributes = FileAttributes::take(&mut args)?;
    let name = taken(&mut args, "name").unwrap_or_default();
    let wanted = taken(&mut args, "state").is_none_or(|state| state == "present");
    let folder = PathBuf::from(taken(&mut args, "reposdir").unwrap_or_default());
    let file = taken(&mut args, "file").unwrap_or_else(|| name.clone());
    if !folder.is_dir() {
        return Err(Failure::new(format!("Repo directory '{}' does not exist.", folder.display())));
    }
    if name.contains(['\n', ']']) || file.contains('/') {
        return Err(Failure::new(format!("{name:?} in file {file:?} is no name of a repository")));
    }
    let path = folder.join(format!("{file}.repo"));
    let mut ini = Ini::parse(&read(&path)?).map_err(|mistake| {
        Failure::new(format!("{} in line {}: {}", path.display(), mistake.line.number, mistake.kind))
    })?;
    let before = ini.sorted();
    ini.remove(&name);
    let mut outcome = Outcome::default();
    if wanted {
        if let Some(description) = args.remove("description") {
            args.insert("name".into(), description);
        }
        let mut options = Vec::new();
        for (key, value) in &args {
            outcome.deprecations.extend(deprecation(key));
            if let Some(text) = shown(key, value) {
                options.push((key.clone(), text));
            }
        }
        options.sort();
        ini.add(&name, options);
    }
    let after = ini.sorted();
    outcome.changed = before != after;
    if outcome.changed && !ctx.check {
        write(&path, &ini, ctx)?;
    }
    if path.is_file() {
        outcome.changed |= attributes.apply(&path, None, ctx)?;
    }
    let header = Some(path.to_string_lossy().into_owned());
    outcome.diff.push(Diff {
        before: before.into(),
        after: after.into(),
        before_header: header.clone(),
        after_header: header,
        ..Diff::default()
    });
    Ok(outcome.with("repo", name).with("state", if wanted { "present" } else { "absent" }))
}

fn deprecation(key: &str) -> Option<String> {
    match key {
        "keepcache" => {
            Some("'keepcache' parameter is deprecated as it is only valid in the main configuration.".to_owned())
        }
        "async" => Some(
            "'async' parameter is deprecated as it has been removed on systems supported by ansible-core".to_owned(),
        ),
        key => WITHOUT_EFFECT.contains(&key).then(|| {
            format!("'{key}' parameter is deprecated as it has no effect with dnf as an underlying package manager.")
        }),
    }
}

/// A value as the file has it.
fn shown(key: &str, value: &Json) -> Option<String> {
    Some(match value {
        Json::Null => return None,
        Json::Bool(on) => u8::from(*on).to_string(),
        Json::Array(items) => {
            let between = if matches!(key, "baseurl" | "gpgkey") { "\n" } else { " " };
            items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(between)
        }
        other => other.as_str().map_or_else(|| other.to_string(), str::to_owned),
    })
}

fn read(path: &Path) -> Result<String, Failure> {
    match at::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(err) => Err(Failure::new(os_error::with_path(&err, path))),
    }
}

fn write(path: &Path, ini: &Ini, ctx: &mut Ctx) -> Result<(), Failure> {
    if !ini.is_empty() {
        return atomic_write::replace(path, ini.text().as_bytes(), None, &FileAttributes::default(), ctx);
    }
    fs::remove_file(path).map_err(|err| {
        Failure::new(format!("Cannot remove empty repo file {}.", path.display()))
            .with("details", os_error::numbered(&err))
    })
}
