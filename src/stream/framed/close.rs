//! What goes out although its line is not complete: records that are too long, lines whose rest does not come, and the end.

use super::{Framed, Record, STREAMS, Text, without_mark};
use crate::detect::REACH;
use crate::stream::decide::{Outcome, context_of};
use crate::stream::hub::{Blocked, Hub};

impl Framed {
    /// The streams that were not heard of for the longest time are forgotten, if no line of theirs is open.
    pub(super) fn forget_streams(&mut self) {
        while self.texts.len() > STREAMS {
            let idle = self.texts.iter().filter(|(_, text)| text.pieces.is_empty()).min_by_key(|(_, text)| text.turn);
            let Some(key) = idle.map(|(key, _)| key.clone()) else { return };
            self.texts.remove(&key);
        }
    }

    /// Takes what is whole; a record that is longer than anything that is put together is none, and refused in parts
    /// that do not depend on how it came.
    pub(super) fn take_or_refuse(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        let limit = hub.settings.max_line + REACH;
        while self.overlong || self.buffer.len() - self.at >= limit {
            let Some((start, stop)) = self.next_overlong(limit) else { break };
            self.take(start, hub, out)?;
            self.refuse(stop, hub);
            self.release(hub, out)?;
        }
        match memchr::memrchr(b'\n', &self.buffer[self.at..]) {
            Some(end) if !self.overlong => self.take(self.at + end + 1, hub, out),
            _ => Ok(()),
        }
    }

    /// Takes the last record, whose line end will not come.
    pub(super) fn take_rest(&mut self, hub: &mut Hub, out: &mut Vec<u8>) -> Result<(), Blocked> {
        let end = self.buffer.len();
        if self.overlong {
            self.refuse(end, hub);
            return Ok(());
        }
        self.take(end, hub, out)
    }

    /// Where the next part of a record that is too long begins and ends, as far as it has come.
    fn next_overlong(&self, limit: usize) -> Option<(usize, usize)> {
        let mut start = self.at;
        loop {
            let end = memchr::memchr(b'\n', &self.buffer[start..]).map(|at| start + at + 1);
            let length = end.unwrap_or(self.buffer.len()) - start;
            if length >= limit || self.overlong && end.is_some() {
                return Some((start, start + length.min(limit)));
            }
            start = end.filter(|_| !self.overlong)?;
        }
    }

    /// Everything up to `stop` is not looked at.
    pub(super) fn refuse(&mut self, stop: usize, hub: &mut Hub) {
        let bytes: Vec<u8> = self.buffer.drain(self.at..stop).collect();
        self.overlong = !bytes.ends_with(b"\n");
        let mark = self.raw.mark();
        self.raw.count(&bytes);
        hub.counters.lines += u64::from(!self.overlong);
        self.queue.push_back(Record::failed(bytes, mark));
    }

    /// The streams whose open lines are wanted, in an order that is always the same.
    fn open_lines(&self, wanted: impl Fn(&Text) -> bool) -> Vec<Vec<u8>> {
        let open = self.texts.iter().filter(|(_, text)| !text.pieces.is_empty() && wanted(text));
        let mut keys: Vec<Vec<u8>> = open.map(|(key, _)| key.clone()).collect();
        keys.sort();
        keys
    }

    /// Every open line is taken as it is: nothing more will come.
    pub(super) fn close_lines(&mut self, hub: &mut Hub) {
        for key in self.open_lines(|_| true) {
            let Some(mut text) = self.texts.remove(&key) else { continue };
            hub.counters.unjoined += 1;
            text.waited(hub);
            let end = text.buffer.len();
            let outcomes = self.lines(&mut text, end, hub);
            self.apply(&mut text, outcomes, end, hub);
            text.forget();
            self.texts.insert(key, text);
        }
    }

    /// The records of open lines go out although the rest of their lines has not come: what is or begins a
    /// secret redacted, with all that continues it. What comes is still judged with what went out.
    pub(super) fn let_go(&mut self, hub: &mut Hub, wanted: impl Fn(&Text) -> bool) {
        for key in self.open_lines(wanted) {
            let Some(mut text) = self.texts.remove(&key) else { continue };
            hub.counters.unjoined += 1;
            text.waited(hub);
            let floor = if text.long { text.at.saturating_sub(REACH) } else { context_of(&text.buffer, text.at) };
            let outcomes = text.decider.peek(&hub.eye.clone(), &text.buffer[floor..], text.at - floor);
            let mut outcomes: Vec<Outcome> = outcomes.into_iter().map(|outcome| outcome.shifted(floor)).collect();
            text.swallow = crate::stream::lines::close_tail(&text.buffer, text.at, &mut outcomes, hub);
            let told = outcomes.iter().map(Outcome::span).filter(|span| span.start >= text.at).collect();
            self.put_all(&text, outcomes, hub);
            text.told = told;
            for piece in &text.pieces {
                let closed = self.closing(&text, piece.start, hub);
                if let Some(record) = self.record(piece.record) {
                    (record.open, record.closed) = (false, closed);
                }
            }
            self.texts.insert(key, text);
        }
    }

    /// A private key that has begun ends with its stream.
    pub(super) fn close_keys(&mut self, hub: &mut Hub) {
        let eye = hub.eye.clone();
        let mut keys: Vec<Vec<u8>> = self.texts.keys().cloned().collect();
        keys.sort();
        for key in keys {
            let Some(mut text) = self.texts.remove(&key) else { continue };
            if let Some(Outcome::Hit(hit)) = text.decider.finish(&eye, text.buffer.len()).map(without_mark) {
                self.tell(&text, &hit, &[], hub);
            }
        }
        self.tell_pending(hub);
    }
}
