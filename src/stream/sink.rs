//! Where alerts go. A thread of its own writes them, so that a slow or broken sink never holds up the
//! stream: what does not fit into its queue is counted and dropped.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Alerts that wait for a slow sink.
const QUEUE: usize = 4096;
/// How long the end of a run waits for a sink.
const PATIENCE: Duration = Duration::from_secs(2);

/// Opens a sink, and opens it again when asked to.
pub type Open = Box<dyn FnMut() -> io::Result<Box<dyn Write + Send>> + Send>;
/// Is told of the first error.
pub type Tell = Box<dyn Fn(&io::Error) + Send>;

enum Message {
    Alert(Vec<u8>),
    Reopen,
}

/// A queue and the thread that empties it.
pub struct Sink {
    queue: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
    dropped: u64,
    errors: Arc<AtomicU64>,
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sink(dropped: {})", self.dropped)
    }
}

impl Sink {
    /// Starts the thread. `open` is called there, because opening a FIFO may wait for its reader.
    pub fn start(open: Open, tell: Tell) -> io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        let errors = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&errors);
        let thread = thread::Builder::new().name("alerts".to_owned()).spawn(move || drain(&messages, open, &tell, &counter))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), dropped: 0, errors })
    }

    /// Queues an alert; drops and counts it where the queue is full.
    pub(super) fn send(&mut self, alert: Vec<u8>) {
        self.pass(Message::Alert(alert));
    }

    /// Opens the sink again: its file may have been moved.
    pub(super) fn reopen(&mut self) {
        self.pass(Message::Reopen);
    }

    fn pass(&mut self, message: Message) {
        let Some(queue) = &self.queue else { return };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = queue.try_send(message) {
            self.dropped += 1;
        }
    }

    /// Alerts that did not fit into the queue.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Alerts that could not be written.
    pub(super) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Waits, but not for ever, until everything is written.
    pub(super) fn close(&mut self) {
        self.queue = None;
        let Some(thread) = self.thread.take() else { return };
        let until = Instant::now() + PATIENCE;
        while !thread.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        if thread.is_finished() {
            // It does not panic: it only writes.
            drop(thread.join());
        }
    }
}

fn drain(messages: &Receiver<Message>, mut open: Open, tell: &Tell, errors: &AtomicU64) {
    let mut told = false;
    let mut fail = |error: &io::Error| {
        errors.fetch_add(1, Ordering::Relaxed);
        if !std::mem::replace(&mut told, true) {
            tell(error);
        }
    };
    let mut out: Option<Box<dyn Write + Send>> = None;
    for message in messages {
        match message {
            Message::Reopen => out = None,
            Message::Alert(alert) => {
                let written = match &mut out {
                    Some(out) => put(out, &alert),
                    None => open().and_then(|mut fresh| {
                        let result = put(&mut fresh, &alert);
                        out = Some(fresh);
                        result
                    }),
                };
                if let Err(error) = written {
                    fail(&error);
                }
            }
        }
    }
}

fn put(out: &mut Box<dyn Write + Send>, alert: &[u8]) -> io::Result<()> {
    out.write_all(alert)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    struct Out(Arc<Mutex<Vec<u8>>>);

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Case 58: what does not fit is counted, and nobody waits.
    #[test]
    fn a_queue_that_is_full_drops_and_counts() {
        let (reader, writer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(())));
        let (lines, gate) = (Arc::clone(&reader), Arc::clone(&writer));
        let shut = writer.lock().unwrap();
        // As a FIFO without a reader: opening it waits.
        let open: Open = Box::new(move || {
            drop(gate.lock());
            Ok(Box::new(Out(Arc::clone(&lines))))
        });
        let mut sink = Sink::start(open, Box::new(|_| {})).unwrap();
        let all = 3 * QUEUE as u64;
        let started = Instant::now();
        (0..all).for_each(|n| sink.send(format!("{n}\n").into_bytes()));
        assert!(started.elapsed() < Duration::from_secs(5), "nobody waits");
        // One more may have been taken from the queue by the thread that opens.
        assert!((all - QUEUE as u64 - 1..=all - QUEUE as u64).contains(&sink.dropped()), "{}", sink.dropped());
        drop(shut);
        sink.close();
        let written = memchr::memchr_iter(b'\n', &reader.lock().unwrap()).count() as u64;
        assert_eq!(written + sink.dropped(), all);
    }
}
