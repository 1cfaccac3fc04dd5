//! Whether standard input, output and error were open when the program began.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicU8, Ordering};

/// A standard descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standard {
    Input,
    Output,
    Error,
}

/// The bits of those that were closed.
static CLOSED: AtomicU8 = AtomicU8::new(0);

impl Standard {
    const fn bit(self) -> u8 {
        match self {
            Self::Input => 1,
            Self::Output => 2,
            Self::Error => 4,
        }
    }

    /// An error, if it was closed: reading it would look like an empty input, and writing to it like success.
    pub(super) fn check(self) -> io::Result<()> {
        if CLOSED.load(Ordering::Relaxed) & self.bit() == 0 {
            return Ok(());
        }
        let name = match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Error => "error",
        };
        Err(io::Error::other(format!("standard {name} is closed")))
    }
}

/// What reads or writes a standard descriptor, and fails if that was closed.
#[derive(Debug)]
pub(super) struct Open<T>(pub(super) Standard, pub(super) T);

impl<R: Read> Read for Open<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.check()?;
        self.1.read(bytes)
    }
}

impl<W: Write> Write for Open<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.check()?;
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.1.flush()
    }
}

/// Looks before the runtime of the language puts `/dev/null` in the place of what is closed: nothing could be told
/// after that, because many programs start others with that very file.
#[cfg(unix)]
extern "C" fn look() {
    let standard = [
        (Standard::Input, rustix::stdio::stdin()),
        (Standard::Output, rustix::stdio::stdout()),
        (Standard::Error, rustix::stdio::stderr()),
    ];
    for (which, descriptor) in standard {
        if rustix::io::fcntl_getfd(descriptor).is_err() {
            CLOSED.fetch_or(which.bit(), Ordering::Relaxed);
        }
    }
}

/// The loader calls what stands in this section before the program begins.
#[cfg(unix)]
#[expect(unsafe_code, reason = "a function that the loader calls: it asks for three flags and sets three bits")]
#[used]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
static LOOK: extern "C" fn() = look;
