//! `keyfence rotation verify`: was a key that was replaced seen since?

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use keyfence::detect::REACH;
use keyfence::record::compressed_form;
use keyfence::source::{self, Met, WalkOptions};
use keyfence::span::Lines;
use keyfence::stream::{Eye, clock};

use super::args::{Global, Rotation, RotationVerify};
use super::{Exit, config, output, stream, usage};

/// What is read at once.
const WINDOW: usize = 1024 * 1024;
/// How far back the time of a line that has none is looked for.
const BACK: usize = 16 * 1024;

/// A place where the key was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sighting {
    time: SystemTime,
    path: String,
    line: u64,
    /// Whether the record said when, not the file.
    by_record: bool,
}

/// What was searched and what was seen.
#[derive(Debug, Default)]
struct Search {
    files: u64,
    bytes: u64,
    excluded: u64,
    skipped: Vec<String>,
    sightings: Vec<Sighting>,
}

pub(super) fn run(global: &Global, command: &Rotation) -> anyhow::Result<Exit> {
    let Rotation::Verify(args) = command;
    let (since, _) = clock::parse(args.since.as_bytes())
        .filter(|(_, length)| *length == args.since.len())
        .ok_or_else(|| usage("--since wants a time such as 2026-11-22 or 2026-11-22T06:00:00Z"))?;
    let known = stream::load_known(&args.known, global.fp_key_file.as_deref())?;
    let labels = || known.entries().iter().map(|entry| entry.label.as_str());
    let old = known.only(&args.old);
    let old = old.ok_or_else(|| {
        usage(format!("--old: no known key is called {:?}; {}", args.old, config::nearest(&args.old, labels())))
    })?;
    let eye = Eye::new(Arc::new(config::rules(&[])?), Some(old));
    let all = Mutex::new(Search::default());
    source::walk(&args.paths, &WalkOptions { no_ignore: true, exclude: Vec::new() }, &|met| {
        let mut one = Search::default();
        match met {
            Met::File(haystack) => one.file(&eye, haystack.path(), &haystack.origin.to_string()),
            Met::Excluded => one.excluded = 1,
            Met::Skipped(error) => one.skipped.push(error.to_string()),
        }
        all.lock().unwrap_or_else(PoisonError::into_inner).absorb(one);
    })
    .map_err(|error| usage(error.to_string()))?;
    let mut search = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    search.sightings.sort();
    search.skipped.sort();
    output::print(&search.report(args, since))?;
    Ok(match search.sightings.last() {
        Some(last) if last.time >= since => Exit::Findings(1),
        _ if !search.skipped.is_empty() || search.files == 0 => Exit::Incomplete,
        _ => Exit::Clean,
    })
}

impl Search {
    fn absorb(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.excluded += other.excluded;
        self.skipped.extend(other.skipped);
        self.sightings.extend(other.sightings);
    }

    fn file(&mut self, eye: &Eye, path: &Path, name: &str) {
        if let Err(error) = self.read(eye, path, name) {
            self.skipped.push(format!("{name}: {error}"));
        } else {
            self.files += 1;
        }
    }

    fn read(&mut self, eye: &Eye, path: &Path, name: &str) -> Result<(), String> {
        let mut file = File::open(path).map_err(|error| error.to_string())?;
        let changed = file.metadata().and_then(|metadata| metadata.modified()).unwrap_or_else(|_| SystemTime::now());
        let mut buffer = Vec::new();
        let (mut core, mut lines) = (0, Lines::default());
        loop {
            let wanted = (core + REACH + WINDOW).saturating_sub(buffer.len());
            let read = (&mut file).take(wanted as u64).read_to_end(&mut buffer).map_err(|error| error.to_string())?;
            self.bytes += read as u64;
            if core == 0
                && let Some(form) = compressed_form(&buffer)
            {
                return Err(format!("compressed ({form}), unpack it first"));
            }
            let ended = read < wanted;
            let end = if ended { buffer.len() } else { buffer.len().saturating_sub(REACH).max(core) };
            let seen = eye.look(&buffer, core..end).map_err(|_| "a rule gave up on it".to_owned())?;
            for seen in seen.iter().filter(|seen| seen.label.is_some()) {
                let at = seen.credential.span.start;
                let line = lines.position(&buffer, at).line;
                let time = time_of(&buffer, at);
                let by_record = time.is_some();
                self.sightings.push(Sighting { time: time.unwrap_or(changed), path: name.to_owned(), line, by_record });
            }
            if ended {
                return Ok(());
            }
            let keep = end.saturating_sub(REACH);
            let position = lines.position(&buffer, keep);
            lines = Lines::starting_at(position.line, position.column);
            buffer.drain(..keep);
            core = end - keep;
        }
    }

    fn report(&self, args: &RotationVerify, since: SystemTime) -> String {
        let since_text = clock::rfc3339(since);
        let mut text = format!("key           {}\nreplaced      {since_text}\n", args.old);
        let _ = writeln!(text, "searched      {} files, {} bytes", self.files, self.bytes);
        if self.excluded > 0 {
            let _ = writeln!(text, "left out      {} (devices, sockets, .git, links out of the tree)", self.excluded);
        }
        for skipped in &self.skipped {
            let _ = writeln!(text, "not searched  {skipped}");
        }
        let after = self.sightings.iter().filter(|sighting| sighting.time >= since).count();
        let _ = writeln!(text, "seen          {} times, {after} of them since", self.sightings.len());
        if let Some(last) = self.sightings.last() {
            let by = if last.by_record { "" } else { ", by the time of the file" };
            let _ = writeln!(text, "last seen     {} in {}:{}{by}", clock::rfc3339(last.time), last.path, last.line);
        }
        let verdict = match () {
            () if after > 0 => "the old key is still in use, or was logged again",
            () if !self.skipped.is_empty() || self.files == 0 => "not proven: something was not searched",
            () => "the old key was not seen since",
        };
        let _ = writeln!(text, "verdict       {verdict}");
        text
    }
}

/// When a record was written: by its own line, or by one before it.
fn time_of(bytes: &[u8], at: usize) -> Option<SystemTime> {
    let mut end = bytes[at..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |length| at + length);
    let floor = at.saturating_sub(BACK);
    loop {
        let start = bytes[floor..end].iter().rposition(|&byte| byte == b'\n').map_or(floor, |at| floor + at + 1);
        if let Some((time, _)) = clock::of_record(&bytes[start..end]) {
            return Some(time);
        }
        if start == floor {
            return None;
        }
        end = start - 1;
    }
}
