//! Replaces every match of a regular expression in a file.

use std::path::PathBuf;

use rplay_module_api::{Ctx, Failure, Kind, Module, ModuleArgs, ModuleResult, Outcome, Return, Spec, run};

use crate::support::content_diff::{self, Side};
use crate::support::file_attributes::{FileAttributes, path_json};
use crate::support::python_regex::PythonRegex;
use crate::support::text_file;

pub const MODULE: Module =
    Module { spec: Spec { example: EXAMPLE, returns: RETURNS, ..Args::SPEC }, run: run!(replace) };

const EXAMPLE: &str = r"- name: Rename a host in all files that name it
  replace:
    path: /etc/hosts
    regexp: '(\s)old\.example\.com(\s|$)'
    replace: '\1new.example.com\2'
";

const RETURNS: &[Return] = &[Return::new("msg", Kind::Str, "always", "How many replacements were made.")];

/// Replace all matches of a regular expression in a file.
#[derive(ModuleArgs)]
#[module(name = "replace")]
struct Args {
    /// The file.
    #[arg(alias("dest", "destfile", "name"))]
    path: PathBuf,
    /// What to replace; `^` and `$` match at lines.
    regexp: String,
    /// What to put in its place; may refer to groups.
    #[arg(default = "")]
    replace: String,
    /// Only what comes after a match of this.
    after: Option<String>,
    /// Only what comes before a match of this.
    before: Option<String>,
    /// Keep a copy of the file as it was.
    #[arg(default = "no")]
    backup: bool,
    /// A command that must accept the new file before it is put in place; `%s` is its name.
    validate: Option<String>,
    /// Encoding of the file: utf-8, ascii or latin-1.
    #[arg(default = "utf-8")]
    encoding: String,
    #[arg(flatten)]
    attributes: FileAttributes,
}

fn replace(args: Args, ctx: &mut Ctx) -> ModuleResult {
    let path = args.path.as_path();
    if path.is_dir() {
        return Err(Failure::new(format!("Path {} is a directory !", path.display())).with("rc", 256));
    }
    if !path.exists() {
        return Err(Failure::new(format!("Path {} does not exist !", path.display())).with("rc", 257));
    }
    let encoding = Encoding::named(&args.encoding)?;
    let before = text_file::read(path)?;
    let text = encoding
        .decode(&before)
        .ok_or_else(|| Failure::new(format!("{} is not encoded in {}", path.display(), args.encoding)))?;
    let Some((start, end)) = section(&args, &text)? else {
        let pattern = section_pattern(&args);
        let msg = format!("Pattern for before/after params did not match the given file: {pattern}");
        return Ok(Outcome::changed(false).with("msg", msg).with("rc", 0));
    };
    let regex = PythonRegex::of_text(&args.regexp, "m").map_err(Failure::new)?;
    let (head, rest) = text.split_at_checked(start).unwrap_or((text.as_str(), ""));
    let (middle, tail) = rest.split_at_checked(end - start).unwrap_or((rest, ""));
    let (replaced, count) = regex
        .replace_all(middle, &args.replace)
        .map_err(|err| Failure::new(format!("Unable to process replace due to error: {err}")))?;
    let after = encoding
        .encode(&format!("{head}{replaced}{tail}"), &before)
        .ok_or_else(|| Failure::new(format!("the replacement cannot be encoded in {}", args.encoding)))?;

    let changed = count > 0 && before != after;
    let change = text_file::Change {
        path,
        after: &after,
        changed,
        backup: args.backup,
        validate: args.validate.as_deref(),
        attributes: &args.attributes,
    };
    let done = change.apply(ctx)?;
    let mut msg = if changed { format!("{count} replacements made") } else { String::new() };
    done.add_to(&mut msg);
    let mut outcome = Outcome::changed(changed || done.attributes_changed).with("msg", msg).with("rc", 0);
    if changed && ctx.diff {
        let header = Some(path.to_string_lossy().into_owned());
        let (before, after) = (Side::of_bytes(&before), Side::of_bytes(&after));
        outcome.diff.push(content_diff::between(before, after, header.clone(), header));
    }
    if let Some(backup) = &done.backup {
        outcome = outcome.with("backup_file", path_json(backup));
    }
    Ok(outcome)
}

fn section_pattern(args: &Args) -> String {
    match (args.after.as_deref(), args.before.as_deref()) {
        (Some(after), Some(before)) => format!("{after}(?P<subsection>.*?){before}"),
        (Some(after), None) => format!("{after}(?P<subsection>.*)"),
        (None, Some(before)) => format!("(?P<subsection>.*){before}"),
        (None, None) => String::new(),
    }
}

/// Where the part of the text that may change begins and ends.
fn section(args: &Args, text: &str) -> Result<Option<(usize, usize)>, Failure> {
    let pattern = section_pattern(args);
    if pattern.is_empty() {
        return Ok(Some((0, text.len())));
    }
    let regex = PythonRegex::of_text(&pattern, "s").map_err(Failure::new)?;
    let captures = regex.search(text).map_err(Failure::new)?;
    Ok(captures.and_then(|captures| captures.name("subsection").map(|section| (section.start(), section.end()))))
}

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Ascii,
    Latin1,
}

/// The last private characters stand for bytes that are no text, as Python's surrogates do: each is one character to a pattern.
const NO_TEXT: u32 = 0x0010_fe00;

/// Text with what is no UTF-8 kept; none if it has the very characters that stand for it.
fn escaped(bytes: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(bytes.len());
    let mut strange = false;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            strange = true;
            text.extend(char::from_u32(NO_TEXT + u32::from(*byte)));
        }
    }
    let has_own = || String::from_utf8_lossy(bytes).chars().any(|letter| byte_of(letter).is_some());
    (!strange || !has_own()).then_some(text)
}

fn byte_of(letter: char) -> Option<u8> {
    u32::from(letter).checked_sub(NO_TEXT).and_then(|byte| u8::try_from(byte).ok()).filter(|byte| *byte >= 0x80)
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for letter in text.chars() {
        match byte_of(letter) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

impl Encoding {
    fn named(name: &str) -> Result<Self, Failure> {
        match name.to_lowercase().replace(['_', ' '], "-").as_str() {
            "utf-8" | "utf8" => Ok(Self::Utf8),
            "ascii" | "us-ascii" => Ok(Self::Ascii),
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" => Ok(Self::Latin1),
            _ => Err(Failure::new(format!("replace: the encoding `{name}` is not supported"))),
        }
    }

    fn decode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => escaped(bytes),
            Self::Ascii => bytes.is_ascii().then(|| bytes.iter().map(|byte| char::from(*byte)).collect()),
            Self::Latin1 => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
        }
    }

    fn encode(self, text: &str, before: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 if std::str::from_utf8(before).is_ok() => Some(text.as_bytes().to_vec()),
            Self::Utf8 => Some(unescaped(text)),
            Self::Ascii => text.is_ascii().then(|| text.as_bytes().to_vec()),
            Self::Latin1 => text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect(),
        }
    }
}
