//! `keyfence stream`.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use keyfence::credential::FingerprintKey;
use keyfence::detect::known::Known;
use keyfence::finding::Severity;
use keyfence::record::framing::Framing;
use keyfence::rule::Addition;
use keyfence::stream::{
    Channel, Conveyor, End, Eye, Filter, Framed, Host, Hub, Lines, Mask, MessageModification, OnError, OutputProgram, Settings,
    Sink, forbid_core_dumps,
};

use super::args::{Global, Stream, StreamOptions};
use super::context::context;
use super::descriptors::{Open, Standard};
use super::signals::{self, die_by};
use super::{Exit, config, output, usage};

/// The shortest `--max-line`: windows overlap by 32 KiB.
const SHORTEST_LINE: u64 = 64 * 1024;
/// The longest: it is held in memory.
const LONGEST_LINE: u64 = 32 * 1024 * 1024;

/// What wraps the records of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Lines,
    Json,
    Docker,
    Cri,
    Syslog,
    RsyslogMm,
    RsyslogOmprog,
}

impl Protocol {
    const ALL: [Self; 7] = [Self::Lines, Self::Json, Self::Docker, Self::Cri, Self::Syslog, Self::RsyslogMm, Self::RsyslogOmprog];

    const fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Json => "json",
            Self::Docker => "docker-json",
            Self::Cri => "cri",
            Self::Syslog => "syslog",
            Self::RsyslogMm => "rsyslog-mm",
            Self::RsyslogOmprog => "rsyslog-omprog",
        }
    }

    /// A filter for a stream of that name.
    pub(super) fn filter(self, name: &str, log: Option<File>) -> Box<dyn Filter> {
        match (self, log) {
            (Self::Lines | Self::Json, _) | (Self::RsyslogOmprog, None) => Box::new(Lines::new(name)),
            (Self::Docker, _) => Box::new(Framed::new(name, Framing::DockerJson)),
            (Self::Cri, _) => Box::new(Framed::new(name, Framing::Cri)),
            (Self::Syslog, _) => Box::new(Framed::new(name, Framing::Syslog)),
            (Self::RsyslogMm, _) => Box::new(MessageModification::new(name)),
            (Self::RsyslogOmprog, Some(log)) => Box::new(OutputProgram::new(name, log)),
        }
    }
}

pub(super) fn run(global: &Global, args: &Stream) -> anyhow::Result<Exit> {
    // A signal that comes while rules are read is obeyed after that.
    let signals = signals::install()?;
    let protocol = config::one_of("--protocol", &args.protocol, &Protocol::ALL, Protocol::name)?;
    check(global, args, protocol)?;
    let plan = Plan::new(global, &args.options, args.redact, protocol)?;
    let inputs = inputs(&args.input)?;
    let destination = destination(global.output.as_deref(), protocol)?;
    let hub = plan.hub()?;
    // Everything that can be wrong was looked at; from here on bytes are read.
    protect(protocol == Protocol::RsyslogMm);
    let mut outputs = vec![("standard output".to_owned(), File::from(fd_of(&io::stdout())?))];
    let mut log = None;
    match (&destination, protocol) {
        (Some(file), Protocol::RsyslogOmprog) => log = Some(file.try_clone()?),
        (Some(file), _) => outputs[0] = ("the output".to_owned(), file.try_clone()?),
        (None, _) => {}
    }
    let channels = inputs.into_iter().map(|(name, input)| {
        let filter = protocol.filter(&name, log.take());
        Channel { name, input: input.into(), filter, output: 0 }
    });
    let mut conveyor = Conveyor::new(hub, channels.collect(), outputs, args.options.metrics_file.clone());
    let mut operator = Operator { plan: &plan, output: global.output.clone(), silent: protocol == Protocol::RsyslogMm };
    let end = conveyor.run(&signals.signals, &mut operator);
    Ok(exit(&end, &conveyor.hub, plan.fail_on))
}

