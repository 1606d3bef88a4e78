//! The command lines of shadow's tools, or of busybox where there is nothing else.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use rplay_module_api::Ctx;

use super::Args;
use super::present::Present;
use crate::support::at::{self, Last, Object};
use crate::support::{accounts, local_time, program};

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|it| (*it).to_owned()).collect()
}

fn tool(args: &Args, name: &str) -> String {
    if args.local { format!("l{name}") } else { name.to_owned() }
}

fn is_minimal() -> bool {
    program::find("useradd").is_none() && program::find("adduser").is_some()
}

pub fn delete(args: &Args) -> Vec<String> {
    if program::find("userdel").is_none() && program::find("deluser").is_some() {
        let mut line = words(&["deluser"]);
        line.extend(args.remove.then(|| "--remove-home".to_owned()));
        line.push(args.name.clone());
        return line;
    }
    let mut line = vec![tool(args, "userdel")];
    line.extend((args.force && !args.local).then(|| "-f".to_owned()));
    line.extend(args.remove.then(|| "-r".to_owned()));
    line.push(args.name.clone());
    line
}

pub fn create(args: &Args, ctx: &mut Ctx) -> Vec<Vec<String>> {
    if is_minimal() {
        return create_minimal(args);
    }
    let mut line = vec![tool(args, "useradd")];
    let mut add = |option: &str, value: &str| line.extend(words(&[option, value]));
    if let Some(uid) = args.uid {
        add("-u", &uid.to_string());
    }
    if let Some(seuser) = &args.seuser {
        add("-Z", seuser);
    }
    if let Some(group) = &args.group {
        add("-g", group);
    }
    if let Some(groups) = args.groups().filter(|it| !it.is_empty() && !args.local) {
        add("-G", &groups.join(","));
    }
    if let Some(comment) = &args.comment {
        add("-c", comment);
    }
    if let Some(home) = &args.home {
        add("-d", &home.to_string_lossy());
    }
    if let Some(shell) = &args.shell {
        add("-s", shell);
    }
    if let Some(expires) = args.expires {
        add("-e", &expiry_date(expires));
    }
    if let Some(days) = args.password_expire_account_disable.filter(|_| !args.local) {
        add("-f", &days.to_string());
    }
    if let Some(skeleton) = args.skeleton.as_ref().filter(|_| args.create_home) {
        add("-k", skeleton);
    }
    for (name, value) in [
        ("UMASK", args.umask.clone().filter(|_| args.create_home)),
        ("UID_MIN", args.uid_min.map(|it| it.to_string())),
        ("UID_MAX", args.uid_max.map(|it| it.to_string())),
    ] {
        if let Some(value) = value {
            add("-K", &format!("{name}={value}"));
        }
    }
    line.push(if args.create_home { "-m" } else { "-M" }.to_owned());
    line.extend(args.system.then(|| "-r".to_owned()));
    line.extend((args.non_unique && args.uid.is_some()).then(|| "-o".to_owned()));
    // useradd would make the user's own group again and fail.
    if args.group.is_none() && accounts::group(&args.name, ctx).is_some() {
        line.push("-N".to_owned());
    }
    line.push(args.name.clone());
    let mut lines = vec![line];
    lines.extend(password_terms(args, None));
    lines
}

fn create_minimal(args: &Args) -> Vec<Vec<String>> {
    let mut line = words(&["adduser", "-D"]);
    let uid = args.uid.map(|it| it.to_string());
    let home = args.home.as_ref().map(|it| it.display().to_string());
    for (option, value) in [
        ("-u", uid.as_ref()),
        ("-G", args.group.as_ref()),
        ("-g", args.comment.as_ref()),
        ("-h", home.as_ref()),
        ("-s", args.shell.as_ref()),
        ("-k", args.skeleton.as_ref()),
    ] {
        if let Some(value) = value {
            line.extend(words(&[option, value]));
        }
    }
    line.extend((!args.create_home).then(|| "-H".to_owned()));
    line.extend(args.system.then(|| "-S".to_owned()));
    line.push(args.name.clone());
    let mut lines = vec![line];
    for group in args.groups().into_iter().flatten() {
        lines.push(words(&["adduser", &args.name, group]));
    }
    lines
}

