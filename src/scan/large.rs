//! A large file on every core: windows that each thread reads for itself, with the same edges
//! whatever the number of threads. And what was read of a long stream: several windows at once.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::Ordering;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use rayon::slice::ParallelSlice;

use super::{Input, Job, Ledger, Look, Note, Progress, REACH, Settings, WHOLE, WINDOW, Window};
use crate::detect::Scanner;
use crate::environment::{self, Run, Survey};
use crate::finding::{Finding, PlaceKind, Stage};
use crate::record;
use crate::source::archive::{Container, TAIL};
use crate::source::large::LargeFile;
use crate::span::{Lines, Position};

/// What a window found, and where the next one begins, both counted from where it begins itself.
struct Part {
    findings: Vec<Finding>,
    notes: Vec<Note>,
    ledger: Ledger,
    next: Position,
}

/// What all windows of an input have in common.
struct Windows<'w> {
    input: &'w Input,
    scanner: &'w Scanner,
    settings: &'w Settings,
    progress: &'w Progress,
    look: Look,
}

impl Windows<'_> {
    /// Scans the core of the bytes that are held, which begin at an offset, behind what the last start-up banner said.
    fn scan(&self, held: &[u8], core: Range<usize>, offset: usize, banner: Option<Stage>) -> Part {
        let mut job = Job::new(self.scanner, self.settings, self.progress);
        job.banner = banner;
        let window = Window::new(held, core, offset, (Lines::default(), self.look));
        job.scan(self.input, &window);
        let next = window.position(window.core.end.saturating_sub(REACH));
        Part { findings: job.findings, notes: job.notes, ledger: job.ledger, next }
    }
}

impl<'a> Job<'a> {
    /// Scans the rest of a file whose first [`WHOLE`] bytes are in the buffer.
    pub(super) fn large(&mut self, input: &Input, file: &File, buffer: &[u8], look: Look) -> io::Result<Option<Container>> {
        let large = LargeFile::new(file, self.settings.map)?;
        let cores = cores(0, buffer.len().min(WHOLE) - REACH, large.len());
        let banners = if look.kind == PlaceKind::Log { self.banners(&large, &cores)? } else { vec![None; cores.len()] };
        let (windows, progress) = (self.windows(input, look), self.progress);
        let part = |(at, core): (usize, Range<usize>)| -> io::Result<Part> {
            let bytes = core.start.saturating_sub(REACH)..(core.end + REACH).min(large.len());
            let within = core.start - bytes.start..core.end - bytes.start;
            let mut look_at = |held: &[u8]| windows.scan(held, within.clone(), bytes.start, banners[at]);
            let mut part = if at == 0 { look_at(buffer) } else { large.with(bytes.clone(), &mut look_at)? };
            part.ledger.bytes += core.len() as u64;
            progress.bytes.fetch_add(core.len() as u64, Ordering::Relaxed);
            Ok(part)
        };
        let parts: Vec<_> = cores.into_par_iter().enumerate().map(part).collect();
        // The windows count what was read, its beginning too.
        self.meter.reset();
        let mut begin = Position { line: 1, column: 1 };
        for part in parts {
            begin = self.take(part?, begin);
        }
        let tail = large.len() - TAIL..large.len();
        let container = large.with(tail, &mut |tail| Container::behind(tail))?;
        Ok(container.filter(|&container| self.may_open(input, container)))
    }

