//! What the conveyor asks of every protocol.

use std::time::{Duration, Instant};

use super::hub::{Blocked, Hub};
use super::lines::Lines;

/// One stream: bytes in, bytes out.
pub trait Filter {
    /// Before the first byte.
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    /// Takes bytes in and puts out what is decided.
    fn push(&mut self, bytes: &[u8], hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked>;

    /// Nothing more is waiting.
    fn idle(&mut self, hub: &mut Hub, out: &mut Vec<u8>);

    /// When what is held must go out.
    fn deadline(&self, hold: Duration) -> Option<Instant>;

    /// That time has come.
    fn expire(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked>;

    /// The input has ended.
    fn finish(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked>;

    /// The run ends although the input has not.
    fn abandon(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked>;

    /// Whether what went out ends inside a line.
    fn is_mid_line(&self) -> bool {
        false
    }

    /// Whether it puts out something of its own, redaction or not.
    fn replies(&self) -> bool {
        false
    }
}

impl Filter for Lines {
    fn push(&mut self, bytes: &[u8], hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        Self::push(self, bytes, hub, out)
    }

    fn idle(&mut self, hub: &mut Hub, out: &mut Vec<u8>) {
        Self::idle(self, hub, out);
    }

    fn deadline(&self, hold: Duration) -> Option<Instant> {
        Self::deadline(self, hold)
    }

    fn expire(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        Self::expire(self, hub, out)
    }

    fn finish(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        Self::finish(self, hub, out)
    }

    fn abandon(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        Self::abandon(self, hub, out)
    }

    fn is_mid_line(&self) -> bool {
        Self::is_mid_line(self)
    }
}
