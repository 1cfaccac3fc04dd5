//! What is told of a record that is put together, and when.

use super::{Framed, Pending, RECORD, Record, Text};
use crate::span::Span;
use crate::stream::decide::{Hit, moved};
use crate::stream::hub::{At, Hub};

impl Framed {
    pub(super) fn tell(&mut self, text: &Text, hit: &Hit, spans: &[Span], hub: &Hub) {
        let at = hit.span.start;
        // What ends a private key may stand behind the last byte of its piece.
        let piece = text.pieces.iter().rev().find(|piece| piece.start <= at && at <= piece.start + piece.length).copied();
        let stream = match String::from_utf8_lossy(&text.key) {
            inner if inner.is_empty() => self.name.clone(),
            inner if self.name == "-" => inner.into_owned(),
            inner => format!("{}/{inner}", self.name),
        };
        let turn = (self.closing(text, at, hub), 0);
        let (mark, banner) = (self.raw.mark(), text.banner);
        let record = piece.and_then(|piece| self.record(piece.record).map(|record| (piece, record)));
        let (line, offset, column) = record.as_ref().map_or((mark.lines, mark.offset, 0), |(piece, record)| {
            let column = (piece.raw + at.saturating_sub(piece.start)) as u64;
            (record.mark.lines, record.mark.offset + column, column)
        });
        let banner = record.as_ref().map_or(banner, |(_, record)| record.banner);
        // A secret of one record is shown in it: there stands what wrapped it, and whose it is.
        let whole = record.filter(|(piece, record)| piece.holds(hit.span) && record.bytes.len() <= 2 * RECORD);
        let (bytes, span, facts, all) = match whole {
            Some((piece, record)) => {
                let others = spans.iter().filter(|span| piece.holds(**span)).map(|span| piece.raw_span(*span));
                let mut all: Vec<Span> = others.chain(record.hits.iter().map(|(hit, _)| hit.span)).collect();
                all.sort_unstable();
                all.dedup();
                (record.bytes.clone(), piece.raw_span(hit.span), record.facts.clone(), all)
            }
            None => text.record_of(hit.span, spans),
        };
        let hit = Some(Hit { credential: hit.credential.clone(), label: hit.label.clone(), ..*hit });
        self.pending.push(Pending { turn, hit, stream, record: bytes, span, line, offset, column, facts, banner, all });
    }

    /// Tells what is pending.
    pub(super) fn tell_pending(&mut self, hub: &mut Hub) {
        self.pending.sort_by_key(|pending| pending.turn);
        for pending in self.pending.drain(..) {
            let Pending { hit, stream, record, span, line, offset, column, facts, banner, all, .. } = &pending;
            let (line, offset, column) = (*line, *offset, *column);
            let at = At { stream, record, span: *span, line, offset, column, facts, banner: *banner };
            match hit {
                Some(hit) => hub.alert(hit, at, all),
                None => hub.facts(at, all),
            }
        }
    }

    /// What is to be told of a record by itself: a secret, or its facts.
    pub(super) fn pending_of(&self, record: &Record, hit: Option<Hit>, spans: &[Span]) -> Pending {
        let span = hit.as_ref().map_or_else(|| record.facts[0].span, |hit| hit.span);
        // Not all of a long one.
        let cut = Span::new(span.start.saturating_sub(RECORD), (span.end + RECORD).min(record.bytes.len()));
        let back = |span: Span| Span::new(span.start.saturating_sub(cut.start), span.end.saturating_sub(cut.start));
        let inside = |span: Span| span.start >= cut.start && span.end <= cut.end;
        Pending {
            turn: (self.closed, 1),
            hit,
            stream: self.name.clone(),
            record: record.bytes[cut.range()].to_vec(),
            span: back(span),
            line: record.mark.lines,
            offset: record.mark.offset + span.start as u64,
            column: span.start as u64,
            facts: record.facts.iter().filter(|fact| inside(fact.span)).cloned().map(|fact| moved(fact, back)).collect(),
            banner: record.banner,
            all: spans.iter().filter(|span| span.overlaps(cut)).map(|span| back(*span)).collect(),
        }
    }
}