/// Combinations that mean nothing are refused, not ignored.
fn check(global: &Global, args: &Stream, protocol: Protocol) -> anyhow::Result<()> {
    if !global.format.is_empty() {
        return Err(usage("stream has no --format: alerts are text on a terminal and JSON Lines elsewhere, see --alerts"));
    }
    let rsyslog = matches!(protocol, Protocol::RsyslogMm | Protocol::RsyslogOmprog);
    if rsyslog && !args.input.is_empty() {
        return Err(usage(format!("--input: {} talks to rsyslog on standard input and output", protocol.name())));
    }
    if protocol == Protocol::RsyslogMm && global.output.is_some() {
        return Err(usage("-o: rsyslog-mm answers on standard output"));
    }
    if protocol == Protocol::RsyslogOmprog && args.redact != global.output.is_some() {
        return Err(usage(
            "rsyslog-omprog confirms on standard output: --redact and -o PATH, where the messages go, belong together",
        ));
    }
    if !args.redact && !rsyslog && global.output.is_some() {
        return Err(usage("-o is where the redacted stream goes: add --redact, or use --alerts PATH"));
    }
    let stdout = args.options.alerts.as_deref() == Some("stdout") || args.options.alerts.as_deref() == Some("fd:1");
    if stdout && (args.redact && global.output.is_none() || rsyslog) {
        return Err(usage("--alerts stdout: the redacted stream goes there; use a file, stderr or fd:N"));
    }
    if stdout || rsyslog || args.redact && global.output.is_none() {
        Standard::Output.check()?;
    }
    Ok(())
}

/// What a run is made of, decided before a byte is read, and again when rules are reloaded.
pub(super) struct Plan<'a> {
    additions: Vec<Addition>,
    options: &'a StreamOptions,
    key_file: Option<PathBuf>,
    eye: Arc<Eye>,
    settings: Settings,
    alerts: Alerts,
    pub(super) fail_on: Option<Severity>,
    protocol: Protocol,
}

impl<'a> Plan<'a> {
    pub(super) fn new(global: &Global, options: &'a StreamOptions, redact: bool, protocol: Protocol) -> anyhow::Result<Self> {
        let mask = config::one_of("--mask", &options.mask, &Mask::ALL, Mask::name)?;
        if mask == Mask::Hash && global.fp_key_file.is_none() {
            return Err(usage("--mask hash: a hash without a key can be guessed; give --fp-key-file"));
        }
        if options.known.is_some() && global.fp_key_file.is_none() {
            return Err(usage("--known: the fingerprints in it are keyed; give --fp-key-file"));
        }
        let alerts = Alerts::parse(options.alerts.as_deref(), protocol)?;
        let fingerprints = match &global.fp_key_file {
            Some(path) => FingerprintKey::kept(&config::secret_key_file(path)?),
            None => FingerprintKey::for_this_run().context("no random bytes for the fingerprints")?,
        };
        let (mut context, additions) = context(global, &options.environments, &[])?;
        // A log does not come from the branch that happens to be checked out here.
        context.declared.branch = context.declared.branch.filter(|_| options.environments.branch.is_some());
        let settings = Settings {
            redact,
            mask,
            on_error: config::one_of("--on-error", &options.on_error, &OnError::ALL, OnError::name)?,
            max_line: usize::try_from(size("--max-line", &options.max_line, SHORTEST_LINE..=LONGEST_LINE)?)?,
            hold: duration("--hold", &options.hold)?,
            fingerprints,
            json: !alerts.is_terminal(),
            declared: context.declared,
        };
        let fail_on = options.fail_on.as_deref();
        let fail_on = fail_on.map(|name| config::one_of("--fail-on", name, &Severity::ALL, Severity::name)).transpose()?;
        let key_file = global.fp_key_file.clone();
        let eye = Arc::new(eye(options, &additions, key_file.as_deref())?.bounded(settings.max_line));
        Ok(Self { additions, options, key_file, eye, settings, alerts, fail_on, protocol })
    }

    /// The settings, the rules, and the sinks, opened.
    pub(super) fn hub(&self) -> anyhow::Result<Hub> {
        let quarantine = match &self.options.quarantine_file {
            Some(path) => Some(Box::new(private(path).map_err(|error| refused(path, &error))?) as Box<dyn Write + Send>),
            None => None,
        };
        let sink = self.alerts.start(self.protocol == Protocol::RsyslogMm)?;
        Ok(Hub::new(self.settings.clone(), Arc::clone(&self.eye), sink, quarantine))
    }

    fn reload(&self) -> Option<Arc<Eye>> {
        let eye = eye(self.options, &self.additions, self.key_file.as_deref()).ok()?;
        Some(Arc::new(eye.bounded(self.settings.max_line)))
    }
}

fn eye(options: &StreamOptions, additions: &[Addition], key: Option<&Path>) -> anyhow::Result<Eye> {
    let rules = Arc::new(config::chosen(&options.rules, additions)?);
    if rules.rules().is_empty() {
        return Err(usage("no rule is left: nothing would be found, and the stream would look clean"));
    }
    let known = options.known.as_deref().map(|path| load_known(path, key)).transpose()?;
    Ok(Eye::new(rules, known))
}

