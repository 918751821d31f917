//! A disk in memory that knows what a power cut would leave behind.
//!
//! Each file keeps its synced content apart from the 512-byte sectors written since; each directory change waits
//! until the directory is synced. [`MemoryDisk::power_cut`] draws one of the images a real disk could show after
//! losing power: any subset of unsynced sectors, each old, new, in between or torn; lengths with or without their
//! data; names that came, went or stayed. Always: what was synced is in every image.

use super::clock::SeededEntropy;
use super::{Access, Disk, File, Lock, LockAttempt};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, io};

const SECTOR_BYTES: usize = 512;
/// How many unsynced versions of one sector are remembered; older ones are forgotten first.
const VERSIONS_MAX: usize = 4;

/// A file system in memory. Clones share the same files.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    tree: Arc<Mutex<Tree>>,
}

#[derive(Clone, Debug)]
enum Node {
    Dir,
    File(Arc<MemoryFile>),
}

#[derive(Debug, Default)]
struct Tree {
    live: BTreeMap<PathBuf, Node>,
    durable: BTreeMap<PathBuf, Node>,
    pending: Vec<DirOp>,
    locked: BTreeSet<PathBuf>,
}

#[derive(Clone, Debug)]
enum DirOp {
    Link(PathBuf, Node),
    Unlink(PathBuf),
    /// A name moves with the file it stands for, not with whatever else had that name before.
    Rename(PathBuf, PathBuf, Node),
}

impl DirOp {
    fn concerns(&self, dir: &Path) -> bool {
        let (DirOp::Link(path, _) | DirOp::Unlink(path) | DirOp::Rename(path, ..)) = self;
        path.parent() == Some(dir)
    }

    fn run(&self, names: &mut BTreeMap<PathBuf, Node>) {
        match self {
            DirOp::Link(path, node) => drop(names.insert(path.clone(), node.clone())),
            DirOp::Unlink(path) => drop(names.remove(path)),
            DirOp::Rename(from, to, node) => {
                names.remove(from);
                if let Node::Dir = node {
                    move_content(names, from, to);
                }
                names.insert(to.clone(), node.clone());
            }
        }
    }
}

