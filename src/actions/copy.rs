//! The controller's half of `copy`: finds the content and sends it with the module, a whole directory in one request.

use std::fs;
use std::path::Path;

use rplay_module_api::{Json, json};
use serde_json::ser::{CharEscape, Formatter};
use walkdir::WalkDir;

use super::source_file::{self, Prepared};
use super::{ActionResult, FailedIn, Invocation, ModuleCall, module};
use crate::remote::FileSource;
use crate::value::Value;

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let content = invocation.args.get("content").filter(|content| !content.is_null());
    let src = invocation.text("src");
    let result = match (src, content) {
        (Some(_), Some(_)) => ActionResult::failed("src and content are mutually exclusive"),
        (None, None) => ActionResult::failed("src (or content) is required"),
        (None, Some(content)) => copy_content(invocation, content).await,
        (Some(_), None) if invocation.bool("remote_src") => {
            let mut call = call(invocation);
            // The tree is the target's: so is the question whether its links are followed.
            if let Some(follow) = invocation.checked.get("local_follow").filter(|follow| !follow.is_null()) {
                call.args.insert("local_follow".into(), follow.clone());
            }
            invocation.target.module_result(call).await
        }
        (Some(src), None) => copy_source(invocation, src).await,
    };
    module::finish(invocation, result)
}

/// The module's call without the arguments that are the action's own.
pub fn call(invocation: &Invocation<'_>) -> ModuleCall {
    let mut call = module::call(invocation, "copy");
    for own in ["content", "decrypt", "local_follow"] {
        call.args.shift_remove(own);
    }
    call
}

/// Sends one file's content with the call.
pub async fn send_file(
    invocation: &Invocation<'_>,
    mut call: ModuleCall,
    prepared: Prepared,
    label: &str,
    basename: Option<&str>,
) -> ActionResult {
    let args = &mut call.args;
    args.insert("_upload".into(), Json::Bool(true));
    args.insert("_checksum".into(), Json::from(prepared.checksum));
    args.insert("_source_mode".into(), Json::from(prepared.mode));
    args.insert("_source_label".into(), Json::from(label));
    if let Some(basename) = basename {
        args.insert("_original_basename".into(), Json::from(basename));
    }
    call.files.push(("src".to_owned(), prepared.source));
    invocation.target.module_result(call).await
}

async fn copy_content(invocation: &Invocation<'_>, content: &Value) -> ActionResult {
    if invocation.text("dest").is_some_and(|dest| dest.ends_with('/')) {
        return ActionResult::failed("can not use content with a dir as dest");
    }
    let bytes = match content {
        Value::Bytes(bytes) => bytes.to_vec(),
        Value::List(_) | Value::Dict(_) => python_json(&content.to_json()).into_bytes(),
        other => other.to_text().into_bytes(),
    };
    let prepared = source_file::prepare_bytes(bytes);
    send_file(invocation, call(invocation), prepared, "dynamically generated", None).await
}

async fn copy_source(invocation: &Invocation<'_>, src: &str) -> ActionResult {
    let found = match source_file::find(invocation, "files", src) {
        Ok(found) => found,
        Err(message) => {
            return ActionResult::failed_in(FailedIn::Task, format!("Unexpected AnsibleActionFail error: {message}"));
        }
    };
    let mut call = call(invocation);
    let slash = if src.ends_with('/') { "/" } else { "" };
    call.args.insert("src".into(), Json::from(format!("{}{slash}", found.display())));
    let decrypt = invocation.bool("decrypt");
    if found.is_dir() {
        let follow = invocation.checked.get("local_follow").and_then(Json::as_bool).unwrap_or(true);
        let below_itself = slash.is_empty();
        return match tree(invocation, &found, below_itself, follow, decrypt) {
            Ok((entries, files)) => {
                call.args.insert("_tree".into(), Json::Array(entries));
                call.files = files;
                invocation.target.module_result(call).await
            }
            Err(message) => ActionResult::failed(message),
        };
    }
    match source_file::prepare(invocation, &found, decrypt) {
        Ok(prepared) => {
            let basename = found.file_name().map(|name| name.to_string_lossy().into_owned());
            send_file(invocation, call, prepared, &found.to_string_lossy(), basename.as_deref()).await
        }
        Err(message) => ActionResult::failed(message),
    }
}