    /// Scans what was read of a stream on every core, from `start` to `end`; the buffer begins where the first window
    /// does, at an offset and a position. Says where the bytes begin that the next window needs.
    pub(super) fn at_once(
        &mut self,
        (input, look): (&Input, Look),
        buffer: &[u8],
        (start, end): (usize, usize),
        (offset, mut begin): (usize, Position),
    ) -> Position {
        let run = Run { declared: &self.settings.context.declared, rules: self.scanner.rules() };
        let survey = (look.kind == PlaceKind::Log).then(|| Survey::new(run, environment::Input::log(buffer, self.banner)));
        let said = |at: usize| survey.as_ref().and_then(|survey| survey.banner_before(at));
        let job = |core: Range<usize>| (core.start.saturating_sub(REACH), core);
        let jobs = cores(start, start + WINDOW, end).into_iter().map(job).map(|(from, core)| (from, core, said(from)));
        let jobs: Vec<_> = jobs.collect();
        self.banner = said(end - REACH);
        let windows = self.windows(input, look);
        let part = |(from, core, banner): (usize, Range<usize>, Option<Stage>)| {
            let held = &buffer[from..(core.end + REACH).min(buffer.len())];
            windows.scan(held, core.start - from..core.end - from, offset + from, banner)
        };
        let parts: Vec<Part> = jobs.into_par_iter().map(part).collect();
        for part in parts {
            begin = self.take(part, begin);
        }
        begin
    }

    fn windows<'w>(&self, input: &'w Input, look: Look) -> Windows<'w>
    where
        'a: 'w,
    {
        Windows { input, scanner: self.scanner, settings: self.settings, progress: self.progress, look }
    }

    /// Takes what was found in a window that begins at a position; says where the next one begins.
    fn take(&mut self, mut part: Part, begin: Position) -> Position {
        part.findings.iter_mut().for_each(|finding| shift(finding, begin));
        part.ledger.warnings.iter_mut().for_each(|warning| warning.line += begin.line - 1);
        part.notes.iter_mut().filter_map(Note::finding).for_each(|finding| shift(finding, begin));
        self.findings.append(&mut part.findings);
        self.notes.append(&mut part.notes);
        self.settle();
        self.ledger.absorb(part.ledger);
        behind(begin, part.next)
    }

    /// What the last start-up banner said before each window begins.
    fn banners(&self, large: &LargeFile<'_>, cores: &[Range<usize>]) -> io::Result<Vec<Option<Stage>>> {
        let begin = |core: &Range<usize>| core.start.saturating_sub(REACH);
        let run = Run { declared: &self.settings.context.declared, rules: self.scanner.rules() };
        let last = |pair: &[Range<usize>]| -> io::Result<Option<Stage>> {
            let (begin, end) = (begin(&pair[0]), begin(&pair[1]));
            // The lines at both ends are whole.
            let around = begin.saturating_sub(record::BANNER + 1)..(end + record::BANNER + 1).min(large.len());
            large.with(around.clone(), &mut |bytes| {
                let survey = Survey::new(run, environment::Input::log(bytes, None));
                let mut said = survey.start_ups().iter().rev().map(|&(at, stage)| (around.start + at, stage));
                said.find(|(at, _)| (begin..end).contains(at)).map(|(_, stage)| stage)
            })
        };
        let said: io::Result<Vec<Option<Stage>>> = cores.par_windows(2).map(last).collect();
        let carried = said?.into_iter().scan(None, |before: &mut Option<Stage>, said| {
            *before = said.or(*before);
            Some(*before)
        });
        Ok(std::iter::once(None).chain(carried).collect())
    }
}

/// What each window is answerable for, as the loop over a stream would cut it: the first up to `first`.
fn cores(start: usize, first: usize, length: usize) -> Vec<Range<usize>> {
    let (mut cores, mut start): (Vec<_>, _) = (std::iter::once(start..first).collect(), first);
    while start < length {
        let end = if start + WINDOW + REACH > length { length } else { start + WINDOW };
        cores.push(start..end);
        start = end;
    }
    cores
}

/// A position that was counted from `begin`, counted from the beginning of the file.
fn behind(begin: Position, local: Position) -> Position {
    let column = if local.line == 1 { begin.column + local.column - 1 } else { local.column };
    Position { line: begin.line + local.line - 1, column }
}

fn shift(finding: &mut Finding, begin: Position) {
    if let Some((first, last)) = &mut finding.location.lines {
        (*first, *last) = (behind(begin, *first), behind(begin, *last));
    }
    for (_, line) in &mut finding.because {
        *line = line.map(|line| line + begin.line - 1);
    }
    for related in &mut finding.related {
        related.line = related.line.map(|line| line + begin.line - 1);
    }
}
