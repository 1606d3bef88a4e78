//! One file out of many fragments.

use std::fs;
use std::path::{Path, PathBuf};

use rplay_module_api::{Ctx, Failure, Json, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, json, run};

use crate::support::checksum::{self, Algorithm};
use crate::support::file_attributes::{FileAttributes, path_json, with_path_info};
use crate::support::python_regex::PythonRegex;
use crate::support::{atomic_write, os_error};

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(assemble) };

const EXAMPLE: &str = r#"- name: Make one file of all that stand in a directory
  assemble:
    src: /etc/app/conf.d
    dest: /etc/app/app.conf
    delimiter: "-- next --"
    mode: "0644"
"#;

const RETURNS: &[Return] = &[
    Return::new("src", Kind::Path, "always", "The directory of the fragments."),
    Return::new("dest", Kind::Path, "always", "The file."),
    Return::new("checksum", Kind::Str, "always", "SHA-1 of the assembled content."),
    Return::new("md5sum", Kind::Str, "always", "MD5 of the assembled content."),
    Return::new("backup_file", Kind::Path, "changed, with backup", "The copy of the file as it was."),
    Return::new("validation", Kind::Dict, "changed, with validate", "What the command that judged the file said."),
];

/// Assemble a file from fragments.
#[derive(ModuleArgs)]
#[module(name = "assemble")]
struct Args {
    /// The directory of the fragments.
    src: PathBuf,
    /// The file to make of them.
    dest: PathBuf,
    /// Keep a copy of the file as it was.
    #[arg(default = "no")]
    backup: bool,
    /// Text between two fragments; it may have escapes such as `\n`.
    delimiter: Option<String>,
    /// The fragments are on the target, not on the controller.
    #[arg(name = "remote_src", default = "yes")]
    _remote_src: bool,
    /// Take only files whose name this regular expression finds.
    regexp: Option<String>,
    /// Leave out hidden files.
    #[arg(default = "no")]
    ignore_hidden: bool,
    /// A command that must accept the new file before it is put in place; `%s` is its name.
    validate: Option<String>,
    /// Decrypt fragments of the controller that are vault files.
    #[arg(name = "decrypt", default = "yes")]
    _decrypt: bool,
    #[arg(flatten)]
    attributes: FileAttributes,
}

fn assemble(args: Args, ctx: &mut Ctx) -> ModuleResult {
    if args.dest.is_dir() {
        return Err(Failure::new(format!("attempted to take checksum of directory: {}", args.dest.display())));
    }
    let fragments = Fragments::find(&args.src, args.regexp.as_deref(), args.ignore_hidden)?;
    let content = fragments.join(args.delimiter.as_deref(), &|path| {
        fs::read(path).map_err(|err| Failure::new(os_error::with_path(&err, path)))
    })?;
    let checksum = checksum::of_bytes(&content, Algorithm::Sha1);
    let mut outcome = Outcome::changed(false)
        .with("src", path_json(&args.src))
        .with("dest", path_json(&args.dest))
        .with("checksum", checksum.clone())
        .with("md5sum", checksum::of_bytes(&content, Algorithm::Md5))
        .with("msg", "OK");
    if checksum::of_file(&args.dest, Algorithm::Sha1).ok() != Some(checksum) {
        outcome.changed = true;
        if let Some(validation) = validated(&args, &content, ctx)? {
            outcome.fields.insert("validation".into(), validation);
        }
        if args.backup
            && !ctx.check
            && let Some(copy) = atomic_write::back_up(&args.dest)?
        {
            outcome.fields.insert("backup_file".into(), path_json(&copy));
        }
        if !ctx.check {
            atomic_write::replace(&args.dest, &content, None, &args.attributes, ctx)?;
        }
    }
    if args.dest.exists() {
        outcome.changed |= args.attributes.apply(&args.dest, None, ctx)?;
    }
    Ok(with_path_info(outcome, &args.dest, ctx))
}

