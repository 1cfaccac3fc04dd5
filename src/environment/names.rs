//! What the names in a file say: each is read once, however often it stands there and whoever asks.

use std::cell::RefCell;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::declare::Declares;
use super::lexicon::{self, NameTraits};
use super::survey::Run;
use crate::credential::{Environment, Provider};
use crate::detect::is_payout_block;
use crate::finding::Stage;
use crate::rule::name::{NameWords, is_one_of};

/// As many names as are kept; of more in one file some are read again.
const KEPT: usize = 10_000;
/// As many as an ordinary file has.
const ROOM: usize = 100;

/// What a name says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    /// Which money a slot of that name is for.
    pub(super) side: Option<Environment>,
    /// The environment that it is the word for, and nothing else.
    pub(super) stage: Option<Stage>,
    /// The provider that it names.
    pub(super) provider: Option<&'a Provider>,
    /// It is the word for a mode: `live: …` and `test: …` speak of the key, not of the place.
    pub(super) is_mode: bool,
    /// It is that of a key, a secret or a token.
    pub(super) of_key: bool,
    /// It speaks of payments.
    pub(super) of_payments: bool,
    /// What an assignment to it may declare.
    pub(super) declares: Declares,
}

impl<'a> Said<'a> {
    /// Reads a name.
    pub(super) fn of(run: Run<'a>, name: &[u8]) -> Self {
        let all = NameWords::of(name);
        let traits = NameTraits::of(all.iter());
        let (side, stage) = run.declared.words.side_and_stage(name, (&all, traits));
        Self {
            side,
            stage,
            provider: run.rules.named_in(&all).map(|provider| &provider.id),
            is_mode: is_mode(&all),
            of_key: traits.has(lexicon::KEY),
            of_payments: traits.has(lexicon::PAYMENT),
            declares: Declares::of(name, &all, traits),
        }
    }
}

/// `live`, `test` or `sandbox`.
fn is_mode(all: &NameWords) -> bool {
    is_one_of(all.normal(), &["live", "test", "sandbox"])
}

/// Whether a name speaks of payments.
pub fn is_payment_word(name: &[u8]) -> bool {
    NameWords::of(name).iter().any(|word| lexicon::traits_of(word) & lexicon::PAYMENT != 0)
}

/// What is known by a name of a file.
type ByName<'a, T> = RefCell<HashMap<&'a [u8], T, RandomState>>;

/// The names of a file.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    said: ByName<'a, Said<'a>>,
    /// Of blocks around keys: whether they are about payouts.
    payouts: ByName<'a, bool>,
}

/// What is known by a name, found out if it is not.
fn known<'a, T: Copy>(by_name: &ByName<'a, T>, name: &'a [u8], find: impl FnOnce() -> T) -> T {
    if let Some(known) = by_name.borrow().get(name) {
        return *known;
    }
    let found = find();
    let mut by_name = by_name.borrow_mut();
    if by_name.len() < KEPT {
        if by_name.is_empty() {
            by_name.reserve(ROOM);
        }
        by_name.insert(name, found);
    }
    found
}

impl<'a> Names<'a> {
    /// What a name of the file says.
    pub(super) fn said(&self, run: Run<'a>, name: &'a [u8]) -> Said<'a> {
        known(&self.said, name, || Said::of(run, name))
    }

    /// What a name says that may stand in the file.
    pub(super) fn like(&self, run: Run<'a>, name: &[u8]) -> Said<'a> {
        self.said.borrow().get(name).copied().unwrap_or_else(|| Said::of(run, name))
    }

    /// Whether a key in a block of that name is one for payouts.
    pub(super) fn is_payout_block(&self, name: &'a [u8]) -> bool {
        known(&self.payouts, name, || is_payout_block(name))
    }
}
