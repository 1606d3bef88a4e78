//! What `rplay galaxy role` asks a server: info, search, import, setup, delete.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::options::{Github, Import, Info, Search, Setup};
use super::requirements::Role;
use super::role::{folders, install_info, metadata};
use super::server::{Refusal, escaped};
use super::{Galaxy, failed};
use crate::cli::pager;
use crate::error::Error;
use crate::value::Value;

/// What is said of a role elsewhere.
const NOT_SHOWN: [&str; 8] = [
    "name",
    "description",
    "readme_html",
    "related",
    "summary_fields",
    "average_aw_composite",
    "average_aw_score",
    "url",
];

pub fn info(options: &Info, galaxy: &Galaxy) -> Result<u8, Error> {
    let folders = folders(&options.path, galaxy);
    let mut text = String::new();
    for word in &options.roles {
        let role = Role::of_word(word)?;
        let there: Vec<PathBuf> = folders.iter().map(|folder| folder.join(word)).filter(|path| path.is_dir()).collect();
        let shown: Vec<String> =
            folders.iter().map(|path| crate::value::python::str_repr(&path.display().to_string())).collect();
        let comma = if shown.len() == 1 { "," } else { "" };
        let mut about = Map::new();
        about.insert("path".to_owned(), Json::from(format!("({}{comma})", shown.join(", "))));
        if let Some(mut info) = folders.first().and_then(|first| install_info(&first.join(word))) {
            if let Some(version) = info.remove("version") {
                info.insert("installed_version".to_owned(), version);
            }
            about.extend(info);
        }
        let found = if options.offline {
            !there.is_empty()
        } else {
            match galaxy.role_server()?.role(word, &galaxy.output) {
                Ok(Some(Json::Object(remote))) => {
                    about.extend(remote);
                    true
                }
                Ok(_) => false,
                // A name without a dot is none of a server's.
                Err(_) if !word.contains('.') => false,
                Err(err) => return Err(err),
            }
        };
        if !found {
            text = format!("- the role {word} was not found");
            break;
        }
        if let Some(Json::Object(metadata)) = there.iter().find_map(|folder| metadata(folder)) {
            about.extend(metadata);
        }
        about.insert("name".to_owned(), Json::from(role.name.clone()));
        text.push_str(&described(&about));
    }
    pager::show(&galaxy.config, text.as_bytes())?;
    Ok(0)
}

