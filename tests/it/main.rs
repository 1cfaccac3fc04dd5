//! One test binary: the program and its promises, from outside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod cards;
mod cases;
mod ci;
mod cli;
mod containers;
mod dogfood;
mod drawn;
mod environments;
mod git;
mod oracle;
mod plant;
mod readme;
mod regressions;
mod rules;
mod schema;
mod stories;
#[cfg(unix)]
mod stream;
