//! What is compressed is undone on a thread of its own, a little ahead of the scan.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::unpack::Meter;
use crate::source::archive::{self, Container};

/// Smaller files are undone sooner than a thread is started.
const WORTH: u64 = 1 << 20;
/// How much is passed on at a time, and how often that may wait for the scan.
const CHUNK: usize = 256 * 1024;
const CHUNKS: usize = 4;

/// What came out next: nothing at the end.
struct Step {
    chunk: io::Result<Vec<u8>>,
    /// How much of the file was read for all so far.
    read: u64,
}

/// A file, and how much of it was read.
struct Counted<'f> {
    file: &'f File,
    read: &'f AtomicU64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// What the other thread has undone.
struct Ahead {
    steps: Receiver<Step>,
    chunk: Cursor<Vec<u8>>,
    meter: Rc<Meter>,
    /// What was read of the file before.
    head: u64,
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.chunk.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Ok(step) = self.steps.recv() else { return Ok(0) };
            self.meter.raw.set(self.head + step.read);
            self.chunk = Cursor::new(step.chunk?);
        }
    }
}

/// Whether a file is undone on a thread of its own: there is one, and it is worth it.
pub(super) fn is_worth(file: &File) -> bool {
    rayon::current_num_threads() > 1 && file.metadata().is_ok_and(|about| about.len() >= WORTH)
}

/// Gives `visit` what is inside of a compressed file, of which `head` has been read. Says whether it could: not if it
/// is an archive of several members, nor if there is no thread to be had; then nothing was read.
pub(super) fn read(
    container: Container,
    head: &[u8],
    file: &File,
    meter: &Rc<Meter>,
    visit: &mut dyn FnMut(&mut dyn Read),
) -> bool {
    let read = AtomicU64::new(0);
    let source = BufReader::with_capacity(archive::BUFFER, head.chain(Counted { file, read: &read }));
    let Some(mut decoder) = archive::decoder(container, source) else { return false };
    let before = meter.raw.get();
    thread::scope(|scope| {
        let (send, steps) = sync_channel(CHUNKS);
        let (decoder, read) = (&mut *decoder, &read);
        let work = move || pump(decoder, read, &send);
        let started = thread::Builder::new().name("undo".to_owned()).spawn_scoped(scope, work);
        if started.is_err() {
            return false;
        }
        visit(&mut Ahead { steps, chunk: Cursor::default(), meter: Rc::clone(meter), head: before });
        true
    })
}

/// Passes on what comes out until it ends, fails, or nobody wants more.
fn pump(decoder: &mut dyn Read, read: &AtomicU64, send: &SyncSender<Step>) {
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        let result = decoder.take(CHUNK as u64).read_to_end(&mut chunk);
        let goes_on = result.is_ok() && !chunk.is_empty();
        let chunks = [Some(Ok(chunk)), result.err().map(Err)];
        let mut steps = chunks.into_iter().flatten().map(|chunk| Step { chunk, read: read.load(Ordering::Relaxed) });
        if steps.any(|step| send.send(step).is_err()) || !goes_on {
            return;
        }
    }
}
