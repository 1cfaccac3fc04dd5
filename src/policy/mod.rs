//! What a team has decided: which findings block, and which are allowed where they stand.

mod allow;

pub use allow::{Allow, AllowError, Date, allows_on};

use crate::finding::Severity;

/// Which findings block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// The lowest severity that blocks.
    pub fail_on: Severity,
}

impl Default for Gate {
    /// Critical and high block; medium warns; low and notice are shown.
    fn default() -> Self {
        Self { fail_on: Severity::High }
    }
}

impl Gate {
    /// Whether a finding of this severity blocks.
    pub fn blocks(self, severity: Severity) -> bool {
        severity >= self.fail_on
    }
}