fn described(about: &Map<String, Json>) -> String {
    let plain = |value: &Json| Value::from_json(value.clone()).to_text();
    let description = about.get("description").or_else(|| about.get("galaxy_info")?.get("description"));
    let name = about.get("name").map(plain).unwrap_or_default();
    let mut lines = vec![String::new(), format!("Role: {name}")];
    lines.push(format!("\tdescription: {}", description.map(plain).unwrap_or_default()));
    let mut keys: Vec<&String> = about.keys().filter(|key| !NOT_SHOWN.contains(&key.as_str())).collect();
    keys.sort();
    for key in keys {
        match &about[key] {
            Json::Object(map) => {
                lines.push(format!("\t{key}:"));
                let mut inner: Vec<&String> = map.keys().filter(|key| !NOT_SHOWN.contains(&key.as_str())).collect();
                inner.sort();
                lines.extend(inner.iter().map(|name| format!("\t\t{name}: {}", plain(&map[*name]))));
            }
            value => lines.push(format!("\t{key}: {}", plain(value))),
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

pub fn search(options: &Search, galaxy: &Galaxy) -> Result<u8, Error> {
    let mut query = Vec::new();
    if !options.words.is_empty() {
        query.push(format!(
            "autocomplete={}",
            options.words.iter().map(|word| escaped(word)).collect::<Vec<_>>().join("+")
        ));
    }
    let lists = [("tags_autocomplete", &options.galaxy_tags), ("platforms_autocomplete", &options.platforms)];
    for (name, value) in lists {
        if let Some(value) = value {
            query.push(format!("{name}={}", value.split(',').map(escaped).collect::<Vec<_>>().join("+")));
        }
    }
    if let Some(author) = &options.author {
        query.push(format!("username_autocomplete={}", escaped(author)));
    }
    if query.is_empty() {
        let message = "Invalid query. At least one search term, platform, galaxy tag or author must be provided.";
        return Err(failed(message.to_owned()));
    }
    const PAGE: usize = 1000;
    let path = format!("search/roles/?{}&page_size={PAGE}", query.join("&"));
    let answer = galaxy.role_server()?.roles("GET", &path, None, &galaxy.output)?;
    let answer = answer.map_err(|refusal| refusal.error("Unable to search for roles"))?;
    let count = answer["count"].as_u64().unwrap_or(0);
    if count == 0 {
        galaxy.output.warn("No roles match your search.");
        return Ok(0);
    }
    let text = |value: &Json, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let rows: Vec<(String, String)> = answer["results"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|role| (format!("{}.{}", text(role, "username"), text(role, "name")), text(role, "description")))
        .collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let found = if count > PAGE as u64 {
        format!("Found {count} roles matching your search. Showing first {PAGE}.")
    } else {
        format!("Found {count} roles matching your search:")
    };
    let mut out = vec![String::new(), found, String::new()];
    out.push(format!(" {:width$} {}", "Name", "Description"));
    out.push(format!(" {:width$} {}", "----", "-----------"));
    out.extend(rows.iter().map(|(name, description)| format!(" {name:width$} {description}")));
    pager::show(&galaxy.config, out.join("\n").as_bytes())?;
    Ok(0)
}

fn call(galaxy: &Galaxy, method: &str, path: &str, form: Option<&str>) -> Result<Json, Error> {
    let answer = galaxy.role_server()?.roles(method, path, form, &galaxy.output)?;
    answer.map_err(|refusal: Refusal| refusal.error("the server refuses"))
}

pub fn delete(options: &Github, galaxy: &Galaxy) -> Result<u8, Error> {
    let (user, repository) = (escaped(&options.github_user), escaped(&options.github_repo));
    let answer = call(galaxy, "DELETE", &format!("removerole/?github_user={user}&github_repo={repository}"), None)?;
    let deleted = answer["deleted_roles"].as_array().cloned().unwrap_or_default();
    if deleted.len() > 1 {
        galaxy.output.line("Deleted the following roles:");
        galaxy.output.line("ID     User            Name");
        galaxy.output.line("------ --------------- ----------");
        for role in deleted {
            let text = |key: &str| Value::from_json(role[key].clone()).to_text();
            galaxy.output.line(format!("{:<8} {:<15} {}", text("id"), text("namespace"), text("name")));
        }
    }
    galaxy.output.line(answer["status"].as_str().unwrap_or_default());
    Ok(0)
}

pub fn import(options: &Import, galaxy: &Galaxy) -> Result<u8, Error> {
    let Github { github_user, github_repo, .. } = &options.github;
    let (user, repository) = (escaped(github_user), escaped(github_repo));
    let first = |answer: Json| match answer.get("results").cloned().unwrap_or(answer) {
        Json::Array(tasks) => tasks,
        single => vec![single],
    };
    let tasks = if options.status {
        first(call(galaxy, "GET", &format!("imports/?github_user={user}&github_repo={repository}"), None)?)
    } else {
        let mut form = format!("github_user={user}&github_repo={repository}");
        form.push_str(&format!("&github_reference={}", escaped(options.branch.as_deref().unwrap_or_default())));
        if let Some(name) = &options.role_name {
            form.push_str(&format!("&alternate_role_name={}", escaped(name)));
        }
        first(call(galaxy, "POST", "imports/", Some(&form))?)
    };
    let Some(task) = tasks.first() else {
        return Err(failed(format!("there is no import of {github_user}/{github_repo}")));
    };
    if !options.status {
        if tasks.len() > 1 {
            let names = format!("{github_user}/{github_repo}");
            galaxy.output.line(format!("WARNING: More than one Galaxy role associated with Github repo {names}."));
            galaxy.output.line("The following Galaxy roles are being updated:\n");
            for task in &tasks {
                let role = &task["summary_fields"]["role"];
                let text = |key: &str| role[key].as_str().unwrap_or_default().to_owned();
                galaxy.output.line(format!("{}.{}", text("namespace"), text("name")));
            }
            return Ok(0);
        }
        galaxy.output.line(format!("Successfully submitted import request {}", task["id"]));
        if options.no_wait {
            galaxy
                .output
                .line(format!("Role name: {}", task["summary_fields"]["role"]["name"].as_str().unwrap_or_default()));
            galaxy.output.line(format!("Repo: {github_user}/{github_repo}"));
            return Ok(0);
        }
    }
    let mut told = Vec::new();
    loop {
        let tasks = first(call(galaxy, "GET", &format!("imports/?id={}", task["id"]), None)?);
        let Some(task) = tasks.into_iter().next() else { return Err(failed("the import is gone".to_owned())) };
        for message in task["summary_fields"]["task_messages"].as_array().into_iter().flatten() {
            if !told.contains(&message["id"]) {
                galaxy.output.line(message["message_text"].as_str().unwrap_or_default());
                told.push(message["id"].clone());
            }
        }
        match task["state"].as_str() {
            Some("SUCCESS") => return Ok(0),
            Some("FAILED") => return Ok(1),
            _ => std::thread::sleep(Duration::from_secs(10)),
        }
    }
}

pub fn setup(options: &Setup, galaxy: &Galaxy) -> Result<u8, Error> {
    if options.list {
        let answer = call(galaxy, "GET", "notification_secrets", None)?;
        let secrets = answer.get("results").and_then(Json::as_array).or(answer.as_array()).cloned().unwrap_or_default();
        if secrets.is_empty() {
            galaxy.output.line("No integrations found.");
            return Ok(0);
        }
        galaxy.output.line("\nID         Source     Repo");
        galaxy.output.line("---------- ---------- ----------");
        for secret in secrets {
            let text = |key: &str| Value::from_json(secret[key].clone()).to_text();
            let repository = format!("{}/{}", text("github_user"), text("github_repo"));
            galaxy.output.line(format!("{:<10} {:<10} {repository}", text("id"), text("source")));
        }
        return Ok(0);
    }
    if let Some(id) = &options.remove {
        call(galaxy, "DELETE", &format!("notification_secrets/{}/", escaped(id)), None)?;
        galaxy.output.line("Secret removed. Integrations using this secret will not longer work.");
        return Ok(0);
    }
    let form = format!(
        "source={}&secret={}&github_user={}&github_repo={}",
        escaped(&options.source),
        escaped(&options.secret),
        escaped(&options.github_user),
        escaped(&options.github_repo)
    );
    let answer = call(galaxy, "POST", "notification_secrets/", Some(&form))?;
    let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
    let repository = format!("{}/{}", text("github_user"), text("github_repo"));
    galaxy.output.line(format!("Added integration for {} {repository}", text("source")));
    Ok(0)
}
