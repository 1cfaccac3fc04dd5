//! Where text goes: standard output, standard error, files; never with a key in it.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use keyfence::detect::{Scanner, Scope};
use keyfence::finding::{Mask, Sighting};
use keyfence::report::Redactor;
use keyfence::span::Span;

use super::args::Color;

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
    Box::new(AutoStream::new(io::stdout(), choice))
}

/// How wide a text may be: as the terminal is, and 80 columns in a pipe.
pub(super) fn width() -> usize {
    let columns = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
    columns.clamp(40, WIDEST)
}

/// A file, without colours.
pub(super) fn file(file: std::fs::File) -> Box<dyn Write> {
    Box::new(anstream::StripStream::new(file))
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
