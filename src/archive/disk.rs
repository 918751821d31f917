//! [`ArchiveDisk`]: an archive as a directory that can be read, so that all that reads stores reads archives.
//!
//! A log ends with a segment that is not sealed, and an archive holds sealed ones only. So one without records is shown behind the
//! last, made of what its footer says. Paths outside of the archive are passed on to the disk of the machine: a restore writes there.
//!
//! Always: only names of segments and snapshots are shown, and only those can be opened; nothing is written; no more memory is
//! taken than the cache has.

use super::remote::{Remote, name_in};
use crate::io::{Access, Disk, File, LockAttempt};
use crate::layout::{number_in, numbered};
use crate::segment::footer::{Ending, Footer, TAIL_BYTES};
use crate::segment::format::{self, HEADER_BYTES, Header};
use crate::segment::{EXTENSION, bases_in};
use crate::snapshot;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is fetched at a time where less is asked for, and how much of it is kept at hand.
const BLOCK_BYTES: u64 = 64 << 10;
const BLOCKS_MAX: usize = 128;

/// The objects of an archive and, for all other paths, a disk.
#[derive(Debug)]
pub(super) struct ArchiveDisk {
    pub(super) remote: Arc<Remote>,
    beside: Arc<dyn Disk>,
    root: PathBuf,
    known: Mutex<Known>,
    blocks: Arc<Mutex<Blocks>>,
}

/// What the last look at the archive found.
#[derive(Debug, Default)]
struct Known {
    lengths: BTreeMap<String, u64>,
    /// The segment behind the last one: its name and its bytes.
    end: Option<(String, Arc<[u8]>)>,
}

/// The name of an object, and which of its blocks.
type Place = (String, u64);

#[derive(Debug)]
struct Block {
    used: u64,
    bytes: Arc<[u8]>,
}

/// Blocks of objects, which never change.
#[derive(Debug, Default)]
struct Blocks {
    held: HashMap<Place, Block>,
    uses: u64,
}

impl ArchiveDisk {
    /// Shows the archive as the directory `root`, which errors name.
    pub(super) fn over(remote: Remote, beside: Arc<dyn Disk>, root: &Path) -> Self {
        let root = root.to_owned();
        let (known, blocks) = (Mutex::default(), Arc::default());
        ArchiveDisk { remote: Arc::new(remote), beside, root, known, blocks }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The objects there are, by name, with their lengths.
    pub(super) fn objects(&self) -> io::Result<BTreeMap<String, u64>> {
        let mut lengths = self.remote.list()?;
        lengths.retain(|name, _| is_ours(name));
        Ok(lengths)
    }

    fn look(&self) -> io::Result<Vec<String>> {
        let lengths = self.objects()?;
        let end = self.end_of(&lengths)?;
        let mut names: Vec<String> = lengths.keys().cloned().collect();
        names.extend(end.iter().map(|(name, _)| name.clone()).filter(|name| !lengths.contains_key(name)));
        *ignore_poison(&self.known) = Known { lengths, end };
        Ok(names)
    }

    /// The segment that follows the last one. Nothing if there is none, or it is not sealed: then that is to be told as damage.
    fn end_of(&self, lengths: &BTreeMap<String, u64>) -> io::Result<Option<(String, Arc<[u8]>)>> {
        let names: Vec<String> = lengths.keys().cloned().collect();
        let bases = bases_in(&names);
        let Some(&newest) = bases.last() else { return Ok(None) };
        let Some((header, footer)) = self.ends(newest, lengths)? else { return Ok(None) };
        let origin = self.beginning_of_the_run(&bases, lengths)?;
        let (base, chain) = (newest + u64::from(footer.count), footer.chain);
        let header = Header { backup: true, base, chain, origin, ..header };
        let mark = format::mark(&header.store, base, chain);
        Ok(Some((numbered(base, EXTENSION), [&header.encode()[..], &mark].concat().into())))
    }

    /// Where the newest segments begin between which nothing is missing.
    fn beginning_of_the_run(&self, bases: &[u64], lengths: &BTreeMap<String, u64>) -> io::Result<u64> {
        let mut begins = bases.last().copied().unwrap_or(0);
        for &base in bases.iter().rev().skip(1) {
            match self.ends(base, lengths)? {
                Some((_, footer)) if base + u64::from(footer.count) != begins => break,
                // What cannot be read is not given up: opening tells.
                _ => begins = base,
            }
        }
        Ok(begins)
    }

    /// Header and footer of a sealed segment.
    fn ends(&self, base: u64, lengths: &BTreeMap<String, u64>) -> io::Result<Option<(Header, Footer)>> {
        let name = numbered(base, EXTENSION);
        let Some(&length) = lengths.get(&name) else { return Ok(None) };
        let file = self.object(name, length);
        let (mut head, mut tail) = ([0; HEADER_BYTES], [0; TAIL_BYTES]);
        let Some(at) = length.checked_sub(TAIL_BYTES as u64) else { return Ok(None) };
        crate::io::read_full_at(&file, &mut head, 0)?;
        crate::io::read_full_at(&file, &mut tail, at)?;
        let header = Header::decode(&head, Path::new(&file.name)).ok().filter(|header| header.base == base);
        let footer = Footer::decode(&tail, length).filter(|footer| footer.ending == Ending::Sealed);
        Ok(header.zip(footer))
    }

    fn object(&self, name: String, length: u64) -> Object {
        Object { remote: Arc::clone(&self.remote), blocks: Arc::clone(&self.blocks), name, length }
    }

    fn open_object(&self, name: &str) -> Option<Arc<dyn File>> {
        let known = ignore_poison(&self.known);
        if let Some(&length) = known.lengths.get(name) {
            return Some(Arc::new(self.object(name.to_owned(), length)));
        }
        let (_, bytes) = known.end.as_ref().filter(|(end, _)| end == name)?;
        Some(Arc::new(End(Arc::clone(bytes))))
    }

    fn is_inside(&self, path: &Path) -> bool {
        path.starts_with(&self.root)
    }

    fn outside(&self, path: &Path) -> io::Result<&dyn Disk> {
        if self.is_inside(path) { Err(io::ErrorKind::ReadOnlyFilesystem.into()) } else { Ok(&*self.beside) }
    }
}

/// Whether a name is that of a file that a store has.
fn is_ours(name: &str) -> bool {
    number_in(name, EXTENSION).is_some() || !snapshot::versions_in(&[name.to_owned()]).is_empty()
}

impl Disk for ArchiveDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.outside(path)?.create_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        if dir == self.root { self.look() } else { self.beside.list(dir) }
    }

    fn is_vacant(&self, dir: &Path) -> io::Result<bool> {
        if dir == self.root { Ok(true) } else { self.beside.is_vacant(dir) }
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        if !self.is_inside(path) {
            return self.beside.open(path, access);
        }
        if access != Access::Read {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        let name = name_in(&self.root, path).ok_or(io::ErrorKind::NotFound)?;
        if let Some(file) = self.open_object(name) {
            return Ok(file);
        }
        // It may have come since.
        self.look()?;
        self.open_object(name).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.outside(from)?;
        self.outside(to)?.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.outside(path)?.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.outside(dir)?.sync_dir(dir)
    }

    fn try_lock(&self, path: &Path) -> io::Result<LockAttempt> {
        self.outside(path)?.try_lock(path)
    }
}

