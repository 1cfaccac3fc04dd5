//! `keyfence run -- CMD`: an application between two filters.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keyfence::stream::{Channel, Conveyor, End, Eye, Host};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
use signal_hook::flag;

use super::args::{Global, Run};
use super::descriptors::Standard;
use super::signals::{self, Installed, die_by};
use super::stream::{Operator, Plan, Protocol, exit, fd_of, protect};
use super::{Exit, output, usage};

/// What is passed on to the application; it decides what becomes of them.
const FORWARDED: [(i32, Signal); 7] = [
    (SIGTERM, Signal::TERM),
    (SIGINT, Signal::INT),
    (SIGHUP, Signal::HUP),
    (SIGQUIT, Signal::QUIT),
    (SIGUSR1, Signal::USR1),
    (SIGUSR2, Signal::USR2),
    (SIGWINCH, Signal::WINCH),
];

pub(super) fn run(global: &Global, args: &Run) -> anyhow::Result<Exit> {
    if !global.format.is_empty() || global.output.is_some() {
        return Err(usage("run has no --format and no -o: what the command prints stays on its two streams"));
    }
    if matches!(args.options.alerts.as_deref(), Some("stdout" | "fd:1")) {
        return Err(usage("--alerts stdout: the output of the command goes there; use a file, stderr or fd:N"));
    }
    // What comes from here on is for the command.
    let installed = signals::pipe()?;
    let flags = forwarded(&installed)?;
    Standard::Output.check()?;
    Standard::Error.check()?;
    let plan = Plan::new(global, &args.options, true, Protocol::Lines)?;
    let hub = plan.hub()?;
    let mut child = start(&args.command)?;
    protect(false);
    let (channels, outputs) = streams(&mut child)?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let operator = Operator { plan: &plan, output: None, silent: false };
    let mut parent = Parent { operator, flags, pid };
    let mut conveyor = Conveyor::new(hub, channels, outputs, args.options.metrics_file.clone());
    let end = conveyor.run(&installed.signals, &mut parent);
    let ours = exit(&end, &conveyor.hub, plan.fail_on);
    if !matches!(end, End::Input) {
        // The pipes are closed with this process: the command is told by SIGPIPE.
        return Ok(ours);
    }
    Ok(ended(wait(&mut child, &mut parent)?, ours))
}

/// Starts the command with its output in two pipes; its input stays what it is.
fn start(command: &[std::ffi::OsString]) -> anyhow::Result<Child> {
    let (program, arguments) = command.split_first().ok_or_else(|| usage("run wants a command: keyfence run -- CMD"))?;
    let started = Command::new(program).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    started.map_err(|error| usage(format!("{}: {error}", program.display())))
}

/// Where something goes, by name.
type Outputs = Vec<(String, File)>;

fn streams(child: &mut Child) -> io::Result<(Vec<Channel>, Outputs)> {
    let mut channels = Vec::new();
    let mut outputs = Vec::new();
    let pipes = [
        ("stdout", child.stdout.take().map(OwnedFd::from), fd_of(&io::stdout())?),
        ("stderr", child.stderr.take().map(OwnedFd::from), fd_of(&io::stderr())?),
    ];
    for (name, input, output) in pipes {
        let Some(input) = input else { continue };
        let filter = Protocol::Lines.filter(name, None);
        channels.push(Channel { name: name.to_owned(), input, filter, output: outputs.len() });
        outputs.push((name.to_owned(), File::from(output)));
    }
    Ok((channels, outputs))
}

fn forwarded(installed: &Installed) -> io::Result<Vec<(Arc<AtomicBool>, Signal)>> {
    FORWARDED
        .iter()
        .map(|&(number, signal)| {
            let came = Arc::new(AtomicBool::new(false));
            flag::register(number, Arc::clone(&came))?;
            installed.wake_on(number)?;
            Ok((came, signal))
        })
        .collect()
}

/// Passes signals on while the loop runs.
struct Parent<'a> {
    operator: Operator<'a>,
    flags: Vec<(Arc<AtomicBool>, Signal)>,
    pid: Option<Pid>,
}

impl Host for Parent<'_> {
    fn reload(&mut self) -> Option<Arc<Eye>> {
        self.operator.reload()
    }

    fn reopen(&mut self) -> Option<File> {
        None
    }

    fn notice(&mut self, text: &str) {
        self.operator.notice(text);
    }

    fn woken(&mut self) {
        for (came, signal) in &self.flags {
            if came.swap(false, Ordering::SeqCst)
                && let Some(pid) = self.pid
            {
                // It may have ended in the meantime.
                let _ = kill_process(pid, *signal);
            }
        }
    }
}

/// Waits for the command, passing signals on.
fn wait(child: &mut Child, parent: &mut Parent<'_>) -> io::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        parent.woken();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Ends as the command ended, unless the filter has worse to say.
fn ended(status: ExitStatus, ours: Exit) -> Exit {
    if let Some(signal) = status.signal() {
        die_by(usize::try_from(signal).unwrap_or(0));
        // Signals whose default is to do nothing do not end us.
        return Exit::Status(u8::try_from(128 + signal).unwrap_or(u8::MAX));
    }
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(0) => ours,
        Some(code) => Exit::Status(code),
        None => {
            output::complain("keyfence: the command ended in an unknown way");
            Exit::Incomplete
        }
    }
}
