//! Signals: they set a flag and wake the loop, and a second request to end is obeyed at once.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use keyfence::stream::{DRAIN, Signals};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::{flag, low_level};

/// How long the end may take once the input was given up.
const GRACE: Duration = Duration::from_secs(3);

/// What a run needs to know of signals.
pub(super) struct Installed {
    pub(super) signals: Signals,
    wake: io::PipeWriter,
}

/// Takes the signals of a stream over.
pub(super) fn install() -> io::Result<Installed> {
    let installed = pipe()?;
    let signals = &installed.signals;
    let armed = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // First the default, which acts only if the flag that comes second was set before.
        flag::register_conditional_default(signal, Arc::clone(&armed))?;
        flag::register(signal, Arc::clone(&armed))?;
        flag::register_usize(signal, Arc::clone(&signals.stop), usize::try_from(signal).unwrap_or(0))?;
    }
    flag::register(SIGHUP, Arc::clone(&signals.reload))?;
    flag::register(SIGUSR1, Arc::clone(&signals.snapshot))?;
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGUSR1] {
        installed.wake_on(signal)?;
    }
    let stop = Arc::clone(&signals.stop);
    thread::Builder::new().name("watch".to_owned()).spawn(move || watch(&stop))?;
    Ok(installed)
}

/// Flags that no signal sets yet.
pub(super) fn pipe() -> io::Result<Installed> {
    let (reader, wake) = io::pipe()?;
    let signals = Signals { wake: OwnedFd::from(reader), stop: Arc::default(), reload: Arc::default(), snapshot: Arc::default() };
    Ok(Installed { signals, wake })
}

impl Installed {
    pub(super) fn wake_on(&self, signal: i32) -> io::Result<()> {
        low_level::pipe::register(signal, OwnedFd::from(self.wake.try_clone()?)).map(|_| ())
    }
}

/// An output that nobody empties must not keep a process that was asked to end.
fn watch(stop: &AtomicUsize) {
    loop {
        thread::sleep(Duration::from_millis(250));
        let signal = stop.load(Ordering::SeqCst);
        if signal != 0 {
            thread::sleep(DRAIN + GRACE);
            die_by(signal);
        }
    }
}

/// Ends as the signal ends a program that does not handle it.
pub(super) fn die_by(signal: usize) {
    if let Ok(signal) = i32::try_from(signal) {
        let _ = low_level::emulate_default_handler(signal);
    }
}
