//! `keyfence rotation verify`: was a key that was replaced seen since?

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use keyfence::detect::REACH;
use keyfence::scan::{self, Held};
use keyfence::source::archive::{self, Bytes, Container, Member};
use keyfence::source::git::Repository;
use keyfence::source::{self, Met, WalkOptions};
use keyfence::span::Lines;
use keyfence::stream::{Eye, clock};

use super::args::{Global, Rotation, RotationVerify};
use super::{Exit, config, output, repository, stream, usage};

/// What is read at once.
const WINDOW: usize = 1024 * 1024;
/// How far back the time of a line that has none is looked for.
const BACK: usize = 16 * 1024;

/// How many containers may stand inside of each other.
const DEPTH: usize = 4;
/// What may come out of a file, and out of each of its bytes.
const FLOOR: u64 = 1 << 30;
const RATIO: u64 = 250;

/// What is searched.
struct Input<'a> {
    eye: &'a Eye,
    name: String,
    changed: SystemTime,
    depth: usize,
    /// How much may still come out of it.
    left: u64,
}

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
    objects: u64,
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
    for repository in if args.history { repositories(&args.paths)? } else { Vec::new() } {
        search.history(&eye, &repository)?;
    }
    search.sightings.sort();
    search.skipped.sort();
    output::print(global.color, &search.report(args, since))?;
    Ok(match search.sightings.last() {
        Some(last) if last.time >= since => Exit::Findings(1),
        _ if !search.skipped.is_empty() || search.files == 0 => Exit::Incomplete,
        _ => Exit::Clean,
    })
}

/// The repositories around the paths, each once.
fn repositories(paths: &[PathBuf]) -> anyhow::Result<Vec<Repository>> {
    let mut found: Vec<Repository> = Vec::new();
    for path in paths {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let repository = repository::find(Some(folder))?;
        if !found.iter().any(|known| known.common() == repository.common()) {
            found.push(repository);
        }
    }
    Ok(found)
}

impl Search {
    /// Everything that a repository ever held. It came no earlier than with its commit, whatever a record says.
    fn history(&mut self, eye: &Eye, repository: &Repository) -> anyhow::Result<()> {
        let all = Mutex::new(Self::default());
        let look = |reader: &mut dyn Read| {
            let mut one = Self::default();
            let mut input = Input { eye, name: String::new(), changed: SystemTime::UNIX_EPOCH, depth: 0, left: FLOOR };
            if let Err(error) = one.read(&mut input, reader) {
                one.skipped.push(format!(": {error}"));
            }
            let told = !one.sightings.is_empty() || !one.skipped.is_empty();
            let found = told.then(|| (std::mem::take(&mut one.sightings), std::mem::take(&mut one.skipped)));
            one.objects = 1;
            all.lock().unwrap_or_else(PoisonError::into_inner).absorb(one);
            found
        };
        let (held, skipped) = scan::search(repository, &look).map_err(repository::failed)?;
        self.absorb(all.into_inner().unwrap_or_else(PoisonError::into_inner));
        self.skipped.extend(skipped.iter().map(ToString::to_string));
        for Held { found: (sightings, failures), brought } in held {
            let nowhere = brought.is_empty().then(|| "an object that no commit has".to_owned());
            let places = || brought.iter().map(|brought| &brought.place).chain(&nowhere);
            self.skipped.extend(failures.iter().flat_map(|why| places().map(move |place| format!("{place}{why}"))));
            // Nobody says when it came.
            self.skipped.extend(nowhere.iter().filter(|_| !sightings.is_empty()).map(|place| format!("{place} holds the key")));
            for brought in &brought {
                self.sightings.extend(sightings.iter().map(|seen| {
                    let by_record = seen.by_record && seen.time > brought.time;
                    let time = if by_record { seen.time } else { brought.time };
                    Sighting { time, path: format!("{}{}", brought.place, seen.path), line: seen.line, by_record }
                }));
            }
        }
        Ok(())
    }

    fn absorb(&mut self, other: Self) {
        self.files += other.files;
        self.objects += other.objects;
        self.bytes += other.bytes;
        self.excluded += other.excluded;
        self.skipped.extend(other.skipped);
        self.sightings.extend(other.sightings);
    }