/// The list of known keys.
pub(super) fn load_known(path: &Path, key: Option<&Path>) -> anyhow::Result<Known> {
    let key = key.ok_or_else(|| usage("--known: give --fp-key-file"))?;
    let key = FingerprintKey::kept(&config::secret_key_file(key)?);
    let text = std::fs::read_to_string(path).map_err(|error| refused(path, &error))?;
    Known::parse(&text, key).map_err(|error| usage(format!("{}: {error}", path.display())))
}

/// What the loop asks of the program.
pub(super) struct Operator<'a> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) output: Option<PathBuf>,
    /// rsyslog reads what this process writes to standard error as an answer.
    pub(super) silent: bool,
}

impl Host for Operator<'_> {
    fn reload(&mut self) -> Option<Arc<Eye>> {
        self.plan.reload()
    }

    fn reopen(&mut self) -> Option<File> {
        if self.plan.protocol == Protocol::RsyslogOmprog {
            return None;
        }
        self.output.as_deref().and_then(|path| appended(path).ok())
    }

    fn notice(&mut self, text: &str) {
        if !self.silent {
            output::complain(&format!("keyfence: {text}"));
        }
    }
}

/// How the program ends.
pub(super) fn exit(end: &End, hub: &Hub, fail_on: Option<Severity>) -> Exit {
    match end {
        End::Closed => {
            output::die_of_closed_pipe();
            Exit::Incomplete
        }
        End::Signal(signal) => {
            die_by(*signal);
            Exit::Incomplete
        }
        End::Blocked => {
            output::complain("keyfence: a record could not be scanned, and --on-error block lets nothing pass");
            Exit::Incomplete
        }
        End::Failed(what, error) => {
            output::complain(&format!("keyfence: {what}: {error}"));
            Exit::Incomplete
        }
        End::Input => match fail_on {
            Some(level) if hub.worst() >= Some(level) => Exit::Findings(1),
            _ if !hub.counters.is_complete() => Exit::Incomplete,
            _ => Exit::Clean,
        },
    }
}

/// No core dump, and no panic text: it could quote a record.
pub(super) fn protect(silent: bool) {
    forbid_core_dumps();
    std::panic::set_hook(Box::new(move |panic| {
        if !silent {
            let place = panic.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
            output::complain(&format!("keyfence: internal error{place}; the record could not be scanned"));
        }
    }));
}

/// Where alerts go.
#[derive(Clone, Debug)]
enum Alerts {
    None,
    Stderr,
    Stdout,
    Fd(u32),
    File(PathBuf),
}

impl Alerts {
    fn parse(text: Option<&str>, protocol: Protocol) -> anyhow::Result<Self> {
        let mixed = protocol == Protocol::RsyslogMm;
        match text {
            None if mixed => Ok(Self::None),
            Some("none") => Ok(Self::None),
            Some("stderr" | "fd:2") if mixed => {
                Err(usage("--alerts stderr: rsyslog reads standard error as an answer; use a file"))
            }
            None | Some("stderr") => Ok(Self::Stderr),
            Some("stdout") => Ok(Self::Stdout),
            Some(text) => match text.strip_prefix("fd:") {
                Some(number) => Ok(Self::Fd(fd_number("--alerts", number)?)),
                None if text.is_empty() => Err(usage("--alerts: an empty path")),
                None => Ok(Self::File(PathBuf::from(text))),
            },
        }
    }

    fn is_terminal(&self) -> bool {
        match self {
            Self::Stderr => io::stderr().is_terminal(),
            Self::Stdout => io::stdout().is_terminal(),
            _ => false,
        }
    }

    fn start(&self, silent: bool) -> anyhow::Result<Option<Sink>> {
        let name = match self {
            Self::None => return Ok(None),
            Self::Stderr => "standard error".to_owned(),
            Self::Stdout => "standard output".to_owned(),
            Self::Fd(number) => format!("fd:{number}"),
            Self::File(path) => path.display().to_string(),
        };
        let this = self.clone();
        // A regular file that cannot be opened is a mistake to be told before a byte is read; a FIFO waits.
        if let Self::File(path) = self
            && !is_fifo(path)
        {
            private(path).map_err(|error| refused(path, &error))?;
        }
        if let Self::Fd(number) = self {
            fd_file(*number, false).map_err(|error| usage(format!("--alerts: fd:{number}: {error}")))?;
        }
        let open = move || -> io::Result<Box<dyn Write + Send>> {
            Ok(match &this {
                Self::None => Box::new(io::sink()),
                Self::Stderr => Box::new(Open(Standard::Error, io::stderr())),
                Self::Stdout => Box::new(Open(Standard::Output, io::stdout())),
                Self::Fd(number) => Box::new(fd_file(*number, false)?),
                Self::File(path) => Box::new(private(path)?),
            })
        };
        let tell = move |error: &io::Error| {
            if !silent {
                output::complain(&format!("keyfence: alerts: {name}: {error}"));
            }
        };
        Ok(Some(Sink::start(Box::new(open), Box::new(tell)).context("no thread for the alerts")?))
    }
}