type Files = Vec<(String, FileSource)>;

/// The entries of a directory, parents first, and the content of its files.
fn tree(
    invocation: &Invocation<'_>,
    root: &Path,
    below_itself: bool,
    follow: bool,
    decrypt: bool,
) -> Result<(Vec<Json>, Files), String> {
    let prefix = root.file_name().filter(|_| below_itself).map_or(Path::new(""), Path::new);
    let (mut entries, mut files) = (Vec::new(), Files::new());
    for walked in WalkDir::new(root).follow_links(follow).sort_by_file_name() {
        let walked = match walked {
            Ok(walked) => walked,
            // A link that leads nowhere has nothing to be copied but itself.
            Err(err) => match err.path().map(|path| (path, fs::read_link(path))) {
                Some((path, Ok(target))) if err.loop_ancestor().is_none() => {
                    let below = path.strip_prefix(root).map_err(|err| err.to_string())?;
                    let (path, target) = (prefix.join(below), target.to_string_lossy().into_owned());
                    entries.push(json!({"path": path.to_string_lossy(), "kind": "link", "target": target}));
                    continue;
                }
                _ => return Err(err.to_string()),
            },
        };
        let below = walked.path().strip_prefix(root).map_err(|err| err.to_string())?;
        let path = prefix.join(below);
        if path.as_os_str().is_empty() {
            continue;
        }
        let path = path.to_string_lossy();
        let explain = |err: std::io::Error| format!("{}: {err}", walked.path().display());
        if walked.file_type().is_dir() {
            // Without its mode: Ansible leaves the topmost directory as it is, if it exists.
            let mode = match walked.depth() {
                0 => None,
                _ => Some(source_file::mode_of(walked.path()).map_err(explain)?),
            };
            entries.push(json!({"path": path, "kind": "dir", "mode": mode}));
        } else if walked.file_type().is_symlink() {
            let target = fs::read_link(walked.path()).map_err(explain)?;
            entries.push(json!({"path": path, "kind": "link", "target": target.to_string_lossy()}));
        } else {
            let prepared = source_file::prepare(invocation, walked.path(), decrypt)?;
            files.push((format!("src/{}", entries.len()), prepared.source));
            entries.push(json!({
                "path": path,
                "kind": "file",
                "mode": prepared.mode,
                "sha1": prepared.checksum,
                "size": prepared.size,
                "label": walked.path().to_string_lossy(),
            }));
        }
    }
    Ok((entries, files))
}

/// JSON as Python's `json.dumps` writes it: a blank after comma and colon, ASCII only.
fn python_json(value: &Json) -> String {
    use serde::Serialize;
    let mut out = Vec::new();
    let written = value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, PythonFormatter));
    match written {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(_) => value.to_string(),
    }
}

struct PythonFormatter;

impl Formatter for PythonFormatter {
    fn begin_array_value<W: std::io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: std::io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: std::io::Write + ?Sized>(&mut self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: std::io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> std::io::Result<()> {
        for char in fragment.chars() {
            if char.is_ascii() && char != '\u{7f}' {
                writer.write_all(&[u8::try_from(char).unwrap_or(b'?')])?;
                continue;
            }
            for unit in char.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }

    fn write_char_escape<W: std::io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> std::io::Result<()> {
        serde_json::ser::CompactFormatter.write_char_escape(writer, escape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_written_as_python_writes_it() {
        let value = json!({"a": [1, 2.5, null, true], "ä\n": "\u{1f600}\"", "": {}});
        assert_eq!(python_json(&value), r#"{"a": [1, 2.5, null, true], "\u00e4\n": "\ud83d\ude00\"", "": {}}"#);
    }
}
