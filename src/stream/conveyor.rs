//! The loop of a run: waits for input, signals and deadlines, and owns the descriptors.
//!
//! What is released goes out before the loop waits again, so nothing is ever delayed by a buffer; a slow
//! output holds up the reading, and nothing else.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::eye::Eye;
use super::filter::Filter;
use super::hub::{Blocked, Hub};

/// What is read at once.
const READ: usize = 256 * 1024;
/// What a pipe is asked to hold.
#[cfg(target_os = "linux")]
const PIPE: usize = 1024 * 1024;
/// How long a run that was asked to end waits for the end of its input.
pub const DRAIN: Duration = Duration::from_secs(2);
/// How often counts are told.
const TICK: Duration = Duration::from_secs(1);
/// How often metrics are written.
const METRICS: Duration = Duration::from_secs(15);

/// Signals that came in.
#[derive(Debug)]
pub struct Signals {
    /// Readable once a signal came.
    pub wake: OwnedFd,
    /// The signal that asks for the end; zero for none.
    pub stop: Arc<AtomicUsize>,
    /// Rules and files are to be read and opened again.
    pub reload: Arc<AtomicBool>,
    /// The counters are to be written.
    pub snapshot: Arc<AtomicBool>,
}

/// What the program does for the loop.
pub trait Host {
    /// Reads the rules again; none if they are broken.
    fn reload(&mut self) -> Option<Arc<Eye>>;
    /// Opens an output again: none if it stays as it is.
    fn reopen(&mut self) -> Option<File>;
    /// Tells the operator.
    fn notice(&mut self, text: &str);
    /// A signal came.
    fn woken(&mut self) {}
}

/// An input, what is done with it, and the output that it goes to.
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Where it is read from.
    pub input: OwnedFd,
    /// What is done.
    pub filter: Box<dyn Filter>,
    /// Which output.
    pub output: usize,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel({})", self.name)
    }
}

/// How a run ended.
#[derive(Debug)]
pub enum End {
    /// Every input was read to its end.
    Input,
    /// A signal asked for it.
    Signal(usize),
    /// Nobody reads the output any more.
    Closed,
    /// A record could not be scanned, and nothing may pass unscanned.
    Blocked,
    /// Something could not be read or written.
    Failed(String, io::Error),
}

/// A run.
#[derive(Debug)]
pub struct Conveyor {
    /// What its streams share.
    pub hub: Hub,
    channels: Vec<Option<Channel>>,
    outputs: Vec<Output>,
    metrics: Option<PathBuf>,
    buffer: Vec<u8>,
    stop_at: Option<(usize, Instant)>,
    next_tick: Instant,
    next_metrics: Instant,
}

/// Where filtered bytes go.
#[derive(Debug)]
struct Output {
    name: String,
    file: File,
    pending: Vec<u8>,
    /// Whether several inputs go here, so that only whole lines may.
    shared: bool,
    /// The input whose line is unfinished, and since when.
    owner: Option<(usize, Instant)>,
}

impl Output {
    fn flush(&mut self) -> Result<(), End> {
        let result = self.file.write_all(&self.pending);
        self.pending.clear();
        // One large burst must not hold its memory.
        self.pending.shrink_to(4 * READ);
        result.map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => End::Closed,
            _ => End::Failed(self.name.clone(), error),
        })
    }
}

impl Conveyor {
    /// A run over these inputs and outputs; outputs have names for messages.
    pub fn new(hub: Hub, channels: Vec<Channel>, outputs: Vec<(String, File)>, metrics: Option<PathBuf>) -> Self {
        let now = Instant::now();
        let users = |at: usize| channels.iter().filter(|channel| channel.output == at).count();
        let outputs = outputs.into_iter().enumerate().map(|(at, (name, file))| Output {
            name,
            file,
            pending: Vec::new(),
            shared: users(at) > 1,
            owner: None,
        });
        let outputs = outputs.collect();
        for channel in &channels {
            enlarge(&channel.input);
        }
        let channels = channels.into_iter().map(Some).collect();
        let buffer = vec![0; READ];
        Self { hub, channels, outputs, metrics, buffer, stop_at: None, next_tick: now + TICK, next_metrics: now }
    }

