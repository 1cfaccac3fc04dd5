//! The decision: what a credential or a fact in a place is, and how bad. The tables and nothing else.

mod explain;
mod judge;
mod relations;
mod shared;
mod table;

pub use explain::{Explained, explain};
pub use judge::{Judgement, Outcome, Site, Subject, Trace, judge, shared_outcome};
pub use shared::{Exposed, Shared, Side};
pub use table::{Adjust, Case, Role, Row, base_kind};
