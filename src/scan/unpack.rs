//! What is inside of containers: each member is an input of its own, within limits that no bomb exceeds.

use std::cell::Cell;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::Path;
use std::rc::Rc;

use super::{Flush, Input, Job, Raw, ahead};
use crate::finding::Origin;
use crate::source::SourceError;
use crate::source::archive::{self, Bytes, Container, Member};

/// What may always come out of one file, whatever its size.
const FLOOR: u64 = 1 << 30;
/// What may come out of each of its bytes. Logs shrink to a tenth, repeated ones to a hundredth.
const RATIO: u64 = 250;

/// How much has been read of one file, and how much came out of it, on all levels.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub(super) raw: Cell<u64>,
    unpacked: Cell<u64>,
}

impl Meter {
    pub(super) fn add_raw(&self, bytes: u64) {
        self.raw.set(self.raw.get() + bytes);
    }

    /// Starts anew, and says how much was read.
    pub(super) fn reset(&self) -> u64 {
        self.unpacked.set(0);
        self.raw.take()
    }

    fn add_unpacked(&self, bytes: u64) -> io::Result<()> {
        self.unpacked.set(self.unpacked.get() + bytes);
        if self.unpacked.get() > FLOOR + RATIO.saturating_mul(self.raw.get()) {
            let why = format!("over the limit: it unpacks to more than 1 GiB and {RATIO} times its size");
            return Err(io::Error::new(ErrorKind::FileTooLarge, why));
        }
        Ok(())
    }
}

/// Counts what is read, if it is of the file itself.
struct Counted<'r, 's> {
    raw: &'r mut Raw<'s>,
    meter: Option<Rc<Meter>>,
}

impl Read for Counted<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(buffer)?;
        if let Some(meter) = &self.meter {
            meter.add_raw(read as u64);
        }
        Ok(read)
    }
}

/// Counts what comes out of it, and ends where that is too much.
struct Limited<'r> {
    inner: &'r mut dyn Read,
    meter: Rc<Meter>,
}

impl Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.meter.add_unpacked(read as u64)?;
        Ok(read)
    }
}

impl<'a> Job<'a> {
    /// The container that an input begins with, if it is to be opened. What is not is in the ledger.
    pub(super) fn container(&mut self, input: &Input, head: &[u8]) -> Option<Container> {
        if let Some(form) = archive::sealed(head) {
            self.note(input, format!("compressed ({form}), only its raw bytes were scanned"));
        }
        let container = Container::of(head)?;
        self.may_open(input, container).then_some(container)
    }

    /// A zip that an input ends with. In a stream that was too long to be held it cannot be opened.
    pub(super) fn container_behind(&mut self, input: &Input, bytes: &[u8], is_lost: bool) -> Option<Container> {
        let container = Container::behind(&bytes[bytes.len().saturating_sub(archive::TAIL)..])?;
        if is_lost {
            self.note(input, "a zip stands at the end of this stream, only its raw bytes were scanned".to_owned());
        }
        (!is_lost && self.may_open(input, container)).then_some(container)
    }

    pub(super) fn may_open(&mut self, input: &Input, container: Container) -> bool {
        let may = input.depth < self.settings.depth;
        if !may {
            let (form, limit) = (container.name(), self.settings.depth);
            self.note(input, format!("over the limit: {form} in {limit} other containers is not opened (--max-archive-depth)"));
        }
        may
    }

    fn note(&mut self, input: &Input, why: String) {
        self.ledger.skipped.push(SourceError { origin: input.origin.clone(), why });
    }

    /// Scans every member of a container, of which `head` has been read.
    pub(super) fn unpack(
        &mut self,
        input: &Input,
        (container, head): (Container, Vec<u8>),
        raw: &mut Raw<'_>,
        flush: &mut Flush<'_, 'a>,
    ) -> io::Result<()> {
        let meter = Rc::clone(&self.meter);
        if input.depth > 0 {
            // What is a container itself counts by what is inside of it.
            self.ledger.unpacked = self.ledger.unpacked.saturating_sub(head.len() as u64);
        }
        if let (Raw::File(file), Container::Zip) = (&*raw, container) {
            meter.raw.set(file.metadata()?.len().max(meter.raw.get()));
            return archive::open(container, Bytes::File(file), &mut |member| self.member(input, member, flush));
        }
        let mut inside = |inner: &mut dyn Read| self.member(input, Member { name: None, bytes: Ok(inner) }, flush);
        if let Raw::File(file) = &*raw
            && input.depth == 0
            && ahead::is_worth(file)
            && ahead::read(container, &head, file, &meter, &mut inside)
        {
            return Ok(());
        }
        let rest = Counted { raw, meter: (input.depth == 0).then_some(meter) };
        let mut stream = Cursor::new(head).chain(rest);
        archive::open(container, Bytes::Stream(&mut stream), &mut |member| self.member(input, member, flush))
    }

    fn member(&mut self, outer: &Input, member: Member<'_>, flush: &mut Flush<'_, 'a>) {
        let input = outer.inside(member.name.as_deref());
        if member.name.is_some() {
            self.name(&input);
        }
        let skipped = self.ledger.skipped.len();
        match member.bytes {
            Err(why) => self.note(&input, why),
            Ok(inner) => {
                let mut limited = Limited { inner, meter: Rc::clone(&self.meter) };
                self.read(&input, &mut Raw::Stream(&mut limited), flush);
            }
        }
        let is_file = member.name.is_some_and(|name| !name.as_os_str().as_encoded_bytes().ends_with(b"/"));
        self.ledger.members += u64::from(is_file && self.ledger.skipped.len() == skipped);
    }
}

impl Input {
    /// A member of this input; without a name, what it is when it is no longer compressed.
    fn inside(&self, name: Option<&Path>) -> Self {
        let depth = self.depth + 1;
        let Some(name) = name else {
            let path = self.path.as_deref().map(archive::inner_name);
            return Self { path, depth, ..self.clone() };
        };
        let origin = Origin::Member { container: Box::new(self.origin.clone()), name: name.to_owned() };
        let path = Some(self.path.as_deref().unwrap_or(Path::new("")).join(name.strip_prefix("/").unwrap_or(name)));
        Self { origin, path, depth, ..self.clone() }
    }
}
