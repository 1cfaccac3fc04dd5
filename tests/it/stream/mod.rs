//! Live logs: the acceptance cases of the stream by their numbers, on the library where the bytes
//! matter and on the program where descriptors, signals and time do.

mod bytes;
mod facts;
mod forms;
mod framed;
mod full;
mod known;
mod life;
mod tools;
mod volume;

use std::io::{self, Write};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use keyfence::credential::FingerprintKey;
use keyfence::record::framing::Framing;
use keyfence::rule::RuleSet;
use keyfence::stream::{Eye, Filter, Framed, Hub, Lines, Mask, OnError, Settings, Sink};

use crate::plant::{Tree, expand};

/// A key that every test may use: live, of one provider, with a body of 24.
fn key(seed: &str) -> String {
    expand("sk_live_{base62:24}", seed)
}

/// Collects what a sink writes.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn settings() -> Settings {
    Settings {
        redact: true,
        mask: Mask::Label,
        on_error: OnError::Quarantine,
        max_line: 1024 * 1024,
        hold: Duration::from_secs(2),
        fingerprints: FingerprintKey::kept(b"sixteen bytes or more"),
        json: true,
        declared: keyfence::environment::declared::Declared::default(),
    }
}

/// What a stream put out and told, without what depends on the clock.
#[derive(Clone, Debug, PartialEq)]
struct Ran {
    out: Vec<u8>,
    alerts: Vec<serde_json::Value>,
}

impl Ran {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// Secrets that were told of or counted.
    fn told(&self) -> u64 {
        let count = |value: &serde_json::Value| value.as_u64().unwrap_or(0);
        let of = |alert: &serde_json::Value| match alert["type"].as_str() {
            Some("alert") if alert["count"] == 1 => 1,
            Some("alert") => 0,
            _ => alert["counts"].as_object().unwrap().values().map(count).sum(),
        };
        self.alerts.iter().map(of).sum()
    }

    fn redactions(&self) -> usize {
        self.text().matches("[REDACTED:").count()
    }
}

fn filter(protocol: &str) -> Box<dyn Filter> {
    match protocol {
        "docker-json" => Box::new(Framed::new("-", Framing::DockerJson)),
        "cri" => Box::new(Framed::new("-", Framing::Cri)),
        "syslog" => Box::new(Framed::new("-", Framing::Syslog)),
        _ => Box::new(Lines::new("-")),
    }
}

/// Runs the pieces through a filter, idle after each.
fn ran<'a>(protocol: &str, settings: Settings, pieces: impl IntoIterator<Item = &'a [u8]>) -> Ran {
    static EYE: LazyLock<Arc<Eye>> = LazyLock::new(|| Arc::new(Eye::new(RuleSet::builtin().into(), None)));
    let alerts = Shared::default();
    let told = alerts.clone();
    let sink = Sink::start(Box::new(move || Ok(Box::new(told.clone()))), Box::new(|_| {})).unwrap();
    let mut hub = Hub::new(settings, Arc::clone(&EYE), Some(sink), None);
    let mut filter = filter(protocol);
    let mut out = Vec::new();
    for piece in pieces {
        filter.push(piece, &mut hub, &mut out).unwrap();
        filter.idle(&mut hub, &mut out);
    }
    filter.finish(&mut hub, &mut out).unwrap();
    hub.finish();
    let lines = alerts.0.lock().unwrap().clone();
    let parse = |line: &[u8]| {
        let mut alert: serde_json::Value = serde_json::from_slice(line).unwrap();
        alert.as_object_mut().unwrap().remove("ts");
        alert
    };
    let alerts = lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(parse);
    Ran { out, alerts: alerts.collect() }
}

fn redacted(input: impl AsRef<[u8]>) -> Ran {
    ran("lines", settings(), [input.as_ref()])
}

/// The program, run to its end.
#[derive(Debug)]
struct Run {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: String,
}

impl Run {
    fn code(&self) -> Option<i32> {
        self.status.code()
    }

    fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The alerts on standard error.
    fn alerts(&self) -> Vec<serde_json::Value> {
        alerts(&self.stderr)
    }

    /// No eight bytes of the key's body anywhere but in the output of a stream that is not redacted.
    fn keeps(&self, key: &str) {
        keeps(&self.stderr, key);
        keeps(&self.out(), key);
    }
}

fn keeps(text: &str, key: &str) {
    let body = &key.as_bytes()[key.rfind('_').map_or(0, |at| at + 1)..];
    for run in body.windows(8) {
        let run = std::str::from_utf8(run).unwrap();
        assert!(!text.contains(run), "eight bytes of a key are shown: {}", text.replace(run, "<here>"));
    }
}

fn alerts(text: &str) -> Vec<serde_json::Value> {
    let lines = text.lines().filter(|line| line.starts_with("{\"type\":\"alert\""));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The program: a release of it where `KEYFENCE_PROGRAM` names one.
fn program() -> String {
    std::env::var("KEYFENCE_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_keyfence").to_owned())
}

fn command(tree: &Tree, args: &[&str]) -> Command {
    let mut command = tree.command(program());
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program over an input.
fn stream(args: &[&str], input: impl Into<Vec<u8>>) -> Run {
    stream_in(&Tree::new(), args, input)
}

fn stream_in(tree: &Tree, args: &[&str], input: impl Into<Vec<u8>>) -> Run {
    let input = input.into();
    let mut child = command(tree, args).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        // It may refuse to start, or stop early: that is for the test to say.
        drop(stdin.write_all(&input));
    });
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Run { status, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() }
}

/// A key file that is good enough.
fn key_file(tree: &Tree, name: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = tree.path().join(name);
    std::fs::write(&path, format!("thirty-two bytes for {name:>32}")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}
