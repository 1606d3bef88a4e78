//! `filetree` of community.general: everything below folders, with what a task needs to make the same elsewhere.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Gid, Group};

use super::Request;
use crate::account;
use crate::template::engine::attributes::dict_of;
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::Res;

pub fn run(scope: &Scope, request: Request) -> Res<Vec<Val>> {
    let mut tree = Tree { scope, known: HashSet::new(), found: Vec::new() };
    for term in request.texts()? {
        let (folder, name) = term.rsplit_once('/').unwrap_or(("", &term));
        let folder = if folder.is_empty() && term.starts_with('/') { "/" } else { folder };
        if let Some(folder) = scope.context.templar.search().find("files", folder) {
            let root = format!("{}/{name}", folder.display().to_string().trim_end_matches('/'));
            tree.walk(&root, "")?;
        }
    }
    Ok(tree.found)
}

struct Tree<'a> {
    scope: &'a Scope,
    /// Paths that came from this folder or an earlier one.
    known: HashSet<String>,
    found: Vec<Val>,
}

impl Tree<'_> {
    /// What is in a folder below the root, folders first, and then what is in those.
    fn walk(&mut self, root: &str, below: &str) -> Res<()> {
        self.scope.context.step()?;
        let Ok(entries) = fs::read_dir(Path::new(root).join(below)) else { return Ok(()) };
        let mut names: Vec<(bool, String, bool)> = entries
            .flatten()
            .map(|entry| {
                let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
                (!entry.path().is_dir(), entry.file_name().to_string_lossy().into_owned(), is_link)
            })
            .collect();
        names.sort();
        let path = |name: &str| if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        for (_, name, _) in &names {
            let path = path(name);
            if !self.known.contains(&path)
                && let Some(entry) = self.entry(root, &path)
            {
                self.found.push(entry);
                self.known.insert(path);
            }
        }
        for (is_no_folder, name, is_link) in names {
            if !is_no_folder && !is_link {
                self.walk(root, &path(&name))?;
            }
        }
        Ok(())
    }

    fn entry(&self, root: &str, path: &str) -> Option<Val> {
        let whole = Path::new(root).join(path);
        let notices = &self.scope.context.templar.engine().settings.notices;
        let data = match fs::symlink_metadata(&whole) {
            Ok(data) => data,
            Err(error) => {
                notices.warn(format!("filetree: {} can't be read: {error}", whole.display()), None);
                return None;
            }
        };
        let kind = data.file_type();
        let text = |text: String| Val::str(text);
        let (state, src) = if kind.is_symlink() {
            ("link", Some(fs::read_link(&whole).ok()?.display().to_string()))
        } else if kind.is_dir() {
            ("directory", None)
        } else if kind.is_file() {
            ("file", Some(whole.display().to_string()))
        } else {
            notices.warn(format!("filetree: {} is no file, folder or link", whole.display()), None);
            return None;
        };
        let mut entries = vec![("root", Val::str(root)), ("path", Val::str(path)), ("state", Val::str(state))];
        entries.extend(src.map(|src| ("src", text(src))));
        entries.extend(of_metadata(&data));
        Some(dict_of(entries))
    }
}

fn of_metadata(data: &Metadata) -> Vec<(&'static str, Val)> {
    let number = |id: u32| Val::Int(i64::from(id));
    let group = Group::from_gid(Gid::from_raw(data.gid())).ok().flatten();
    // Nanoseconds beside seconds of this century fit into a float as well as Python's.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let time = |seconds: i64, nanoseconds: i64| Val::Float(seconds as f64 + nanoseconds as f64 * 1e-9);
    vec![
        ("uid", number(data.uid())),
        ("gid", number(data.gid())),
        ("owner", account::of_id(data.uid()).map_or_else(|| number(data.uid()), |it| Val::str(it.name))),
        ("group", group.map_or_else(|| number(data.gid()), |it| Val::str(it.name))),
        ("mode", Val::str(format!("0{:03o}", data.mode() & 0o7777))),
        ("size", Val::Int(i64::try_from(data.size()).unwrap_or(i64::MAX))),
        ("mtime", time(data.mtime(), data.mtime_nsec())),
        ("ctime", time(data.ctime(), data.ctime_nsec())),
    ]
}
