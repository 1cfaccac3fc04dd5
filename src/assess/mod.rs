//! The decision: what a credential in a place is, and how bad. The table and nothing else.

mod table;

pub use table::{Verdict, judge};
