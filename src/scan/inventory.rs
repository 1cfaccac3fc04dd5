//! What stands in each environment, collected over a tree.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::judge::Seeing;
use super::{Input, Job, Ledger, Progress, Settings, Window};
use crate::detect::Scanner;
use crate::environment::Survey;
use crate::environment::inventory::Inventory;
use crate::source::{self, GlobError, Met};

/// Takes stock of everything below `roots`: what is found there is counted and not reported.
pub fn inventory(
    scanner: &Scanner,
    roots: &[PathBuf],
    settings: &Settings,
    progress: &Progress,
) -> Result<(Inventory, Ledger), GlobError> {
    let collected = Mutex::new((Inventory::default(), Ledger::default()));
    source::walk(roots, &settings.walk, &|met| {
        let mut job = Job::new(scanner, settings, progress);
        job.stock = Some(Inventory::default());
        match met {
            Met::File(haystack) => job.haystack(&haystack),
            Met::Excluded => job.ledger.excluded += 1,
            Met::Skipped(error) => job.ledger.skipped.push(error),
        }
        let mut all = collected.lock().unwrap_or_else(PoisonError::into_inner);
        all.0.absorb(job.stock.unwrap_or_default());
        all.1.absorb(job.ledger);
    })?;
    let (mut inventory, mut ledger) = collected.into_inner().unwrap_or_else(PoisonError::into_inner);
    inventory.sort();
    ledger.skipped.sort();
    ledger.warnings.sort();
    Ok((inventory, ledger))
}

impl Job<'_> {
    /// Adds a window to the stock, if it is taken.
    pub(super) fn take_stock(&mut self, input: &Input, window: &Window<'_>, seeing: &Seeing<'_>, survey: &Survey<'_>) {
        let Some(stock) = &mut self.stock else { return };
        let line = |at: usize| window.position(at).line;
        let (items, unresolved) = survey.stock(seeing.seen, &self.settings.fingerprints, &input.origin, &line);
        stock.add(items, unresolved);
    }
}
