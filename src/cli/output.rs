//! Where text goes: standard output, standard error, files; never with a key in it.

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anstream::{AutoStream, ColorChoice};
use keyfence::detect::{Scanner, Scope};
use keyfence::finding::{Mask, Sighting};
use keyfence::report::Redactor;
use keyfence::span::Span;

use super::args::Color;
use super::descriptors::{Open, Standard};

/// The widest text: longer lines are hard to read.
const WIDEST: usize = 100;

/// The credentials in a string that is about to be printed.
pub(super) fn masks(scanner: &Scanner, bytes: &[u8]) -> Vec<(Span, Mask)> {
    let sightings = scanner.scan_within(bytes, &Scope { core: 0..bytes.len(), names: true });
    let credentials = sightings.into_iter().filter_map(|sighting| match sighting {
        Sighting::Credential(credential) => Some((credential.span, Mask::of(&credential.secret))),
        _ => None,
    });
    credentials.collect()
}

/// A line fit to print.
pub(super) fn masked(scanner: &Scanner, line: &str) -> String {
    let find = |bytes: &[u8]| masks(scanner, bytes);
    Redactor::new(&find).text(line)
}

/// Prints to standard error. Nobody can be told when that fails.
pub(super) fn complain(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Prints to standard output, with colours where they are wanted.
pub(super) fn print(color: Color, text: &str) -> io::Result<()> {
    let mut stdout = stdout(color);
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Standard output, with colours where they are wanted.
pub(super) fn stdout(color: Color) -> Box<dyn Write> {
    let choice = match color {
        Color::Auto => AutoStream::choice(&io::stdout()),
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    Box::new(Open(Standard::Output, AutoStream::new(io::stdout(), choice)))
}

/// How wide a text may be: as the terminal is, and 80 columns in a pipe.
pub(super) fn width() -> usize {
    let columns = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
    columns.clamp(40, WIDEST)
}

/// A file, without colours.
pub(super) fn file(file: File) -> Box<dyn Write> {
    Box::new(anstream::StripStream::new(file))
}

/// A file that is replaced in one step: whoever reads it sees the old one or the new one, also if the
/// program is killed in between.
#[derive(Debug)]
pub(super) struct Replacement {
    path: PathBuf,
    /// Where it is written until then; nothing for what cannot be replaced, such as a device or a pipe.
    beside: Option<PathBuf>,
    file: File,
}

impl Replacement {
    /// Makes sure that it can be written before anything else is done.
    pub(super) fn start(path: &Path) -> io::Result<Self> {
        Self::start_in(path, None)
    }

    /// The same; until it is in its place it is written in a folder where nobody looks for it.
    pub(super) fn start_in(path: &Path, folder: Option<&Path>) -> io::Result<Self> {
        // A link stays one.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let about = fs::metadata(&path);
        if about.as_ref().is_ok_and(|about| !about.is_file()) {
            let file = OpenOptions::new().write(true).open(&path)?;
            return Ok(Self { path, beside: None, file });
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!(".{}.{}.new", name.trim_start_matches('.'), std::process::id());
        let own = path.parent().filter(|own| !own.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let beside = folder.filter(|folder| is_one_device(folder, own)).unwrap_or(own).join(name);
        let file = File::create(&beside)?;
        if let Ok(about) = about {
            let _ = file.set_permissions(about.permissions());
        }
        Ok(Self { path, beside: Some(beside), file })
    }

    /// Writes it and puts it in its place.
    pub(super) fn finish(mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        if let Some(beside) = &self.beside {
            self.file.sync_all()?;
            fs::rename(beside, &self.path)?;
            self.beside = None;
        }
        Ok(())
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            let _ = fs::remove_file(beside);
        }
    }
}

/// Whether a file can be moved from one folder to the other.
#[cfg(unix)]
pub(super) fn is_one_device(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(one).is_ok_and(|one| fs::metadata(other).is_ok_and(|other| one.dev() == other.dev()))
}

#[cfg(not(unix))]
pub(super) fn is_one_device(_: &Path, _: &Path) -> bool {
    false
}

/// A writer that keeps what it is given, to be written in one piece.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Rc<RefCell<Vec<u8>>>);

impl Held {
    pub(super) fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(closed))
}

/// Ends as SIGPIPE would have ended the program, had Rust not disabled it.
pub(super) fn die_of_closed_pipe() {
    #[cfg(unix)]
    let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGPIPE);
}