    fn file(&mut self, eye: &Eye, path: &Path, name: &str) {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, mut file) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.skipped.push(format!("{name}: {error}")),
        };
        let changed = metadata.modified().unwrap_or_else(|_| SystemTime::now());
        let limit = FLOOR.saturating_add(metadata.len().saturating_mul(RATIO));
        let mut input = Input { eye, name: name.to_owned(), changed, depth: 0, left: limit };
        match self.read(&mut input, &mut file) {
            Ok(()) => self.files += 1,
            Err(error) => self.skipped.push(format!("{name}: {error}")),
        }
    }

    /// Searches a stream, and what is inside of it.
    fn read(&mut self, input: &mut Input<'_>, reader: &mut dyn Read) -> Result<(), String> {
        let mut buffer = Vec::new();
        let (mut core, mut lines, mut first) = (0, Lines::default(), true);
        loop {
            let wanted = (core + REACH + WINDOW).saturating_sub(buffer.len());
            let read = reader.take(wanted as u64).read_to_end(&mut buffer).map_err(|error| error.to_string())?;
            input.left = input.left.checked_sub(read as u64).ok_or("it unpacks to more than can be believed")?;
            if std::mem::take(&mut first) {
                if let Some(form) = archive::sealed(&buffer) {
                    return Err(format!("{form} cannot be opened"));
                }
                if let Some(container) = Container::of(&buffer[..buffer.len().min(archive::HEAD)]) {
                    return self.open(input, container, &mut Cursor::new(buffer).chain(reader));
                }
            }
            self.bytes += read as u64;
            let ended = read < wanted;
            let end = if ended { buffer.len() } else { buffer.len().saturating_sub(REACH).max(core) };
            let sight = input.eye.look(&buffer, core..end).map_err(|_| "a rule gave up on it".to_owned())?;
            for seen in sight.seen.iter().filter(|seen| seen.label.is_some()) {
                let at = seen.credential.span.start;
                let line = lines.position(&buffer, at).line;
                let time = time_of(&buffer, at);
                let by_record = time.is_some();
                let time = time.unwrap_or(input.changed);
                self.sightings.push(Sighting { time, path: input.name.clone(), line, by_record });
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

    /// Searches every member of a container.
    fn open(&mut self, input: &mut Input<'_>, container: Container, reader: &mut dyn Read) -> Result<(), String> {
        if input.depth == DEPTH {
            return Err(format!("{} inside of too many others", container.name()));
        }
        let result = archive::open(container, Bytes::Stream(reader), &mut |member: Member<'_>| {
            let inner = member.name.map(|name| format!("!{}", name.display())).unwrap_or_default();
            let name = format!("{}{inner}", input.name);
            let (eye, changed, left) = (input.eye, input.changed, input.left);
            let mut inside = Input { eye, name: name.clone(), changed, depth: input.depth + 1, left };
            let result = member.bytes.and_then(|bytes| self.read(&mut inside, bytes));
            input.left = inside.left;
            if let Err(error) = result {
                self.skipped.push(format!("{name}: {error}"));
            }
        });
        result.map_err(|error| error.to_string())
    }

    fn report(&self, args: &RotationVerify, since: SystemTime) -> String {
        let since_text = clock::rfc3339(since);
        let mut text = format!("key           {}\nreplaced      {since_text}\n", args.old);
        let objects = if args.history { format!(", {} objects of history", self.objects) } else { String::new() };
        let _ = writeln!(text, "searched      {} files{objects}, {} bytes", self.files, self.bytes);
        if self.excluded > 0 {
            let _ = writeln!(text, "left out      {} (devices, sockets, .git, links out of the tree)", self.excluded);
        }
        for skipped in &self.skipped {
            let _ = writeln!(text, "not searched  {skipped}");
        }
        let after = self.sightings.iter().filter(|sighting| sighting.time >= since).count();
        let _ = writeln!(text, "seen          {} times, {after} of them since", self.sightings.len());
        if let Some(last) = self.sightings.last() {
            let by = match () {
                () if last.by_record => "",
                () if last.path.contains(" in commit ") => ", by the time of the commit",
                () => ", by the time of the file",
            };
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