fn is_fifo(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo())
}

fn refused(path: &Path, error: &io::Error) -> anyhow::Error {
    usage(format!("{}: {error}", path.display()))
}

/// A file to append to, that nobody else may read.
fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn appended(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

fn destination(path: Option<&Path>, protocol: Protocol) -> anyhow::Result<Option<File>> {
    let Some(path) = path else { return Ok(None) };
    // omprog takes back what it could not write as a whole, so it needs more than appending.
    let open = match protocol {
        Protocol::RsyslogOmprog => OpenOptions::new().write(true).create(true).truncate(false).open(path),
        _ => appended(path),
    };
    Ok(Some(open.map_err(|error| refused(path, &error))?))
}

/// The inputs by name; standard input if there are none.
fn inputs(typed: &[String]) -> anyhow::Result<Vec<(String, File)>> {
    if typed.is_empty() {
        Standard::Input.check()?;
        return Ok(vec![("-".to_owned(), File::from(fd_of(&io::stdin())?))]);
    }
    let mut inputs: Vec<(String, File)> = Vec::new();
    for text in typed {
        let (name, place) = text
            .split_once('=')
            .filter(|(name, place)| !name.is_empty() && !place.is_empty())
            .ok_or_else(|| usage(format!("--input: {text:?} is no NAME=PATH and no NAME=fd:N")))?;
        if inputs.iter().any(|(other, _)| other == name) {
            return Err(usage(format!("--input: two streams are named {name:?}")));
        }
        let file = match place.strip_prefix("fd:") {
            Some(number) => {
                fd_file(fd_number("--input", number)?, true).map_err(|error| usage(format!("--input: {text}: {error}")))?
            }
            None => File::open(place).map_err(|error| refused(Path::new(place), &error))?,
        };
        inputs.push((name.to_owned(), file));
    }
    Ok(inputs)
}

fn fd_number(flag: &str, text: &str) -> anyhow::Result<u32> {
    text.parse().map_err(|_| usage(format!("{flag}: {text:?} is no number of a descriptor")))
}

/// A descriptor that was inherited, opened a second time by its name: owning it would need unsafe code.
fn fd_file(number: u32, read: bool) -> io::Result<File> {
    let path = PathBuf::from(format!("/dev/fd/{number}"));
    [Standard::Input, Standard::Output, Standard::Error].get(number as usize).map_or(Ok(()), |standard| standard.check())?;
    match number {
        0 => Ok(File::from(fd_of(&io::stdin())?)),
        1 => Ok(File::from(fd_of(&io::stdout())?)),
        2 => Ok(File::from(fd_of(&io::stderr())?)),
        _ if read => File::open(path),
        _ => OpenOptions::new().append(true).open(path),
    }
}

pub(super) fn fd_of(file: &impl std::os::fd::AsFd) -> io::Result<std::os::fd::OwnedFd> {
    file.as_fd().try_clone_to_owned()
}

/// `2s`, `500ms`, `1.5s`.
fn duration(flag: &str, text: &str) -> anyhow::Result<Duration> {
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let seconds = number.parse::<f64>().ok().map(|number| number * scale);
    let seconds = seconds.filter(|seconds| (0.0..=60.0).contains(seconds));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| usage(format!("{flag}: {text:?} is no time up to a minute, such as 2s or 500ms")))
}

/// `1MiB`, `64KiB`, bytes.
fn size(flag: &str, text: &str, allowed: std::ops::RangeInclusive<u64>) -> anyhow::Result<u64> {
    let units = [("MiB", 1024 * 1024), ("KiB", 1024), ("M", 1024 * 1024), ("K", 1024)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit))).unwrap_or((text, 1));
    let size = number.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    size.filter(|size| allowed.contains(size)).ok_or_else(|| usage(format!("{flag}: {text:?} is no size from 64KiB to 32MiB")))
}
