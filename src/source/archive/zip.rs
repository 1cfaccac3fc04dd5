//! Members of a zip: by its directory where the end can be read, else one behind the other.

use std::fs::File;
use std::io::{self, BufReader, Cursor, ErrorKind, Read, Seek};
use std::path::PathBuf;

use zip::ZipArchive;
use zip::result::ZipError;

use super::decode::damaged;
use super::{Member, Visit};

/// A zip inside of something else is held in memory up to this size; a larger one is read one member
/// behind the other, which works unless its members keep their sizes to the end.
const HOLD: u64 = 32 * 1024 * 1024;

/// Members of a zip that is a file.
pub(super) fn open_file(file: &File, visit: &mut Visit<'_>) -> io::Result<()> {
    let mut reader = BufReader::new(file);
    match ZipArchive::new(&mut reader) {
        Ok(mut archive) => by_directory(&mut archive, visit),
        Err(error) => {
            reader.rewind()?;
            in_order(&mut reader, visit).and(Err(in_words(&error)))
        }
    }
}

/// Members of a zip that is a stream.
pub(super) fn open_stream(mut stream: impl Read, visit: &mut Visit<'_>) -> io::Result<()> {
    let mut held = Vec::new();
    (&mut stream).take(HOLD).read_to_end(&mut held)?;
    if (held.len() as u64) < HOLD {
        return match ZipArchive::new(Cursor::new(&held)) {
            Ok(mut archive) => by_directory(&mut archive, visit),
            Err(error) => in_order(&mut &held[..], visit).and(Err(in_words(&error))),
        };
    }
    in_order(&mut Cursor::new(held).chain(stream), visit)
}

fn by_directory(archive: &mut ZipArchive<impl Read + Seek>, visit: &mut Visit<'_>) -> io::Result<()> {
    let comment = archive.comment().to_vec();
    if !comment.is_empty() {
        visit(Member { name: Some(PathBuf::from("(comment)")), bytes: Ok(&mut &comment[..]) });
    }
    for at in 0..archive.len() {
        // The name is there even where the bytes cannot be had.
        let name = archive.by_index_raw(at).map(|raw| name_of(raw.name_raw())).map_err(|error| in_words(&error))?;
        match archive.by_index(at) {
            Ok(mut member) => visit(Member { name: Some(name), bytes: Ok(&mut Checked(&mut member)) }),
            Err(error) => visit(Member { name: Some(name), bytes: Err(plain(&error)) }),
        }
    }
    Ok(())
}

/// Members one behind the other, up to the directory.
fn in_order(stream: &mut impl Read, visit: &mut Visit<'_>) -> io::Result<()> {
    while let Some(mut member) = zip::read::read_zipfile_from_stream(stream).map_err(|error| in_words(&error))? {
        let name = name_of(member.name_raw());
        visit(Member { name: Some(name), bytes: Ok(&mut Checked(&mut member)) });
    }
    Ok(())
}

/// Says of an error that the zip is damaged.
struct Checked<'a>(&'a mut dyn Read);

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| damaged("zip", &error))
    }
}

fn name_of(bytes: &[u8]) -> PathBuf {
    crate::source::path_from_bytes(bytes).into_owned()
}

fn in_words(error: &ZipError) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, plain(error))
}

/// Why a zip or a member of it cannot be read.
fn plain(error: &ZipError) -> String {
    match error {
        ZipError::UnsupportedArchive(why) if *why == ZipError::PASSWORD_REQUIRED => "encrypted".to_owned(),
        ZipError::InvalidPassword => "encrypted".to_owned(),
        ZipError::UnsupportedArchive(why) => format!("a zip that cannot be opened: {why}"),
        ZipError::CompressionMethodNotSupported(method) => {
            format!("compressed in a way that is not opened (zip method {method})")
        }
        ZipError::Io(error) => damaged("zip", error).to_string(),
        other => format!("damaged zip: {other}"),
    }
}
