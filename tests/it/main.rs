//! One test binary: the program and its promises, from outside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod cases;
mod cli;
mod containers;
mod dogfood;
mod environments;
mod oracle;
mod plant;
mod readme;
mod regressions;
mod rules;
mod schema;
