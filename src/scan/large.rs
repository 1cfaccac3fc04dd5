//! A large file on every core: windows that each thread reads for itself, with the same edges
//! whatever the number of threads.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::Ordering;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use rayon::slice::ParallelSlice;

use super::{Input, Job, Ledger, Look, Note, REACH, WHOLE, WINDOW, Window};
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

impl Job<'_> {
    /// Scans the rest of a file whose first [`WHOLE`] bytes are in the buffer.
    pub(super) fn large(&mut self, input: &Input, file: &File, buffer: &[u8], look: Look) -> io::Result<Option<Container>> {
        let large = LargeFile::new(file, self.settings.map)?;
        let cores = cores(buffer.len(), large.len());
        let banners = if look.kind == PlaceKind::Log { self.banners(&large, &cores)? } else { vec![None; cores.len()] };
        let (scanner, settings, progress) = (self.scanner, self.settings, self.progress);
        let part = |(at, core): (usize, Range<usize>)| -> io::Result<Part> {
            let mut job = Job::new(scanner, settings, progress);
            job.banner = banners[at];
            let bytes = core.start.saturating_sub(REACH)..(core.end + REACH).min(large.len());
            let mut look_at = |held: &[u8]| {
                let core = core.start - bytes.start..core.end - bytes.start;
                let window = Window::new(held, core, bytes.start, (Lines::default(), look));
                job.scan(input, &window);
                // Where the next window begins.
                window.position(window.core.end.saturating_sub(REACH))
            };
            let next = if at == 0 { look_at(buffer) } else { large.with(bytes.clone(), &mut look_at)? };
            job.ledger.bytes += core.len() as u64;
            job.progress.bytes.fetch_add(core.len() as u64, Ordering::Relaxed);
            Ok(Part { findings: job.findings, notes: job.notes, ledger: job.ledger, next })
        };
        let parts: Vec<_> = cores.into_par_iter().enumerate().map(part).collect();
        // The windows count what was read, its beginning too.
        self.meter.reset();
        let mut begin = Position { line: 1, column: 1 };
        for part in parts {
            let mut part = part?;
            part.findings.iter_mut().for_each(|finding| shift(finding, begin));
            part.ledger.warnings.iter_mut().for_each(|warning| warning.line += begin.line - 1);
            part.notes.iter_mut().filter_map(Note::finding).for_each(|finding| shift(finding, begin));
            self.findings.append(&mut part.findings);
            self.notes.append(&mut part.notes);
            self.settle();
            self.ledger.absorb(part.ledger);
            begin = behind(begin, part.next);
        }
        let tail = large.len() - TAIL..large.len();
        let container = large.with(tail, &mut |tail| Container::behind(tail))?;
        Ok(container.filter(|&container| self.may_open(input, container)))
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

/// What each window is answerable for, as the loop over a stream would cut it.
fn cores(held: usize, length: usize) -> Vec<Range<usize>> {
    let mut start = held.min(WHOLE) - REACH;
    let mut cores: Vec<_> = std::iter::once(0..start).collect();
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