/// Asks the command of `validate` about the content, before anything is touched.
fn validated(args: &Args, content: &[u8], ctx: &mut Ctx) -> Result<Option<Json>, Failure> {
    let Some(command) = &args.validate else { return Ok(None) };
    let file = ctx.tmpdir.join("assembled");
    fs::write(&file, content).map_err(|err| Failure::new(os_error::with_path(&err, &file)))?;
    match atomic_write::run_validation(command, &file, ctx) {
        Ok(output) => {
            Ok(Some(json!({"rc": output.rc, "stdout": output.stdout_text(), "stderr": output.stderr_text()})))
        }
        Err(failure) => match (failure.fields.get("exit_status"), failure.fields.get("stderr")) {
            (Some(rc), Some(Json::String(stderr))) => {
                Err(Failure::new(format!("failed to validate: rc:{rc} error:{stderr}")))
            }
            _ => Err(failure),
        },
    }
}

/// The files of a directory that belong together, in the order of their names.
pub struct Fragments(Vec<PathBuf>);

impl Fragments {
    pub fn find(src: &Path, regexp: Option<&str>, ignore_hidden: bool) -> Result<Self, Failure> {
        if !src.exists() {
            return Err(Failure::new(format!("Source ({}) does not exist", src.display())));
        }
        if !src.is_dir() {
            return Err(Failure::new(format!("Source ({}) is not a directory", src.display())));
        }
        let wanted = match regexp {
            Some(text) => Some(
                PythonRegex::of_bytes(text)
                    .map_err(|err| Failure::new(format!("Invalid Regexp ({err}) in \"{text}\"")))?,
            ),
            None => None,
        };
        let failed = |err: std::io::Error| Failure::new(os_error::with_path(&err, src));
        let mut found = Vec::new();
        for entry in fs::read_dir(src).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let matches = match &wanted {
                Some(regex) => regex.search(&name).map_err(Failure::new)?.is_some(),
                None => true,
            };
            if matches && path.is_file() && !(ignore_hidden && name.starts_with('.')) {
                found.push(path);
            }
        }
        found.sort();
        Ok(Self(found))
    }

    /// The content of all; each begins on a line of its own.
    pub fn join<E>(&self, delimiter: Option<&str>, read: &dyn Fn(&Path) -> Result<Vec<u8>, E>) -> Result<Vec<u8>, E> {
        let delimiter = delimiter.map(|text| {
            let mut bytes = unescape(text);
            if !bytes.ends_with(b"\n") {
                bytes.push(b'\n');
            }
            bytes
        });
        let mut content: Vec<u8> = Vec::new();
        for (index, path) in self.0.iter().enumerate() {
            let fragment = read(path)?;
            if index > 0 {
                if !content.ends_with(b"\n") {
                    content.push(b'\n');
                }
                content.extend(delimiter.iter().flatten());
            }
            content.extend(fragment);
        }
        Ok(content)
    }
}

/// Python's escapes, as they are meant in text that became bytes.
fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let Some((letter, after)) = rest.split_first().filter(|_| *byte == b'\\') else {
            plain.push(*byte);
            continue;
        };
        let simple = b"\\'\"abfnrtv".iter().position(|it| it == letter);
        if let Some(value) = simple.and_then(|index| b"\\'\"\x07\x08\x0c\n\r\t\x0b".get(index)) {
            plain.push(*value);
            rest = after;
            continue;
        }
        let (radix, most, digits) = if *letter == b'x' { (16, 2, after) } else { (8, 3, rest) };
        let length = digits.iter().take(most).take_while(|it| char::from(**it).is_digit(radix)).count();
        let number = digits.get(..length).and_then(|it| std::str::from_utf8(it).ok());
        match number.and_then(|it| u32::from_str_radix(it, radix).ok()) {
            Some(value) => {
                plain.push(u8::try_from(value & 0xff).unwrap_or_default());
                rest = digits.get(length..).unwrap_or_default();
            }
            // An escape that is none, and an escaped end of line, which stands for nothing.
            None if *letter == b'\n' => rest = after,
            None => plain.push(*byte),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn escapes_are_those_of_python() {
        let cases: [(&str, &[u8]); 7] = [
            ("plain", b"plain"),
            (r"a\nb\t\\", b"a\nb\t\\"),
            (r"\x41\101\0", b"AA\0"),
            (r"\q\", br"\q\"),
            ("é", "é".as_bytes()),
            (r"\x4", b"\x04"),
            ("", b""),
        ];
        for (text, bytes) in cases {
            assert_eq!(unescape(text), bytes, "{text}");
        }
    }
}
