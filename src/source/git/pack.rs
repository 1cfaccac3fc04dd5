//! Every object of a repository, each inflated once: packs in the order of their deltas, then loose
//! objects. Bases are kept while something is still to be built on them, within a budget.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::read::ZlibDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use gix_object::Kind;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::{GitError, Id};

/// Blobs that are not larger are held while they are looked at.
const HELD: u64 = 8 * 1024 * 1024;
/// No base, no child, no sibling.
const NONE: u32 = u32::MAX;
/// The types of objects that are built on others.
const OFS_DELTA: u8 = 6;
const REF_DELTA: u8 = 7;
/// The longest head of an object in a pack: its size, and the name of what it is built on.
const HEAD: usize = 16 + 32;

/// An object.
pub(crate) struct Object<'a> {
    pub(crate) id: Id,
    pub(crate) kind: Kind,
    pub(crate) content: Content<'a>,
}

/// What an object holds.
pub(crate) enum Content<'a> {
    Held(&'a [u8]),
    /// A large blob.
    Stream(&'a mut dyn Read),
    /// It cannot be read.
    Failed(String),
}

/// What people wrote: files and messages, no trees.
pub(crate) const CONTENT: &[Kind] = &[Kind::Commit, Kind::Blob, Kind::Tag];

/// What to look at, and how much memory may be used for it.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) kinds: &'a [Kind],
    pub(crate) memory: u64,
}

/// The objects of a repository as files.
pub(super) struct Files {
    packs: Vec<Pack>,
    loose: Vec<PathBuf>,
    hash: gix_hash::Kind,
}

impl Files {
    /// Lists what stands in these folders. What cannot be read is told.
    pub(super) fn list(folders: &[PathBuf], hash: gix_hash::Kind, failed: &mut dyn FnMut(GitError)) -> Self {
        let mut files = Self { packs: Vec::new(), loose: Vec::new(), hash };
        for folder in folders {
            for path in listed(&folder.join("pack")).into_iter().filter(|path| path.extension().is_some_and(|end| end == "idx")) {
                match Pack::open(&path, hash) {
                    Ok(pack) => files.packs.push(pack),
                    Err(error) => failed(error),
                }
            }
            let two = |path: &PathBuf| path.file_name().is_some_and(|name| name.len() == 2);
            files.loose.extend(listed(folder).into_iter().filter(two).flat_map(|folder| listed(&folder)));
        }
        // An object that is in several packs is read from the largest.
        files.packs.sort_by_key(|pack| std::cmp::Reverse(pack.index.num_objects()));
        files
    }

