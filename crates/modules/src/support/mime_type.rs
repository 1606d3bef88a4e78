//! What kind of content a file has, in the words of file(1). The common kinds are told here, because starting a program for each
//! `stat` would cost more than all the rest of it; where only libmagic can tell, `file` is asked if it is installed.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::OnceLock;

use rplay_module_api::{Command, CommandOutput, Ctx};

type Answer = (String, String);

fn answer(mime: &str, charset: &str) -> Answer {
    (mime.to_owned(), charset.to_owned())
}

/// MIME type and character set of what is at `path`; links are not followed.
pub fn of_path(path: &Path, ctx: &mut Ctx) -> Answer {
    let Ok(meta) = fs::symlink_metadata(path) else { return answer("unknown", "unknown") };
    let kind = meta.file_type();
    let node = if kind.is_symlink() {
        if fs::metadata(path).is_err() {
            return answer("unknown", "unknown");
        }
        "inode/symlink"
    } else if kind.is_dir() {
        "inode/directory"
    } else if kind.is_char_device() {
        "inode/chardevice"
    } else if kind.is_block_device() {
        "inode/blockdevice"
    } else if kind.is_fifo() {
        "inode/fifo"
    } else if kind.is_socket() {
        "inode/socket"
    } else if meta.len() == 0 {
        "inode/x-empty"
    } else {
        let mut head = Vec::new();
        let read = File::open(path).and_then(|file| file.take(64 * 1024).read_to_end(&mut head));
        if read.is_err() {
            return answer("unknown", "unknown");
        }
        return of_content(&head, path, ctx);
    };
    answer(node, "binary")
}

/// How content of some kinds begins.
const MAGIC: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "application/gzip"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"BZh", "application/x-bzip2"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"SQLite format 3\0", "application/vnd.sqlite3"),
];

fn of_content(head: &[u8], path: &Path, ctx: &mut Ctx) -> Answer {
    // libmagic does not judge a single byte.
    if head.len() == 1 {
        return answer("application/octet-stream", "binary");
    }
    let Some(charset) = charset(head) else {
        let guess = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, mime)| *mime);
        return match guess {
            // A zip may be a document, an archive of Java and more.
            Some(mime) if mime != "application/zip" => answer(mime, "binary"),
            // Nothing begins with two zero bytes or less than a word of anything.
            None if head.len() < 4 => answer("application/octet-stream", "binary"),
            guess => {
                ask_file(path, ctx).unwrap_or_else(|| answer(guess.unwrap_or("application/octet-stream"), "binary"))
            }
        };
    };
    match script(head) {
        Some(mime) => answer(mime, charset),
        None if plainly_text(head) => answer("text/plain", charset),
        None => ask_file(path, ctx).unwrap_or_else(|| answer("text/plain", charset)),
    }
}

/// The character set of text; none for what is not text.
fn charset(head: &[u8]) -> Option<&'static str> {
    let control = |byte: &u8| matches!(byte, 0..=6 | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f);
    if head.iter().any(control) {
        return None;
    }
    if head.is_ascii() {
        return Some("us-ascii");
    }
    match std::str::from_utf8(head) {
        Ok(_) => Some("utf-8"),
        // The sample may end within a character.
        Err(err) if err.error_len().is_none() => Some("utf-8"),
        Err(_) if head.iter().any(|byte| (0x80..0xa0).contains(byte)) => Some("unknown-8bit"),
        Err(_) => Some("iso-8859-1"),
    }
}

fn script(head: &[u8]) -> Option<&'static str> {
    let first = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let first = String::from_utf8_lossy(first);
    let mut words = first.split_whitespace();
    let mut program = words.next()?.rsplit('/').next()?;
    if program == "env" {
        program = words.next()?;
    }
    matches!(program, "sh" | "bash" | "dash" | "ksh" | "zsh").then_some("text/x-shellscript")
}

/// Text in which libmagic sees nothing else: no markup, no program.
fn plainly_text(head: &[u8]) -> bool {
    const SIGNS: [&[u8]; 12] = [
        b"#include",
        b"import ",
        b"def ",
        b"class ",
        b"function",
        b"package ",
        b"BEGIN",
        b"namespace",
        b"From ",
        b"struct ",
        b"#define",
        b"require",
    ];
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    if matches!(first, Some(b'<' | b'{' | b'[' | b'%' | b'/' | b'*' | b'.' | b'"' | b'\\')) || head.starts_with(b"#!") {
        return false;
    }
    let sample = head.get(..4096).unwrap_or(head);
    !SIGNS.iter().any(|sign| sample.windows(sign.len()).any(|window| window == *sign))
}

fn ask_file(path: &Path, ctx: &mut Ctx) -> Option<Answer> {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    let installed = *INSTALLED.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|directory| directory.join("file").is_file())
    });
    if !installed {
        return None;
    }
    let command = Command::new(["file", "--brief", "--mime-type", "--mime-encoding", "--"]).arg(path);
    let output = ctx.command(&command).ok().filter(CommandOutput::ok)?;
    let text = output.stdout_text();
    let (mime, charset) = text.trim().split_once("; charset=")?;
    Some(answer(mime, charset))
}