/// What must be run so that the user becomes as the arguments say; nothing if it is so.
pub fn modify(args: &Args, now: &Present, ctx: &mut Ctx) -> Vec<Vec<String>> {
    let mut line = vec![tool(args, "usermod")];
    if let Some(uid) = args.uid.filter(|uid| *uid != now.uid) {
        line.extend(words(&["-u", &uid.to_string()]));
        line.extend(args.non_unique.then(|| "-o".to_owned()));
    }
    if let Some(group) = &args.group {
        let gid = accounts::group(group, ctx).map(|it| it.id).or_else(|| group.parse().ok());
        if gid != Some(now.gid) {
            line.extend(words(&["-g", group]));
        }
    }
    line.extend(group_options(args, now, ctx));
    if let Some(comment) = args.comment.as_ref().filter(|it| **it != now.comment) {
        line.extend(words(&["-c", comment]));
    }
    if let Some(home) = args.home.as_ref().filter(|it| it.as_path() != Path::new(&now.home)) {
        line.extend(words(&["-d", &home.to_string_lossy()]));
        line.extend(args.move_home.then(|| "-m".to_owned()));
    }
    if let Some(shell) = args.shell.as_ref().filter(|it| **it != now.shell) {
        line.extend(words(&["-s", shell]));
    }
    if let Some(expires) = args.expires {
        let days = if expires < 0.0 { String::new() } else { expiry_days(expires).to_string() };
        if days != now.shadow.expires {
            line.extend(words(&["-e", &expiry_date(expires)]));
        }
    }
    if let Some(days) = args.password_expire_account_disable.filter(|it| it.to_string() != now.shadow.inactive) {
        line.extend(words(&["-f", &days.to_string()]));
    }
    let mut lines = Vec::new();
    if line.len() > 1 {
        line.push(args.name.clone());
        lines.push(line);
    }
    lines.extend(password_terms(args, Some(now)));
    lines
}

fn group_options(args: &Args, now: &Present, ctx: &mut Ctx) -> Vec<String> {
    let Some(wanted) = args.groups() else { return Vec::new() };
    // Groups may be given by number.
    let mut names: Vec<String> = Vec::new();
    for name in wanted {
        let group = accounts::group(name, ctx).or_else(|| accounts::group_by_id(name.parse().ok()?, ctx));
        names.push(group.map_or_else(|| name.to_owned(), |group| group.name));
    }
    let missing: Vec<&str> = names.iter().filter(|it| !now.groups.contains(it)).map(String::as_str).collect();
    let extra = now.groups.iter().any(|it| !names.contains(it));
    if args.append {
        return if missing.is_empty() { Vec::new() } else { words(&["-a", "-G", &missing.join(",")]) };
    }
    if missing.is_empty() && !extra { Vec::new() } else { words(&["-G", &names.join(",")]) }
}

fn password_terms(args: &Args, now: Option<&Present>) -> Option<Vec<String>> {
    let shadow = now.map(|it| it.shadow.clone()).unwrap_or_default();
    let mut line = words(&["chage"]);
    for (option, wanted, current) in [
        ("-M", args.password_expire_max, &shadow.maximum),
        ("-m", args.password_expire_min, &shadow.minimum),
        ("-W", args.password_expire_warn, &shadow.warning),
    ] {
        if let Some(days) = wanted.filter(|days| days.to_string() != *current) {
            line.extend(words(&[option, &days.to_string()]));
        }
    }
    line.push(args.name.clone());
    (line.len() > 2).then_some(line)
}

#[expect(clippy::cast_possible_truncation, reason = "a float to integer cast saturates")]
fn expiry_days(expires: f64) -> i64 {
    (expires / 86400.0).floor() as i64
}

/// The day in UTC, as shadow counts; empty for never.
fn expiry_date(expires: f64) -> String {
    if expires < 0.0 {
        return String::new();
    }
    let (year, month, day) = local_time::civil_from_days(expiry_days(expires));
    format!("{year:04}-{month:02}-{day:02}")
}

/// Makes the home directory of a user who was there already. It is given to the user when everything is in it.
pub fn make_home(args: &Args, user: &Present) -> io::Result<()> {
    let path = Path::new(&user.home);
    let umask = args.umask.as_deref().and_then(|it| u32::from_str_radix(it, 8).ok());
    if let Some(parent) = path.parent() {
        at::create_dir_all(parent, 0o777)?;
    }
    let place = at::locate(path, Last::Itself)?;
    place.create_dir(0o700)?;
    let home = place.present()?.ok_or(io::ErrorKind::NotFound)?;
    copy_tree(Path::new(args.skeleton.as_deref().unwrap_or("/etc/skel")), &home, path, user)?;
    home.set_owner(Some(user.uid), Some(user.gid))?;
    home.set_mode(umask.map_or(0o755, |umask| 0o777 & !umask))
}

fn copy_tree(from: &Path, to: &Object, path: &Path, user: &Present) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(from) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let place = to.place(&name, path)?;
        let mode = entry.metadata()?.mode() & 0o7777;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            place.create_dir(0o700)?;
            let directory = place.present()?.ok_or(io::ErrorKind::NotFound)?;
            copy_tree(&entry.path(), &directory, &path.join(&name), user)?;
            directory.set_owner(Some(user.uid), Some(user.gid))?;
            directory.set_mode(mode)?;
        } else if kind.is_symlink() {
            place.symlink(fs::read_link(entry.path())?.as_os_str(), &name)?;
            place.present()?.ok_or(io::ErrorKind::NotFound)?.set_owner(Some(user.uid), Some(user.gid))?;
        } else {
            let mut file = place.create_new(&name, 0o600)?;
            io::copy(&mut fs::File::open(entry.path())?, &mut file)?;
            fchown(&file, Some(user.uid), Some(user.gid))?;
            file.set_permissions(fs::Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}