/// What is in a directory goes where that goes.
fn move_content(names: &mut BTreeMap<PathBuf, Node>, from: &Path, to: &Path) {
    let moved: Vec<PathBuf> = names.keys().filter(|path| path.starts_with(from)).cloned().collect();
    for old in moved {
        if let (Ok(inside), Some(node)) =
            (old.strip_prefix(from).map(|inside| to.join(inside)), names.remove(&old))
        {
            names.insert(inside, node);
        }
    }
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        MemoryDisk::default()
    }

    /// What a disk could hold if power failed now; the same seed draws the same image. Locks are gone in it.
    pub fn power_cut(&self, seed: u64) -> MemoryDisk {
        let dice = SeededEntropy::new(seed);
        let tree = self.lock();
        let mut names = tree.durable.clone();
        let fate = dice.below(4);
        let kept = dice.below(tree.pending.len() + 1);
        for (index, op) in tree.pending.iter().enumerate() {
            let survives = match fate {
                0 => false,
                1 => true,
                2 => index < kept,
                _ => dice.below(2) == 0,
            };
            if survives {
                op.run(&mut names);
            }
        }
        MemoryDisk::holding(&names, |file| file.after_power_cut(&dice))
    }

    /// A copy of everything written so far, as if all of it had been synced: what a killed process leaves.
    pub fn process_kill(&self) -> MemoryDisk {
        MemoryDisk::holding(&self.lock().live, |file| file.content().live.clone())
    }

    fn holding(names: &BTreeMap<PathBuf, Node>, bytes_of: impl Fn(&MemoryFile) -> Vec<u8>) -> MemoryDisk {
        let reachable =
            |path: &Path| path.ancestors().skip(1).all(|dir| is_root(dir) || names.contains_key(dir));
        // A file with several names is one file.
        let mut copies: Vec<(&Arc<MemoryFile>, Arc<MemoryFile>)> = Vec::new();
        let mut copy_of = |file| match copies.iter().find(|(known, _)| Arc::ptr_eq(known, file)) {
            Some((_, copy)) => Arc::clone(copy),
            None => {
                let copy = Arc::new(MemoryFile::synced(bytes_of(file)));
                copies.push((file, Arc::clone(&copy)));
                copy
            }
        };
        let live: BTreeMap<PathBuf, Node> = names
            .iter()
            .filter(|(path, _)| reachable(path))
            .map(|(path, node)| match node {
                Node::Dir => (path.clone(), Node::Dir),
                Node::File(file) => (path.clone(), Node::File(copy_of(file))),
            })
            .collect();
        let tree = Tree { durable: live.clone(), live, ..Tree::default() };
        MemoryDisk { tree: Arc::new(Mutex::new(tree)) }
    }

    /// The bytes of a file, or nothing if it is not there.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        match self.lock().live.get(path) {
            Some(Node::File(file)) => Some(file.content().live.clone()),
            _ => None,
        }
    }

    /// Puts a file there with the given bytes, durable at once: how tests damage what a store wrote.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        let node = Node::File(Arc::new(MemoryFile::synced(bytes)));
        let mut tree = self.lock();
        tree.live.insert(path.to_owned(), node.clone());
        tree.durable.insert(path.to_owned(), node);
    }

    /// The paths of all files, in order.
    pub fn files(&self) -> Vec<PathBuf> {
        let tree = self.lock();
        tree.live
            .iter()
            .filter(|(_, node)| matches!(node, Node::File(_)))
            .map(|(path, _)| path.clone())
            .collect()
    }

    pub(super) fn open_file(&self, path: &Path, access: Access) -> io::Result<Arc<MemoryFile>> {
        let mut tree = self.lock();
        match (tree.live.get(path), access) {
            (Some(Node::File(_)), Access::Create) => Err(io::ErrorKind::AlreadyExists.into()),
            (Some(Node::File(file)), _) => Ok(Arc::clone(file)),
            (Some(Node::Dir), _) => Err(io::ErrorKind::IsADirectory.into()),
            (None, Access::Create) => {
                let file = Arc::new(MemoryFile::default());
                tree.change(DirOp::Link(path.to_owned(), Node::File(Arc::clone(&file))));
                Ok(file)
            }
            (None, _) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_root(dir: &Path) -> bool {
    dir.as_os_str().is_empty() || dir.parent().is_none()
}

impl Tree {
    /// Makes the names in a directory durable.
    fn settle(&mut self, dir: &Path) {
        let (settled, waiting) =
            std::mem::take(&mut self.pending).into_iter().partition(|op: &DirOp| op.concerns(dir));
        self.pending = waiting;
        for op in settled {
            op.run(&mut self.durable);
        }
    }

    fn change(&mut self, op: DirOp) {
        op.run(&mut self.live);
        self.pending.push(op);
    }
}

impl Disk for MemoryDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut tree = self.lock();
        let dirs: Vec<PathBuf> = path.ancestors().filter(|dir| !is_root(dir)).map(PathBuf::from).collect();
        for dir in dirs.into_iter().rev() {
            if tree.live.contains_key(&dir) {
                continue;
            }
            tree.change(DirOp::Link(dir.clone(), Node::Dir));
            // With the new name, whatever else is known of its directory becomes durable.
            dir.parent().into_iter().for_each(|parent| tree.settle(parent));
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let tree = self.lock();
        if !is_root(dir) && !tree.live.contains_key(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = tree
            .live
            .iter()
            .filter(|(path, node)| path.parent() == Some(dir) && matches!(node, Node::File(_)));
        Ok(inside.filter_map(|(path, _)| path.file_name()?.to_str().map(String::from)).collect())
    }

    fn is_vacant(&self, dir: &Path) -> io::Result<bool> {
        let tree = self.lock();
        Ok(!tree.live.iter().any(|(path, node)| path.parent() == Some(dir) && matches!(node, Node::Dir)))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        Ok(self.open_file(path, access)?)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut tree = self.lock();
        let Some(node) = tree.live.get(from).cloned() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        if matches!(node, Node::Dir) && tree.live.keys().any(|inside| inside.parent() == Some(to)) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        tree.change(DirOp::Rename(from.to_owned(), to.to_owned(), node));
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut tree = self.lock();
        match tree.live.get(from).cloned() {
            Some(Node::File(_)) if tree.live.contains_key(to) => Err(io::ErrorKind::AlreadyExists.into()),
            Some(node @ Node::File(_)) => {
                tree.change(DirOp::Link(to.to_owned(), node));
                Ok(())
            }
            Some(Node::Dir) => Err(io::ErrorKind::PermissionDenied.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn is_shared(&self, path: &Path) -> io::Result<bool> {
        let tree = self.lock();
        let Some(Node::File(file)) = tree.live.get(path) else { return Err(io::ErrorKind::NotFound.into()) };
        let is_one = |node: &&Node| matches!(node, Node::File(other) if Arc::ptr_eq(file, other));
        Ok(tree.live.values().filter(is_one).count() > 1)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut tree = self.lock();
        if !tree.live.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        tree.change(DirOp::Unlink(path.to_owned()));
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut tree = self.lock();
        if tree.live.keys().any(|inside| inside.parent() == Some(path)) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        tree.change(DirOp::Unlink(path.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.lock().settle(dir);
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<LockAttempt> {
        let taken = self.lock().locked.insert(path.to_owned());
        Ok(match taken {
            true => LockAttempt::Taken(Box::new(MemoryLock { disk: self.clone(), path: path.to_owned() })),
            false => LockAttempt::Held(None),
        })
    }
}

#[derive(Debug)]
struct MemoryLock {
    disk: MemoryDisk,
    path: PathBuf,
}

impl Lock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.disk.lock().locked.remove(&self.path);
    }
}

/// A file of a [`MemoryDisk`].
#[derive(Default)]
pub(super) struct MemoryFile {
    content: Mutex<Content>,
}

impl fmt::Debug for MemoryFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryFile").field("bytes", &self.content().live.len()).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Content {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// Versions of each sector written since the last sync, oldest first; the last one is what `live` holds.
    dirty: BTreeMap<usize, Vec<[u8; SECTOR_BYTES]>>,
}

impl MemoryFile {
    fn synced(bytes: Vec<u8>) -> Self {
        let content = Content { durable: bytes.clone(), live: bytes, dirty: BTreeMap::new() };
        MemoryFile { content: Mutex::new(content) }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a failed sync does on Linux: the page cache keeps the new bytes and calls them clean, the disk has none.
    pub(super) fn lose_dirty_pages(&self) {
        self.content().dirty.clear();
    }

    fn after_power_cut(&self, dice: &SeededEntropy) -> Vec<u8> {
        let content = self.content();
        let mut image = content.durable.clone();
        image.resize(content.surviving_len(dice), 0);
        let fate = dice.below(3);
        for (sector, versions) in &content.dirty {
            let survives = match fate {
                0 => false,
                1 => true,
                _ => dice.below(2) == 0,
            };
            if survives {
                let version = &versions[dice.below(versions.len())];
                let torn_at = if dice.below(4) == 0 { dice.below(SECTOR_BYTES) } else { SECTOR_BYTES };
                overlay(&mut image, sector * SECTOR_BYTES, &version[..torn_at]);
            }
        }
        image
    }
}

fn overlay(image: &mut [u8], at: usize, bytes: &[u8]) {
    let end = image.len().min(at + bytes.len());
    if at < end {
        image[at..end].copy_from_slice(&bytes[..end - at]);
    }
}

impl Content {
    fn surviving_len(&self, dice: &SeededEntropy) -> usize {
        if dice.below(2) == 0 { self.live.len() } else { self.durable.len() }
    }

    fn touch(&mut self, from: usize, to: usize) {
        for sector in from / SECTOR_BYTES..to.div_ceil(SECTOR_BYTES) {
            let mut version = [0; SECTOR_BYTES];
            let start = sector * SECTOR_BYTES;
            let end = self.live.len().min(start + SECTOR_BYTES);
            if start < end {
                version[..end - start].copy_from_slice(&self.live[start..end]);
            }
            let versions = self.dirty.entry(sector).or_default();
            versions.push(version);
            if versions.len() > VERSIONS_MAX {
                versions.remove(0);
            }
        }
    }
}

impl File for MemoryFile {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let content = self.content();
        let start = usize::try_from(at).unwrap_or(usize::MAX).min(content.live.len());
        let count = buffer.len().min(content.live.len() - start);
        buffer[..count].copy_from_slice(&content.live[start..start + count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        let mut content = self.content();
        let start = usize::try_from(at).map_err(io::Error::other)?;
        let end = start + bytes.len();
        if content.live.len() < end {
            content.live.resize(end, 0);
        }
        content.live[start..end].copy_from_slice(bytes);
        content.touch(start, end);
        Ok(bytes.len())
    }

    fn sync(&self) -> io::Result<()> {
        let mut content = self.content();
        let content = &mut *content;
        content.durable.resize(content.live.len(), 0);
        for sector in std::mem::take(&mut content.dirty).into_keys() {
            let start = (sector * SECTOR_BYTES).min(content.live.len());
            let end = content.live.len().min(start + SECTOR_BYTES);
            content.durable[start..end].copy_from_slice(&content.live[start..end]);
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.content().live.len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut content = self.content();
        let len = usize::try_from(len).map_err(io::Error::other)?;
        let old = content.live.len();
        content.live.resize(len, 0);
        // What was cut off and grown again must not come back as its old bytes, but after a power cut it may.
        let (kept, grown) = (old.min(len), content.durable.len().min(len));
        content.touch(kept, grown.max(kept));
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        if self.len()? < len { self.set_len(len) } else { Ok(()) }
    }
}
