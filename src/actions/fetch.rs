//! The controller's half of `fetch`: decides where the file goes and compares it with what is there.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use rplay_module_api::Json;

use super::source_file::sha1_of;
use super::{ActionResult, FailedIn, Invocation, module};
use crate::template::search::{clean, expand_user};
use crate::value::Value;

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    if invocation.check {
        return ActionResult::skipped_because("check mode not (yet) supported for this module");
    }
    let (Some(src), Some(dest)) = (invocation.text("src"), invocation.text("dest")) else {
        return ActionResult::failed("src and dest are required");
    };
    let dest = match place(invocation, src, dest).await {
        Ok(dest) => dest,
        Err(failed) => return *failed,
    };
    // Another host may fetch to the same place: what is compared is to be this host's file.
    let place = place_of(&dest);
    let _alone = place.lock().await;
    let had = checksum_of(&dest);
    let mut call = module::call(invocation, "fetch");
    if let Some(checksum) = &had {
        call.args.insert("_checksum".into(), Json::from(checksum.as_str()));
    }
    call.receive.push(("src".to_owned(), dest.clone()));
    let result = invocation.target.module_result(call).await;
    let got = |name: &str| result.fields.get(name).cloned().unwrap_or(Value::Null);
    let (checksum, md5sum) = (got("checksum"), got("md5sum"));
    if result.is_failed() || result.is_unreachable() || checksum.is_null() {
        return result;
    }
    let dest_text = dest.to_string_lossy().into_owned();
    let mut done = ActionResult::changed(result.is_changed());
    done.warnings.clone_from(&result.warnings);
    if !result.is_changed() {
        return done.with("md5sum", md5sum).with("file", src).with("dest", dest_text).with("checksum", checksum);
    }
    let now = checksum_of(&dest);
    if invocation.bool("validate_checksum") && now.as_deref() != checksum.as_str() {
        return ActionResult::failed("checksum mismatch")
            .with("file", src)
            .with("dest", dest_text)
            .with("md5sum", md5sum)
            .with("remote_md5sum", Value::Null)
            .with("checksum", now.map_or(Value::Null, Value::from))
            .with("remote_checksum", checksum);
    }
    done.with("md5sum", md5sum)
        .with("dest", dest_text)
        .with("remote_md5sum", Value::Null)
        .with("checksum", checksum.clone())
        .with("remote_checksum", checksum)
}

/// The file on the controller: `dest` itself, or below it host and path.
async fn place(invocation: &Invocation<'_>, src: &str, dest: &str) -> Result<PathBuf, Box<ActionResult>> {
    let failed = |message: &str| Box::new(ActionResult::failed_in(FailedIn::Task, message));
    let base = invocation.playbook_dir.join(expand_user(dest));
    if invocation.bool("flat") {
        if dest.ends_with('/') {
            let name = Path::new(src).file_name().ok_or_else(|| failed("src names no file"))?;
            return Ok(clean(&base.join(name)));
        }
        if base.is_dir() {
            return Err(failed(
                "dest is an existing directory, use a trailing slash if you want to fetch src into that directory",
            ));
        }
        return Ok(clean(&base));
    }
    let mut remote = PathBuf::from(src);
    if let Ok(below_home) = remote.strip_prefix("~") {
        let home = match &invocation.target.becoming {
            Some(becoming) if becoming.user == "root" => "/root".to_owned(),
            Some(becoming) => format!("/home/{}", becoming.user),
            None => match invocation.target.client().await {
                Ok(client) => match client.hello().await {
                    Ok(hello) => hello.home.clone(),
                    Err(err) => return Err(Box::new(ActionResult::unreachable(err.message))),
                },
                Err(err) => return Err(Box::new(super::target::remote_failed(&err))),
            },
        };
        remote = Path::new(&home).join(below_home);
    }
    // What a target says may be in both: its path, and its name, if `add_host` has that from a result.
    Ok(clean(&base.join(inside(Path::new(invocation.host))).join(inside(&remote))))
}

/// The path as one that does not lead out of the folder it is put in.
fn inside(path: &Path) -> PathBuf {
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => inside.push(name),
            Component::ParentDir => {
                inside.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    inside
}

/// One lock for each file on the controller that somebody fetches to.
fn place_of(dest: &Path) -> Arc<tokio::sync::Mutex<()>> {
    static PLACES: LazyLock<Mutex<HashMap<PathBuf, Weak<tokio::sync::Mutex<()>>>>> = LazyLock::new(Mutex::default);
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(place) = places.get(dest).and_then(Weak::upgrade) {
        return place;
    }
    places.retain(|_, place| place.strong_count() > 0);
    let place = Arc::default();
    places.insert(dest.to_owned(), Arc::downgrade(&place));
    place
}

fn checksum_of(path: &Path) -> Option<String> {
    path.is_file()
        .then(|| File::open(path).ok())
        .flatten()
        .and_then(|mut file| sha1_of(&mut file).ok())
        .map(|(sha1, _)| sha1)
}
