//! The live conveyor: production logs in, the same logs out without their secrets, and alerts beside.
//!
//! [`Lines`] does the work of one stream: it is a function of the bytes and of pauses longer than
//! `hold`, whatever pieces the bytes arrive in. [`Hub`] holds what the streams of a run share.

pub mod clock;
#[cfg(unix)]
mod conveyor;
mod correlate;
mod decide;
mod desk;
mod eye;
mod filter;
mod framed;
mod hub;
mod lines;
mod mask;
mod metrics;
mod open;
mod pem;
mod rsyslog;
mod sink;

#[cfg(unix)]
pub use conveyor::{Channel, Conveyor, DRAIN, End, Host, Signals, forbid_core_dumps};
pub use eye::{Eye, Fault, KNOWN, Seen, Sight};
pub use filter::Filter;
pub use framed::Framed;
pub use hub::{Blocked, Hub, OnError, Settings};
pub use lines::Lines;
pub use mask::Mask;
pub use metrics::Counters;
pub use rsyslog::{MessageModification, OutputProgram};
pub use sink::{Open, Sink, Tell};

#[cfg(test)]
mod tests;