    /// Runs until the input ends, a signal comes or something breaks.
    pub fn run(&mut self, signals: &Signals, host: &mut dyn Host) -> End {
        let end = self.run_to_end(signals, host).unwrap_or_else(|end| end);
        self.hub.finish();
        self.write_metrics(host);
        end
    }

    fn run_to_end(&mut self, signals: &Signals, host: &mut dyn Host) -> Result<End, End> {
        for channel in self.channels.iter_mut().flatten() {
            channel.filter.begin(&mut self.outputs[channel.output].pending);
        }
        self.flush()?;
        loop {
            self.heed(signals, host)?;
            if self.channels.iter().all(Option::is_none) {
                return Ok(End::Input);
            }
            if let Some((signal, at)) = self.stop_at.filter(|(_, at)| *at <= Instant::now()) {
                debug_assert!(at <= Instant::now());
                self.each(|filter, hub, out| filter.abandon(hub, out))?;
                return Ok(End::Signal(signal));
            }
            let ready = self.wait(signals)?;
            for at in ready {
                self.feed(at)?;
            }
            self.expire()?;
            self.tick(host);
        }
    }

    /// Does what signals ask for.
    fn heed(&mut self, signals: &Signals, host: &mut dyn Host) -> Result<(), End> {
        let stop = signals.stop.load(Ordering::SeqCst);
        if stop != 0 && self.stop_at.is_none() {
            self.stop_at = Some((stop, Instant::now() + DRAIN));
        }
        if signals.reload.swap(false, Ordering::SeqCst) {
            let fresh = host.reload();
            if fresh.is_none() {
                host.notice("the new rules are broken, the old ones stay");
            }
            self.hub.reload(fresh);
            self.hub.reopen();
            if let Some(file) = host.reopen() {
                self.flush()?;
                self.outputs[0].file = file;
            }
            self.write_metrics(host);
        }
        if signals.snapshot.swap(false, Ordering::SeqCst) && !self.write_metrics(host) {
            host.notice(&self.hub.metrics());
        }
        host.woken();
        Ok(())
    }

