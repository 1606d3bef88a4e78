//! Archives of all kinds as one sequence of entries.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;
use std::rc::Rc;

use crate::support::local_time::{self, LocalTime};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Tar(Compression),
    Zip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Format {
    /// Tells the format by how the file begins.
    pub(super) fn of(file: &mut File) -> io::Result<Option<Self>> {
        let mut head = Vec::new();
        file.take(512).read_to_end(&mut head)?;
        file.rewind()?;
        Ok(Self::of_head(&head))
    }

    fn of_head(head: &[u8]) -> Option<Self> {
        const MAGIC: &[(&[u8], Format)] = &[
            (b"PK\x03\x04", Format::Zip),
            (b"PK\x05\x06", Format::Zip),
            (b"\x1f\x8b", Format::Tar(Compression::Gzip)),
            (b"BZh", Format::Tar(Compression::Bzip2)),
            (b"\xfd7zXZ\0", Format::Tar(Compression::Xz)),
            (b"\x28\xb5\x2f\xfd", Format::Tar(Compression::Zstd)),
        ];
        let known = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, format)| *format);
        known.or_else(|| is_tar(head).then_some(Self::Tar(Compression::None)))
    }

    /// The name that Ansible has for what unpacks this.
    pub(super) fn handler(self) -> &'static str {
        match self {
            Self::Zip => "ZipArchive",
            Self::Tar(Compression::Gzip) => "TgzArchive",
            Self::Tar(_) => "TarArchive",
        }
    }
}

/// A tar header holds the sum of its own bytes, its checksum field taken as spaces.
fn is_tar(head: &[u8]) -> bool {
    let Some(field) = head.get(148..156) else { return false };
    let digits: String = field.iter().map(|byte| char::from(*byte)).filter(|letter| letter.is_digit(8)).collect();
    let Ok(expected) = u32::from_str_radix(&digits, 8) else { return false };
    let sum: u32 = head
        .iter()
        .enumerate()
        .map(|(index, byte)| if (148..156).contains(&index) { 32 } else { u32::from(*byte) })
        .sum();
    head.len() == 512 && sum == expected
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink(Vec<u8>),
    Hardlink(Vec<u8>),
    Fifo,
    Other(&'static str),
}

/// One entry, without its content.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: Vec<u8>,
    pub kind: Kind,
    pub mode: Option<u32>,
    pub size: u64,
    /// Seconds since 1970.
    pub modified: Option<i64>,
    /// Numbers and names of owner and group, where the format has them.
    pub owner: Option<Owner>,
}

#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub uid: u32,
    pub gid: u32,
    pub user: String,
    pub group: String,
}

/// Takes an entry, its index and its content.
type Visit<'a> = dyn FnMut(usize, Entry, &mut dyn Read) -> Result<(), String> + 'a;

/// Calls `visit` with each entry, its index and its content.
pub(super) fn each_entry(path: &Path, format: Format, visit: &mut Visit<'_>) -> Result<(), String> {
    let file = File::open(path).map_err(|err| crate::support::os_error::numbered(&err))?;
    match format {
        Format::Zip => each_of_zip(file, visit),
        Format::Tar(compression) => {
            let reader = BufReader::with_capacity(128 * 1024, file);
            match compression {
                Compression::None => each_of_tar(reader, visit),
                Compression::Gzip => each_of_tar(flate2::bufread::MultiGzDecoder::new(reader), visit),
                Compression::Bzip2 => each_of_tar(bzip2::bufread::MultiBzDecoder::new(reader), visit),
                Compression::Xz => {
                    let flags = liblzma::stream::CONCATENATED;
                    let stream = liblzma::stream::Stream::new_stream_decoder(MOST_MEMORY, flags).map_err(damaged)?;
                    each_of_tar(liblzma::bufread::XzDecoder::new_stream(reader, stream), visit)
                }
                Compression::Zstd => each_of_tar(ZstdFrames { source: Some(reader), decoder: None }, visit),
            }
        }
    }
}

/// Reads all of an archive, so that damage is found before anything is unpacked.
pub(super) fn verify(path: &Path, format: Format) -> Result<(), String> {
    each_entry(path, format, &mut |_, _, content| io::copy(content, &mut io::sink()).map(drop).map_err(damaged))
}

fn damaged(err: impl std::fmt::Display) -> String {
    format!("the archive is damaged: {err}")
}

/// A tar's names are of any length, and are read into memory: between the contents of two entries there may be so much.
const LONGEST_HEADERS: u64 = 1 << 20;

/// Lets so many bytes through.
struct Allowance<R> {
    reader: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Allowance<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let left = self.left.get().checked_sub(count as u64);
        self.left.set(left.ok_or_else(|| io::Error::other("its headers are longer than 1 MiB"))?);
        Ok(count)
    }
}