    /// Looks at every object of the wanted kinds, on every core, each once.
    pub(super) fn each<S>(
        &self,
        wanted: Wanted<'_>,
        state: &(dyn Fn() -> S + Sync),
        visit: &(dyn Fn(&mut S, Object<'_>) + Sync),
    ) -> Vec<GitError> {
        let mut failures = Vec::new();
        for (at, pack) in self.packs.iter().enumerate() {
            let earlier = &self.packs[..at];
            let known = |id: &gix_hash::oid| earlier.iter().any(|pack| pack.index.lookup(id).is_some());
            match Plan::new(pack, wanted, &known) {
                Ok(plan) => plan.run(state, visit),
                Err(error) => failures.push(error),
            }
        }
        let known = |id: &Id| self.packs.iter().any(|pack| pack.index.lookup(id).is_some());
        let loose: Vec<(Id, &PathBuf)> =
            self.loose.iter().filter_map(|path| Some((loose_id(path, self.hash)?, path))).filter(|(id, _)| !known(id)).collect();
        loose
            .par_iter()
            .for_each_init(state, |state, (id, path)| loose_object(*id, path, wanted, &mut |object| visit(state, object)));
        failures
    }
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn loose_id(path: &Path, hash: gix_hash::Kind) -> Option<Id> {
    let digits = [path.parent()?.file_name()?.to_str()?, path.file_name()?.to_str()?].concat();
    Id::from_hex(digits.as_bytes()).ok().filter(|id| id.kind() == hash)
}

fn loose_object(id: Id, path: &Path, wanted: Wanted<'_>, visit: &mut dyn FnMut(Object<'_>)) {
    let mut failed = |error: &io::Error| {
        // Packed in the meantime, or gone: nothing that is still here.
        if error.kind() != ErrorKind::NotFound {
            visit(Object { id, kind: Kind::Blob, content: Content::Failed(super::super::plain(error)) });
        }
    };
    let opened = File::open(path).and_then(|file| {
        let mut inflated = ZlibDecoder::new(file);
        let head = loose_head(&mut inflated)?;
        Ok((inflated, head))
    });
    match opened {
        Err(error) => failed(&error),
        Ok((_, (kind, _))) if !wanted.kinds.contains(&kind) => {}
        Ok((mut inflated, (kind, size))) if kind == Kind::Blob && size > HELD => {
            visit(Object { id, kind, content: Content::Stream(&mut inflated) });
        }
        Ok((inflated, (kind, size))) => {
            let mut bytes = Vec::new();
            match inflated.take(size).read_to_end(&mut bytes) {
                Err(error) => failed(&error),
                Ok(_) => visit(Object { id, kind, content: Content::Held(&bytes) }),
            }
        }
    }
}

/// `blob 123\0`.
fn loose_head(inflated: &mut impl Read) -> io::Result<(Kind, u64)> {
    let damaged = || io::Error::new(ErrorKind::InvalidData, "a damaged object");
    let (mut head, mut byte) = (Vec::new(), [0]);
    // Byte by byte: what follows belongs to the object.
    while head.len() < 64 {
        inflated.read_exact(&mut byte)?;
        if byte == [0] {
            break;
        }
        head.push(byte[0]);
    }
    let text = String::from_utf8(head).map_err(|_| damaged())?;
    let (kind, size) = text.split_once(' ').ok_or_else(damaged)?;
    let kind = Kind::from_bytes(kind.as_bytes()).map_err(|_| damaged())?;
    Ok((kind, size.parse().map_err(|_| damaged())?))
}

/// A pack with its index.
struct Pack {
    path: PathBuf,
    index: gix_pack::index::File,
    hash: gix_hash::Kind,
}

impl Pack {
    fn open(path: &Path, hash: gix_hash::Kind) -> Result<Self, GitError> {
        let index = gix_pack::index::File::at(path, hash).map_err(|error| GitError::damaged(path, error.to_string()))?;
        Ok(Self { path: path.with_extension("pack"), index, hash })
    }
}

/// The bytes of a pack: mapped if they are few, else read piece by piece.
enum PackBytes {
    Mapped(gix_pack::data::File),
    Read(File, u64),
}

impl PackBytes {
    fn open(pack: &Pack, memory: u64) -> Result<Self, GitError> {
        let failed = |error: &dyn std::fmt::Display| GitError::damaged(&pack.path, error.to_string());
        let size = fs::metadata(&pack.path).map_err(|error| failed(&error))?.len();
        if size <= memory / 2 {
            let data = gix_pack::data::File::at(&pack.path, pack.hash).map_err(|error| failed(&error))?;
            return Ok(Self::Mapped(data));
        }
        let file = File::open(&pack.path).map_err(|error| failed(&error))?;
        Ok(Self::Read(file, size))
    }

    fn end(&self, hash: gix_hash::Kind) -> u64 {
        match self {
            Self::Mapped(data) => data.pack_end() as u64,
            Self::Read(_, size) => size.saturating_sub(hash.len_in_bytes() as u64),
        }
    }

    fn get<'b>(&'b self, range: std::ops::Range<u64>, buffer: &'b mut Vec<u8>) -> io::Result<&'b [u8]> {
        match self {
            Self::Mapped(data) => data.entry_slice(range).ok_or_else(|| ErrorKind::UnexpectedEof.into()),
            Self::Read(file, _) => {
                buffer.resize(usize::try_from(range.end - range.start).unwrap_or(0), 0);
                read_at(file, buffer, range.start)?;
                Ok(buffer)
            }
        }
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, at)
}

#[cfg(not(unix))]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<()> {
    use std::io::{Seek, SeekFrom};
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(buffer)
}

/// An object in a pack.
#[derive(Clone, Copy)]
struct Node {
    offset: u64,
    /// Where its name stands in the index.
    name: u32,
    base: u32,
    first_child: u32,
    next_sibling: u32,
    /// Of the object, not of its entry, once that is known.
    kind: u8,
    /// Whether another pack has shown it.
    known: bool,
}

/// The head of an entry.
struct EntryHead {
    kind: u8,
    size: u64,
    /// Distance to the base.
    distance: u64,
    base: Option<Id>,
    length: usize,
}

impl EntryHead {
    fn read(bytes: &[u8], hash: gix_hash::Kind) -> Option<Self> {
        let mut at = 0;
        let mut next = || {
            let byte = bytes.get(at).copied();
            at += 1;
            byte
        };
        let mut byte = next()?;
        let (kind, mut size, mut shift) = (byte >> 4 & 7, u64::from(byte & 15), 4);
        while byte & 0x80 != 0 {
            byte = next()?;
            size |= u64::from(byte & 0x7F).checked_shl(shift)?;
            shift += 7;
        }
        let (mut distance, mut base) = (0, None);
        if kind == OFS_DELTA {
            byte = next()?;
            distance = u64::from(byte & 0x7F);
            while byte & 0x80 != 0 {
                byte = next()?;
                distance = distance.checked_add(1)?.checked_shl(7)? | u64::from(byte & 0x7F);
            }
        } else if kind == REF_DELTA {
            let name = bytes.get(at..at + hash.len_in_bytes())?;
            base = Some(Id::from_bytes_or_panic(name));
            at += hash.len_in_bytes();
        }
        Some(Self { kind, size, distance, base, length: at })
    }
}

/// A pass over a pack.
struct Plan<'a> {
    pack: &'a Pack,
    bytes: PackBytes,
    /// By their place in the pack.
    nodes: Vec<Node>,
    roots: Vec<u32>,
    /// What each thread may hold.
    budget: u64,
}