    /// Waits for input, a signal or a deadline; says which inputs can be read.
    fn wait(&mut self, signals: &Signals) -> Result<Vec<usize>, End> {
        let now = Instant::now();
        let hold = self.hub.settings.hold;
        let mut until = self.next_tick;
        if let Some((_, at)) = self.stop_at {
            until = until.min(at);
        }
        let mut fds = vec![PollFd::new(&signals.wake, PollFlags::IN)];
        let mut which = Vec::new();
        for (at, channel) in self.channels.iter().enumerate() {
            let Some(channel) = channel else { continue };
            let output = &self.outputs[channel.output];
            if output.owner.is_some_and(|(owner, since)| owner != at && since + hold > now) {
                continue;
            }
            if let Some(deadline) = channel.filter.deadline(hold) {
                until = until.min(deadline);
            }
            fds.push(PollFd::new(&channel.input, PollFlags::IN));
            which.push(at);
        }
        let timeout = Timespec::try_from(until.saturating_duration_since(now)).ok();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(End::Failed("poll".to_owned(), error.into())),
        }
        if !fds[0].revents().is_empty() {
            // Many signals are one.
            let mut bytes = [0; 64];
            let _ = rustix::io::read(&signals.wake, &mut bytes);
        }
        let readable = fds[1..].iter().zip(which).filter(|(fd, _)| !fd.revents().is_empty());
        Ok(readable.map(|(_, at)| at).collect())
    }

    /// Reads once from an input and puts out what that decides.
    fn feed(&mut self, at: usize) -> Result<(), End> {
        let Some(channel) = &mut self.channels[at] else { return Ok(()) };
        let read = match rustix::io::read(&channel.input, &mut self.buffer[..]) {
            Ok(read) => read,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => return Ok(()),
            // What a terminal says when its other side is gone.
            Err(rustix::io::Errno::IO) if rustix::termios::isatty(&channel.input) => 0,
            Err(error) => {
                let failed = End::Failed(channel.name.clone(), error.into());
                let output = &mut self.outputs[channel.output];
                let _ = channel.filter.finish(&mut self.hub, &mut output.pending);
                output.flush()?;
                return Err(failed);
            }
        };
        let output = &mut self.outputs[channel.output];
        let hub = &mut self.hub;
        let (filter, out) = (&mut channel.filter, &mut output.pending);
        let result = if read == 0 {
            filter.finish(hub, out)
        } else {
            hub.counters.bytes += read as u64;
            hub.counters.last_input = Some(SystemTime::now());
            let pushed = filter.push(&self.buffer[..read], hub, out);
            if pushed.is_ok() && !output.shared && !is_waiting(&channel.input) {
                filter.idle(hub, out);
            }
            pushed
        };
        output.owner = (output.shared && read > 0 && filter.is_mid_line()).then(|| (at, Instant::now()));
        if read == 0 {
            self.channels[at] = None;
        }
        output.flush()?;
        result.map_err(|Blocked| End::Blocked)
    }

    fn expire(&mut self) -> Result<(), End> {
        let (now, hold) = (Instant::now(), self.hub.settings.hold);
        for channel in self.channels.iter_mut().flatten() {
            if channel.filter.deadline(hold).is_some_and(|deadline| deadline <= now) {
                let output = &mut self.outputs[channel.output];
                let result = channel.filter.expire(&mut self.hub, &mut output.pending);
                output.flush()?;
                result.map_err(|Blocked| End::Blocked)?;
            }
        }
        Ok(())
    }

    fn each(&mut self, act: impl Fn(&mut dyn Filter, &mut Hub, &mut Vec<u8>) -> Result<(), Blocked>) -> Result<(), End> {
        for channel in self.channels.iter_mut().flatten() {
            let output = &mut self.outputs[channel.output];
            let result = act(&mut *channel.filter, &mut self.hub, &mut output.pending);
            output.flush()?;
            result.map_err(|Blocked| End::Blocked)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), End> {
        self.outputs.iter_mut().try_for_each(Output::flush)
    }

    fn tick(&mut self, host: &mut dyn Host) {
        let now = Instant::now();
        if self.next_tick > now {
            return;
        }
        self.next_tick = now + TICK;
        self.hub.tick(false);
        if self.next_metrics <= now {
            self.next_metrics = now + METRICS;
            self.write_metrics(host);
        }
    }

    /// Writes the metrics, if they go to a file.
    fn write_metrics(&mut self, host: &mut dyn Host) -> bool {
        let Some(path) = self.metrics.clone() else { return false };
        if let Err(error) = replace(&path, self.hub.metrics().as_bytes()) {
            host.notice(&format!("metrics: {}: {error}", path.display()));
            // Said once.
            self.metrics = None;
        }
        true
    }
}

/// Writes a file beside and renames it, so that no reader sees a half.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, path).inspect_err(|_| drop(std::fs::remove_file(&beside)))
}

/// Whether more can be read without waiting.
fn is_waiting(input: &OwnedFd) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut fds = [PollFd::new(input, PollFlags::IN)];
    poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0 && fds[0].revents().contains(PollFlags::IN))
}

/// A larger pipe means fewer turns for a fast writer.
fn enlarge(input: &OwnedFd) {
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(input.as_fd(), PIPE);
    #[cfg(not(target_os = "linux"))]
    let _ = input.as_fd();
}

/// The memory of this process holds secrets: no core dump, nobody else's look at it.
pub fn forbid_core_dumps() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
}