/// An object that is read as a file.
#[derive(Debug)]
struct Object {
    remote: Arc<Remote>,
    blocks: Arc<Mutex<Blocks>>,
    name: String,
    length: u64,
}

impl Object {
    fn block(&self, index: u64) -> io::Result<Arc<[u8]>> {
        let key = (self.name.clone(), index);
        if let Some(block) = ignore_poison(&self.blocks).used(&key) {
            return Ok(block);
        }
        let start = index * BLOCK_BYTES;
        let end = (start + BLOCK_BYTES).min(self.length);
        let block: Arc<[u8]> = self.fetched(start, end)?.into();
        ignore_poison(&self.blocks).hold(key, Arc::clone(&block));
        Ok(block)
    }

    fn fetched(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let bytes = self.remote.read(&self.name, start..end)?;
        // What the object store says of lengths is not believed either.
        if bytes.len() as u64 == end - start { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl File for Object {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        if at >= self.length || buffer.is_empty() {
            return Ok(0);
        }
        let wanted = (self.length - at).min(buffer.len() as u64);
        if wanted >= BLOCK_BYTES {
            let bytes = self.fetched(at, at + wanted)?;
            buffer[..bytes.len()].copy_from_slice(&bytes);
            return Ok(bytes.len());
        }
        let block = self.block(at / BLOCK_BYTES)?;
        let within = &block[(at % BLOCK_BYTES) as usize..];
        let count = within.len().min(buffer.len());
        buffer[..count].copy_from_slice(&within[..count]);
        Ok(count)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync(&self) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn allocate(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

/// The segment that is not in the archive.
#[derive(Debug)]
struct End(Arc<[u8]>);

impl File for End {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.0.get(at..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync(&self) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn allocate(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

impl Blocks {
    fn used(&mut self, place: &Place) -> Option<Arc<[u8]>> {
        self.uses += 1;
        let block = self.held.get_mut(place)?;
        block.used = self.uses;
        Some(Arc::clone(&block.bytes))
    }

    /// Keeps a block in the place of the one that was not used for the longest time.
    fn hold(&mut self, place: Place, bytes: Arc<[u8]>) {
        if self.held.len() >= BLOCKS_MAX {
            let oldest = self.held.iter().min_by_key(|(_, block)| block.used).map(|(place, _)| place.clone());
            oldest.map(|place| self.held.remove(&place));
        }
        self.uses += 1;
        self.held.insert(place, Block { used: self.uses, bytes });
    }
}

/// What a lock guards is replaced as a whole, or a cache.
fn ignore_poison<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
