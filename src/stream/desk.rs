//! What is said of the same secret again: nothing, but now and then how often. And of too many different
//! ones: how many.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::credential::Fingerprint;
use crate::finding::Finding;

/// Secrets that are remembered.
const REMEMBERED: usize = 4096;
/// After this long the count of a secret that was seen again is told.
const ROLL_UP: Duration = Duration::from_secs(60);
/// Alerts in a second, and at once.
const RATE: f64 = 50.0;

/// What makes two findings one: the stream, the class of the secret or what sort of finding it is, and the
/// fingerprint.
pub(super) type Key = (String, &'static str, Fingerprint);

/// A finding that was told, and how often it was seen.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) finding: Box<Finding>,
    pub(super) stream: String,
    pub(super) label: Option<String>,
    pub(super) redacted: bool,
    pub(super) truncated: bool,
    pub(super) count: u64,
    said: u64,
    last: Instant,
    turn: u64,
}

/// The first sighting of a finding.
#[derive(Debug)]
pub(super) struct First {
    pub(super) finding: Box<Finding>,
    pub(super) label: Option<String>,
    pub(super) redacted: bool,
    pub(super) truncated: bool,
}

/// Who was told what.
#[derive(Debug)]
pub(super) struct Desk {
    told: HashMap<Key, Told>,
    turns: BTreeMap<u64, Key>,
    turn: u64,
    tokens: f64,
    filled: Instant,
    limited: BTreeMap<&'static str, u64>,
    last_summary: Option<Instant>,
    pub(super) evicted: u64,
}

/// What to do with a finding.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Say {
    /// Tell it.
    Now,
    /// It was counted.
    Counted,
    /// There are too many.
    Limited,
}

impl Desk {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            told: HashMap::new(),
            turns: BTreeMap::new(),
            turn: 0,
            tokens: RATE,
            filled: now,
            limited: BTreeMap::new(),
            last_summary: None,
            evicted: 0,
        }
    }

    /// Counts a finding; `first` makes it if it is new.
    pub(super) fn count(&mut self, key: &Key, now: Instant, first: impl FnOnce() -> First) -> Say {
        self.turn += 1;
        let turn = self.turn;
        if let Some(told) = self.told.get_mut(key) {
            self.turns.remove(&told.turn);
            self.turns.insert(turn, key.clone());
            told.turn = turn;
            told.count += 1;
            let round = is_power_of_ten(told.count);
            if round && take(&mut self.tokens, &mut self.filled, now) {
                told.said = told.count;
                told.last = now;
                return Say::Now;
            }
            return Say::Counted;
        }
        let free = take(&mut self.tokens, &mut self.filled, now);
        if !free {
            *self.limited.entry(key.1).or_default() += 1;
            // Nobody would be told of it later either: it is not remembered.
            return Say::Limited;
        }
        if self.told.len() >= REMEMBERED
            && let Some((_, oldest)) = self.turns.pop_first()
        {
            self.told.remove(&oldest);
            self.evicted += 1;
        }
        let First { finding, label, redacted, truncated } = first();
        let stream = key.0.clone();
        let (count, said, last) = (1, 1, now);
        let entry = Told { finding, stream, label, redacted, truncated, count, said, last, turn };
        self.told.insert(key.clone(), entry);
        self.turns.insert(turn, key.clone());
        Say::Now
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Told> {
        self.told.get(key)
    }

    /// The counts that are due: after a minute, or at the end.
    pub(super) fn due(&mut self, now: Instant, end: bool) -> Vec<&Told> {
        let mut due: Vec<&mut Told> = self.told.values_mut().filter(|told| told.count > told.said).collect();
        due.retain(|told| end || now.duration_since(told.last) >= ROLL_UP);
        due.sort_by_key(|told| told.turn);
        let mut out = Vec::new();
        for told in due {
            if end || take(&mut self.tokens, &mut self.filled, now) {
                told.said = told.count;
                told.last = now;
                out.push(&*told);
            }
        }
        out
    }

    /// What was held back since the last summary, once a second.
    pub(super) fn summary(&mut self, now: Instant, end: bool) -> Option<BTreeMap<&'static str, u64>> {
        let ripe = self.last_summary.is_none_or(|last| now.duration_since(last) >= Duration::from_secs(1));
        if self.limited.is_empty() || !(ripe || end) {
            return None;
        }
        self.last_summary = Some(now);
        Some(std::mem::take(&mut self.limited))
    }
}

/// Takes a token from the bucket, if there is one.
fn take(tokens: &mut f64, filled: &mut Instant, now: Instant) -> bool {
    *tokens = (*tokens + now.duration_since(*filled).as_secs_f64() * RATE).min(RATE);
    *filled = now;
    let free = *tokens >= 1.0;
    if free {
        *tokens -= 1.0;
    }
    free
}

fn is_power_of_ten(count: u64) -> bool {
    count.checked_ilog10().is_some_and(|log| 10_u64.pow(log) == count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_numbers() {
        let round: Vec<u64> = (0..2000).filter(|&count| is_power_of_ten(count)).collect();
        assert_eq!(round, [1, 10, 100, 1000]);
    }

    #[test]
    fn the_bucket_fills_again() {
        let now = Instant::now();
        let (mut tokens, mut filled) = (RATE, now);
        assert_eq!((0..200).filter(|_| take(&mut tokens, &mut filled, now)).count(), 50);
        let later = now + Duration::from_millis(100);
        assert_eq!((0..200).filter(|_| take(&mut tokens, &mut filled, later)).count(), 5);
    }
}
