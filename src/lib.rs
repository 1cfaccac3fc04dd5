//! keyfence finds payment keys in repositories and logs, and keeps live and sandbox apart.
//!
//! # The map
//!
//! Bytes become candidates, matches, sightings, places, findings, a report. A room imports lower
//! floors only; `tests/it/architecture.rs` holds it to that, and `ARCHITECTURE.md` says why.
//!
//! | floor | room | what it is for |
//! |---|---|---|
//! | 0 | [`span`] | byte spans; lines and columns |
//! | 0 | [`credential`] | providers, classes, environments, the secret that cannot be printed |
//! | 1 | [`finding`] | kinds, severities, places, findings |
//! | 1 | [`check`] | named tests of a secret's bytes |
//! | 2 | [`rule`] | what is known about providers |
//! | 2 | [`record`] | log records |
//! | 3 | [`detect`] | bytes in, sightings out |
//! | 4 | [`rule_check`] | a rule file against the real scanner |
//! | 4 | [`environment`] | what a path and a file say of the place |
//! | 5 | [`assess`] | the decision table |
//! | 5 | [`source`] | where bytes come from |
//! | 5 | [`policy`] | gates and exceptions |
//! | 5 | [`report`] | findings as bytes, through one redactor |
//! | 6 | [`scan`] | the batch conveyor |
//! | 6 | [`stream`] | the live conveyor |
//!
//! # Words
//!
//! A **rule** recognises one kind of credential of one **provider**. A **credential** has a
//! **class** (what it opens) and an **environment** (which money it touches). A **sighting** is
//! what was seen; a **place** is where; a **finding** is what somebody should look at, of a
//! **kind** and a **severity**. **Evidence** is the fact that says so.

pub mod assess;
pub mod check;
pub mod credential;
pub mod detect;
pub mod environment;
pub mod finding;
pub mod policy;
pub mod record;
pub mod report;
pub mod rule;
pub mod rule_check;
pub mod scan;
pub mod source;
pub mod span;
pub mod stream;
