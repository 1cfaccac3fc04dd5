//! Flags that say in which mode a provider is used: on the line of a credential, in its block, in a block beside.

use super::declare::{self, Flag};
use super::entry;
use super::reading::{Index, LINE, Source, Witness};
use super::survey::Survey;
use crate::credential::{Credential, Environment, Evidence, Provider};
use crate::finding::PlaceKind;
use crate::span::Span;

/// The longest name of a call that is read for a provider.
const NAMED: usize = 60;
/// How many words before an object may say whose it is.
const WORDS: usize = 3;
/// The most blocks of a file that are asked for a mode.
const BLOCKS: usize = 256;

impl Survey<'_> {
    /// C3: the mode that the provider is used in, for credentials whose slot does not say. In a pair the
    /// flag selects, it does not label.
    pub(super) fn flag(&self, credential: &Credential, slot_side: Option<Environment>) -> Option<Witness> {
        if slot_side.is_some() {
            return None;
        }
        if self.kind() == PlaceKind::Log {
            return self.flag_in_record(credential);
        }
        self.flag_of_blocks(credential).or_else(|| self.flag_on_line(credential))
    }

    /// Whether the name of the provider leads to the object that both stand in: `square {"environment": "production", …}`.
    fn introduces(&self, record: Span, flag: &Flag<'_>, credential: &Credential) -> bool {
        let bytes = self.input.bytes;
        let (first, last) = (flag.span.start.min(credential.span.start), flag.span.start.max(credential.span.start));
        let Some(open) = memchr::memrchr(b'{', &bytes[record.start..first]).map(|at| record.start + at) else { return false };
        let head = &bytes[open.saturating_sub(NAMED).max(record.start)..open];
        let mut words = head.rsplit(|byte| !byte.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).take(WORDS);
        memchr::memchr(b'}', &bytes[open..last]).is_none()
            && words.any(|word| self.said_like(word).provider == credential.provider.as_ref())
    }

    /// What the record of a log says: `PLAID_ENV=sandbox PLAID_SECRET=v`, `{"livemode": false, "secret": "v"}`. Without a
    /// provider in the name, `environment: production` speaks of the program that wrote the record.
    fn flag_in_record(&self, credential: &Credential) -> Option<Witness> {
        let provider = credential.provider.as_ref()?;
        let record = self.record_around(credential.span);
        let entries = entry::in_record(self.input.bytes, record);
        let flags: Vec<Flag<'_>> = entries.iter().filter_map(|entry| declare::flag(&declare::Told::new(entry))).collect();
        let own = |flag: &&Flag<'_>| self.said_like(flag.name).provider == Some(provider);
        // What is nobody's contradicts no value: the payload of a record may speak of something else.
        let silent = !credential.because.iter().any(|fact| fact.weight == Some(100));
        let any = |flag: &&Flag<'_>| {
            let alone = flag.generic && !flag.of_place || flag.plain && flag.is_of_money();
            let nobodys = self.said_like(flag.name).provider.is_none();
            silent && nobodys && (alone || flag.plain && self.introduces(record, flag, credential))
        };
        let mut said = flags.iter().filter(own).peekable();
        let mut others = flags.iter().filter(any);
        let first = said.peek().copied().or_else(|| others.next())?;
        let agreed =
            said.all(|flag| flag.environment == first.environment) && others.all(|flag| flag.environment == first.environment);
        let evidence = Evidence { fact: format!("mode flag {}", first.text()), weight: Some(70), span: Some(first.span) };
        agreed.then_some(Witness { source: Source::Flag, environment: first.environment, evidence })
    }

    /// An argument of a call in one line, or another variable of one command: `Client(key='v', environment='live')`,
    /// `STRIPE_MODE=live STRIPE_KEY=v node app.js`.
    fn flag_on_line(&self, credential: &Credential) -> Option<Witness> {
        let (bytes, span) = (self.input.bytes, credential.span);
        let floor = span.start.saturating_sub(LINE);
        let start = memchr::memrchr(b'\n', &bytes[floor..span.start]).map_or(floor, |at| floor + at + 1);
        let end = (span.end + LINE).min(bytes.len());
        let end = memchr::memchr(b'\n', &bytes[span.end..end]).map_or(end, |at| span.end + at);
        let before = &bytes[start..span.start];
        let tag = memchr::memrchr2(b'<', b'>', before).filter(|&at| before[at] == b'<');
        let (line, call, sign) = match (memchr::memrchr(b'(', before), tag) {
            (Some(open), _) => {
                let close = memchr::memchr(b')', &bytes[span.end..end])?;
                (Span::new(start + open + 1, span.end + close), true, b',')
            }
            // The attributes of a tag.
            (None, Some(open)) => (Span::new(start + open + 1, end), true, b' '),
            (None, None) => (Span::new(start, end), false, b' '),
        };
        // `GoCardlessPro::Client.new(`.
        let head = &bytes[start..line.start.saturating_sub(usize::from(call)).max(start)];
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.:".contains(byte);
        let head = &head[head.len() - head.iter().rev().take(NAMED).take_while(is_part).count()..];
        let called = call.then(|| self.said(head).provider).flatten();
        let mut entries = Vec::new();
        let mut from = line.start;
        for at in memchr::memchr_iter(sign, &bytes[line.range()]).map(|at| line.start + at).chain([line.end]) {
            entry::read(bytes, Span::new(from, at), false, &mut entries);
            from = at + 1;
        }
        let mut flags = entries.iter().filter_map(|entry| declare::flag(&declare::Told::new(entry)));
        let first = flags.find(|flag| match self.said(flag.name).provider.or(called) {
            Some(owner) => Some(owner) == credential.provider.as_ref(),
            None => call && (flag.generic || flag.of_place || flag.plain),
        })?;
        let evidence = Evidence { fact: format!("mode flag {}", first.text()), weight: Some(70), span: Some(first.span) };
        Some(Witness { source: Source::Flag, environment: first.environment, evidence })
    }

    fn flag_of_blocks(&self, credential: &Credential) -> Option<Witness> {
        let structure = self.structure().filter(|structure| !structure.doubtful)?;
        for (depth, block) in structure.chain(credential.span.start).enumerate() {
            let facts = self.block(structure, block);
            let mut said = facts.flags.iter().filter(|flag| {
                let owner = self.said(flag.name).provider.or_else(|| {
                    let chain = structure.chain(structure.blocks[block].span.start);
                    let mut outer = chain.chain([block]).filter(|&outer| outer > 0);
                    outer.find_map(|outer| self.block_provider(structure, outer))
                });
                if let Some(owner) = owner {
                    return Some(owner) == credential.provider.as_ref();
                }
                // Without a provider it counts beside the credential only. `isProduction` and `environment` speak of
                // the place, unless it is an argument of a call, a setting of payments, or all the file is the
                // provider's; `environment: sandbox` can only mean the money.
                let argued = || {
                    let outer = structure.blocks[block].parent;
                    structure.head(block).ends_with(b"(")
                        || structure.head(block) == b"{" && structure.head(outer).ends_with(b"(")
                };
                let of_payments = || {
                    argued() || self.said(structure.key(block)).of_payments || self.file_owner() == credential.provider.as_ref()
                };
                let is_beside = depth == 0 && block > 0;
                match (flag.generic, flag.plain) {
                    (true, _) => is_beside && (!flag.of_place || of_payments()),
                    (_, true) => is_beside && (flag.is_of_money() || of_payments()),
                    _ => false,
                }
            });
            if let Some(first) = said.next() {
                if said.any(|other| other.environment != first.environment) {
                    return None;
                }
                let evidence = Evidence { fact: format!("mode flag {}", first.text()), weight: Some(70), span: Some(first.span) };
                return Some(Witness { source: Source::Flag, environment: first.environment, evidence });
            }
        }
        None
    }

    /// The provider that the file is called after: `config/braintree.yml`.
    fn file_owner(&self) -> Option<&Provider> {
        let name = self.path.rsplit('/').next()?;
        self.provider_of(name.split('.').next()?.as_bytes())
    }

    /// C3, in a block beside those of the credential: `env:` and `secrets:` of one chart. It counts if its name names
    /// the provider, and nothing parts the two.
    pub(super) fn flag_aside(&self, number: usize, slot_side: Option<Environment>, index: &Index<'_>) -> Option<Witness> {
        let credential = &index.seen.credentials[number];
        let provider = credential.provider.as_ref().filter(|_| slot_side.is_none())?;
        if credential.because.iter().any(|fact| fact.weight == Some(100)) || self.kind() == PlaceKind::Log {
            return None;
        }
        let structure = self.structure().filter(|structure| !structure.doubtful && structure.blocks.len() <= BLOCKS)?;
        let mut first: Option<Flag<'_>> = None;
        for block in 1..structure.blocks.len() {
            let span = structure.blocks[block].span;
            let facts = self.block(structure, block);
            let holds = span.start <= credential.span.start && credential.span.start < span.end;
            let ours = facts.flags.iter().filter(|flag| self.said(flag.name).provider.as_ref() == Some(&provider));
            for flag in ours.filter(|flag| !holds && !self.is_parted(flag.span, number, (span, Some(0)), index)) {
                if first.get_or_insert_with(|| flag.clone()).environment != flag.environment {
                    return None;
                }
            }
        }
        let flag = first?;
        let evidence = Evidence { fact: format!("mode flag {}", flag.text()), weight: Some(70), span: Some(flag.span) };
        Some(Witness { source: Source::Flag, environment: flag.environment, evidence })
    }
}