fn each_of_tar(reader: impl Read, visit: &mut Visit<'_>) -> Result<(), String> {
    let left = Rc::new(Cell::new(LONGEST_HEADERS));
    let mut archive = tar::Archive::new(Allowance { reader, left: Rc::clone(&left) });
    for (index, entry) in archive.entries().map_err(damaged)?.enumerate() {
        let mut content = entry.map_err(damaged)?;
        left.set(u64::MAX);
        if let Some(entry) = tar_entry(&content) {
            visit(index, entry?, &mut content)?;
        }
        io::copy(&mut content, &mut io::sink()).map_err(damaged)?;
        left.set(LONGEST_HEADERS);
    }
    // What is compressed has its checksum at the very end.
    left.set(u64::MAX);
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(damaged)?;
    Ok(())
}

fn tar_entry<R: Read>(content: &tar::Entry<R>) -> Option<Result<Entry, String>> {
    use tar::EntryType;
    let header = content.header();
    let link = || content.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default();
    let kind = match header.entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Kind::File,
        EntryType::Directory => Kind::Directory,
        EntryType::Symlink => Kind::Symlink(link()),
        EntryType::Link => Kind::Hardlink(link()),
        EntryType::Fifo => Kind::Fifo,
        EntryType::Char => Kind::Other("a character device"),
        EntryType::Block => Kind::Other("a block device"),
        // Headers about other headers.
        _ => return None,
    };
    let number = |found: io::Result<u64>| found.map_err(damaged);
    let entry = || {
        Ok(Entry {
            name: content.path_bytes().into_owned(),
            kind: kind.clone(),
            mode: Some(header.mode().map_err(damaged)? & 0o7777),
            size: content.size(),
            modified: Some(i64::try_from(number(header.mtime())?).unwrap_or(0)),
            owner: Some(Owner {
                uid: u32::try_from(number(header.uid())?).unwrap_or(0),
                gid: u32::try_from(number(header.gid())?).unwrap_or(0),
                user: header.username().ok().flatten().unwrap_or_default().to_owned(),
                group: header.groupname().ok().flatten().unwrap_or_default().to_owned(),
            }),
        })
    };
    Some(entry())
}

fn each_of_zip(file: File, visit: &mut Visit<'_>) -> Result<(), String> {
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    for index in 0..archive.len() {
        let mut content = archive.by_index(index).map_err(damaged)?;
        let kind = if content.is_symlink() {
            let mut target = Vec::new();
            content.by_ref().take(4096).read_to_end(&mut target).map_err(damaged)?;
            Kind::Symlink(target)
        } else if content.is_dir() {
            Kind::Directory
        } else {
            Kind::File
        };
        let modified = content.last_modified().and_then(|time| {
            local_time::to_unix(LocalTime {
                year: i64::from(time.year()),
                month: u32::from(time.month()),
                day: u32::from(time.day()),
                hour: u32::from(time.hour()),
                minute: u32::from(time.minute()),
                second: u32::from(time.second()),
            })
        });
        let entry = Entry {
            name: content.name_raw().to_vec(),
            kind,
            mode: content.unix_mode().map(|mode| mode & 0o7777).filter(|mode| *mode != 0),
            size: content.size(),
            modified,
            owner: None,
        };
        visit(index, entry, &mut content)?;
    }
    Ok(())
}

type ZstdDecoder<R> = ruzstd::decoding::StreamingDecoder<R, ruzstd::decoding::FrameDecoder>;

/// A zstd file may be several frames, one after the other; the decoder knows only one.
struct ZstdFrames<R: Read> {
    source: Option<R>,
    decoder: Option<ZstdDecoder<R>>,
}

/// What the zstd program itself accepts unless it is told otherwise.
const LARGEST_WINDOW: u64 = 128 << 20;
/// `xz -9` needs 65 MiB.
const MOST_MEMORY: u64 = 192 << 20;

impl<R: Read + io::BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(decoder) = &mut self.decoder {
                let count = decoder.read(buffer)?;
                if count > 0 || buffer.is_empty() {
                    return Ok(count);
                }
                let frame = &decoder.decoder;
                if frame.get_checksum_from_data().is_some_and(|sum| frame.get_calculated_checksum() != Some(sum)) {
                    return Err(io::Error::other("its content has another checksum"));
                }
                self.source = self.decoder.take().map(ZstdDecoder::into_inner);
            }
            let Some(mut source) = self.source.take() else { return Ok(0) };
            if source.fill_buf()?.is_empty() {
                return Ok(0);
            }
            let decoder = ZstdDecoder::new_with_max_window_size(source, LARGEST_WINDOW).map_err(io::Error::other)?;
            self.decoder = Some(decoder);
        }
    }
}
