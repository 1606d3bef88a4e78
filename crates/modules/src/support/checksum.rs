//! Checksums of files, and of what streams by while it is written.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

const NAMES: &[(&str, Algorithm)] = &[
    ("md5", Algorithm::Md5),
    ("sha1", Algorithm::Sha1),
    ("sha224", Algorithm::Sha224),
    ("sha256", Algorithm::Sha256),
    ("sha384", Algorithm::Sha384),
    ("sha512", Algorithm::Sha512),
];

impl Algorithm {
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
    }

    /// All names, for messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    fn start(self) -> Box<dyn Hash> {
        match self {
            Self::Md5 => Box::new(Md5::new()),
            Self::Sha1 => Box::new(Sha1::new()),
            Self::Sha224 => Box::new(Sha224::new()),
            Self::Sha256 => Box::new(Sha256::new()),
            Self::Sha384 => Box::new(Sha384::new()),
            Self::Sha512 => Box::new(Sha512::new()),
        }
    }
}

trait Hash {
    fn feed(&mut self, bytes: &[u8]);
    fn end(self: Box<Self>) -> String;
}

impl<D: Digest> Hash for D {
    fn feed(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
    fn end(self: Box<Self>) -> String {
        hex::encode(self.finalize())
    }
}

pub fn of_bytes(bytes: &[u8], algorithm: Algorithm) -> String {
    let mut hash = algorithm.start();
    hash.feed(bytes);
    hash.end()
}

pub fn of_file(path: &Path, algorithm: Algorithm) -> io::Result<String> {
    of_reader(&mut File::open(path)?, algorithm)
}

pub fn of_reader(reader: &mut dyn Read, algorithm: Algorithm) -> io::Result<String> {
    let mut hash = algorithm.start();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(hash.end()),
            Ok(length) => hash.feed(buffer.get(..length).unwrap_or_default()),
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
}

/// Both checksums that results show, in one pass.
pub fn both_of_file(path: &Path) -> io::Result<Checksums> {
    both_of(&mut File::open(path)?)
}

pub fn both_of(reader: &mut impl Read) -> io::Result<Checksums> {
    let mut writer = HashingWriter::new(io::sink());
    io::copy(reader, &mut writer)?;
    Ok(writer.finish())
}

/// Passes on what is written and keeps the checksums that results show.
pub struct HashingWriter<W> {
    inner: W,
    sha1: Sha1,
    md5: Md5,
}

/// Checksums of everything that went through a `HashingWriter`.
pub struct Checksums {
    pub sha1: String,
    pub md5: String,
}

impl<W: Write> HashingWriter<W> {
    pub fn new(inner: W) -> Self {
        Self { inner, sha1: Sha1::new(), md5: Md5::new() }
    }

    pub fn finish(self) -> Checksums {
        Checksums { sha1: hex::encode(self.sha1.finalize()), md5: hex::encode(self.md5.finalize()) }
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        let done = bytes.get(..written).unwrap_or(bytes);
        Digest::update(&mut self.sha1, done);
        Digest::update(&mut self.md5, done);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
