//! What was learnt of the names of slots and of hosts, because logs and configurations repeat them thousands of times. It
//! changes no answer; names are all that it holds, never values.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;
use regex_automata::util::pool::Pool;

use super::index::Known;
use crate::credential::Environment;

/// Longer names are rare, and looked up each time.
const LONGEST: usize = 64;
/// So many names are kept; then they are forgotten, all at once.
const MOST: usize = 2048;

/// A memory for each thread.
pub(super) type Memories = Pool<Memory, fn() -> Memory>;

/// Answers by the names that they were given for.
#[derive(Default)]
pub(super) struct Memory {
    /// The rules that know a name.
    pub(super) rules: Kept<Arc<[Known]>>,
    /// The providers that a name means.
    pub(super) named: Kept<Arc<[usize]>>,
    /// The providers one of whose slots has the name.
    pub(super) owners: Kept<Arc<[usize]>>,
    /// Whether a name may be the end of a provider's own.
    pub(super) leaves: Kept<bool>,
    /// The provider of a host, and its environment.
    pub(super) hosts: Kept<Option<(usize, Environment)>>,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

/// Answers of one kind.
pub(super) struct Kept<T>(RefCell<HashMap<Box<[u8]>, T, RandomState>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: Clone> Kept<T> {
    /// The answer for a name: as it was given before, or as `find` gives it.
    pub(super) fn of(&self, name: &[u8], find: impl FnOnce() -> T) -> T {
        if name.len() > LONGEST {
            return find();
        }
        if let Some(known) = self.0.borrow().get(name) {
            return known.clone();
        }
        let answer = find();
        let mut kept = self.0.borrow_mut();
        if kept.len() == MOST {
            kept.clear();
        }
        kept.insert(name.into(), answer.clone());
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_once_and_room_is_bounded() {
        let kept: Kept<usize> = Kept::default();
        assert_eq!(kept.of(b"name", || 7), 7);
        assert_eq!(kept.of(b"name", || unreachable!()), 7);
        assert_eq!(kept.of(&[b'x'; LONGEST + 1], || 8), 8);
        assert_eq!(kept.of(&[b'x'; LONGEST + 1], || 9), 9);
        for number in 0..3 * MOST {
            assert_eq!(kept.of(number.to_string().as_bytes(), || number), number);
            assert!(kept.0.borrow().len() <= MOST);
        }
    }
}