impl<'a> Plan<'a> {
    fn new(pack: &'a Pack, wanted: Wanted<'_>, known: &dyn Fn(&gix_hash::oid) -> bool) -> Result<Self, GitError> {
        let bytes = PackBytes::open(pack, wanted.memory)?;
        let count = pack.index.num_objects();
        let node = |name: u32| Node {
            offset: pack.index.pack_offset_at_index(name),
            name,
            base: NONE,
            first_child: NONE,
            next_sibling: NONE,
            kind: 0,
            known: known(pack.index.oid_at_index(name)),
        };
        let mut nodes: Vec<Node> = (0..count).map(node).collect();
        nodes.sort_unstable_by_key(|node| node.offset);
        let budget = wanted.memory / 4 / rayon::current_num_threads() as u64;
        let mut plan = Self { pack, bytes, nodes, roots: Vec::new(), budget };
        plan.link().ok_or_else(|| GitError::damaged(&pack.path, "a damaged pack"))?;
        let wanted: Vec<u8> = wanted.kinds.iter().map(|kind| code(*kind)).collect();
        let roots = (0..count).filter(|&at| plan.node(at).base == NONE && wanted.contains(&plan.node(at).kind));
        plan.roots = roots.collect();
        Ok(plan)
    }

    fn node(&self, at: u32) -> &Node {
        &self.nodes[at as usize]
    }

    fn end_of(&self, at: u32) -> u64 {
        self.nodes.get(at as usize + 1).map_or_else(|| self.bytes.end(self.pack.hash), |next| next.offset)
    }

    /// Reads the head of every entry, and finds out what is built on what.
    fn link(&mut self) -> Option<()> {
        let mut buffer = Vec::new();
        for at in 0..u32::try_from(self.nodes.len()).ok()? {
            let offset = self.node(at).offset;
            let end = self.end_of(at).min(offset + HEAD as u64);
            let head = EntryHead::read(self.bytes.get(offset..end, &mut buffer).ok()?, self.pack.hash)?;
            let base = match head.kind {
                OFS_DELTA => Some(offset.checked_sub(head.distance).filter(|_| head.distance > 0)?),
                REF_DELTA => Some(self.pack.index.pack_offset_at_index(self.pack.index.lookup(head.base?)?)),
                _ => None,
            };
            let node = &mut self.nodes[at as usize];
            node.kind = head.kind;
            let Some(base) = base else { continue };
            let base = self.nodes.binary_search_by_key(&base, |node| node.offset).ok()?;
            let sibling = std::mem::replace(&mut self.nodes[base].first_child, at);
            let node = &mut self.nodes[at as usize];
            node.next_sibling = sibling;
            node.base = u32::try_from(base).ok()?;
        }
        Some(())
    }

    fn run<S>(&self, state: &(dyn Fn() -> S + Sync), visit: &(dyn Fn(&mut S, Object<'_>) + Sync)) {
        let state = || (state(), Worker::new(self));
        self.roots.par_iter().for_each_init(state, |(state, worker), &root| {
            worker.family(root, &mut |object| visit(state, object));
        });
    }
}

const fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    }
}

fn kind_of(code: u8) -> Kind {
    [Kind::Commit, Kind::Tree, Kind::Blob, Kind::Tag][usize::from(code.clamp(1, 4)) - 1]
}

