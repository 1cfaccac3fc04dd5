//! Ranges of a large file, for many threads at once: read, or as memory.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::time::{Duration, SystemTime};

/// Whether large files are read as memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MapChoice {
    /// Where the file has rested for a while and its file system is local.
    #[default]
    Auto,
    /// Always. A file that becomes shorter meanwhile ends the program with exit code 3.
    Always,
    /// Never.
    Never,
}

impl MapChoice {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Always, Self::Never];

    /// The name in flags.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// A file that has not changed for this long is not being written.
const REST: Duration = Duration::from_secs(2);

/// A file with the length that it had when it was opened: what is added later is not part of it.
#[derive(Debug)]
pub(crate) struct LargeFile<'a> {
    file: &'a File,
    length: usize,
    mapped: bool,
}

impl<'a> LargeFile<'a> {
    pub(crate) fn new(file: &'a File, choice: MapChoice) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let length = usize::try_from(metadata.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        let rests = |changed: SystemTime| changed.elapsed().is_ok_and(|rest| rest > REST);
        let mapped = match choice {
            MapChoice::Always => true,
            MapChoice::Never => false,
            MapChoice::Auto => metadata.modified().is_ok_and(rests) && memory::is_local(file),
        };
        if mapped {
            memory::prepare()?;
        }
        Ok(Self { file, length, mapped })
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Gives a range of the file to `look`.
    pub(crate) fn with<T>(&self, range: Range<usize>, look: &mut dyn FnMut(&[u8]) -> T) -> io::Result<T> {
        if self.mapped {
            return memory::with(self.file, range, look);
        }
        let mut bytes = vec![0; range.len()];
        match read_at(self.file, &mut bytes, range.start as u64) {
            Ok(()) => Ok(look(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.shorter()),
            Err(error) => Err(error),
        }
    }

    fn shorter(&self) -> io::Error {
        let now = self.file.metadata().map_or(0, |metadata| metadata.len());
        io::Error::other(format!("it became shorter while it was read ({} bytes, then {now})", self.length))
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[read..];
        offset += read as u64;
    }
    Ok(())
}

/// Files as memory, where that is sound enough: Unix, with a handler for files that become shorter.
#[cfg(unix)]
mod memory {
    use std::fs::File;
    use std::io;
    use std::ops::Range;
    use std::sync::OnceLock;

    /// Local file systems, by the number that the kernel gives them: ext, XFS, btrfs, tmpfs, overlay, F2FS, ZFS.
    #[cfg(target_os = "linux")]
    const LOCAL: [u64; 7] = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0xF2F5_2010, 0x2FC1_2FC1];

    #[cfg(target_os = "linux")]
    pub(super) fn is_local(file: &File) -> bool {
        rustix::fs::fstatfs(file).is_ok_and(|system| u64::try_from(system.f_type).is_ok_and(|number| LOCAL.contains(&number)))
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn is_local(_: &File) -> bool {
        false
    }

    /// Says what happened when a file under a map became shorter. The bytes are gone and the thread
    /// that wanted them cannot go on: the program ends, and not as if the file were clean.
    #[expect(unsafe_code, reason = "a signal handler; it calls nothing but write and _exit")]
    pub(super) fn prepare() -> io::Result<()> {
        static PREPARED: OnceLock<Result<(), io::ErrorKind>> = OnceLock::new();
        let end = || {
            let text = b"keyfence: a file became shorter while it was read as memory: the scan is not complete\n";
            let _ = rustix::io::write(rustix::stdio::stderr(), text);
            signal_hook::low_level::exit(3);
        };
        let register = || {
            // SAFETY: the handler only makes two system calls that are safe in a signal handler.
            let registered = unsafe { signal_hook::low_level::register(signal_hook::consts::SIGBUS, end) };
            registered.map(|_| ()).map_err(|error| error.kind())
        };
        PREPARED.get_or_init(register).map_err(io::Error::from)
    }

    /// Maps a range for as long as `look` looks at it, so that no more of the file counts as memory.
    #[expect(unsafe_code, reason = "the one memory map")]
    pub(super) fn with<T>(file: &File, range: Range<usize>, look: &mut dyn FnMut(&[u8]) -> T) -> io::Result<T> {
        // SAFETY: the map is private to this call and only read. Should the file become shorter, the
        // handler of `prepare` ends the process; should it change, bytes change that are only compared.
        let map = unsafe { memmap2::MmapOptions::new().offset(range.start as u64).len(range.len()).map(file)? };
        Ok(look(&map))
    }
}

#[cfg(not(unix))]
mod memory {
    use std::fs::File;
    use std::io;
    use std::ops::Range;

    pub(super) fn is_local(_: &File) -> bool {
        false
    }

    pub(super) fn prepare() -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "--mmap always is not supported on this system"))
    }

    pub(super) fn with<T>(_: &File, _: Range<usize>, _: &mut dyn FnMut(&[u8]) -> T) -> io::Result<T> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
