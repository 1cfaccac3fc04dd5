//! One test binary: the program and its promises, from outside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod broken_files;
mod cards;
mod cases;
mod ci;
mod cli;
mod config;
mod containers;
mod cost;
mod dictionaries;
mod dogfood;
mod drawn;
mod env;
mod environments;
mod evidence;
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
mod vectors;