/// Bytes that something is built on, counted while they are held.
struct Base {
    bytes: Vec<u8>,
    held: Rc<Cell<u64>>,
}

impl Drop for Base {
    fn drop(&mut self) {
        self.held.set(self.held.get() - self.bytes.len() as u64);
    }
}

/// One thread of a pass.
struct Worker<'a> {
    plan: &'a Plan<'a>,
    inflate: Decompress,
    packed: Vec<u8>,
    delta: Vec<u8>,
    held: Rc<Cell<u64>>,
    /// A buffer to be used again.
    spare: Vec<u8>,
}

impl<'a> Worker<'a> {
    fn new(plan: &'a Plan<'a>) -> Self {
        let (packed, delta, spare) = Default::default();
        Self { plan, inflate: Decompress::new(true), packed, delta, held: Rc::default(), spare }
    }

    /// An object that is built on none, and everything that is built on it.
    fn family(&mut self, root: u32, visit: &mut dyn FnMut(Object<'_>)) {
        let kind = kind_of(self.plan.node(root).kind);
        let mut stack: Vec<(u32, Option<Rc<Base>>)> = vec![(root, None)];
        while let Some((at, base)) = stack.pop() {
            let node = *self.plan.node(at);
            let id = self.plan.pack.index.oid_at_index(node.name).to_owned();
            if kind == Kind::Blob && node.base == NONE && node.first_child == NONE && self.stream(at, id, visit) {
                continue;
            }
            let content = self.content(at, base.as_deref().map(|base| &base.bytes[..]));
            drop(base);
            let bytes = match content {
                Ok(bytes) => bytes,
                Err(why) => {
                    visit(Object { id, kind, content: Content::Failed(why) });
                    // What is built on it fails as well, and says so.
                    self.push_children(&node, None, &mut stack);
                    continue;
                }
            };
            if !node.known {
                visit(Object { id, kind, content: Content::Held(&bytes) });
            }
            if node.first_child == NONE {
                self.spare = bytes;
                continue;
            }
            let fits = self.held.get() + bytes.len() as u64 <= self.plan.budget;
            let kept = fits.then(|| {
                self.held.set(self.held.get() + bytes.len() as u64);
                Rc::new(Base { bytes, held: Rc::clone(&self.held) })
            });
            self.push_children(&node, kept.as_ref(), &mut stack);
        }
    }

    fn push_children(&self, node: &Node, base: Option<&Rc<Base>>, stack: &mut Vec<(u32, Option<Rc<Base>>)>) {
        let mut child = node.first_child;
        while child != NONE {
            stack.push((child, base.cloned()));
            child = self.plan.node(child).next_sibling;
        }
    }

    /// Shows a large blob without holding it. Says whether it was one.
    fn stream(&mut self, at: u32, id: Id, visit: &mut dyn FnMut(Object<'_>)) -> bool {
        let node = self.plan.node(at);
        if node.known {
            return true;
        }
        let range = node.offset..self.plan.end_of(at);
        let Ok(bytes) = self.plan.bytes.get(range, &mut self.packed) else { return false };
        match EntryHead::read(bytes, self.plan.pack.hash) {
            Some(head) if head.size > HELD => {
                let mut inflated = ZlibDecoder::new(&bytes[head.length..]);
                visit(Object { id, kind: Kind::Blob, content: Content::Stream(&mut inflated) });
                true
            }
            _ => false,
        }
    }

    /// The content of an object; without its base, that is built first.
    fn content(&mut self, at: u32, base: Option<&[u8]>) -> Result<Vec<u8>, String> {
        if self.plan.node(at).base == NONE || base.is_some() {
            return self.build(at, base);
        }
        let mut chain = vec![at];
        while let Some(&last) = chain.last()
            && self.plan.node(last).base != NONE
        {
            chain.push(self.plan.node(last).base);
        }
        let mut bytes: Option<Vec<u8>> = None;
        for at in chain.into_iter().rev() {
            bytes = Some(self.build(at, bytes.as_deref())?);
        }
        bytes.ok_or_else(|| "a damaged object".to_owned())
    }

    fn build(&mut self, at: u32, base: Option<&[u8]>) -> Result<Vec<u8>, String> {
        let damaged = || "a damaged object".to_owned();
        let plan = self.plan;
        let range = plan.node(at).offset..plan.end_of(at);
        let bytes = plan.bytes.get(range, &mut self.packed).map_err(|error| super::super::plain(&error))?;
        let head = EntryHead::read(bytes, plan.pack.hash).ok_or_else(damaged)?;
        if head.size > 2 * plan.budget {
            return Err(format!("over the limit: {} bytes need more memory (--memory)", head.size));
        }
        let mut inflated = match base {
            Some(_) => std::mem::take(&mut self.delta),
            None => std::mem::take(&mut self.spare),
        };
        inflate(&mut self.inflate, &bytes[head.length..], head.size, &mut inflated).ok_or_else(damaged)?;
        let Some(base) = base else { return Ok(inflated) };
        self.delta = inflated;
        let mut built = std::mem::take(&mut self.spare);
        apply(base, &self.delta, &mut built, 2 * plan.budget).ok_or_else(damaged)?;
        Ok(built)
    }
}

fn inflate(inflate: &mut Decompress, bytes: &[u8], size: u64, out: &mut Vec<u8>) -> Option<()> {
    let size = usize::try_from(size).ok()?;
    out.clear();
    // One byte more: what does not end where it should is damaged.
    out.reserve_exact(size + 1);
    inflate.reset(true);
    let status = inflate.decompress_vec(bytes, out, FlushDecompress::Finish).ok()?;
    (status == Status::StreamEnd && out.len() == size).then_some(())
}

/// Builds an object from its base: sizes, then copies from the base and bytes of its own.
fn apply(base: &[u8], delta: &[u8], out: &mut Vec<u8>, most: u64) -> Option<()> {
    let mut at = 0;
    let mut number = || {
        let (mut value, mut shift) = (0u64, 0);
        loop {
            let byte = *delta.get(at)?;
            at += 1;
            value |= u64::from(byte & 0x7F).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
    };
    let (from, size) = (number()?, number()?);
    if from != base.len() as u64 || size > most {
        return None;
    }
    let size = usize::try_from(size).ok()?;
    out.clear();
    out.reserve_exact(size);
    while let Some(&command) = delta.get(at) {
        at += 1;
        if command & 0x80 != 0 {
            let mut part = |bits: std::ops::Range<u32>| {
                let mut value = 0usize;
                for (place, bit) in bits.enumerate() {
                    if command >> bit & 1 != 0 {
                        value |= usize::from(*delta.get(at)?) << (8 * place);
                        at += 1;
                    }
                }
                Some(value)
            };
            let (start, length) = (part(0..4)?, part(4..7)?);
            let length = if length == 0 { 0x1_0000 } else { length };
            out.extend_from_slice(base.get(start..start + length)?);
        } else if command == 0 {
            return None;
        } else {
            out.extend_from_slice(delta.get(at..at + usize::from(command))?);
            at += usize::from(command);
        }
        if out.len() > size {
            return None;
        }
    }
    (out.len() == size).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(base: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        apply(base, delta, &mut out, 1 << 20).map(|()| out)
    }

    #[test]
    fn deltas_copy_and_insert() {
        // Copy two bytes from offset 1, then two of its own.
        assert_eq!(built(b"abcd", &[4, 4, 0x91, 1, 2, 2, b'x', b'y']).unwrap(), b"bcxy");
        // A size that is left out is 64 KiB.
        let base = vec![7; 0x1_0000];
        assert_eq!(built(&base, &[0x80, 0x80, 4, 0x80, 0x80, 4, 0x80]).unwrap(), base);
    }

    #[test]
    fn damaged_deltas_are_refused() {
        for delta in [
            &[][..],
            &[4],
            &[3, 1, 1, b'x'],
            &[4, 9, 1, b'x'],
            &[4, 1, 0],
            &[4, 1, 2, b'x'],
            &[4, 2, 0x91, 3, 2],
            &[4, 1, 2, b'x', b'y'],
            &[0xFF; 40],
        ] {
            assert_eq!(built(b"abcd", delta), None, "{delta:?}");
        }
    }

    #[test]
    fn heads_of_entries() {
        let head = EntryHead::read(&[0xB5, 0x0A, 0], gix_hash::Kind::Sha1).unwrap();
        assert_eq!((head.kind, head.size, head.length), (3, 165, 2));
        let head = EntryHead::read(&[0x65, 0x80, 0x01], gix_hash::Kind::Sha1).unwrap();
        assert_eq!((head.kind, head.distance, head.length), (6, 129, 3));
        assert!(EntryHead::read(&[0xFF; 48], gix_hash::Kind::Sha1).is_none());
        assert!(EntryHead::read(&[0x75, 1, 2], gix_hash::Kind::Sha1).is_none());
    }
}
