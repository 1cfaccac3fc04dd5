//! What is inside of compressed files and archives, member by member, as streams: nothing is written
//! to disk, and no more of it is in memory than a window of its compression (a zip inside of
//! something else, which can only be read from its end, is held up to a limit).

mod decode;
mod zip;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// How many bytes of an input tell a container: a tar header.
pub const HEAD: usize = 512;
/// How many bytes of it are read at a time.
pub const BUFFER: usize = 64 * 1024;

/// A form whose inside can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// gzip, also of several members.
    Gzip,
    /// Zstandard, also of several frames.
    Zstd,
    /// xz, also of several streams.
    Xz,
    /// bzip2, also of several streams.
    Bzip2,
    /// tar: v7, ustar, GNU or pax.
    Tar,
    /// zip.
    Zip,
}

/// Bytes that a container begins with.
const MAGIC: &[(&[u8], Container)] = &[
    (b"\x1f\x8b\x08", Container::Gzip),
    (b"\x28\xb5\x2f\xfd", Container::Zstd),
    (b"\xfd7zXZ\x00", Container::Xz),
    (b"PK\x03\x04", Container::Zip),
    (ZIP_END, Container::Zip),
];

/// Forms that are known and not opened.
const SEALED: &[(&[u8], &str)] = &[
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\x04\x22\x4d\x18", "LZ4"),
    (b"LZIP\x01", "lzip"),
    (b"\x1f\x9d", "compress"),
    (b"MSCF\x00\x00\x00\x00", "cabinet"),
    (b"!<arch>\ndebian-binary", "Debian package"),
    (b"\xed\xab\xee\xdb", "RPM package"),
    (b"\x28\xb5\x2f\xfe", "Zstandard dictionary"),
];

/// The end of a zip that has no comment: its record, and how long it is.
const ZIP_END: &[u8] = b"PK\x05\x06";
/// How long the end of a zip without a comment is.
pub const TAIL: usize = 22;

impl Container {
    /// The container that bytes begin with, seen from their first [`HEAD`] bytes.
    pub fn of(head: &[u8]) -> Option<Self> {
        let by_magic = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, container)| *container);
        by_magic.or_else(|| is_bzip2(head).then_some(Self::Bzip2)).or_else(|| is_tar(head).then_some(Self::Tar))
    }

    /// A zip behind something else, such as a shell script that runs it, seen from the last [`TAIL`] bytes.
    pub fn behind(tail: &[u8]) -> Option<Self> {
        let whole = tail.len() == TAIL && tail.starts_with(ZIP_END) && tail.ends_with(&[0, 0]);
        whole.then_some(Self::Zip)
    }

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
            Self::Tar => "tar",
            Self::Zip => "zip",
        }
    }
}

/// The name of a compressed form that is known and not opened.
pub fn sealed(head: &[u8]) -> Option<&'static str> {
    SEALED.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, name)| *name)
}

/// `BZh` is followed by the block size, and by the number pi, or by its root where nothing is in it.
fn is_bzip2(head: &[u8]) -> bool {
    let pi = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
    let root = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90];
    head.starts_with(b"BZh")
        && matches!(head.get(3), Some(b'1'..=b'9'))
        && head.get(4..10).is_some_and(|six| six == pi || six == root)
}

/// A tar header tells itself by its checksum; old ones have no magic.
fn is_tar(head: &[u8]) -> bool {
    let Some(header) = head.get(..HEAD) else { return false };
    let digits = |byte: &u8| matches!(byte, b'0'..=b'7' | b' ' | 0);
    let field = &header[148..156];
    if header[0] == 0 || !field.iter().all(digits) {
        return false;
    }
    let octal = field.iter().filter(|byte| byte.is_ascii_digit());
    let written = octal.fold(0u32, |sum, digit| sum * 8 + u32::from(digit - b'0'));
    let spaces = 8 * u32::from(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    written == sum - field.iter().map(|&byte| u32::from(byte)).sum::<u32>() + spaces
}

/// Where the bytes of a container come from.
pub enum Bytes<'a> {
    /// A file, whose end can be read first.
    File(&'a File),
    /// A stream.
    Stream(&'a mut dyn Read),
}

impl std::fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::File(_)) { "File" } else { "Stream" })
    }
}

/// One thing in a container.
pub struct Member<'a> {
    /// Its name; what is only compressed has none.
    pub name: Option<PathBuf>,
    /// Its bytes, or why they cannot be had.
    pub bytes: Result<&'a mut dyn Read, String>,
}

impl std::fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Is given each member in the order of the container; what it leaves unread is passed by.
pub type Visit<'a> = dyn FnMut(Member<'_>) + 'a;

/// Gives every member to `visit`. An error is about the container: members before it have been given.
pub fn open(container: Container, bytes: Bytes<'_>, visit: &mut Visit<'_>) -> io::Result<()> {
    let stream: &mut dyn Read = match bytes {
        Bytes::File(file) if container == Container::Zip => return zip::open_file(file, visit),
        Bytes::File(file) => &mut { file },
        Bytes::Stream(stream) => stream,
    };
    let mut one = |decoded: &mut dyn Read| visit(Member { name: None, bytes: Ok(decoded) });
    let source = BufReader::with_capacity(BUFFER, stream);
    match container {
        Container::Gzip => one(&mut decode::Gzip::new(source)),
        Container::Zstd => one(&mut decode::Zstd::new(source)),
        Container::Xz => one(&mut decode::xz(source)),
        Container::Bzip2 => one(&mut decode::bzip2(source)),
        Container::Tar => return tar_members(source, visit),
        Container::Zip => return zip::open_stream(source, visit),
    }
    Ok(())
}

/// What is inside of bytes that are compressed and nothing else, for any thread to read.
pub fn decoder<'a>(container: Container, source: impl BufRead + Send + 'a) -> Option<Box<dyn Read + Send + 'a>> {
    match container {
        Container::Gzip => Some(Box::new(decode::Gzip::new(source))),
        Container::Zstd => Some(Box::new(decode::Zstd::new(source))),
        Container::Xz => Some(Box::new(decode::xz(source))),
        Container::Bzip2 => Some(Box::new(decode::bzip2(source))),
        Container::Tar | Container::Zip => None,
    }
}

/// Every entry of a tar that has bytes; those that have none (folders, links, devices) by name only.
fn tar_members(source: impl BufRead, visit: &mut Visit<'_>) -> io::Result<()> {
    let mut archive = tar::Archive::new(source);
    // Several archives one behind the other are read as one.
    archive.set_ignore_zeros(true);
    let damaged = |error: io::Error| decode::damaged("tar", &error);
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = super::path_from_bytes(&entry.path_bytes()).into_owned();
        visit(Member { name: Some(name), bytes: Ok(&mut entry) });
    }
    Ok(())
}

/// The name of what is compressed in a file of this name: `app.log` of `app.log.gz`.
pub fn inner_name(path: &Path) -> PathBuf {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("gz" | "zst" | "xz" | "bz2" | "z") => path.with_extension(""),
        Some("tgz" | "tbz" | "tbz2" | "txz" | "tzst") => path.with_extension("tar"),
        _ => path.to_owned(),
    }
}
